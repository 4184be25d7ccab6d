/* SPDX-License-Identifier: MIT */
/* replay_test.c - a replay equals the board of a running server, and says so when it does not. */

#include "test/unit/db/fixture_db.h"

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture_make(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    fixture_end(*state);
    free(*state);
    return 0;
}

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
    size_t len = 0;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    play(fixture, fd, 4);
    fixture_path(fixture, "copy.db", target);
    FILE *out = open_memstream(&text, &len);

    assert_int_equal(db_backup(fixture->game, target, out), 0);
    assert_int_equal(db_backup(fixture->game, target, out), 2); /* never overwritten */
    (void)fclose(out);
    assert_non_null(strstr(text, "its replay adds up"));
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
#define REPLAY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        REPLAY_TEST(the_running_servers_board_equals_a_replay),
        REPLAY_TEST(a_rebuilt_board_equals_the_one_that_grew),
        REPLAY_TEST(a_row_that_nobody_decided_is_found_by_its_sum),
        REPLAY_TEST(without_a_database_there_is_nothing_wrong),
        REPLAY_TEST(a_backup_opens_while_the_server_runs),
    };

    return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
