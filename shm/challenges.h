/* SPDX-License-Identifier: MIT */
/*
 * challenges.h - what the room has done to each challenge: solve count, who was first, value.
 * db writes; any process reads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/board.h"

struct challenge_view {
    uint32_t id;
    uint32_t solves;
    uint32_t first_player; /* slot, or SHM_NONE */
    uint32_t value_points;
    uint64_t first_seq;
    uint64_t last_seq;
};

/* false: out of range, or nothing there. */
bool challenges_read(const struct bank *bank, uint32_t challenge, struct challenge_view *ret_view);
/* db only. */
void challenges_put(struct bank *spare, uint32_t challenge, uint32_t id, uint32_t value_points);
