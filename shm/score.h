/* SPDX-License-Identifier: MIT */
/*
 * score.h - the rules of scoring, as pure functions.  Decay, teams and freeze rules go here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What one more solve of a challenge is worth. */
uint32_t score_value(uint32_t points, uint32_t solves_before);
/* May a player with this total buy at this cost?  Totals never fall below zero by hints. */
bool score_can_buy(int64_t total_points, uint32_t cost_points);

/* The order of the board: negative when a stands before b.  Never by name. */
struct score_key {
    int64_t score_points;
    uint64_t raised_seq; /* 0: never raised, comes last among equals */
    uint32_t player;
};
int score_compare(const struct score_key *a, const struct score_key *b);
