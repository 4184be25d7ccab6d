/* SPDX-License-Identifier: MIT */
/*
 * roster.h - everyone the store knows: user id, slot on the board, display name.
 *
 * Slots    A player of the game has the slot struct game gives them.  A user outside of the game who
 *          has events keeps the slot they have on the present board, else takes the highest free one.
 * Names    are found by their folded form (conf/names.h), hashed with a seed drawn at start: 64 bits
 *          are taken as the name itself.
 * Process  db, the tools.  Owner: whoever declared it; roster_free().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/map.h"
#include "db/store.h"
#include "shm/base/compiler.h"
#include "shm/players.h"

struct bank;
struct board;
struct game;

#define ROSTER_NOBODY UINT32_MAX

struct roster_user {
    uint32_t id;
    uint32_t auth_epoch;
    uint32_t slot; /* GAME_SLOT_NONE: no place on the board */
    bool in_game;
    char name[PLAYER_NAME_BYTES]; /* empty: has not chosen one */
};

struct roster {
    struct roster_user *users;
    uint32_t count;
    uint32_t capacity;
    uint32_t *by_slot; /* slot -> place in users[], ROSTER_NOBODY: free */
    uint32_t slot_count;
    struct map by_id;    /* users.id -> place in users[] */
    struct map by_name;  /* roster_name_key() -> place in users[] */
    struct map on_board; /* users.id -> slot on the board that was live when this was made */
    uint64_t seed;
    bool slots_moved; /* somebody has another slot than on that board */
};

/*
 * Reads all users; with `add_missing`, players of the game whom the store does not know are added to
 * it in the order of credentials.csv, in one transaction.  board: the present one, or NULL.
 */
MUST_USE enum store_status roster_load(struct roster *roster, struct store *store,
                                       const struct game *game, const struct board *board,
                                       uint32_t slot_count, bool add_missing);
void roster_free(struct roster *roster); /* takes a zeroed one */

/* NULL: nobody. */
struct roster_user *roster_at_slot(const struct roster *roster, uint32_t slot);
/* Who has events: finds, or gives, their slot.  A user without a row in the store is added here. */
struct roster_user *roster_with_slot(struct roster *roster, uint32_t user_id);

uint64_t roster_name_key(const struct roster *roster, const char *name);
/* The slot of whoever has the name; ROSTER_NOBODY: free. */
uint32_t roster_name_holder(const struct roster *roster, uint64_t name_key);
void roster_rename(struct roster *roster, struct roster_user *user, const char *name);
