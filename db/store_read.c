/* SPDX-License-Identifier: MIT */
/* store_read.c - reading the SQLite store: users, events, sums, and whether the file is sound. */

#include "db/store_sqlite.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "shm/base/check.h"

uint64_t store_query_number(struct store *store, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    uint64_t number = 0;

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        number = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return number;
}

struct str store_column_str(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);

    return text == NULL
               ? (struct str){"", 0}
               : (struct str){(const char *)text, (size_t)sqlite3_column_bytes(statement, column)};
}

/* A number from a file that somebody else may have written: out of range is as good as none. */
static uint32_t column_u32(sqlite3_stmt *statement, int column)
{
    int64_t number = sqlite3_column_int64(statement, column);

    return number < 0 || number > UINT32_MAX ? 0 : (uint32_t)number;
}

enum store_status store_rows_done(struct store *store, sqlite3_stmt *statement, int code)
{
    enum store_status status = store_status_of(store, store->db, code);

    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return status;
}

enum store_status store_each_user(struct store *store, store_user_fn each, void *context)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_EACH_USER);
    int code;

    if (statement == NULL) {
        return STORE_FAILED;
    }
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(statement, 0);

        if (id < 1 || id >= (int64_t)UINT32_MAX) {
            (void)store_rows_done(store, statement, SQLITE_DONE);
            (void)snprintf(store->error, sizeof(store->error),
                           "a user in it has the id %lld, where ids are 1 to 4294967294: give them "
                           "another one, in users and in events",
                           (long long)id);
            return STORE_CORRUPT;
        }
        struct store_user user = {
            .id = (uint32_t)id,
            .auth_epoch = column_u32(statement, 1),
            .username = store_column_str(statement, 2),
            .displayname = store_column_str(statement, 3),
        };

        if (!each(context, &user)) {
            break;
        }
    }
    return store_rows_done(store, statement, code);
}

/* ---- events ---- */

/* As column_u32(). */
static uint32_t value_u32(sqlite3_value *value)
{
    int64_t number = sqlite3_value_int64(value);

    return number < 0 || number > UINT32_MAX ? 0 : (uint32_t)number;
}

/*
 * Events are read by a function that their query calls for each row, with the row's columns: asking
 * for a column afterwards costs more than finding the row does.  It is a condition of the query, true
 * for the row at which to stop, so a whole log is one sqlite3_step().
 * https://www.sqlite.org/c3ref/create_function.html
 */
static void on_event(sqlite3_context *call, int count, sqlite3_value **columns)
{
    struct store *store = sqlite3_user_data(call);
    struct store_event event = {
        .id = (uint64_t)sqlite3_value_int64(columns[0]),
        .ts_us = (uint64_t)sqlite3_value_int64(columns[1]),
        .user_id = sqlite3_value_int64(columns[2]),
        .challenge_id = sqlite3_value_int64(columns[3]),
        .type = (uint8_t)sqlite3_value_int(columns[4]),
        .points = sqlite3_value_int64(columns[5]),
        .hint_id = value_u32(columns[6]),
        .flags = (uint16_t)sqlite3_value_int(columns[7]),
        .request_id = (uint64_t)sqlite3_value_int64(columns[8]),
    };

    CHECK(count == STORE_EVENT_COLUMNS && store->each_event != NULL);
    sqlite3_result_int(call, !store->each_event(store->each_context, &event));
}

bool store_read_begin(struct store *store)
{
    return sqlite3_create_function_v2(store->db, STORE_EVENT_FUNCTION, STORE_EVENT_COLUMNS,
                                      SQLITE_UTF8 | SQLITE_DIRECTONLY, store, on_event, NULL, NULL,
                                      NULL) == SQLITE_OK;
}

/* Runs a query whose condition is on_event().  each: of one query at a time. */
static int step_events(struct store *store, sqlite3_stmt *statement, store_event_fn each,
                       void *context)
{
    CHECK(store->each_event == NULL);
    store->each_event = each;
    store->each_context = context;
    int code = sqlite3_step(statement);

    store->each_event = NULL;
    return code;
}

enum store_status store_each_event(struct store *store, uint64_t after, store_event_fn each,
                                   void *context)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_EACH_EVENT);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    /* Every page is read once: remembering them all takes a third of the time. */
    (void)sqlite3_exec(store->db, "PRAGMA cache_size = " STORE_CACHE_OF_A_SCAN, NULL, NULL, NULL);
    (void)sqlite3_bind_int64(statement, 1, (int64_t)after);
    int code = step_events(store, statement, each, context);
    enum store_status status = store_rows_done(store, statement, code);

    (void)sqlite3_exec(store->db, "PRAGMA cache_size = " STORE_CACHE, NULL, NULL, NULL);
    return status;
}

static bool take_event(void *context, const struct store_event *event)
{
    *(struct store_event *)context = *event;
    return false;
}

enum store_status store_find_event(struct store *store, int64_t user_id, int64_t challenge_id,
                                   uint32_t hint_id, struct store_event *ret_event)
{
    sqlite3_stmt *statement =
        store_statement(store, hint_id == 0 ? STATEMENT_FIND_SUBMIT : STATEMENT_FIND_HINT);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_int64(statement, 1, user_id);
    (void)sqlite3_bind_int64(statement, 2, challenge_id);
    if (hint_id != 0) {
        (void)sqlite3_bind_int64(statement, 3, hint_id);
    }
    *ret_event = (struct store_event){0};
    return store_rows_done(store, statement, step_events(store, statement, take_event, ret_event));
}

static enum store_status query_one(struct store *store, enum store_statement which,
                                   uint64_t *ret_number)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    int code = sqlite3_step(statement);

    if (code == SQLITE_ROW) {
        *ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
    }
    return store_rows_done(store, statement, code);
}

enum store_status store_newest(struct store *store, uint64_t *ret_id, uint64_t *ret_ts_us)
{
    enum store_status status = query_one(store, STATEMENT_NEWEST_ID, ret_id);

    return status == STORE_OK ? query_one(store, STATEMENT_NEWEST_TS, ret_ts_us) : status;
}

enum store_status store_count_moved_aside(struct store *store, uint64_t *ret_rows)
{
    return query_one(store, STATEMENT_COUNT_ASIDE, ret_rows);
}

static enum store_status each_sum(struct store *store, enum store_statement which, uint64_t up_to,
                                  store_sum_fn each, void *context)
{
    sqlite3_stmt *statement = store_statement(store, which);
    int code;

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_int64(statement, 1, up_to > INT64_MAX ? INT64_MAX : (int64_t)up_to);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_sum sum = {
            .id = sqlite3_column_int64(statement, 0),
            .points = sqlite3_column_int64(statement, 1),
            .solves = (uint64_t)sqlite3_column_int64(statement, 2),
            .first_id = (uint64_t)sqlite3_column_int64(statement, 3),
        };

        if (!each(context, &sum)) {
            break;
        }
    }
    return store_rows_done(store, statement, code);
}

enum store_status store_each_user_sum(struct store *store, uint64_t up_to, store_sum_fn each,
                                      void *context)
{
    return each_sum(store, STATEMENT_USER_SUMS, up_to, each, context);
}

enum store_status store_each_challenge_sum(struct store *store, uint64_t up_to, store_sum_fn each,
                                           void *context)
{
    return each_sum(store, STATEMENT_CHALLENGE_SUMS, up_to, each, context);
}

static bool accept_user(void *context, const struct store_user *user)
{
    (void)context;
    (void)user;
    return true;
}

enum store_status store_verify(struct store *store, bool quick, char *ret_error, size_t error_bytes)
{
    sqlite3_stmt *statement = NULL;
    enum store_status status = STORE_CORRUPT;
    const char *sql = quick ? "PRAGMA quick_check(1)" : "PRAGMA integrity_check(1)";

    if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        status = store_status_of(store, store->db, sqlite3_extended_errcode(store->db));
        (void)snprintf(ret_error, error_bytes, "%s", store->error);
        return status;
    }
    int code = sqlite3_step(statement);
    const char *finding =
        code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;

    if (code != SQLITE_ROW) {
        status = store_status_of(store, store->db, code);
        (void)snprintf(ret_error, error_bytes, "%s", store->error);
    } else if (finding != NULL && strcmp(finding, "ok") == 0) {
        status = store_each_user(store, accept_user, NULL);
        if (status != STORE_OK) {
            (void)snprintf(ret_error, error_bytes, "%s", store->error);
        }
    } else {
        (void)snprintf(ret_error, error_bytes, "%s", finding == NULL ? "no finding" : finding);
    }
    (void)sqlite3_finalize(statement);
    return status;
}
