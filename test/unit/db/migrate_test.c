/* SPDX-License-Identifier: MIT */
/* migrate_test.c - files of the older engine are carried on with, later ones are left alone. */

#include "test/unit/db/fixture_db.h"

/* The tables as the older engine made them; without the unique indexes, so that a test can break
 * them as an early version of it did. */
static const char *const older_tables =
    "CREATE TABLE events(id INTEGER PRIMARY KEY AUTOINCREMENT, ts BIGINT NOT NULL,"
    " user_id BIGINT, challenge_id BIGINT, event_type SMALLINT, points INTEGER,"
    " hint_number INTEGER, CHECK (event_type IN (1,2)),"
    " CHECK ((event_type = 2 AND hint_number IS NOT NULL) OR"
    "        (event_type = 1 AND hint_number IS NULL)));"
    "CREATE TABLE users(id INTEGER PRIMARY KEY, username UNIQUE, displayname);"
    "CREATE INDEX events_user_chal_submit ON events(user_id, challenge_id, event_type);"
    "CREATE INDEX events_user_chal_hint ON events(user_id, challenge_id, event_type, hint_number);"
    "CREATE INDEX events_ts ON events(ts);";

static const char *const older_rows =
    "INSERT INTO users VALUES (4, 'alice', 'Alice A'), (7, 'mallory', 'Mal'), (8, 'bob', NULL);"
    "INSERT INTO events(ts, user_id, challenge_id, event_type, points, hint_number) VALUES"
    " (1000, 4, 11, 1, 100, NULL),"    /* 1 */
    " (2000, 4, 11, 1, 100, NULL),"    /* 2: the same solve again */
    " (3000, 4, 11, 2, -60, 1),"       /* 3 */
    " (4000, 4, 11, 2, -60, 1),"       /* 4: the same hint again */
    " (5000, NULL, 11, 1, 100, NULL)," /* 5: nobody's */
    " (6000, 7, 99, 1, 30, NULL),"     /* 6: of a user and a challenge that left the game */
    " (7000, 55, 11, 1, 100, NULL);";  /* 7: of a user without a row */

static void make_older_file(struct fixture *fixture)
{
    fixture_sql(fixture, older_tables);
    fixture_sql(fixture, older_rows);
}

static void a_new_file_has_the_schema_of_the_contract(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;

    fixture_prepare(fixture, &facts);
    assert_int_equal(facts.events, 0);
    assert_int_equal(fixture_number(fixture, "PRAGMA user_version"), 2);
    assert_int_equal(
        fixture_number(fixture,
                       "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND name IN"
                       " ('events_user_chal_submit', 'events_user_chal_hint', 'events_ts',"
                       " 'uniq_submit', 'uniq_hint')"),
        5);
    assert_int_equal(fixture_files(fixture, STORE_FILE ".before-"), 0);
}

static void an_older_file_is_copied_and_its_duplicates_move_aside(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;

    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    make_older_file(fixture);
    fixture_prepare(fixture, &facts);
    assert_int_equal(facts.users_outside_game, 2); /* mallory, and 55 who has no row */
    assert_int_equal(fixture_files(fixture, STORE_FILE ".before-2-"), 1);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), 4);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM moved_aside"), 3);
    assert_int_equal(fixture_number(fixture, "SELECT sum(id) FROM moved_aside"), 2 + 4 + 5);
    assert_int_equal(
        fixture_number(fixture, "SELECT count(*) FROM moved_aside WHERE reason LIKE 'the same%'"),
        2);
    fixture_prepare(fixture, &facts); /* once is enough */
    assert_int_equal(fixture_files(fixture, STORE_FILE ".before-"), 1);
}

static void a_game_goes_on_from_an_older_file(void **state)
{
    struct fixture *fixture = *state;
    struct player_view view;
    struct event event;

    make_older_file(fixture);
    fixture_start(fixture);
    const struct bank *bank = board_live(&fixture->board);

    assert_true(players_read(bank, ALICE, &view));
    assert_int_equal(view.user_id, 4);
    assert_string_equal(view.name, "Alice A");
    assert_int_equal(view.score_points, 40);
    uint32_t stranger = players_find_user(bank, 55, 0);

    assert_int_not_equal(stranger, SHM_NONE);
    assert_int_equal(players_score(bank, stranger), 100);
    assert_int_equal(players_score(bank, players_find_user(bank, 7, 0)), 30);
    assert_int_equal(ring_read_event(&fixture->ring, 2, &event), RING_GAP);
    assert_int_equal(ring_read_event(&fixture->ring, 7, &event), RING_OK);
    assert_int_equal(event.place, 2);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_ALREADY);
    struct wire_result result = fixture_submit(fd, 2, BOB, CHALLENGE_FIRST);

    assert_int_equal(result.seq, 8);
    assert_int_equal(result.place, 3);
    (void)close(fd);
}

static void a_file_in_wal_mode_is_opened_with_its_log(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char path[256];
    pid_t writer;
    int status;

    fixture_path(fixture, STORE_FILE, path);
    writer = fork();
    if (writer == 0) { /* dies with rows that are in the log only */
        sqlite3 *db = NULL;

        (void)sqlite3_open(path, &db);
        (void)sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
        (void)sqlite3_exec(db, older_tables, NULL, NULL, NULL);
        (void)sqlite3_exec(db, older_rows, NULL, NULL, NULL);
        (void)kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(writer, &status, 0), writer);
    fixture_prepare(fixture, &facts);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), 4);
    assert_int_equal(fixture_files(fixture, STORE_FILE ".before-2-"), 1);
}

static void a_file_of_a_later_version_is_refused_untouched(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char error[512] = "";

    fixture_sql(fixture, "CREATE TABLE events(x); PRAGMA user_version = 99;");
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, "later version"));
    assert_int_equal(fixture_number(fixture, "PRAGMA user_version"), 99);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void a_database_of_something_else_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char error[512] = "";
    char path[256];

    fixture_sql(fixture, "CREATE TABLE events(id INTEGER PRIMARY KEY, what TEXT)");
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, "not a database of a game"));
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    /* Its events would do, its users would not. */
    fixture_sql(fixture, older_tables);
    fixture_sql(fixture, "DROP TABLE users; CREATE TABLE users(id INTEGER PRIMARY KEY, shoe_size)");
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, "users lacks"));
    assert_int_equal(unlink(path), 0);
    fixture_write(fixture->dir, STORE_FILE, "this was never a database, but somebody's notes\n");
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, STORE_FILE));
}

static void a_table_that_would_give_its_rows_no_ids_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char error[512] = "";
    char path[256];
    static const char *const remade[] = {
        "CREATE TABLE x AS SELECT * FROM events; DROP TABLE events; ALTER TABLE x RENAME TO events",
        "CREATE TABLE x AS SELECT * FROM users; DROP TABLE users; ALTER TABLE x RENAME TO users",
        "DROP TABLE users;"
        "CREATE TABLE users(id INTEGER PRIMARY KEY, username, displayname) WITHOUT ROWID",
    };

    fixture_path(fixture, STORE_FILE, path);
    for (size_t i = 0; i < ARRAY_LEN(remade); i++) {
        make_older_file(fixture);
        fixture_sql(fixture, remade[i]);
        assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
        assert_non_null(strstr(error, "is no INTEGER PRIMARY KEY"));
        assert_int_equal(fixture_number(fixture, "PRAGMA user_version"), 0);
        assert_int_equal(unlink(path), 0);
    }
}

static void an_event_before_the_first_number_moves_aside(void **state)
{
    struct fixture *fixture = *state;

    make_older_file(fixture);
    fixture_sql(fixture, "INSERT INTO events VALUES (0, 900, 8, 11, 1, 100, NULL),"
                         " (-5, 800, 7, 11, 1, 100, NULL)");
    fixture_start(fixture);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM moved_aside WHERE id < 1"), 2);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, BOB, CHALLENGE_FIRST).status, WIRE_OK);
    (void)close(fd);
}

static void a_player_who_is_there_twice_is_two_users(void **state)
{
    struct fixture *fixture = *state;
    struct player_view view;

    make_older_file(fixture);
    fixture_sql(fixture, "INSERT INTO users VALUES (9, CAST('alice' AS BLOB), 'Alice B');"
                         "INSERT INTO events VALUES (8, 8000, 9, 11, 1, 100, NULL)");
    fixture_start(fixture);
    const struct bank *bank = board_live(&fixture->board);

    assert_true(players_read(bank, ALICE, &view));
    assert_int_equal(view.user_id, 4);
    assert_int_equal(view.score_points, 40);
    assert_int_equal(players_score(bank, players_find_user(bank, 9, 0)), 100);
}

static void check_looks_at_an_older_file_and_leaves_it_as_it_is(void **state)
{
    struct fixture *fixture = *state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    make_older_file(fixture);
    int verdict = db_check(fixture->game, out);

    (void)fclose(out);
    assert_int_equal(verdict, 0);
    assert_non_null(strstr(text, "3 events of an older file could not count"));
    assert_non_null(strstr(text, "adds up"));
    assert_int_equal(fixture_number(fixture, "PRAGMA user_version"), 0);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), 7);
    free(text);
}

int main(void)
{
#define MIGRATE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        MIGRATE_TEST(a_new_file_has_the_schema_of_the_contract),
        MIGRATE_TEST(an_older_file_is_copied_and_its_duplicates_move_aside),
        MIGRATE_TEST(a_game_goes_on_from_an_older_file),
        MIGRATE_TEST(a_file_in_wal_mode_is_opened_with_its_log),
        MIGRATE_TEST(a_file_of_a_later_version_is_refused_untouched),
        MIGRATE_TEST(a_database_of_something_else_is_refused),
        MIGRATE_TEST(a_table_that_would_give_its_rows_no_ids_is_refused),
        MIGRATE_TEST(an_event_before_the_first_number_moves_aside),
        MIGRATE_TEST(a_player_who_is_there_twice_is_two_users),
        MIGRATE_TEST(check_looks_at_an_older_file_and_leaves_it_as_it_is),
    };

    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
