/* SPDX-License-Identifier: MIT */
/*
 * store.h - ctfg's tables without ctfg: a SQLite file with the same schema, settings and rows.
 *
 * For the programs of bench/bare that commit.  The SQL files are ctfg's migrations, so tables and
 * indexes are the same.  Anything that fails ends the program.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/base/check.h"

#define STORE_SQL_BYTES_MAX (1u << 20)
#define STORE_USERS 2000 /* rows are spread as the load's are */
#define STORE_CHALLENGES 500
#define STORE_WAL_PAGES 16384 /* 64 MiB, as ctfg's default */

enum row_kind { ROW_SOLVE = 1, ROW_HINT = 2, ROW_GUESS = 3 };

struct store {
    sqlite3 *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *commit;
    sqlite3_stmt *events;
    sqlite3_stmt *guesses;
    uint64_t pairs[4]; /* rows so far, by kind */
};

static inline sqlite3_stmt *store_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    CHECK(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
    return statement;
}

static inline struct store store_open(const char *path, char **sql_files)
{
    struct store store = {0};
    char pragma[64];

    CHECK(sqlite3_open(path, &store.db) == SQLITE_OK);
    CHECK(sqlite3_exec(store.db, "PRAGMA page_size = 512", NULL, NULL, NULL) == SQLITE_OK);
    for (; *sql_files != NULL; sql_files++) {
        static char sql[STORE_SQL_BYTES_MAX];
        FILE *file = fopen(*sql_files, "rb");

        CHECK(file != NULL);
        sql[fread(sql, 1, sizeof(sql) - 1, file)] = '\0';
        (void)fclose(file);
        CHECK(sqlite3_exec(store.db, sql, NULL, NULL, NULL) == SQLITE_OK);
    }
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA wal_autocheckpoint = %d", STORE_WAL_PAGES);
    CHECK(sqlite3_exec(store.db,
                       "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
                       "PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;",
                       NULL, NULL, NULL) == SQLITE_OK);
    CHECK(sqlite3_exec(store.db, pragma, NULL, NULL, NULL) == SQLITE_OK);
    store.begin = store_prepare(store.db, "BEGIN IMMEDIATE");
    store.commit = store_prepare(store.db, "COMMIT");
    store.events = store_prepare(store.db, "INSERT INTO events (ts, user_id, challenge_id,"
                                           " event_type, points, hint_number, flags, request_id)"
                                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    store.guesses = store_prepare(store.db, "INSERT INTO guesses (ts, user_id, challenge_id, guess)"
                                            " VALUES (?1, ?2, ?3, ?4)");
    return store;
}

static inline void store_run(sqlite3_stmt *statement)
{
    CHECK(sqlite3_step(statement) == SQLITE_DONE && sqlite3_reset(statement) == SQLITE_OK);
}

/* Spread at random over all pairs, and never the same pair twice: 7,919 is coprime to their number. */
static inline void store_insert(struct store *store, uint32_t kind, uint64_t at_us,
                                uint64_t request)
{
    bool is_guess = kind == ROW_GUESS;
    sqlite3_stmt *row = is_guess ? store->guesses : store->events;
    uint64_t pair = store->pairs[kind]++ * 7919 % ((uint64_t)STORE_USERS * STORE_CHALLENGES);

    (void)sqlite3_bind_int64(row, 1, (sqlite3_int64)at_us);
    (void)sqlite3_bind_int64(row, 2, (sqlite3_int64)(pair % STORE_USERS) + 1);
    (void)sqlite3_bind_int64(row, 3, (sqlite3_int64)(pair / STORE_USERS) + 1);
    if (is_guess) {
        (void)sqlite3_bind_text(row, 4, "flag{is_it_this_one}", -1, SQLITE_STATIC);
    } else {
        (void)sqlite3_bind_int64(row, 4, kind);
        (void)sqlite3_bind_int64(row, 5, kind == ROW_HINT ? 0 : 100);
        if (kind == ROW_HINT) {
            (void)sqlite3_bind_int64(row, 6, 1);
        }
        (void)sqlite3_bind_int64(row, 7, 0);
        (void)sqlite3_bind_int64(row, 8, (sqlite3_int64)request);
    }
    store_run(row);
    (void)sqlite3_clear_bindings(row);
}
