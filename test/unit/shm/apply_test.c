/* SPDX-License-Identifier: MIT */
/* apply_test.c - what one event changes on a board, and what it must not. */
#include "test/unit/shm/fixture.h"

static void start(struct fixture *fixture, uint32_t players)
{
    fixture_make(fixture, &fixture_sizes);
    fixture_publish(fixture, players);
}

static struct player_view player_at(const struct fixture *fixture, uint32_t player)
{
    struct player_view view;

    assert_true(players_read(board_live(&fixture->board), player, &view));
    return view;
}

static struct challenge_view challenge_at(const struct fixture *fixture, uint32_t challenge)
{
    struct challenge_view view;

    assert_true(challenges_read(board_live(&fixture->board), challenge, &view));
    return view;
}

static void a_solve_counts_for_player_and_challenge(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event event = fixture_solve(8, 2, 129, 100);

    start(&fixture, 5);
    assert_true(fixture_apply(&fixture, &event));
    assert_int_equal(event.place, 1);
    struct player_view player = player_at(&fixture, 2);
    assert_int_equal(player.score_points, 100);
    assert_int_equal(player.raised_seq, 8);
    assert_int_equal(player.raised_ts_us, 8000);
    assert_int_equal(player.last_seq, 8);
    assert_int_equal(player.solves, 1);
    assert_int_equal(player.flags, SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME | SHM_PLAYER_HAS_EVENT);
    struct challenge_view challenge = challenge_at(&fixture, 129);
    assert_int_equal(challenge.solves, 1);
    assert_int_equal(challenge.first_player, 2);
    assert_int_equal(challenge.first_seq, 8);
    const struct bank *live = board_live(&fixture.board);
    assert_true(solved_test(live, 2, 129));
    assert_false(solved_test(live, 2, 128));
    assert_false(solved_test(live, 1, 129));
    assert_int_equal(state_committed_seq(live), 8);
    assert_int_equal(state_last_ts_us(live), 8000);
    fixture_end(&fixture);
}

static void places_and_first_blood_follow_the_sequence(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event first = fixture_solve(1, 3, 0, 100);
    struct event second = fixture_solve(2, 1, 0, 100);

    start(&fixture, 5);
    assert_true(fixture_apply(&fixture, &first));
    assert_true(fixture_apply(&fixture, &second));
    assert_int_equal(first.place, 1);
    assert_int_equal(second.place, 2);
    assert_int_equal(challenge_at(&fixture, 0).first_player, 3);
    assert_int_equal(challenge_at(&fixture, 0).first_seq, 1);
    assert_int_equal(challenge_at(&fixture, 0).last_seq, 2);
    fixture_end(&fixture);
}

static void chains_lead_back_to_the_events_before(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event events[] = {
        fixture_solve(5, 0, 0, 10),  /* first of both chains */
        fixture_solve(6, 1, 0, 10),  /* of the challenge: 5 */
        fixture_hint(9, 0, 1, 0, 5), /* of player 0: 5; hints are in no challenge's chain */
        fixture_solve(12, 0, 1, 10), /* of player 0: 9; the challenge's first */
    };
    const uint64_t player_before[] = {0, 0, 5, 9};
    const uint64_t challenge_before[] = {0, 5, 0, 0};

    start(&fixture, 5);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        assert_true(fixture_apply(&fixture, &events[i]));
        assert_int_equal(events[i].prev_player_seq, player_before[i]);
        assert_int_equal(events[i].prev_challenge_seq, challenge_before[i]);
    }
    fixture_end(&fixture);
}

static void an_event_that_would_count_twice_moves_only_the_sequence(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event events[] = {
        fixture_solve(1, 0, 7, 100),
        fixture_hint(2, 0, 7, 3, 10),
        fixture_solve(3, 0, 7, 100),
        fixture_hint(4, 0, 7, 3, 10),
    };

    start(&fixture, 2);
    assert_true(fixture_apply(&fixture, &events[0]));
    assert_true(fixture_apply(&fixture, &events[1]));
    assert_true(solved_hint_bought(board_live(&fixture.board), 0, 3));
    struct player_view before = player_at(&fixture, 0);
    assert_false(fixture_apply(&fixture, &events[2]));
    assert_false(fixture_apply(&fixture, &events[3]));
    struct player_view after = player_at(&fixture, 0);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(after.score_points, 90);
    assert_int_equal(events[2].place, 0);
    assert_int_equal(challenge_at(&fixture, 7).solves, 1);
    assert_int_equal(challenge_at(&fixture, 7).last_seq, 1);
    assert_int_equal(state_committed_seq(board_live(&fixture.board)), 4);
    fixture_end(&fixture);
}

static void an_event_applied_again_changes_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event hint = fixture_hint(5, 0, SHM_NONE, SHM_NONE, 10); /* no bit tells it apart */

    start(&fixture, 2);
    assert_true(fixture_apply(&fixture, &hint));
    assert_false(fixture_apply(&fixture, &hint));
    assert_int_equal(player_at(&fixture, 0).score_points, -10);
    assert_int_equal(state_committed_seq(board_live(&fixture.board)), 5);
    fixture_end(&fixture);
}

static void what_left_the_game_still_counts_its_points(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event solve = fixture_solve(1, 0, SHM_NONE, 100);
    struct event other = fixture_solve(2, 0, SHM_NONE, 50);
    struct event hint = fixture_hint(3, 0, SHM_NONE, SHM_NONE, 30);

    start(&fixture, 2);
    assert_true(fixture_apply(&fixture, &solve));
    assert_true(fixture_apply(&fixture, &other));
    assert_true(fixture_apply(&fixture, &hint));
    assert_int_equal(solve.place, 0);
    assert_int_equal(player_at(&fixture, 0).score_points, 120);
    assert_int_equal(player_at(&fixture, 0).solves, 2);
    assert_int_equal(player_at(&fixture, 0).last_seq, 3);
    fixture_end(&fixture);
}

static void an_event_of_nobody_moves_only_the_sequence(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event unknown = fixture_solve(1, 4, 0, 100); /* a slot nobody has taken */
    struct event outside = fixture_solve(2, SHM_NONE, 0, 100);

    start(&fixture, 2);
    assert_false(fixture_apply(&fixture, &unknown));
    assert_false(fixture_apply(&fixture, &outside));
    assert_int_equal(challenge_at(&fixture, 0).solves, 0);
    assert_int_equal(state_committed_seq(board_live(&fixture.board)), 2);
    fixture_end(&fixture);
}

static void a_type_nobody_knows_moves_only_the_sequence(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event event = fixture_solve(1, 0, 0, 100);

    event.type = 77;
    start(&fixture, 2);
    assert_false(fixture_apply(&fixture, &event));
    assert_int_equal(player_at(&fixture, 0).score_points, 0);
    assert_int_equal(state_committed_seq(board_live(&fixture.board)), 1);
    fixture_end(&fixture);
}

static void only_a_rise_dates_a_score(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event solve = fixture_solve(1, 0, 0, 100);
    struct event worthless = fixture_solve(2, 0, 1, 0);
    struct event hint = fixture_hint(3, 0, 1, 1, 10);

    start(&fixture, 2);
    assert_true(fixture_apply(&fixture, &solve));
    assert_true(fixture_apply(&fixture, &worthless));
    assert_true(fixture_apply(&fixture, &hint));
    assert_int_equal(player_at(&fixture, 0).raised_seq, 1);
    assert_int_equal(player_at(&fixture, 0).solves, 2);
    assert_int_equal(player_at(&fixture, 0).last_seq, 3);
    fixture_end(&fixture);
}

static void scores_pass_32_bits(void **state)
{
    (void)state;
    struct fixture fixture;

    start(&fixture, 2);
    for (uint64_t seq = 1; seq <= 5; seq++) {
        struct event event = fixture_solve(seq, 0, SHM_NONE, INT32_MAX);

        assert_true(fixture_apply(&fixture, &event));
    }
    assert_true(player_at(&fixture, 0).score_points == INT64_C(5) * INT32_MAX);
    fixture_end(&fixture);
}

static void events_up_to_a_reset_are_void(void **state)
{
    (void)state;
    struct fixture fixture;
    struct event before = fixture_solve(40, 0, 0, 100);
    struct event after = fixture_solve(41, 0, 0, 100);

    fixture_make(&fixture, &fixture_sizes);
    struct bank *spare = fixture_fill_spare(&fixture, 2);
    state_set_floor(spare, 40, 90000);
    assert_int_equal(state_floor_seq(spare), 40);
    assert_int_equal(state_committed_seq(spare), 40);
    assert_int_equal(state_last_ts_us(spare), 90000);
    assert_false(apply_event(spare, &before, false));
    assert_true(apply_event(spare, &after, false));
    assert_int_equal(players_score(spare, 0), 100);
    assert_int_equal(state_last_ts_us(spare), 90000); /* the clock never goes back */
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_solve_counts_for_player_and_challenge),
        cmocka_unit_test(places_and_first_blood_follow_the_sequence),
        cmocka_unit_test(chains_lead_back_to_the_events_before),
        cmocka_unit_test(an_event_that_would_count_twice_moves_only_the_sequence),
        cmocka_unit_test(an_event_applied_again_changes_nothing),
        cmocka_unit_test(what_left_the_game_still_counts_its_points),
        cmocka_unit_test(an_event_of_nobody_moves_only_the_sequence),
        cmocka_unit_test(a_type_nobody_knows_moves_only_the_sequence),
        cmocka_unit_test(only_a_rise_dates_a_score),
        cmocka_unit_test(scores_pass_32_bits),
        cmocka_unit_test(events_up_to_a_reset_are_void),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
