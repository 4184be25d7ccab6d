/* SPDX-License-Identifier: MIT */
/*
 * overlay.h - what a batch has decided already and the board does not show yet.
 *
 * Two requests of one batch must not spend the same points, solve the same challenge or take the same
 * name.  Emptied with each batch.  Process db.  Owner: struct batch; overlay_free().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/map.h"
#include "shm/event.h"

struct overlay {
    struct map facts;
};

void overlay_init(struct overlay *overlay, uint32_t requests);
void overlay_free(struct overlay *overlay);
void overlay_clear(struct overlay *overlay);

void overlay_note_event(struct overlay *overlay, const struct event *event);
bool overlay_has_solved(const struct overlay *overlay, uint32_t player, uint32_t challenge);
bool overlay_has_bought(const struct overlay *overlay, uint32_t player, uint32_t hint);
/* Solves of the challenge, points of the player, on top of the board's. */
uint32_t overlay_solves(const struct overlay *overlay, uint32_t challenge);
int64_t overlay_points(const struct overlay *overlay, uint32_t player);

/* The player has given up one name and taken another, by their keys (roster.h); 0: none. */
void overlay_note_name(struct overlay *overlay, uint64_t old_key, uint64_t new_key,
                       uint32_t player);
/* true: the batch has changed who has this name; OVERLAY_NOBODY: it fell free. */
#define OVERLAY_NOBODY UINT32_MAX
bool overlay_name_holder(const struct overlay *overlay, uint64_t key, uint32_t *ret_player);
/* The player's name has changed in this batch: its key now. */
bool overlay_name_of(const struct overlay *overlay, uint32_t player, uint64_t *ret_key);

/* Times the sessions of a player were ended. */
void overlay_note_logout(struct overlay *overlay, uint32_t player);
uint32_t overlay_logouts(const struct overlay *overlay, uint32_t player);

/* A request that became an event: where it stands in the batch. */
void overlay_note_request(struct overlay *overlay, uint64_t request_id, uint32_t at);
bool overlay_find_request(const struct overlay *overlay, uint64_t request_id, uint32_t *ret_at);
