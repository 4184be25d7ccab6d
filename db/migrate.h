/* SPDX-License-Identifier: MIT */
/*
 * migrate.h - brings a database up to the step this program knows.
 *
 * Steps are numbered; PRAGMA user_version holds the last one done.  All that are missing run in one
 * transaction, after a copy of the file is put beside it.  A file from a later version is refused.
 * Process  whoever opens a store.  Owner: the caller keeps the connection.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct sqlite3;

/* What a file is, before anything is done to it. */
enum migrate_state {
    MIGRATE_CURRENT,
    MIGRATE_EMPTY,   /* no table yet */
    MIGRATE_OLDER,   /* steps are missing */
    MIGRATE_FOREIGN, /* from a later version, or not ours: ret_error says which */
    MIGRATE_UNREADABLE,
};
enum migrate_state migrate_look(struct sqlite3 *db, char *ret_error, size_t error_bytes);

/*
 * Runs the missing steps.  path: of the file, for the copy beside it, of which the newest copies_most
 * stay; NULL: keep none (a copy in memory, a fresh file).
 * false: nothing has changed, ret_error has a sentence.
 */
MUST_USE bool migrate_run(struct sqlite3 *db, const char *path, uint32_t copies_most,
                          char *ret_error, size_t error_bytes);
