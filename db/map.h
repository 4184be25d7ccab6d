/* SPDX-License-Identifier: MIT */
/*
 * map.h - a hash table from 64 bits to 64 bits, for what db keeps in its head.
 *
 * Grows, forgets single keys, and is emptied in no time (map_clear), which a batch does each time.
 * Process  db, the tools.  Owner: whoever declared it; map_free().
 * Errors   none: a process without memory for a table has nothing to serve and CHECK()s.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct map_cell {
    uint64_t key;
    uint64_t value;
    uint64_t epoch; /* taken when equal to the map's */
};

struct map {
    struct map_cell *cells;
    uint64_t epoch;
    uint32_t mask;
    uint32_t count;
};

/* Room for `entries` without growing. */
void map_init(struct map *map, uint32_t entries);
void map_free(struct map *map); /* takes a zeroed one */
void map_clear(struct map *map);
MUST_USE bool map_get(const struct map *map, uint64_t key, uint64_t *ret_value);
void map_put(struct map *map, uint64_t key, uint64_t value);
void map_remove(struct map *map, uint64_t key); /* also one that is not there */
