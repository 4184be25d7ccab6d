/* SPDX-License-Identifier: MIT */
/*
 * db.h - all that the master knows of the db process and of the commands that open a database.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

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

/* The db process that has this game's database open; 0: nobody has. */
pid_t db_holder(const struct game *game);

/* `ctfg doctor`: how the database is. */
struct db_health {
    bool has_folder;
    bool exists;
    bool is_readable; /* else finding says why not */
    bool is_sound;    /* else finding is what SQLite's quick check found first */
    pid_t holder;     /* as db_holder() */
    uint64_t bytes;
    char finding[256];
};
void db_look(const struct game *game, struct db_health *ret_health);

/*
 * `ctfg check`: integrity of the file, and a full replay compared with the present board, if a
 * server runs, else with a second replay in another order of building.  Writes its findings to out.
 * Returns an exit status: 0 all is well, 1 it is not, 2 it cannot be opened.
 */
int db_check(const struct game *game, FILE *out);

/* `ctfg backup FILE`: a consistent copy while a server runs, opened again and replayed. 0, 1, 2. */
int db_backup(const struct game *game, const char *target_path, FILE *out);

/*
 * `ctfg export`: one table or all of them, as of one moment, to a stream; also while a server runs.
 * Complaints go to errors.  Returns 0; 1: it could not be written or read; 2: there is no database.
 */
struct db_export_request {
    bool is_csv;      /* else JSON */
    const char *what; /* a table's name; NULL: all of them, JSON only */
    FILE *out;
    FILE *errors;
};
int db_export(const struct game *game, const struct db_export_request *request);
/* The names of the tables, from 0; NULL past the last. */
const char *db_export_table(uint32_t number);

/*
 * `ctfg restore FILE`: a copy of FILE, looked over and replayed, becomes the database; the one that
 * was there keeps a dated name beside it.  Refused while a server runs.  Returns 0, 1, 2 as above.
 */
int db_restore(const struct game *game, const char *source_path, FILE *out);
