/* SPDX-License-Identifier: MIT */
/*
 * rows.c - the least a start can do: step through every row of the event log.
 *
 *     rows DATABASE     writes {"rows":...,"ms":...}
 *
 * The yardstick for a rebuild of the board; it looks at no column.
 */
#include <sqlite3.h>
#include <stdio.h>

#include "shm/base/check.h"
#include "shm/base/clock.h"

int main(int argc, char **argv)
{
    uint64_t started_us = clock_mono_us();
    uint64_t rows = 0;
    sqlite3_stmt *statement;
    sqlite3 *db;

    if (argc != 2) {
        fprintf(stderr, "usage: rows DATABASE\n");
        return 2;
    }
    CHECK(sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK);
    CHECK(sqlite3_prepare_v2(db,
                             "SELECT id, ts, user_id, challenge_id, event_type, points,"
                             " hint_number, flags, request_id FROM events ORDER BY id",
                             -1, &statement, NULL) == SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        rows++;
    }
    CHECK(sqlite3_finalize(statement) == SQLITE_OK && sqlite3_close(db) == SQLITE_OK);
    printf("{\"rows\":%llu,\"ms\":%.3f}\n", (unsigned long long)rows,
           (double)(clock_mono_us() - started_us) / 1000);
    return 0;
}
