/* SPDX-License-Identifier: MIT */
/*
 * players.h - who plays: names, scores, counts.
 * db writes (players_put on the spare bank, players_set_* on the live one inside write_begin/end,
 * scores through apply.h); any process reads.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/board.h"

#define PLAYER_NAME_BYTES 32

/* Copied out: private to the reader. */
struct player_view {
    int64_t score_points;
    uint64_t raised_seq;
    uint64_t raised_ts_us;
    uint64_t last_seq;
    uint32_t user_id;
    uint32_t auth_epoch;
    uint32_t solves;
    uint32_t flags; /* enum shm_player_flags */
    /* The display name, or players_default_name() for who has none. */
    char name[PLAYER_NAME_BYTES];
};

/* "Anonymous-<user id>" */
void players_default_name(uint32_t user_id, char ret_name[PLAYER_NAME_BYTES]);
/* false: no such slot, or nobody in it. */
bool players_read(const struct bank *bank, uint32_t player, struct player_view *ret_view);
/* The epoch of their sessions alone.  false: no such slot, or nobody in it. */
bool players_auth_epoch(const struct bank *bank, uint32_t player, uint32_t *ret_epoch);
/* The score alone; 0 for nobody. */
int64_t players_score(const struct bank *bank, uint32_t player);
/* By users.id: looks at `hint` first, then at all.  SHM_NONE: nobody. */
uint32_t players_find_user(const struct bank *bank, uint32_t user_id, uint32_t hint);

/* db only.  KNOWN and NAMED follow from the call; a name that is NULL or empty is none. */
void players_put(struct bank *spare, uint32_t player, uint32_t user_id, uint32_t auth_epoch,
                 uint32_t flags, const char *display_name);
void players_set_name(struct bank *bank, uint32_t player, const char *display_name);
void players_set_auth_epoch(struct bank *bank, uint32_t player, uint32_t epoch);
