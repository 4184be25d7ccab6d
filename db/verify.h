/* SPDX-License-Identifier: MIT */
/*
 * verify.h - is a file a database of this game that can be played on?  For the commands.
 *
 * Process  the tools.  What is wrong is said on out, as a sentence.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/base/compiler.h"

struct game;

/* Opens the file as a stranger would, looks over every page, and folds its events by two routes. */
MUST_USE bool verify_file(const char *path, const struct game *game, FILE *out,
                          uint64_t *ret_events);
/* Nothing of that name is there.  false, too, where this user may not look: opening it says so. */
MUST_USE bool verify_is_absent(const char *path);
/* "1 event", "2 events". */
void verify_print_events(FILE *out, uint64_t events);
