/* SPDX-License-Identifier: MIT */
/* settings_value.h - one setting's text into its field: notation, unit and range. */
#pragma once

#include <stdbool.h>

#include "conf/arena.h"
#include "conf/settings.h"
#include "conf/settings_table.h"
#include "shm/base/compiler.h"

#define SETTINGS_REASON_BYTES 256
/* A number with its unit, and the NUL. */
#define SETTINGS_NUMBER_BYTES 24

/*
 * Writes the field of `row` in *settings.  Texts are copied to the arena.
 * false: ret_reason (SETTINGS_REASON_BYTES) says what is expected, as in "must be from 1 to 65535".
 */
MUST_USE bool settings_set(struct settings *settings, const struct settings_row *row,
                           struct str text, struct arena *arena, char *ret_reason);
/* Starts a list afresh (its first item) or goes on with it. */
MUST_USE bool settings_set_item(struct settings *settings, const struct settings_row *row,
                                struct str item, bool first, struct arena *arena, char *ret_reason);
/* A row's number as people write it: "64KiB", "1h", "15s"; ret_text has SETTINGS_NUMBER_BYTES. */
void settings_format_number(const struct settings_row *row, uint64_t value, char *ret_text);
