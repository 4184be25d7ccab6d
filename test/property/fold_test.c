/* SPDX-License-Identifier: MIT */
/*
 * fold_test.c - random event logs: the board kept event by event, a rebuild at any point, and a
 * plain sum over the log written without any of shm/'s code give the same board.
 *
 * A failure prints the seed of its game; FOLD_SEED=n plays that one alone.
 */
#include "test/unit/shm/fixture.h"

#include <stdio.h>

#define GAMES 60
#define EVENTS 400
#define PLAYERS 30
#define CHALLENGES 12
#define HINTS 9

/* ---- the reference: what a reader of the rules would write, on plain arrays ---- */

struct reference {
    struct {
        int64_t score;
        uint64_t raised_seq;
        uint64_t last_seq;
        uint32_t solves;
        bool solved[CHALLENGES];
        bool bought[HINTS];
    } players[PLAYERS];
    struct {
        uint32_t solves;
        uint32_t first_player;
        uint64_t first_seq;
        uint64_t last_seq;
    } challenges[CHALLENGES];
    uint64_t committed;
};

static bool reference_counts(struct reference *at, const struct event *event)
{
    bool *bit = NULL;

    if (event->player >= PLAYERS) {
        return false;
    }
    if (event->type == EVENT_SOLVE && event->challenge < CHALLENGES) {
        bit = &at->players[event->player].solved[event->challenge];
    } else if (event->type == EVENT_HINT && event->hint < HINTS) {
        bit = &at->players[event->player].bought[event->hint];
    }
    if (bit != NULL && *bit) {
        return false;
    }
    if (bit != NULL) {
        *bit = true;
    }
    return true;
}

static void reference_apply(struct reference *at, const struct event *event)
{
    at->committed = event->seq;
    if (!reference_counts(at, event)) {
        return;
    }
    at->players[event->player].score += event->points;
    at->players[event->player].last_seq = event->seq;
    if (event->points > 0) {
        at->players[event->player].raised_seq = event->seq;
    }
    if (event->type != EVENT_SOLVE) {
        return;
    }
    at->players[event->player].solves++;
    if (event->challenge < CHALLENGES) {
        if (at->challenges[event->challenge].solves++ == 0) {
            at->challenges[event->challenge].first_player = event->player;
            at->challenges[event->challenge].first_seq = event->seq;
        }
        at->challenges[event->challenge].last_seq = event->seq;
    }
}

static bool stands_before(const struct reference *at, uint32_t a, uint32_t b)
{
    if (at->players[a].score != at->players[b].score) {
        return at->players[a].score > at->players[b].score;
    }
    uint64_t raised_a = at->players[a].raised_seq;
    uint64_t raised_b = at->players[b].raised_seq;

    if (raised_a != raised_b) {
        return raised_b == 0 || (raised_a != 0 && raised_a < raised_b);
    }
    return a < b;
}

/* ---- comparing ---- */

static void assert_players(const struct bank *bank, const struct reference *at)
{
    for (uint32_t player = 0; player < PLAYERS; player++) {
        struct player_view view;
        uint32_t place = 0;
        uint32_t wanted_place = 0;

        assert_true(players_read(bank, player, &view));
        assert_true(view.score_points == at->players[player].score);
        assert_int_equal(view.raised_seq, at->players[player].raised_seq);
        assert_int_equal(view.last_seq, at->players[player].last_seq);
        assert_int_equal(view.solves, at->players[player].solves);
        for (uint32_t challenge = 0; challenge < CHALLENGES; challenge++) {
            assert_int_equal(solved_test(bank, player, challenge),
                             at->players[player].solved[challenge]);
        }
        for (uint32_t hint = 0; hint < HINTS; hint++) {
            assert_int_equal(solved_hint_bought(bank, player, hint),
                             at->players[player].bought[hint]);
        }
        for (uint32_t other = 0; other < PLAYERS; other++) {
            wanted_place += other != player && stands_before(at, other, player);
        }
        assert_true(rank_find_place(bank, player, &place));
        assert_int_equal(place, wanted_place);
    }
}

static void assert_board(const struct bank *bank, const struct reference *at)
{
    assert_int_equal(state_committed_seq(bank), at->committed);
    for (uint32_t challenge = 0; challenge < CHALLENGES; challenge++) {
        struct challenge_view view;

        assert_true(challenges_read(bank, challenge, &view));
        assert_int_equal(view.solves, at->challenges[challenge].solves);
        assert_int_equal(view.last_seq, at->challenges[challenge].last_seq);
        assert_int_equal(view.first_seq, at->challenges[challenge].first_seq);
        assert_int_equal(view.first_player,
                         view.solves == 0 ? SHM_NONE : at->challenges[challenge].first_player);
    }
    assert_players(bank, at);
}

/* ---- playing ---- */

static struct event random_event(uint64_t *dice, uint64_t seq)
{
    /* Sometimes a player, a challenge or a hint that is none, and often one that was there. */
    uint32_t player = fixture_roll(dice, PLAYERS + 1);
    uint32_t challenge = fixture_roll(dice, CHALLENGES + 1);
    uint32_t hint = fixture_roll(dice, HINTS + 1);
    int32_t points = (int32_t)fixture_roll(dice, 4) * 25;

    player = player == PLAYERS ? SHM_NONE : player;
    challenge = challenge == CHALLENGES ? SHM_NONE : challenge;
    hint = hint == HINTS ? SHM_NONE : hint;
    return fixture_roll(dice, 3) == 0 ? fixture_hint(seq, player, challenge, hint, points)
                                      : fixture_solve(seq, player, challenge, points);
}

/* The whole log so far into the spare bank; what apply_event() fills in must come out the same. */
static void rebuild(struct fixture *fixture, const struct event *log, uint32_t count)
{
    struct bank *spare = fixture_fill_spare(fixture, PLAYERS);

    for (uint32_t i = 0; i < count; i++) {
        struct event event = log[i];

        (void)apply_event(spare, &event, false);
        assert_int_equal(event.place, log[i].place);
        assert_int_equal(event.prev_player_seq, log[i].prev_player_seq);
        assert_int_equal(event.prev_challenge_seq, log[i].prev_challenge_seq);
    }
    rank_rebuild(spare);
    board_publish(&fixture->board);
}

static void play(uint64_t seed)
{
    static struct event log[EVENTS];
    const struct shm_sizes sizes = {
        .players_max = PLAYERS,
        .challenges_max = CHALLENGES,
        .hints_max = HINTS,
        .ring_slots = 1,
        .process_slots = 1,
        .address_buckets = 1,
        .revoked_slots = 1,
    };
    struct reference reference = {.committed = 0};
    struct fixture fixture;
    uint64_t dice = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    uint64_t seq = 0;

    fixture_make(&fixture, &sizes);
    fixture_publish(&fixture, PLAYERS);
    for (uint32_t i = 0; i < EVENTS; i++) {
        seq += fixture_roll(&dice, 10) == 0 ? 2 : 1; /* ids may have gaps */
        log[i] = random_event(&dice, seq);
        (void)fixture_apply(&fixture, &log[i]);
        reference_apply(&reference, &log[i]);
        if (fixture_roll(&dice, 20) == 0) {
            assert_board(board_live(&fixture.board), &reference);
            rebuild(&fixture, log, i + 1);
            assert_board(board_live(&fixture.board), &reference);
        }
    }
    assert_board(board_live(&fixture.board), &reference);
    fixture_end(&fixture);
}

static void a_board_kept_event_by_event_equals_a_replay_and_a_plain_sum(void **state)
{
    (void)state;
    const char *only = getenv("FOLD_SEED");

    if (only != NULL) {
        play(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= GAMES; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        play(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_kept_event_by_event_equals_a_replay_and_a_plain_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
