/* SPDX-License-Identifier: MIT */
/*
 * solved.h - one bit a (player, challenge) and one a (player, hint).
 * db sets (through apply.h, release); any process tests (acquire).  Slots out of range read as false.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/board.h"

bool solved_test(const struct bank *bank, uint32_t player, uint32_t challenge);
bool solved_hint_bought(const struct bank *bank, uint32_t player, uint32_t hint);
/* Changes whenever any bit of the player does (a hash of the words): for caches of their answers. */
uint64_t solved_fingerprint(const struct bank *bank, uint32_t player);

/* db only. */
void solved_set(struct bank *bank, uint32_t player, uint32_t challenge);
void solved_set_hint(struct bank *bank, uint32_t player, uint32_t hint);
