/* SPDX-License-Identifier: MIT */
/*
 * rules.h - what a player may do with a challenge, told from shared memory: for an early answer.
 * db decides again, and has the last word (db/decide.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bank;
struct game;
struct game_challenge;

/* An id from outside; NULL: out of range, or no such challenge. */
const struct game_challenge *rules_find_challenge(const struct game *game, int64_t id);
/* Has the player solved all that the challenge requires? */
bool rules_is_open(const struct bank *bank, uint32_t player,
                   const struct game_challenge *challenge);
/* Hints bought so far; they are bought in order, so the next one has this number plus one. */
uint32_t rules_hints_bought(const struct bank *bank, uint32_t player,
                            const struct game_challenge *challenge);
