/* SPDX-License-Identifier: MIT */
/* map.c - open addressing with linear probing; a removal moves the rest of its chain back. */

#include "db/map.h"

#include <stdlib.h>

#include "shm/base/check.h"

/* Fibonacci hashing (Knuth, vol. 3, 6.4): spreads counters and hashes alike. */
static uint32_t map_home(const struct map *map, uint64_t key)
{
    uint64_t mixed = (key ^ (key >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32) & map->mask;
}

static bool map_taken(const struct map *map, uint32_t at)
{
    return map->cells[at].epoch == map->epoch;
}

/* Where the key is, or the free cell where it belongs. */
static uint32_t map_place(const struct map *map, uint64_t key)
{
    uint32_t at = map_home(map, key);

    while (map_taken(map, at) && map->cells[at].key != key) {
        at = (at + 1) & map->mask;
    }
    return at;
}

void map_init(struct map *map, uint32_t entries)
{
    uint32_t cells = 16;

    CHECK(entries < UINT32_C(1) << 29);
    while (cells < entries * 2) {
        cells *= 2;
    }
    *map = (struct map){
        .cells = calloc(cells, sizeof(struct map_cell)), .epoch = 1, .mask = cells - 1};
    CHECK(map->cells != NULL);
}

void map_free(struct map *map)
{
    free(map->cells);
    *map = (struct map){0};
}

void map_clear(struct map *map)
{
    map->epoch++;
    map->count = 0;
}

bool map_get(const struct map *map, uint64_t key, uint64_t *ret_value)
{
    uint32_t at = map_place(map, key);

    if (!map_taken(map, at)) {
        return false;
    }
    *ret_value = map->cells[at].value;
    return true;
}

static void map_grow(struct map *map)
{
    struct map larger;

    map_init(&larger, map->mask + 1);
    for (uint32_t at = 0; at <= map->mask; at++) {
        if (map_taken(map, at)) {
            map_put(&larger, map->cells[at].key, map->cells[at].value);
        }
    }
    map_free(map);
    *map = larger;
}

void map_put(struct map *map, uint64_t key, uint64_t value)
{
    uint32_t at;

    if (map->count > map->mask / 2) {
        map_grow(map);
    }
    at = map_place(map, key);
    if (!map_taken(map, at)) {
        map->count++;
    }
    map->cells[at] = (struct map_cell){.key = key, .value = value, .epoch = map->epoch};
}

void map_remove(struct map *map, uint64_t key)
{
    uint32_t hole = map_place(map, key);

    if (!map_taken(map, hole)) {
        return;
    }
    map->count--;
    for (uint32_t at = (hole + 1) & map->mask; map_taken(map, at); at = (at + 1) & map->mask) {
        /* A cell may fill the hole when the hole lies between its home and itself. */
        uint32_t home = map_home(map, map->cells[at].key);

        if (((at - home) & map->mask) >= ((at - hole) & map->mask)) {
            map->cells[hole] = map->cells[at];
            hole = at;
        }
    }
    map->cells[hole].epoch = 0;
}
