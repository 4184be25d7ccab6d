/* SPDX-License-Identifier: MIT */
/*
 * state.h - the few words about the game as a whole: phase, epoch, committed sequence.
 * db writes (through apply.h and db/rebuild.c); any process reads.
 */
#pragma once

#include <stdint.h>

#include "shm/board.h"

enum state_phase {
    STATE_RUNNING, /* the zero of a fresh bank; freeze, start and end times add theirs here */
};

uint64_t state_committed_seq(const struct bank *bank);
uint64_t state_last_ts_us(const struct bank *bank);
uint64_t state_floor_seq(const struct bank *bank);
uint64_t state_auth_epoch(const struct bank *bank);
uint64_t state_generation(const struct bank *bank);
uint32_t state_player_count(const struct bank *bank);

/* db only: inside write_begin/end, or on the spare bank. */
void state_set_auth_epoch(struct bank *bank, uint64_t epoch);
/* A reset: the sequence and the clock of the bank go on from here, never back. */
void state_set_floor(struct bank *bank, uint64_t floor_seq, uint64_t last_ts_us);
void state_set_generation(struct bank *bank, uint64_t generation);
