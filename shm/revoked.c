/* SPDX-License-Identifier: MIT */
/* revoked.c - the set of sessions that were logged out: open addressing with a short, fixed probe. */
#include "shm/revoked.h"

#include <stdlib.h>

#include "shm/base/check.h"
#include "shm/base/hash.h"
#include "shm/base/proc.h"

void revoked_attach(const struct segment *segment, struct revoked *ret_revoked)
{
    *ret_revoked = (struct revoked){
        .slots = segment_section(segment, SHM_REVOKED),
        .slot_count = segment->header->sizes.revoked_slots,
    };
}

static uint32_t probe(const struct revoked *revoked, uint64_t session_id, uint32_t step)
{
    /* Session ids are random and signed: strangers cannot choose them, so no seed is needed. */
    uint64_t hash = hash_bytes(&session_id, sizeof(session_id), 0);

    return (uint32_t)(hash + step) & (revoked->slot_count - 1);
}

/* All probes, without an early end: a slot that fell free must not hide those behind it. */
bool revoked_test(const struct revoked *revoked, uint64_t session_id)
{
    if (session_id == 0) {
        return false;
    }
    for (uint32_t step = 0; step < REVOKED_PROBES; step++) {
        /* acquire: pairs with the release of session_id in store() */
        if (atomic_load_explicit(&revoked->slots[probe(revoked, session_id, step)].session_id,
                                 memory_order_acquire) == session_id) {
            return true;
        }
    }
    return false;
}

bool revoked_begin_holding(struct revoked *revoked)
{
    revoked->held = calloc(revoked->slot_count, sizeof(*revoked->held));
    return revoked->held != NULL;
}

static bool is_held(const struct revoked *revoked, uint32_t slot)
{
    return revoked->held != NULL && revoked->held[slot] != 0;
}

/* Who has the slot, or is about to; 0: nobody. */
static uint64_t holder(const struct revoked *revoked, uint32_t slot)
{
    /* relaxed: db reads what it, or a dead predecessor, has stored */
    uint64_t stored = atomic_load_explicit(&revoked->slots[slot].session_id, memory_order_relaxed);

    return is_held(revoked, slot) ? revoked->held[slot] : stored;
}

static bool is_free(const struct revoked *revoked, uint32_t slot, uint64_t now_s)
{
    /* relaxed: as in holder() */
    uint64_t until_s = atomic_load_explicit(&revoked->slots[slot].expires_s, memory_order_relaxed);

    return !is_held(revoked, slot) && (holder(revoked, slot) == 0 || until_s < now_s);
}

/* Its own, or else the first free one. */
static bool find_slot(const struct revoked *revoked, uint64_t session_id, uint64_t now_s,
                      uint32_t *ret_slot)
{
    bool found = false;

    CHECK(proc_role() == PROC_DB || proc_role() == PROC_TEST);
    for (uint32_t step = 0; step < REVOKED_PROBES && session_id != 0; step++) {
        uint32_t slot = probe(revoked, session_id, step);

        if (holder(revoked, slot) == session_id) {
            *ret_slot = slot;
            return true;
        }
        if (!found && is_free(revoked, slot, now_s)) {
            *ret_slot = slot;
            found = true;
        }
    }
    return found;
}

bool revoked_hold(struct revoked *revoked, uint64_t session_id, uint64_t now_s, uint32_t *ret_slot)
{
    CHECK(revoked->held != NULL);
    if (!find_slot(revoked, session_id, now_s, ret_slot)) {
        return false;
    }
    revoked->held[*ret_slot] = session_id;
    return true;
}

static void store(struct shm_revoked_slot *slot, uint64_t session_id, uint64_t expires_s)
{
    /* relaxed: only db reads it; the id, stored last, makes it count */
    atomic_store_explicit(&slot->expires_s, expires_s, memory_order_relaxed);
    /* release: pairs with the acquire in revoked_test() */
    atomic_store_explicit(&slot->session_id, session_id, memory_order_release);
}

void revoked_put(struct revoked *revoked, uint32_t slot, uint64_t session_id, uint64_t expires_s)
{
    CHECK(holder(revoked, slot) == session_id); /* held, or put by another logout of the change */
    store(&revoked->slots[slot], session_id, expires_s);
    revoked->held[slot] = 0;
}

void revoked_give_back(struct revoked *revoked, uint32_t slot)
{
    revoked->held[slot] = 0;
}

bool revoked_add(struct revoked *revoked, uint64_t session_id, uint64_t expires_s, uint64_t now_s)
{
    uint32_t slot;

    if (!find_slot(revoked, session_id, now_s, &slot)) {
        return false;
    }
    store(&revoked->slots[slot], session_id, expires_s);
    return true;
}
