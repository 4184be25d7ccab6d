/* SPDX-License-Identifier: MIT */
/* store_revoked.c - sessions that were logged out, on disk until they would have expired anyway. */

#include "db/store.h"
#include "db/store_sqlite.h"
#include "shm/base/check.h"

/* Rows that a logout looks at: above one, or they would grow faster than they expire. */
#define SWEEP_ROWS 8

/* A few rows a logout, from where the last one stopped, and round again: however many there are, a
 * logout takes as long, and expired ones do not gather. */
static enum store_status sweep_revocations(struct store *store, uint64_t now_s)
{
    sqlite3_stmt *next = store_statement(store, STATEMENT_NEXT_REVOKED);
    sqlite3_stmt *expire = store_statement(store, STATEMENT_EXPIRE_REVOKED);
    int64_t from = store->swept_up_to;

    if (next == NULL || expire == NULL) {
        return STORE_FAILED;
    }
    CHECK(sqlite3_bind_int64(next, 1, from) == SQLITE_OK &&
          sqlite3_bind_int64(next, 2, SWEEP_ROWS) == SQLITE_OK);
    int code = sqlite3_step(next);
    bool is_end = code == SQLITE_ROW && sqlite3_column_type(next, 0) == SQLITE_NULL;
    int64_t up_to = is_end ? INT64_MIN : sqlite3_column_int64(next, 0);
    enum store_status status = store_rows_done(store, next, code);

    if (status != STORE_OK) {
        return status;
    }
    store->swept_up_to = up_to;
    if (is_end) {
        return STORE_OK;
    }
    CHECK(sqlite3_bind_int64(expire, 1, from) == SQLITE_OK &&
          sqlite3_bind_int64(expire, 2, up_to) == SQLITE_OK &&
          sqlite3_bind_int64(expire, 3, (int64_t)now_s) == SQLITE_OK);
    return store_statement_run(store, expire);
}

enum store_status store_insert_revocation(struct store *store,
                                          const struct store_revocation *revocation, uint64_t now_s)
{
    enum store_status status = sweep_revocations(store, now_s);

    sqlite3_stmt *insert = store_statement(store, STATEMENT_INSERT_REVOKED);

    if (status != STORE_OK || insert == NULL) {
        return status != STORE_OK ? status : STORE_FAILED;
    }
    CHECK(sqlite3_bind_int64(insert, 1, (int64_t)revocation->session_id) == SQLITE_OK &&
          sqlite3_bind_int64(insert, 2, (int64_t)revocation->expires_s) == SQLITE_OK);
    return store_statement_run(store, insert);
}

enum store_status store_each_revocation(struct store *store, store_revocation_fn each,
                                        void *context)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_EACH_REVOKED);
    int code;

    if (statement == NULL) {
        return STORE_FAILED;
    }
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_revocation revocation = {
            .session_id = (uint64_t)sqlite3_column_int64(statement, 0),
            .expires_s = (uint64_t)sqlite3_column_int64(statement, 1),
        };

        if (!each(context, &revocation)) {
            break;
        }
    }
    return store_rows_done(store, statement, code);
}
