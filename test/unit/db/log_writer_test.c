/* SPDX-License-Identifier: MIT */
/* log_writer_test.c - a log written in large pieces: fewer system calls, the same promises. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sqlite3.h>

#include "db/log_writer.h"

#define ROWS "100"
#define INSERT_ROWS                                                                                \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " ROWS               \
    ") INSERT INTO t SELECT randomblob(3000) FROM n;"

struct databases {
    char dir[64];
    char path[96];
    sqlite3 *writer; /* through log_writer.h */
    sqlite3 *other;  /* as any other process has it */
};

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);

    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    return value;
}

static int64_t rows_of(sqlite3 *db)
{
    return number(db, "SELECT count(*) FROM t");
}

static bool is_whole(sqlite3 *db)
{
    return number(db, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check = 'ok'") ==
           1;
}

static int set_up(void **state)
{
    struct databases *databases = calloc(1, sizeof(*databases));

    assert_non_null(databases);
    (void)snprintf(databases->dir, sizeof(databases->dir), "/tmp/ctfg-log-XXXXXX");
    assert_non_null(mkdtemp(databases->dir));
    (void)snprintf(databases->path, sizeof(databases->path), "%s/events.db", databases->dir);
    assert_int_equal(sqlite3_open_v2(databases->path, &databases->writer,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, log_writer_vfs()),
                     SQLITE_OK);
    run(databases->writer, "PRAGMA page_size = 1024; PRAGMA journal_mode = WAL;"
                           "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                           "CREATE TABLE t (bytes BLOB);");
    assert_int_equal(sqlite3_open(databases->path, &databases->other), SQLITE_OK);
    *state = databases;
    return 0;
}

static int tear_down(void **state)
{
    struct databases *databases = *state;
    char path[128];

    (void)sqlite3_close(databases->other);
    (void)sqlite3_close(databases->writer);
    (void)snprintf(path, sizeof(path), "%s-wal", databases->path);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s-shm", databases->path);
    (void)unlink(path);
    (void)unlink(databases->path);
    (void)rmdir(databases->dir);
    free(databases);
    return 0;
}

/* System calls that write, of this process so far. */
static unsigned long writes(void)
{
    char line[128];
    unsigned long count = 0;
    FILE *file = fopen("/proc/self/io", "re");

    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        (void)sscanf(line, "syscw: %lu", &count);
    }
    assert_int_equal(fclose(file), 0);
    return count;
}

static void a_commit_of_many_pages_takes_few_writes(void **state)
{
    struct databases *databases = *state;
    unsigned long before = writes();

    run(databases->writer, INSERT_ROWS); /* over 300 pages: 600 writes */
    assert_in_range(writes() - before, 1, 10);
    assert_int_equal(rows_of(databases->other), atoi(ROWS));
}

static void what_is_committed_is_in_the_file_at_once(void **state)
{
    struct databases *databases = *state;
    char copy[96];
    char command[640];
    sqlite3 *successor;

    run(databases->writer, "INSERT INTO t VALUES (x'01')");
    (void)snprintf(copy, sizeof(copy), "%s/copy.db", databases->dir);
    (void)snprintf(command, sizeof(command), "cp %s %s && cp %s-wal %s-wal", databases->path, copy,
                   databases->path, copy);
    assert_int_equal(system(command), 0); /* what a kill -9 now would leave */
    assert_int_equal(sqlite3_open(copy, &successor), SQLITE_OK);
    assert_int_equal(rows_of(successor), 1);
    assert_int_equal(sqlite3_close(successor), SQLITE_OK);
    (void)unlink(copy);
}

/* A cache of ten pages: SQLite writes frames before the commit and reads them back. */
static void frames_that_are_not_committed_are_read_back(void **state)
{
    struct databases *databases = *state;

    run(databases->writer, "PRAGMA cache_size = 10; BEGIN;" INSERT_ROWS INSERT_ROWS);
    assert_int_equal(rows_of(databases->writer), 2 * atoi(ROWS));
    assert_int_equal(number(databases->writer, "SELECT sum(length(bytes)) FROM t"),
                     2 * atoi(ROWS) * 3000);
    assert_int_equal(rows_of(databases->other), 0);
    run(databases->writer, "ROLLBACK;" INSERT_ROWS);
    assert_int_equal(rows_of(databases->other), atoi(ROWS));
    assert_true(is_whole(databases->other));
}

static void a_log_that_is_emptied_and_begun_anew_stays_whole(void **state)
{
    struct databases *databases = *state;

    for (int round = 1; round <= 3; round++) {
        run(databases->writer, INSERT_ROWS);
        run(databases->other, "PRAGMA wal_checkpoint(TRUNCATE)");
        run(databases->writer, "PRAGMA wal_checkpoint(RESTART)");
        assert_int_equal(rows_of(databases->other), round * atoi(ROWS));
    }
    assert_true(is_whole(databases->other));
}

static void a_write_that_fails_fails_the_commit_and_nothing_else(void **state)
{
    struct databases *databases = *state;
    struct rlimit limit;

    run(databases->writer, "INSERT INTO t VALUES (x'01')");
    assert_int_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR); /* EFBIG instead */
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    struct rlimit small = {.rlim_cur = 40000, .rlim_max = limit.rlim_max};

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int code = sqlite3_exec(databases->writer, INSERT_ROWS, NULL, NULL, NULL);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_not_equal(code, SQLITE_OK);
    assert_int_equal(rows_of(databases->writer), 1);
    run(databases->writer, "INSERT INTO t VALUES (x'02')");
    assert_int_equal(rows_of(databases->other), 2);
    assert_true(is_whole(databases->other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_commit_of_many_pages_takes_few_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_committed_is_in_the_file_at_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(frames_that_are_not_committed_are_read_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_is_emptied_and_begun_anew_stays_whole, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_write_that_fails_fails_the_commit_and_nothing_else,
                                        set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
