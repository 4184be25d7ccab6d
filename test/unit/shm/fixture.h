/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - what tests of shm/ share: a small segment, a published board, events, a dice.
 *
 * Included once by each test program; the process plays every role (PROC_TEST).
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/apply.h"
#include "shm/base/compiler.h"
#include "shm/base/proc.h"
#include "shm/board.h"
#include "shm/challenges.h"
#include "shm/players.h"
#include "shm/rank.h"
#include "shm/segment.h"
#include "shm/solved.h"
#include "shm/state.h"

#define FIXTURE_USER_ID(player) ((player) + 1000)
#define FIXTURE_CHALLENGE_ID(challenge) ((challenge) + 1)

struct fixture {
    struct segment segment;
    struct board board;
};

static MAYBE_UNUSED const struct shm_sizes fixture_sizes = {
    .players_max = 70, /* more than a word of bits, and not a round number */
    .challenges_max = 130,
    .hints_max = 70,
    .ring_slots = 64,
    .process_slots = 4,
    .address_buckets = 64,
    .revoked_slots = 64,
};

static MAYBE_UNUSED void fixture_make(struct fixture *fixture, const struct shm_sizes *sizes)
{
    proc_set_role(PROC_TEST);
    assert_true(segment_create(sizes, &fixture->segment));
    board_attach(&fixture->segment, &fixture->board);
}

static MAYBE_UNUSED void fixture_end(struct fixture *fixture)
{
    segment_destroy(&fixture->segment);
}

/* Players 0..players-1 and every challenge, into the cleared spare bank. */
static MAYBE_UNUSED struct bank *fixture_fill_spare(struct fixture *fixture, uint32_t players)
{
    struct bank *spare = board_spare_clear(&fixture->board);

    for (uint32_t player = 0; player < players; player++) {
        players_put(spare, player, FIXTURE_USER_ID(player), 0, SHM_PLAYER_IN_GAME, NULL);
    }
    for (uint32_t challenge = 0; challenge < spare->challenges_max; challenge++) {
        challenges_put(spare, challenge, FIXTURE_CHALLENGE_ID(challenge), 100);
    }
    return spare;
}

static MAYBE_UNUSED void fixture_publish(struct fixture *fixture, uint32_t players)
{
    rank_rebuild(fixture_fill_spare(fixture, players));
    board_publish(&fixture->board);
}

static MAYBE_UNUSED struct event fixture_solve(uint64_t seq, uint32_t player, uint32_t challenge,
                                               int32_t points)
{
    return (struct event){
        .seq = seq,
        .ts_us = seq * 1000,
        .player = player,
        .user_id = FIXTURE_USER_ID(player),
        .challenge = challenge,
        .challenge_id = challenge == SHM_NONE ? 9999 : FIXTURE_CHALLENGE_ID(challenge),
        .points = points,
        .hint = SHM_NONE,
        .type = EVENT_SOLVE,
        .version = EVENT_VERSION,
    };
}

static MAYBE_UNUSED struct event fixture_hint(uint64_t seq, uint32_t player, uint32_t challenge,
                                              uint32_t hint, int32_t cost)
{
    struct event event = fixture_solve(seq, player, challenge, -cost);

    event.type = EVENT_HINT;
    event.hint = hint;
    event.hint_id = 1;
    return event;
}

/* One event on the live bank, as db does it. */
static MAYBE_UNUSED bool fixture_apply(struct fixture *fixture, struct event *event)
{
    struct bank *live = board_write_begin(&fixture->board);
    bool counted = apply_event(live, event, true);

    board_write_end(&fixture->board);
    return counted;
}

/* xorshift64*: the same dice on every machine, so that a failure can be played again. */
static MAYBE_UNUSED uint32_t fixture_roll(uint64_t *dice, uint32_t below)
{
    *dice ^= *dice >> 12;
    *dice ^= *dice << 25;
    *dice ^= *dice >> 27;
    return (uint32_t)((*dice * UINT64_C(0x2545F4914F6CDD1D)) >> 33) % below;
}
