/* SPDX-License-Identifier: MIT */
/* history_test.c - whoever adds up the first frame has everyone's total, and the frame is bounded. */
#include "test/unit/worker/board_fixture.h"

#include "shm/base/clock.h"
#include "worker/history.h"

#define PLAYERS 200

static json_t *build(struct board_fixture *fixture, struct history *history)
{
    while (history_advance(history, &fixture->worker, clock_mono_us() + 1000) == HISTORY_BUILDING) {
    }
    assert_non_null(history->frame);
    return frame_json(history->frame);
}

/* Adds up, and checks that ids are unique and grow. */
static void assert_adds_up(const struct board_fixture *fixture, const json_t *events)
{
    const struct bank *bank = board_live(&fixture->worker.board);
    json_int_t totals[PLAYERS] = {0};
    json_int_t last_id = 0;
    size_t index;
    json_t *event;

    json_array_foreach(events, index, event)
    {
        assert_true(json_number(event, "id") > last_id);
        last_id = json_number(event, "id");
        assert_string_equal(json_string_value(json_object_get(event, "type")), "score");
        totals[json_number(event, "user_id") - FIXTURE_USER_ID(0)] += json_number(event, "points");
    }
    for (uint32_t player = 0; player < PLAYERS; player++) {
        assert_int_equal(totals[player], players_score(bank, player));
    }
}

static void an_empty_game_is_an_empty_array(void **state)
{
    struct board_fixture fixture;
    struct history history = {0};

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    json_t *events = build(&fixture, &history);

    assert_true(json_is_array(events));
    assert_int_equal(json_array_size(events), 0);
    json_decref(events);
    history_forget(&history);
    board_fixture_end(&fixture);
}

static void a_short_game_is_there_as_it_was(void **state)
{
    struct board_fixture fixture;
    struct history history = {0};

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    board_fixture_solve(&fixture, 4, 0, 10);
    board_fixture_commit(&fixture, fixture_hint(2, 4, 0, 1, 3));
    json_t *events = build(&fixture, &history);
    const json_t *solve = json_array_get(events, 0);
    const json_t *hint = json_array_get(events, 1);

    assert_int_equal(json_array_size(events), 2);
    assert_int_equal(json_number(solve, "id"), 1);
    assert_int_equal(json_number(solve, "challenge_id"), 1);
    assert_string_equal(json_string_value(json_object_get(solve, "challenge")), "One <b>");
    assert_string_equal(json_string_value(json_object_get(solve, "displayname")), "Anonymous-1004");
    assert_int_equal(json_number(hint, "points"), -3);
    assert_adds_up(&fixture, events);
    json_decref(events);
    history_forget(&history);
    board_fixture_end(&fixture);
}

/* Events of a long game: solves, hints, and players who were never heard of again. */
static void play(struct board_fixture *fixture, uint32_t events)
{
    uint64_t dice = 42;

    for (uint32_t i = 0; i < events; i++) {
        uint32_t player = fixture_roll(&dice, i < 50 ? PLAYERS : PLAYERS - 20);

        if (fixture_roll(&dice, 10) == 0) {
            board_fixture_commit(fixture,
                                 fixture_hint(fixture->seq + 1 + i % 3, player, 0, UINT32_MAX, 1));
        } else { /* of challenges that left the game, so that there is no end of them */
            board_fixture_commit(fixture, fixture_solve(fixture->seq + 1, player, SHM_NONE,
                                                        (int32_t)fixture_roll(&dice, 100)));
        }
    }
}

static void a_long_game_is_folded_and_still_adds_up(void **state)
{
    static const uint32_t rings[] = {64, 4096, 131072};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rings); i++) {
        struct board_fixture fixture;
        struct history history = {0};

        board_fixture_make(&fixture, PLAYERS, rings[i]);
        play(&fixture, 20000);
        json_t *events = build(&fixture, &history);

        assert_adds_up(&fixture, events);
        assert_true(json_array_size(events) <=
                    fixture.worker.game->settings.history_events + PLAYERS);
        json_decref(events);
        history_forget(&history);
        board_fixture_end(&fixture);
    }
}

static void a_hundred_thousand_events_of_two_hundred_players_stay_below_256_kib(void **state)
{
    struct board_fixture fixture;
    struct history history = {0};

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 131072);
    play(&fixture, 100000);
    json_t *events = build(&fixture, &history);

    assert_true(history.frame->len < 256 << 10);
    assert_adds_up(&fixture, events);
    json_decref(events);
    history_forget(&history);
    board_fixture_end(&fixture);
}

static void one_frame_serves_all_until_the_next_event(void **state)
{
    struct board_fixture fixture;
    struct history history = {0};

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    board_fixture_solve(&fixture, 4, 0, 10);
    json_decref(build(&fixture, &history));
    const struct blob *first = history.frame;

    json_decref(build(&fixture, &history));
    assert_ptr_equal(history.frame, first);
    history.cost_us = 0; /* as in a small game, on a machine that is not busy */
    board_fixture_solve(&fixture, 5, 0, 10);
    json_decref(build(&fixture, &history));
    assert_int_equal(history.seq, 2);
    history_forget(&history);
    board_fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_game_is_an_empty_array),
        cmocka_unit_test(a_short_game_is_there_as_it_was),
        cmocka_unit_test(a_long_game_is_folded_and_still_adds_up),
        cmocka_unit_test(a_hundred_thousand_events_of_two_hundred_players_stay_below_256_kib),
        cmocka_unit_test(one_frame_serves_all_until_the_next_event),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
