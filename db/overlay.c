/* SPDX-License-Identifier: MIT */
/* overlay.c - facts of many kinds in one table: the kind and what it is about are hashed to a key. */

#include "db/overlay.h"

#include "shm/base/hash.h"

enum fact_kind {
    FACT_SOLVED = 1,
    FACT_BOUGHT,
    FACT_SOLVES,
    FACT_POINTS,
    FACT_NAME,
    FACT_NAME_OF,
    FACT_LOGOUTS,
    FACT_REQUEST,
};

/* Slots are below 2^16 and 2^32: kind and both of them fit as they are, so keys never meet. */
static uint64_t slot_key(enum fact_kind kind, uint32_t first, uint32_t second)
{
    return (uint64_t)kind << 56 | (uint64_t)(first & 0xffffff) << 32 | second;
}

/* 64 random bits already: hashed once more with their kind, 2^-64 is never. */
static uint64_t hash_key(enum fact_kind kind, uint64_t hash)
{
    return hash_bytes(&hash, sizeof(hash), (uint64_t)kind);
}

static uint64_t value_or_zero(const struct overlay *overlay, uint64_t key)
{
    uint64_t value;

    return map_get(&overlay->facts, key, &value) ? value : 0;
}

static void add(struct overlay *overlay, uint64_t key, uint64_t amount)
{
    map_put(&overlay->facts, key, value_or_zero(overlay, key) + amount);
}

void overlay_init(struct overlay *overlay, uint32_t requests)
{
    map_init(&overlay->facts, requests * 4);
}

void overlay_free(struct overlay *overlay)
{
    map_free(&overlay->facts);
}

void overlay_clear(struct overlay *overlay)
{
    map_clear(&overlay->facts);
}

void overlay_note_event(struct overlay *overlay, const struct event *event)
{
    if (event->type == EVENT_SOLVE) {
        map_put(&overlay->facts, slot_key(FACT_SOLVED, event->player, event->challenge), 1);
        add(overlay, slot_key(FACT_SOLVES, 0, event->challenge), 1);
    } else {
        map_put(&overlay->facts, slot_key(FACT_BOUGHT, event->player, event->hint), 1);
    }
    add(overlay, slot_key(FACT_POINTS, 0, event->player), (uint64_t)(int64_t)event->points);
}

bool overlay_has_solved(const struct overlay *overlay, uint32_t player, uint32_t challenge)
{
    return value_or_zero(overlay, slot_key(FACT_SOLVED, player, challenge)) != 0;
}

bool overlay_has_bought(const struct overlay *overlay, uint32_t player, uint32_t hint)
{
    return value_or_zero(overlay, slot_key(FACT_BOUGHT, player, hint)) != 0;
}

uint32_t overlay_solves(const struct overlay *overlay, uint32_t challenge)
{
    return (uint32_t)value_or_zero(overlay, slot_key(FACT_SOLVES, 0, challenge));
}

int64_t overlay_points(const struct overlay *overlay, uint32_t player)
{
    return (int64_t)value_or_zero(overlay, slot_key(FACT_POINTS, 0, player));
}

void overlay_note_name(struct overlay *overlay, uint64_t old_key, uint64_t new_key, uint32_t player)
{
    if (old_key != 0) {
        map_put(&overlay->facts, hash_key(FACT_NAME, old_key), OVERLAY_NOBODY);
    }
    map_put(&overlay->facts, hash_key(FACT_NAME, new_key), player);
    map_put(&overlay->facts, slot_key(FACT_NAME_OF, 0, player), new_key);
}

bool overlay_name_holder(const struct overlay *overlay, uint64_t key, uint32_t *ret_player)
{
    uint64_t value;

    if (!map_get(&overlay->facts, hash_key(FACT_NAME, key), &value)) {
        return false;
    }
    *ret_player = (uint32_t)value;
    return true;
}

bool overlay_name_of(const struct overlay *overlay, uint32_t player, uint64_t *ret_key)
{
    return map_get(&overlay->facts, slot_key(FACT_NAME_OF, 0, player), ret_key);
}

void overlay_note_logout(struct overlay *overlay, uint32_t player)
{
    add(overlay, slot_key(FACT_LOGOUTS, 0, player), 1);
}

uint32_t overlay_logouts(const struct overlay *overlay, uint32_t player)
{
    return (uint32_t)value_or_zero(overlay, slot_key(FACT_LOGOUTS, 0, player));
}

void overlay_note_request(struct overlay *overlay, uint64_t request_id, uint32_t at)
{
    if (request_id != 0) {
        map_put(&overlay->facts, hash_key(FACT_REQUEST, request_id), at);
    }
}

bool overlay_find_request(const struct overlay *overlay, uint64_t request_id, uint32_t *ret_at)
{
    uint64_t value;

    if (request_id == 0 || !map_get(&overlay->facts, hash_key(FACT_REQUEST, request_id), &value)) {
        return false;
    }
    *ret_at = (uint32_t)value;
    return true;
}
