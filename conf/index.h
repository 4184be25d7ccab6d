/* SPDX-License-Identifier: MIT */
/*
 * index.h - a hash table from something to its place in an array that somebody else keeps.
 *
 * The table holds positions only; what stands there and what "equal" means is the caller's:
 *
 *     for (uint32_t at = index_first(&index, hash); at != INDEX_END; at = index_next(&index, &hash))
 *
 * Made once for a known number of entries, never grown, read by anybody afterwards.  Lives in the
 * game's arena.
 */
#pragma once

#include <stdint.h>

#include "conf/arena.h"

#define INDEX_END UINT32_MAX

struct index {
    uint32_t *cells; /* position + 1; 0: empty */
    uint32_t mask;
};

/* Room for `entries` of them at half load, so that chains stay short. */
void index_init(struct index *index, struct arena *arena, uint32_t entries);
void index_add(struct index *index, uint64_t hash, uint32_t position);

/* Positions that may be equal, one after the other, until INDEX_END. */
uint32_t index_first(const struct index *index, uint64_t hash);
uint32_t index_next(const struct index *index, uint64_t *hash);
