/* SPDX-License-Identifier: MIT */
/*
 * sqlite_copy.h - a consistent copy of an open database, as a new file.  For store_sqlite.c and
 * migrate.c; implemented in sqlite_copy.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shm/base/compiler.h"

struct sqlite3;

/* path must not exist.  The copy is one file (no log beside it), synced, and gone again on failure.
 * false: ret_error has the rest of a sentence. */
MUST_USE bool sqlite_copy_to_file(struct sqlite3 *db, const char *path, char *ret_error,
                                  size_t error_bytes);
/* The same under a name that is there only when the copy is whole (copies.h: COPIES_PARTIAL). */
MUST_USE bool sqlite_keep_copy(struct sqlite3 *db, const char *path, char *ret_error,
                               size_t error_bytes);
/* Into an open, empty database. */
MUST_USE bool sqlite_copy_into(struct sqlite3 *source, struct sqlite3 *target);
