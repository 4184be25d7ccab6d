/* SPDX-License-Identifier: MIT */
/* store_test.c - the SQLite store: which index each query uses, what each failure is called. */

#include "test/unit/db/fixture_db.h"

#include <sys/stat.h>

#include "db/copies.h"
#include "db/store_sqlite.h"

static int set_up(void **state)
{
    struct db_facts facts;
    int result = fixture_set_up(state);

    fixture_prepare(*state, &facts);
    return result;
}

static struct store *open_store(const struct fixture *fixture)
{
    struct store_options options = {.dir = fixture->dir};
    struct store *store = NULL;
    char error[512] = "";

    if (store_open(&options, &store, error, sizeof(error)) != STORE_OK) {
        fail_msg("store_open: %s", error);
    }
    return store;
}

static struct store_event solve_of(int64_t user_id)
{
    return (struct store_event){.ts_us = 1000,
                                .request_id = UINT64_MAX - (uint64_t)user_id,
                                .user_id = user_id,
                                .challenge_id = 11,
                                .points = 100,
                                .type = EVENT_SOLVE};
}

static void assert_plan(struct store *store, enum store_statement which, const char *index)
{
    char sql[1024];
    char plan[1024] = "";
    sqlite3_stmt *statement = NULL;

    (void)snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", store_statement_sql[which]);
    assert_int_equal(sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        (void)strncat(plan, (const char *)sqlite3_column_text(statement, 3),
                      sizeof(plan) - strlen(plan) - 1);
    }
    (void)sqlite3_finalize(statement);
    if (strstr(plan, index) == NULL || strstr(plan, "TEMP B-TREE") != NULL) {
        fail_msg("wanted %s, got: %s", index, plan);
    }
}

static void hot_queries_use_the_indexes_of_the_contract(void **state)
{
    struct store *store = open_store(*state);

    assert_plan(store, STATEMENT_FIND_SUBMIT,
                "USING INDEX events_user_chal_submit (user_id=? AND "
                "challenge_id=? AND event_type=?)");
    assert_plan(store, STATEMENT_FIND_HINT,
                "USING INDEX events_user_chal_hint (user_id=? AND "
                "challenge_id=? AND event_type=? AND hint_number=?)");
    assert_plan(store, STATEMENT_NEWEST_TS, "USING COVERING INDEX events_ts");
    assert_plan(store, STATEMENT_NEXT_REVOKED, "USING INTEGER PRIMARY KEY (rowid>?)");
    assert_plan(store, STATEMENT_EXPIRE_REVOKED, "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)");
    assert_plan(store, STATEMENT_EACH_EVENT, "USING INTEGER PRIMARY KEY (rowid>?)");
    assert_plan(store, STATEMENT_USER_SUMS, "USING INDEX events_user_chal_");
    store_close(store);
}

static void the_unique_index_has_the_last_word(void **state)
{
    struct store *store = open_store(*state);
    struct store_event event = solve_of(1);
    struct store_event found;
    uint64_t id;

    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(id, 1);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_DUPLICATE);
    event = solve_of(2); /* the transaction goes on after a duplicate */
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(store_find_event(store, 2, 11, 0, &found), STORE_OK);
    assert_int_equal(found.id, id);
    assert_true(found.request_id == UINT64_MAX - 2);
    assert_int_equal(store_find_event(store, 3, 11, 0, &found), STORE_OK);
    assert_int_equal(found.id, 0);
    store_close(store);
}

static void a_rollback_gives_the_id_back(void **state)
{
    struct store *store = open_store(*state);
    struct store_event event = solve_of(1);
    uint64_t id;

    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    store_rollback(store);
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(id, 1);
    assert_int_equal(store_commit(store), STORE_OK);
    store_close(store);
}

static void a_commit_of_nothing_is_written_each_time(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);

    for (int i = 0; i < 3; i++) {
        uint64_t pending = store_log_pending_bytes(store);

        assert_int_equal(store_commit_nothing(store), STORE_OK);
        assert_true(store_log_pending_bytes(store) > pending);
    }
    store_close(store);
    assert_int_equal(fixture_number(fixture, "PRAGMA application_id"), 0);
}

static void a_lock_of_another_process_is_busy(void **state)
{
    struct store *store = open_store(*state);
    struct store *other = open_store(*state);

    assert_int_equal(store_begin(other), STORE_OK);
    uint64_t begun_us = clock_mono_us();

    assert_int_equal(store_begin(store), STORE_BUSY);
    assert_true(clock_mono_us() - begun_us < 1000000);
    store_rollback(other);
    assert_int_equal(store_begin(store), STORE_OK);
    store_rollback(store);
    store_close(other);
    store_close(store);
}

/* Who holds the file alone lets nobody open it. */
static void a_loop_that_opens_the_store_does_not_wait_for_a_lock(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = {.dir = fixture->dir, .in_loop = true};
    struct store *store = NULL;
    sqlite3 *other = NULL;
    char error[512] = "";
    char path[256];

    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other,
                                  "PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;"
                                  "SELECT count(*) FROM events",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    uint64_t begun_us = clock_mono_us();

    assert_int_not_equal(store_open(&options, &store, error, sizeof(error)), STORE_OK);
    assert_true(clock_mono_us() - begun_us < 1000000);
    assert_null(store);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(store_open(&options, &store, error, sizeof(error)), STORE_OK);
    store_close(store);
}

static void meta_outlives_the_store(void **state)
{
    struct store *store = open_store(*state);
    struct store_meta meta;
    struct store_meta again;

    assert_int_equal(store_read_meta(store, &meta), STORE_OK);
    meta.auth_epoch = 3;
    meta.floor_seq = UINT64_C(1) << 40;
    meta.last_ts_us = 5;
    meta.last_reset_request = UINT64_MAX;
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_write_meta(store, &meta), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    store_close(store);
    store = open_store(*state);
    assert_int_equal(store_read_meta(store, &again), STORE_OK);
    assert_memory_equal(&meta, &again, sizeof(meta));
    store_close(store);
}

static void cleared_games_go_on_counting(void **state)
{
    struct store *store = open_store(*state);
    struct store_event event = solve_of(1);
    uint64_t id;

    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(store_clear_game(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(id, 2);
    assert_int_equal(store_commit(store), STORE_OK);
    store_close(store);
}

static void guesses_are_trimmed_from_the_oldest(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);

    assert_int_equal(store_begin(store), STORE_OK);
    for (uint32_t i = 0; i < 100; i++) {
        assert_int_equal(store_insert_guess(store, i, 1, 11, STR("x")), STORE_OK);
    }
    assert_int_equal(store_commit(store), STORE_OK);
    uint32_t deleted;

    assert_int_equal(store_trim_guesses(store, 10, 30, &deleted), STORE_OK);
    assert_int_equal(deleted, 30);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM guesses"), 70);
    assert_int_equal(store_trim_guesses(store, 10, 1000, &deleted), STORE_OK);
    assert_int_equal(deleted, 60);
    assert_int_equal(fixture_number(fixture, "SELECT min(id) FROM guesses"), 91);
    assert_int_equal(store_trim_guesses(store, 10, 1000, &deleted), STORE_OK);
    assert_int_equal(deleted, 0);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM guesses"), 10);
    store_close(store);
}

/* However many live, a logout looks at a few: those that have expired go all the same. */
static void expired_revocations_go_a_few_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);

    assert_int_equal(store_begin(store), STORE_OK);
    for (uint64_t i = 0; i < 100; i++) {
        struct store_revocation old = {UINT64_MAX / 100 * i, 1000};

        assert_int_equal(store_insert_revocation(store, &old, 500), STORE_OK);
    }
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM revocations"), 100);
    assert_int_equal(store_begin(store), STORE_OK);
    for (uint64_t i = 0; i < 40; i++) {
        struct store_revocation young = {UINT64_MAX / 40 * i + 1, 3000};

        assert_int_equal(store_insert_revocation(store, &young, 2000), STORE_OK);
    }
    assert_int_equal(store_commit(store), STORE_OK);
    assert_int_equal(
        fixture_number(fixture, "SELECT count(*) FROM revocations WHERE expires_s = 1000"), 0);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM revocations"), 40);
    store_close(store);
}

static void a_checkpoint_empties_the_log_unless_a_reader_needs_it(void **state)
{
    struct store *store = open_store(*state);
    struct store *reader = open_store(*state);
    struct store_event event = solve_of(1);
    uint64_t id;
    uint64_t left;

    assert_int_equal(store_begin(reader), STORE_OK); /* a snapshot from before the event */
    store_rollback(reader);
    assert_int_equal(
        sqlite3_exec(reader->db, "BEGIN; SELECT count(*) FROM events", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    uint64_t pending = store_log_pending_bytes(store);

    assert_true(pending > 0);
    uint64_t begun_us = clock_mono_us();

    assert_int_equal(store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, &left), STORE_BUSY);
    assert_true(clock_mono_us() - begun_us < 500000); /* it is not waited for */
    store_close(reader);
    assert_int_equal(store_checkpoint(store, STORE_CHECKPOINT_PASSIVE, &left), STORE_OK);
    assert_int_equal(left, 0);
    store_log_moved(store, pending, left);
    assert_int_equal(store_log_pending_bytes(store), 0);
    assert_int_equal(store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, &left), STORE_OK);
    assert_int_equal(store_log_bytes(store), 0);
    store_close(store);
}

/* SQLite has it beside the file itself. */
static void the_log_of_a_file_behind_a_link_has_a_size(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    char target[256];

    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, fixture->dir);
    (void)snprintf(target, sizeof(target), "%s/elsewhere.db", fixture->dir);
    assert_int_equal(rename(path, target), 0);
    assert_int_equal(symlink("elsewhere.db", path), 0);
    struct store *store = open_store(fixture);
    struct store_event event = solve_of(1);
    uint64_t id;

    assert_int_equal(store_begin(store), STORE_OK);
    assert_int_equal(store_insert_event(store, &event, &id), STORE_OK);
    assert_int_equal(store_commit(store), STORE_OK);
    assert_true(store_log_bytes(store) > 0);
    store_close(store);
}

static void a_damaged_file_is_said_to_be_damaged(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char error[512] = "";
    char path[256];

    fixture_path(fixture, STORE_FILE, path);
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
    for (int i = 0; i < 8192; i++) {
        assert_int_equal(fputc(0x5a, file), 0x5a);
    }
    assert_int_equal(fclose(file), 0);
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, STORE_FILE));
}

static void the_file_with_the_key_is_for_its_owner_only(void **state)
{
    struct fixture *fixture = *state;
    struct stat facts;
    char path[256];

    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 077, 0);
}

/* What was interrupted is not in its way; what has the name already is left alone. */
static void a_copy_gets_its_name_when_it_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct store *store = open_store(fixture);
    char path[256];
    char partial[256];
    char error[512];
    struct stat facts;

    fixture_path(fixture, "copy.db", path);
    fixture_path(fixture, "copy.db" COPIES_PARTIAL, partial);
    FILE *rest = fopen(partial, "w");
    assert_non_null(rest);
    assert_int_equal(fputs("half", rest) < 0 || fclose(rest) != 0, 0);
    assert_int_equal(store_keep_copy(store, path, error, sizeof(error)), STORE_OK);
    assert_int_equal(access(partial, F_OK), -1);
    assert_int_equal(stat(path, &facts), 0);
    assert_true(facts.st_size > 1024);

    FILE *other = fopen(path, "w"); /* of nobody's making */
    assert_non_null(other);
    assert_int_equal(fclose(other), 0);
    assert_int_equal(store_keep_copy(store, path, error, sizeof(error)), STORE_FAILED);
    assert_non_null(strstr(error, path));
    assert_int_equal(access(partial, F_OK), -1);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_size, 0);
    store_close(store);
}

int main(void)
{
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        STORE_TEST(hot_queries_use_the_indexes_of_the_contract),
        STORE_TEST(the_unique_index_has_the_last_word),
        STORE_TEST(a_rollback_gives_the_id_back),
        STORE_TEST(a_commit_of_nothing_is_written_each_time),
        STORE_TEST(a_lock_of_another_process_is_busy),
        STORE_TEST(a_loop_that_opens_the_store_does_not_wait_for_a_lock),
        STORE_TEST(meta_outlives_the_store),
        STORE_TEST(cleared_games_go_on_counting),
        STORE_TEST(guesses_are_trimmed_from_the_oldest),
        STORE_TEST(expired_revocations_go_a_few_at_a_time),
        STORE_TEST(a_checkpoint_empties_the_log_unless_a_reader_needs_it),
        STORE_TEST(the_log_of_a_file_behind_a_link_has_a_size),
        STORE_TEST(a_damaged_file_is_said_to_be_damaged),
        STORE_TEST(the_file_with_the_key_is_for_its_owner_only),
        STORE_TEST(a_copy_gets_its_name_when_it_is_whole),
    };

    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
