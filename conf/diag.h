/* SPDX-License-Identifier: MIT */
/*
 * diag.h - the list of everything that is wrong with a game's files, for people.
 *
 * Each entry is one line: "challenges.json:41: the id 7 is used twice, first in line 12; give each
 * challenge its own".  Where, what, and how to mend it.  Bounded: after DIAG_MAX entries the rest is
 * only counted.  No password, token or flag in any entry.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"

#define DIAG_MAX 200

struct diag {
    char **lines; /* "error" entries first-come, each with its severity */
    bool *is_warning;
    uint32_t count;
    uint32_t errors; /* all of them, also those past DIAG_MAX */
    uint32_t warnings;
};

/* line 0: the file as a whole. */
void diag_error(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
    PRINTF_LIKE(4, 5);
void diag_warning(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* All entries on standard error, and a closing line with the counts. */
void diag_print(const struct diag *diag);
void diag_free(struct diag *diag);
