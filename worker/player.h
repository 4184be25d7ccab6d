/* SPDX-License-Identifier: MIT */
/*
 * player.h - one player as one cut through the board, and where they stand.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/players.h"

struct worker;

struct player_now {
    struct player_view view;
    uint32_t place; /* from 1; 0: has never scored */
    uint64_t seq;   /* the board contains the events up to it */
};

/* In one of at most `tries` cuts (board.h's BOARD_READ_TRIES where somebody waits for the answer).
 * false: nobody, the board moved under every try, or db has just died in the middle of an event: 503. */
MUST_USE bool player_read(const struct worker *worker, uint32_t player, unsigned tries,
                          struct player_view *ret_view);
/* With the place, for which some fifteen other players are looked at; false as above. */
MUST_USE bool player_read_now(struct worker *worker, uint32_t player, struct player_now *ret_now);
/* The display name, or the empty one for who has chosen none. */
struct str player_display_name(const struct player_view *view);
