/* SPDX-License-Identifier: MIT */
/*
 * table_out.h - writes tables of rows as CSV or JSON, one row at a time.
 *
 * CSV      RFC 4180: a line of names first, CRLF, quotes where they must be.  A text that a
 *          spreadsheet would take for a formula (it begins with = + - @, a tab or a line break)
 *          gets an apostrophe before it.
 * JSON     {"key": value, ..., "table": [{...}, ...], ...}; texts are UTF-8, nothing is changed.
 * Times are texts as in RFC 3339, in UTC, with milliseconds.
 *
 * Process  the tools.  Memory: one row.  Errors: the stream's; look at table_out_end().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/json_out.h"
#include "shm/base/str.h"

enum table_format { TABLE_CSV, TABLE_JSON };

/* One cell, with the name of its column: the first row of a table gives the names of all. */
enum table_kind { TABLE_NONE, TABLE_NUMBER, TABLE_TEXT, TABLE_TIME, TABLE_BOOL };
struct table_cell {
    const char *name;
    enum table_kind kind;
    int64_t number; /* TABLE_TIME: microseconds since 1970; TABLE_BOOL: 0 or 1 */
    struct str text;
};

struct table_out {
    FILE *out;
    enum table_format format;
    struct buf row;
    struct json_out json;
};

void table_out_begin(struct table_out *table, FILE *out, enum table_format format);
/* A value beside the tables; JSON only. */
void table_out_value(struct table_out *table, const struct table_cell *cell);
/* The names of the columns: cells whose values do not matter. */
void table_out_open(struct table_out *table, const char *name, const struct table_cell *cells,
                    uint32_t count);
void table_out_row(struct table_out *table, const struct table_cell *cells, uint32_t count);
void table_out_close(struct table_out *table);
/* true: all of it was written. */
MUST_USE bool table_out_end(struct table_out *table);
