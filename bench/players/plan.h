/* SPDX-License-Identifier: MIT */
/*
 * plan.h - what there is to play: the game's challenges with their test flags, and who plays.
 *
 * Read once at the start from challenges.json and credentials.csv of a game folder; never changes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

#define PLAN_HINTS_MAX 8

struct plan_challenge {
    uint32_t id;
    struct str flag_json; /* the test flag as a JSON string, quotes included */
    uint32_t requirement_count;
    uint32_t *requirements; /* places in challenges[] */
    uint32_t hint_count;
    int64_t hint_costs[PLAN_HINTS_MAX];
};

struct plan_player {
    struct str login_json; /* the whole body of POST /api/login */
};

struct plan {
    uint32_t challenge_count;
    struct plan_challenge *challenges;
    uint32_t player_count;
    struct plan_player *players;
};

/* false: said on standard error.  The plan lives as long as the program. */
MUST_USE bool plan_load(const char *game_dir, struct plan *ret_plan);
