/* SPDX-License-Identifier: MIT */
/*
 * settings_table.h - the one table of settings, and all that is written from it.
 *
 * A row is a key of ctfg.yaml.  Its environment variable is made from its name ("stream.ping_timeout"
 * is CTFG_STREAM_PING_TIMEOUT); a few keys have a flag too.  A value is text in all three, in the
 * same notation, and goes through the same check (settings_value.h).  Whoever wins writes last: the
 * file, then .env, then the environment, then the command line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct arena;
struct settings; /* conf/settings.h */

enum settings_kind {
    SETTINGS_BOOL,       /* true, false */
    SETTINGS_COUNT,      /* a whole number */
    SETTINGS_BYTES,      /* 4096, 16KiB, 1MiB, 2GiB */
    SETTINGS_MS,         /* a duration, kept in milliseconds: 20ms, 10s, 5m, 12h */
    SETTINGS_SECONDS,    /* a duration, kept in seconds */
    SETTINGS_LIMIT,      /* 10 + 1/2s: ten at once, then one in two seconds */
    SETTINGS_TEXT,       /* UTF-8, at most `most` bytes, no control characters but newlines */
    SETTINGS_CHOICE,     /* one of the words in `choices` */
    SETTINGS_LIST,       /* of texts; in the environment and on the command line: a,b,c */
    SETTINGS_COLOUR,     /* #rrggbb, or empty */
    SETTINGS_ADDRESS,    /* of this machine, without a port, or unix:/path, or empty */
    SETTINGS_ENDPOINT,   /* address:port, or off */
    SETTINGS_STREAM_URL, /* ws://... or wss://... whose path ends in /scorestream, or empty */
    SETTINGS_IMAGE,      /* a path below images/, or empty */
    SETTINGS_MOMENT,     /* 2026-11-28T10:00:00+01:00, kept in ms since 1970; empty: 0 */
};

/* What an entry of a SETTINGS_LIST is. */
enum settings_entry {
    SETTINGS_ENTRY_TEXT,
    SETTINGS_ENTRY_NETWORK, /* an address or a CIDR block, as in conf/network.h */
    SETTINGS_ENTRY_ORIGIN,  /* http://host[:port], https://..., null: as a browser sends it */
};

struct settings_row {
    const char *key; /* "section.name" */
    enum settings_kind kind;
    size_t offset; /* of the field in struct settings */
    const char *initial;
    uint64_t least;       /* of numbers, in the unit they are kept in; its burst; bytes */
    uint64_t most;        /* texts and lists: the most bytes of one */
    char letter;          /* of the short flag; 0: none */
    const char *flag;     /* without the dashes; NULL: none */
    const char *argument; /* what --help calls the flag's value */
    const char
        *flag_unit;  /* a bare number on the command line is in this unit; NULL: as in the file */
    bool at_restart; /* a reload does not change it: sockets, tables, processes are there */
    const char *choices; /* SETTINGS_CHOICE: words with '|' between them */
    enum settings_entry entry;
    bool is_header; /* SETTINGS_TEXT: sent as one; of several lines it becomes one */
    const char *sentence;
};

extern const struct settings_row settings_rows[];
extern const uint32_t settings_row_count;

/* What begins the name of every variable that is a setting. */
#define SETTINGS_VARIABLE_PREFIX "CTFG_"
/* Longest name of an environment variable, with its NUL. */
#define SETTINGS_VARIABLE_BYTES 64

/* NULL: no such key. */
const struct settings_row *settings_find_key(struct str key);
/* Of an environment variable; NULL: it is no setting. */
const struct settings_row *settings_find_variable(struct str name);
/* "stream.ping_timeout" -> "CTFG_STREAM_PING_TIMEOUT". */
void settings_variable_name(const struct settings_row *row, char *ret_name);

/* A flag of the command line. */
struct settings_flag {
    const struct settings_row *row;
    bool takes_value; /* false: the flag alone says "true" */
};

/* "--port", "port", "-p" and "p" all name the same flag.  false: it is no flag of a setting. */
MUST_USE bool settings_find_flag(const char *name, struct settings_flag *ret_flag);
/* Appends "stream.ping_timeout=45s\n" for `--ws-ping-timeout 45`; value is NULL for a flag that takes
 * none.  false: the value holds a newline.  Its range is checked by settings_load() only. */
MUST_USE bool settings_append_flag(struct buf *overrides, const struct settings_flag *flag,
                                   const char *value);
/* Do two settings differ in this row? */
bool settings_differ(const struct settings_row *row, const struct settings *one,
                     const struct settings *other);
/* Puts the row's value of `from` into `to`, with bytes of its own in the arena. */
void settings_copy(const struct settings_row *row, const struct settings *from, struct arena *arena,
                   struct settings *to);
/* Appends a line for each CTFG_ variable of the table that is set, to be put before the flags'
 * lines.  false: the value of *ret_variable holds a newline. */
MUST_USE bool settings_append_environment(struct buf *overrides,
                                          char ret_variable[SETTINGS_VARIABLE_BYTES]);

/* conf/ctfg.yaml: every key with its default and a comment. */
void settings_write_sample(FILE *out);
/* The line of a flag in `ctfg --help`. */
void settings_write_help(FILE *out, const struct settings_row *row);
/* docs/configuration.md. */
void settings_write_reference(FILE *out);
/* The manual page ctfg.yaml(5), all but its title. */
void settings_write_manual(FILE *out);
