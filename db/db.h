/* SPDX-License-Identifier: MIT */
/*
 * db.h - all that the master knows of the db process and of the commands that open a database.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/base/compiler.h"

struct game;
struct heritage;

/* The db process, in the child after fork: never returns, exits with a status of <sysexits.h>. */
_Noreturn void db_main(struct heritage *heritage);

/* What the master must know before it sizes the segment. */
struct db_facts {
    uint32_t users_outside_game; /* users with events who are not in credentials.csv */
    uint64_t events;
};

/*
 * Opens, migrates and checks the database before anything listens; makes one where there is none.
 * The master calls it in a short-lived child, so that it never holds a database open itself.
 * false: ret_error has one sentence that says what is wrong and how to mend it.
 */
MUST_USE bool db_prepare(const struct game *game, struct db_facts *ret_facts, char *ret_error,
                         size_t error_bytes);

/*
 * `ctfg check`: integrity of the file, and a full replay compared with the present board, if a
 * server runs, else with a second replay in another order of building.  Writes its findings to out.
 * Returns an exit status: 0 all is well, 1 it is not, 2 it cannot be opened.
 */
int db_check(const struct game *game, FILE *out);

/* `ctfg backup FILE`: a consistent copy while a server runs, opened again and replayed. 0, 1, 2. */
int db_backup(const struct game *game, const char *target_path, FILE *out);

/*
 * `ctfg restore FILE`: a copy of FILE, looked over and replayed, becomes the database; the one that
 * was there keeps a dated name beside it.  Refused while a server runs.  Returns 0, 1, 2 as above.
 */
int db_restore(const struct game *game, const char *source_path, FILE *out);
