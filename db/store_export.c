/* SPDX-License-Identifier: MIT */
/* store_export.c - rows with the names people want to read beside them, for `ctfg export`. */

#include "db/store_sqlite.h"

static const enum store_statement statements[] = {
    [STORE_ROWS_SOLVES] = STATEMENT_EXPORT_EVENTS,
    [STORE_ROWS_HINTS] = STATEMENT_EXPORT_EVENTS,
    [STORE_ROWS_SUBMISSIONS] = STATEMENT_EXPORT_SUBMISSIONS,
};

static struct store_row row_of(sqlite3_stmt *statement)
{
    return (struct store_row){
        .id = (uint64_t)sqlite3_column_int64(statement, 0),
        .ts_us = (uint64_t)sqlite3_column_int64(statement, 1),
        .user_id = sqlite3_column_int64(statement, 2),
        .username = store_column_str(statement, 3),
        .displayname = store_column_str(statement, 4),
        .challenge_id = sqlite3_column_int64(statement, 5),
        .points = sqlite3_column_int64(statement, 6),
        .hint_id = sqlite3_column_int64(statement, 7),
        .flags = (uint16_t)sqlite3_column_int(statement, 8),
        .is_guess = sqlite3_column_type(statement, 9) != SQLITE_NULL,
        .guess = store_column_str(statement, 9),
    };
}

enum store_status store_each_row(struct store *store, enum store_rows which, store_row_fn each,
                                 void *context)
{
    sqlite3_stmt *statement = store_statement(store, statements[which]);
    int code;

    if (statement == NULL) {
        return STORE_FAILED;
    }
    if (sqlite3_bind_parameter_count(statement) > 0) {
        (void)sqlite3_bind_int(statement, 1, which == STORE_ROWS_HINTS ? EVENT_HINT : EVENT_SOLVE);
    }
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        struct store_row row = row_of(statement);

        if (!each(context, &row)) {
            break;
        }
    }
    return store_rows_done(store, statement, code);
}

enum store_status store_copy_username(struct store *store, uint32_t user_id, char *ret_name,
                                      size_t name_bytes)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_FIND_USERNAME);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_int64(statement, 1, user_id);
    int code = sqlite3_step(statement);

    ret_name[0] = '\0';
    if (code == SQLITE_ROW) {
        (void)str_copy(store_column_str(statement, 0), ret_name, name_bytes);
    }
    return store_rows_done(store, statement, code);
}
