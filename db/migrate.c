/* SPDX-License-Identifier: MIT */
/* migrate.c - the table of steps, their SQL from db/migrations/, and the one transaction. */

#include "db/migrate.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <sqlite3.h>

#include "db/copies.h"
#include "db/sqlite_copy.h"
#include "db/store.h"
#include "shm/base/compiler.h"
#include "shm/base/log.h"

/* The file's bytes and a NUL, from the folder `make` runs in. */
#define EMBED(name, file)                                                                          \
    __asm__(".pushsection .rodata\n"                                                               \
            ".global " #name "\n"                                                                  \
            ".hidden " #name "\n" #name ":\n"                                                      \
            ".incbin \"db/migrations/" #file "\"\n"                                                \
            ".byte 0\n"                                                                            \
            ".popsection\n")

EMBED(migration_0001, 0001_older_engine.sql);
EMBED(migration_0002, 0002_receipts.sql);
extern const char migration_0001[];
extern const char migration_0002[];

/* The place in the table is the number of the step, from 1. */
static const char *const migrate_steps[] = {
    migration_0001,
    migration_0002,
};

/* What step 2 relies on in a file of the older engine. */
static const char *const older_columns[] = {"id",         "ts",     "user_id",    "challenge_id",
                                            "event_type", "points", "hint_number"};

/* Tables whose new rows SQLite numbers, as it does where the id stands for the rowid: not in a copy by
 * CREATE TABLE ... AS, say, where each id would be NULL. */
static const char *const older_tables[] = {"events", "users"};
static const char *const numbers_rows =
    "SELECT count(*) FROM pragma_table_list(?1) t, pragma_table_info(?1) c "
    "WHERE t.schema = 'main' AND t.type = 'table' AND NOT t.wr AND c.name = 'id' AND c.pk = 1 "
    "AND upper(c.type) = 'INTEGER' "
    "AND NOT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE pk > 1)";

static bool query_number(sqlite3 *db, const char *sql, const char *text, int64_t *ret_number)
{
    sqlite3_stmt *statement = NULL;
    bool ok = false;

    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
        (text == NULL || sqlite3_bind_text(statement, 1, text, -1, SQLITE_STATIC) == SQLITE_OK) &&
        sqlite3_step(statement) == SQLITE_ROW) {
        *ret_number = sqlite3_column_int64(statement, 0);
        ok = true;
    }
    (void)sqlite3_finalize(statement);
    return ok;
}

static enum migrate_state look_at_tables(sqlite3 *db, char *ret_error, size_t error_bytes)
{
    int64_t tables;
    int64_t found;

    if (!query_number(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'", NULL,
                      &tables)) {
        return MIGRATE_UNREADABLE;
    }
    if (tables == 0) {
        return MIGRATE_EMPTY;
    }
    for (size_t i = 0; i < ARRAY_LEN(older_columns); i++) {
        if (!query_number(db, "SELECT count(*) FROM pragma_table_info('events') WHERE name = ?1",
                          older_columns[i], &found)) {
            return MIGRATE_UNREADABLE;
        }
        if (found == 0) {
            (void)snprintf(ret_error, error_bytes,
                           "it has no column events.%s, so it is not a database of a game",
                           older_columns[i]);
            return MIGRATE_FOREIGN;
        }
    }
    if (!query_number(db,
                      "SELECT count(*) FROM pragma_table_info('users') "
                      "WHERE name IN ('id', 'username', 'displayname') AND ?1 <> ''",
                      "users", &found)) {
        return MIGRATE_UNREADABLE;
    }
    if (found != 3) {
        (void)snprintf(ret_error, error_bytes,
                       "its table users lacks id, username or displayname, so it is not a "
                       "database of a game");
        return MIGRATE_FOREIGN;
    }
    for (size_t i = 0; i < ARRAY_LEN(older_tables); i++) {
        if (!query_number(db, numbers_rows, older_tables[i], &found)) {
            return MIGRATE_UNREADABLE;
        }
        if (found == 0) {
            (void)snprintf(ret_error, error_bytes,
                           "%s.id in it is no INTEGER PRIMARY KEY, so new rows would get no id: "
                           "make the table anew, with what is in it",
                           older_tables[i]);
            return MIGRATE_FOREIGN;
        }
    }
    return MIGRATE_OLDER;
}

static void say_unreadable(sqlite3 *db, char *ret_error, size_t error_bytes)
{
    int code = sqlite3_extended_errcode(db);

    if (code == SQLITE_IOERR_SHMSIZE) { /* "disk I/O error" would send for a failing disk */
        (void)snprintf(ret_error, error_bytes,
                       "it cannot be read: the disk is full, and the index of its log, %s-shm, "
                       "has no room",
                       sqlite3_db_filename(db, "main"));
        return;
    }
    if (code == SQLITE_READONLY_ROLLBACK) {
        (void)snprintf(ret_error, error_bytes,
                       "a transaction in it was interrupted and has to be rolled back first: "
                       "`sqlite3 %s .tables` does so, as a start with it does",
                       sqlite3_db_filename(db, "main"));
        return;
    }
    (void)snprintf(ret_error, error_bytes, "it cannot be read: %s", sqlite3_errmsg(db));
}

enum migrate_state migrate_look(sqlite3 *db, char *ret_error, size_t error_bytes)
{
    int64_t step;

    ret_error[0] = '\0';
    if (!query_number(db, "PRAGMA user_version", NULL, &step)) {
        say_unreadable(db, ret_error, error_bytes);
        return MIGRATE_UNREADABLE;
    }
    if (step < 0 || step > (int64_t)ARRAY_LEN(migrate_steps)) {
        (void)snprintf(ret_error, error_bytes,
                       "it was written by a later version (step %lld, this one knows %zu); start "
                       "that version, or go back to a backup. The file was not touched",
                       (long long)step, ARRAY_LEN(migrate_steps));
        return MIGRATE_FOREIGN;
    }
    if (step == (int64_t)ARRAY_LEN(migrate_steps)) {
        return MIGRATE_CURRENT;
    }
    if (step > 0) {
        return MIGRATE_OLDER;
    }
    enum migrate_state state = look_at_tables(db, ret_error, error_bytes);

    if (state == MIGRATE_UNREADABLE) {
        say_unreadable(db, ret_error, error_bytes);
    }
    return state;
}

/* path: of the database.  Without a copy nothing is upgraded. */
static bool keep_copy(sqlite3 *db, const char *path, uint32_t most, int64_t first_step,
                      char *ret_error, size_t error_bytes)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
    char dir[STORE_PATH_BYTES];
    char all[NAME_MAX];
    char prefix[NAME_MAX + 32];
    char copy[STORE_PATH_BYTES + 2 * NAME_MAX];

    (void)snprintf(dir, sizeof(dir), "%.*s", slash == NULL ? 1 : (int)(slash - path),
                   slash == NULL ? "." : path);
    (void)snprintf(all, sizeof(all), "%s.before-", name);
    (void)snprintf(prefix, sizeof(prefix), "%s%lld-", all, (long long)first_step);
    if (!copies_path(dir, prefix, copy, sizeof(copy))) {
        (void)snprintf(ret_error, error_bytes, "its path is too long");
        return false;
    }
    if (!sqlite_keep_copy(db, copy, ret_error, error_bytes)) {
        return false;
    }
    (void)copies_prune(dir, all, most, copy);
    LOG(LOG_LEVEL_INFO, "a copy of the database is kept before it is upgraded",
        LOG_STR("copy", copy));
    return true;
}

static bool run_steps(sqlite3 *db, int64_t done)
{
    char pragma[64];

    for (size_t step = (size_t)done; step < ARRAY_LEN(migrate_steps); step++) {
        if (sqlite3_exec(db, migrate_steps[step], NULL, NULL, NULL) != SQLITE_OK) {
            return false;
        }
    }
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA user_version = %zu", ARRAY_LEN(migrate_steps));
    return sqlite3_exec(db, pragma, NULL, NULL, NULL) == SQLITE_OK;
}

static void report_moved_aside(sqlite3 *db, const char *path)
{
    int64_t rows = 0;

    if (query_number(db, "SELECT count(*) FROM moved_aside", NULL, &rows) && rows > 0) {
        LOG(LOG_LEVEL_WARN, "events that cannot count were moved to the table moved_aside",
            LOG_STR("database", path), LOG_I64("rows", rows));
    }
}

bool migrate_run(sqlite3 *db, const char *path, uint32_t copies_most, char *ret_error,
                 size_t error_bytes)
{
    char why[384];
    int64_t done;
    enum migrate_state state = migrate_look(db, ret_error, error_bytes);

    if (state == MIGRATE_CURRENT) {
        return true;
    }
    if (state == MIGRATE_FOREIGN || state == MIGRATE_UNREADABLE) {
        return false;
    }
    if (!query_number(db, "PRAGMA user_version", NULL, &done)) {
        say_unreadable(db, ret_error, error_bytes);
        return false;
    }
    if (state == MIGRATE_OLDER && done == 0) {
        done = 1; /* a file of the older engine: it is what step 1 makes */
    }
    if (state == MIGRATE_OLDER && path != NULL &&
        !keep_copy(db, path, copies_most, done + 1, why, sizeof(why))) {
        (void)snprintf(ret_error, error_bytes, "it is not upgraded without a copy of it: %s", why);
        return false;
    }
    if (sqlite3_exec(db, "BEGIN EXCLUSIVE", NULL, NULL, NULL) != SQLITE_OK ||
        !run_steps(db, done) || sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        bool is_full = (sqlite3_errcode(db) & 0xff) == SQLITE_FULL;

        (void)snprintf(ret_error, error_bytes, "it cannot be %s: %s%s",
                       state == MIGRATE_EMPTY ? "made" : "upgraded", sqlite3_errmsg(db),
                       is_full ? "; make room on its disk" : "");
        (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    if (state == MIGRATE_OLDER && path != NULL) {
        report_moved_aside(db, path);
    }
    return true;
}
