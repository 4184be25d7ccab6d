/* SPDX-License-Identifier: MIT */
/* store_meta.c - what outlives a restart besides events and users: one row a value in the table meta. */

#include "db/store_sqlite.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static enum store_status put_meta(struct store *store, const char *key, const void *blob,
                                  size_t blob_len, uint64_t number)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_PUT_META);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    if (blob != NULL) {
        (void)sqlite3_bind_blob(statement, 2, blob, (int)blob_len, SQLITE_STATIC);
    } else {
        (void)sqlite3_bind_int64(statement, 2, (int64_t)number);
    }
    return store_statement_run(store, statement);
}

enum store_status store_write_meta(struct store *store, const struct store_meta *meta)
{
    enum store_status status =
        put_meta(store, "session_key", meta->session_key, sizeof(meta->session_key), 0);

    if (status == STORE_OK) {
        status = put_meta(store, "auth_epoch", NULL, 0, meta->auth_epoch);
    }
    if (status == STORE_OK) {
        status = put_meta(store, "floor_seq", NULL, 0, meta->floor_seq);
    }
    if (status == STORE_OK) {
        status = put_meta(store, "last_ts_us", NULL, 0, meta->last_ts_us);
    }
    return status == STORE_OK
               ? put_meta(store, "last_reset_request", NULL, 0, meta->last_reset_request)
               : status;
}

/* Copies a BLOB of exactly len bytes into ret_blob, or a number; a missing row changes nothing. */
static enum store_status get_meta(struct store *store, const char *key, void *ret_blob,
                                  size_t blob_len, uint64_t *ret_number)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_GET_META);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW && ret_number != NULL) {
        *ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    if (code == SQLITE_ROW && ret_blob != NULL &&
        sqlite3_column_bytes(statement, 0) == (int)blob_len) {
        memcpy(ret_blob, sqlite3_column_blob(statement, 0), blob_len);
    }
    enum store_status status = store_status_of(store, store->db, code);

    (void)sqlite3_reset(statement);
    return status;
}

enum store_status store_read_meta(struct store *store, struct store_meta *ret_meta)
{
    struct store_meta meta = {0};
    enum store_status status =
        get_meta(store, "session_key", meta.session_key, sizeof(meta.session_key), NULL);

    if (status == STORE_OK) {
        status = get_meta(store, "auth_epoch", NULL, 0, &meta.auth_epoch);
    }
    if (status == STORE_OK) {
        status = get_meta(store, "floor_seq", NULL, 0, &meta.floor_seq);
    }
    if (status == STORE_OK) {
        status = get_meta(store, "last_ts_us", NULL, 0, &meta.last_ts_us);
    }
    if (status == STORE_OK) {
        status = get_meta(store, "last_reset_request", NULL, 0, &meta.last_reset_request);
    }
    if (status == STORE_OK) {
        *ret_meta = meta;
    }
    return status;
}

enum store_status store_ensure_session_key(struct store *store)
{
    struct store_meta meta;
    static const uint8_t none[sizeof(meta.session_key)];
    enum store_status status = store_read_meta(store, &meta);

    if (status != STORE_OK || memcmp(meta.session_key, none, sizeof(none)) != 0) {
        return status;
    }
    if (getrandom(meta.session_key, sizeof(meta.session_key), 0) !=
        (ssize_t)sizeof(meta.session_key)) {
        (void)snprintf(store->error, sizeof(store->error), "the kernel gives no random bytes");
        return STORE_FAILED;
    }
    status = store_begin(store);
    if (status == STORE_OK) {
        status = store_write_meta(store, &meta);
    }
    if (status == STORE_OK) {
        status = store_commit(store);
    }
    if (status != STORE_OK) {
        store_rollback(store);
    }
    return status;
}
