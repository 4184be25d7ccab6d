/* SPDX-License-Identifier: MIT */
/* replay_test.c - a replay equals the board of a running server, and says so when it does not. */
#include "db/replay.c"

#include "test/unit/db/fixture_db.h"

/* Everyone does everything, in an order drawn from a fixed seed; refusals are part of it. */
static void play(struct fixture *fixture, int fd, uint32_t seed)
{
    for (uint64_t request_id = 1; request_id <= 60; request_id++) {
        seed = seed * 1664525 + 1013904223;
        uint32_t player = (seed >> 8) % 3;
        uint32_t challenge = (seed >> 16) % 3;

        if ((seed >> 24) % 2 == 0) {
            (void)fixture_submit(fd, request_id, player, challenge);
        } else {
            struct wire_hint hint =
                fixture_hint_of(request_id, player, challenge, 1 + (seed >> 28) % 2);

            fixture_send(fd, &hint, sizeof(hint));
            (void)fixture_result(fd);
        }
    }
    assert_true(state_committed_seq(board_live(&fixture->board)) > 5);
}

static int check(struct fixture *fixture, char **ret_text)
{
    size_t len = 0;
    FILE *out = open_memstream(ret_text, &len);
    int verdict = db_check(fixture->game, out);

    (void)fclose(out);
    return verdict;
}

/* The same of a backup. */
static int backup(struct fixture *fixture, const char *target, char **ret_text)
{
    size_t len = 0;
    FILE *out = open_memstream(ret_text, &len);
    int verdict = db_backup(fixture->game, target, out);

    (void)fclose(out);
    return verdict;
}

static void the_running_servers_board_equals_a_replay(void **state)
{
    struct fixture *fixture = *state;
    char *text = NULL;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 1);
    assert_int_equal(check(fixture, &text), 0);
    assert_non_null(strstr(text, "The running server"));
    free(text);
    /* A board that shows one point too many is found out. */
    struct bank *bank = board_write_begin(&fixture->board);

    atomic_fetch_add(&bank->players[ALICE].score_points, 1);
    board_write_end(&fixture->board);
    assert_int_equal(check(fixture, &text), 1);
    assert_non_null(strstr(text, "on the server's board"));
    free(text);
    (void)close(fd);
}

static void a_rebuilt_board_equals_the_one_that_grew(void **state)
{
    struct fixture *fixture = *state;
    struct player_view before[3];
    struct player_view after;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 2);
    (void)close(fd);
    for (uint32_t player = ALICE; player <= CAROL; player++) {
        assert_true(players_read(board_live(&fixture->board), player, &before[player]));
    }
    uint64_t seq = state_committed_seq(board_live(&fixture->board));

    fixture_kill(fixture);
    fixture_start(fixture);
    assert_int_equal(state_committed_seq(board_live(&fixture->board)), seq);
    for (uint32_t player = ALICE; player <= CAROL; player++) {
        assert_true(players_read(board_live(&fixture->board), player, &after));
        assert_memory_equal(&before[player], &after, sizeof(after));
    }
}

static void a_row_that_nobody_decided_is_found_by_its_sum(void **state)
{
    struct fixture *fixture = *state;
    char *text = NULL;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 3);
    (void)close(fd);
    fixture_kill(fixture);
    assert_int_equal(check(fixture, &text), 0);
    free(text);
    /* Twice the same solve, which the unique index would refuse: the fold counts it once. */
    fixture_sql(fixture, "DROP INDEX uniq_submit; INSERT INTO events (ts, user_id, challenge_id, "
                         "event_type, points) SELECT ts, user_id, challenge_id, 1, points FROM "
                         "events WHERE event_type = 1 LIMIT 1");
    assert_int_equal(check(fixture, &text), 1);
    assert_non_null(strstr(text, "in the table"));
    free(text);
}

/* What `ctfg check` would say if the two routes did not lead to the same board. */
static void two_folds_that_differ_are_told_apart(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = {.dir = fixture->dir, .read_only = true};
    struct replay replay = {.game = fixture->game};
    char error[512] = "";
    char *text = NULL;
    size_t len = 0;
    uint64_t ts_us;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 5);
    (void)close(fd);
    fixture_kill(fixture);
    assert_int_equal(store_open(&options, &replay.store, error, sizeof(error)), STORE_OK);
    assert_int_equal(store_newest(replay.store, &replay.up_to, &ts_us), STORE_OK);
    replay.out = open_memstream(&text, &len);
    assert_true(replay_run(&replay));
    assert_int_equal(replay.findings, 0);
    struct bank *first = &replay.board.banks[0];
    struct bank *second = &replay.board.banks[1];

    atomic_fetch_add(&second->players[BOB].score_points, 1);
    compare_players(&replay, first, second);
    assert_int_equal(replay.findings, 1);
    atomic_fetch_add(&first->challenges[CHALLENGE_FIRST].solves, 1);
    compare_challenges(&replay, first, second);
    assert_int_equal(replay.findings, 2);
    /* A user with events whom the board does not have, and one with other sums. */
    struct store_sum nobody = {.id = 4711, .points = 1, .solves = 1};

    assert_true(compare_user_sum(&replay, &nobody));
    assert_int_equal(replay.findings, 3);
    for (int i = 0; i < REPLAY_FINDINGS_MAX; i++) {
        assert_true(compare_user_sum(&replay, &nobody));
    }
    assert_int_equal(replay.findings, 3 + REPLAY_FINDINGS_MAX); /* counted, but not all printed */
    (void)fclose(replay.out);
    assert_non_null(strstr(text, "in the other"));
    assert_non_null(strstr(text, "differs between the two replays"));
    assert_non_null(strstr(text, "user 4711 has events but is not on the board"));
    size_t lines = 0;

    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) {
        lines++;
    }
    assert_int_equal(lines, REPLAY_FINDINGS_MAX);
    free(text);
    replay_free(&replay);
    store_close(replay.store);
}

/* The first event may be committed while `ctfg check` has a board without any in its hands. */
static void a_board_without_events_is_compared_with_none(void **state)
{
    struct fixture *fixture = *state;
    struct store_options options = {.dir = fixture->dir, .read_only = true};
    struct replay replay = {.game = fixture->game, .up_to = 0, .out = stdout};
    struct player_view view;
    char error[512] = "";

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 6);
    (void)close(fd);
    assert_int_equal(store_open(&options, &replay.store, error, sizeof(error)), STORE_OK);
    assert_true(replay_run(&replay));
    assert_int_equal(replay.findings, 0);
    assert_int_equal(replay.events, 0);
    assert_true(players_read(board_live(&replay.board), ALICE, &view));
    assert_int_equal(view.last_seq, 0);
    replay_free(&replay);
    store_close(replay.store);
}

static void a_damaged_file_is_neither_checked_nor_backed_up(void **state)
{
    struct fixture *fixture = *state;
    char target[256];
    char *text = NULL;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 6);
    (void)close(fd);
    assert_int_equal(fixture_drain(fixture), 0);
    /* An index that has lost a row: only a look at everything finds that. */
    fixture_sql(fixture, "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, "
                         "'event_type = 1', 'event_type = 2') WHERE name = 'uniq_submit'");
    assert_int_equal(check(fixture, &text), 1);
    assert_non_null(strstr(text, "is damaged"));
    free(text);
    fixture_path(fixture, "copy.db", target);
    assert_int_equal(backup(fixture, target, &text), 1);
    assert_non_null(strstr(text, "kept to look at"));
    free(text);
    assert_int_equal(fixture_files(fixture, "copy.db"), 1); /* as copy.db.partial */
    assert_int_equal(access(target, F_OK), -1);
}

static void a_backup_that_cannot_be_written_says_why(void **state)
{
    struct fixture *fixture = *state;
    char *text = NULL;
    char far[5000];

    fixture_start(fixture);
    assert_int_equal(backup(fixture, "/no/such/folder/copy.db", &text), 1);
    assert_non_null(strstr(text, "The backup failed: "));
    free(text);
    memset(far, 'f', sizeof(far));
    far[sizeof(far) - 1] = '\0';
    assert_int_equal(backup(fixture, far, &text), 2);
    assert_non_null(strstr(text, "too long"));
    free(text);
}

static void without_a_database_there_is_nothing_wrong(void **state)
{
    char *text = NULL;

    assert_int_equal(check(*state, &text), 0);
    assert_non_null(strstr(text, "no database"));
    free(text);
}

static void a_backup_opens_while_the_server_runs(void **state)
{
    struct fixture *fixture = *state;
    char target[256];
    char *text = NULL;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 4);
    fixture_path(fixture, "copy.db", target);
    assert_int_equal(backup(fixture, target, &text), 0);
    assert_non_null(strstr(text, "its replay adds up"));
    free(text);
    assert_int_equal(backup(fixture, target, &text), 2); /* never overwritten */
    free(text);
    assert_int_equal(fixture_files(fixture, "copy.db"), 1); /* one file, nothing beside it */
    /* In the place of the original it is the same game. */
    int64_t events = fixture_number(fixture, "SELECT count(*) FROM events");
    int64_t score = players_score(board_live(&fixture->board), ALICE);
    char path[256];

    (void)close(fd);
    assert_int_equal(fixture_drain(fixture), 0);
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(rename(target, path), 0);
    fixture_start(fixture);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), events);
    assert_int_equal(players_score(board_live(&fixture->board), ALICE), score);
}

int main(void)
{
#define REPLAY_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(the_running_servers_board_equals_a_replay),
        REPLAY_TEST(a_rebuilt_board_equals_the_one_that_grew),
        REPLAY_TEST(a_row_that_nobody_decided_is_found_by_its_sum),
        REPLAY_TEST(without_a_database_there_is_nothing_wrong),
        REPLAY_TEST(a_backup_opens_while_the_server_runs),
        REPLAY_TEST(two_folds_that_differ_are_told_apart),
        REPLAY_TEST(a_board_without_events_is_compared_with_none),
        REPLAY_TEST(a_damaged_file_is_neither_checked_nor_backed_up),
        REPLAY_TEST(a_backup_that_cannot_be_written_says_why),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
