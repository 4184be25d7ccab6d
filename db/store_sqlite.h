/* SPDX-License-Identifier: MIT */
/*
 * store_sqlite.h - what the files that implement store.h share: the store's insides and its table of
 * statements.  Only for store_sqlite.c (opening, writing), store_read.c (reading, verifying),
 * store_revoked.c, store_export.c, store_meta.c and sqlite_copy.c (copies, checkpoints).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <sqlite3.h>

#include "db/store.h"

/* A lock of another process is waited for so long: no loop may stand still longer. */
#define STORE_BUSY_MS 20
/* PRAGMA cache_size: minus KiB.  The kernel keeps the file's pages too: 64 MiB here were no faster,
 * and grew for hours. */
#define STORE_CACHE "-8192"
#define STORE_CACHE_OF_A_SCAN "-1024"

/* The SQL function that queries for events call, of so many columns. */
#define STORE_EVENT_FUNCTION "ctfg_event"
#define STORE_EVENT_COLUMNS 9

enum store_statement {
    STATEMENT_BEGIN,
    STATEMENT_HOLD,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_TOUCH,
    STATEMENT_EACH_USER,
    STATEMENT_EACH_EVENT,
    STATEMENT_FIND_SUBMIT,
    STATEMENT_FIND_HINT,
    STATEMENT_NEWEST_ID,
    STATEMENT_NEWEST_TS,
    STATEMENT_INSERT_EVENT,
    STATEMENT_INSERT_GUESS,
    STATEMENT_TRIM_GUESSES,
    STATEMENT_INSERT_USER,
    STATEMENT_SET_NAME,
    STATEMENT_SET_EPOCH,
    STATEMENT_GET_META,
    STATEMENT_PUT_META,
    STATEMENT_CLEAR_EVENTS,
    STATEMENT_CLEAR_GUESSES,
    STATEMENT_CLEAR_NAMES,
    STATEMENT_INSERT_REVOKED,
    STATEMENT_NEXT_REVOKED,
    STATEMENT_EXPIRE_REVOKED,
    STATEMENT_EACH_REVOKED,
    STATEMENT_COUNT_ASIDE,
    STATEMENT_USER_SUMS,
    STATEMENT_CHALLENGE_SUMS,
    STATEMENT_EXPORT_EVENTS,
    STATEMENT_EXPORT_SUBMISSIONS,
    STATEMENT_FIND_USERNAME,
    STATEMENT_COUNT,
};
/* The SQL of each, for the test that asks SQLite which index it uses. */
extern const char *const store_statement_sql[STATEMENT_COUNT];

struct store {
    sqlite3 *db;
    sqlite3 *log_db; /* passive checkpoints only, on whatever thread; NULL: read-only */
    sqlite3_stmt *statements[STATEMENT_COUNT];
    uint64_t log_pages;   /* in the log, as of the last commit */
    uint64_t moved_bytes; /* of these, already in the main file */
    int64_t swept_up_to;  /* revocations: up to this session id was looked for expired ones */
    uint64_t page_bytes;
    store_event_fn each_event; /* while events are read: who gets them */
    void *each_context;
    dev_t device; /* which file was opened: a replaced one is noticed */
    ino_t inode;
    char path[STORE_PATH_BYTES];
    const char *log_path; /* SQLite's: beside the file itself where path is a link; NULL: no log */
    char error[256];
};

sqlite3_stmt *store_statement(struct store *store, enum store_statement which);
/* Runs a statement that has all its values and gives no rows; ready for the next ones after. */
enum store_status store_statement_run(struct store *store, sqlite3_stmt *statement);
/* Before any query for events: makes their function known to the connection. */
bool store_read_begin(struct store *store);
/* A column's text, valid until the next step; empty for NULL. */
struct str store_column_str(sqlite3_stmt *statement, int column);
/* After the last step of a statement that gives rows: what became of it; ready for the next run. */
enum store_status store_rows_done(struct store *store, sqlite3_stmt *statement, int code);
/* Draws the key of all sessions when there is none yet. */
enum store_status store_ensure_session_key(struct store *store);
/* Maps a result code, and keeps its text for store_error(). */
enum store_status store_status_of(struct store *store, sqlite3 *db, int code);
/* The first number a query gives; 0 when it gives none. */
uint64_t store_query_number(struct store *store, const char *sql);
