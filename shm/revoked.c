/* SPDX-License-Identifier: MIT */
/* revoked.c - the set of sessions that were logged out: open addressing with a short, fixed probe. */
#include "shm/revoked.h"

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

static struct shm_revoked_slot *probe(const struct revoked *revoked, uint64_t session_id,
                                      uint32_t step)
{
    /* Session ids are random and signed: strangers cannot choose them, so no seed is needed. */
    uint64_t hash = hash_bytes(&session_id, sizeof(session_id), 0);

    return &revoked->slots[(hash + step) & (revoked->slot_count - 1)];
}

/* All probes, without an early end: a slot that fell free must not hide those behind it. */
bool revoked_test(const struct revoked *revoked, uint64_t session_id)
{
    if (session_id == 0) {
        return false;
    }
    for (uint32_t step = 0; step < REVOKED_PROBES; step++) {
        /* acquire: pairs with the release of session_id in revoked_add() */
        if (atomic_load_explicit(&probe(revoked, session_id, step)->session_id,
                                 memory_order_acquire) == session_id) {
            return true;
        }
    }
    return false;
}

bool revoked_add(struct revoked *revoked, uint64_t session_id, uint64_t expires_s, uint64_t now_s)
{
    CHECK(proc_role() == PROC_DB || proc_role() == PROC_TEST);
    struct shm_revoked_slot *free_slot = NULL;

    if (session_id == 0) {
        return false;
    }
    for (uint32_t step = 0; step < REVOKED_PROBES; step++) {
        struct shm_revoked_slot *slot = probe(revoked, session_id, step);
        /* relaxed, both: db reads what it, or a dead predecessor, has stored */
        uint64_t taken_by = atomic_load_explicit(&slot->session_id, memory_order_relaxed);
        uint64_t until_s = atomic_load_explicit(&slot->expires_s, memory_order_relaxed);

        if (taken_by == session_id) {
            return true;
        }
        if (free_slot == NULL && (taken_by == 0 || until_s < now_s)) {
            free_slot = slot;
        }
    }
    if (free_slot == NULL) {
        return false;
    }
    /* relaxed: only db reads it; the id, stored last, makes it count */
    atomic_store_explicit(&free_slot->expires_s, expires_s, memory_order_relaxed);
    /* release: pairs with the acquire in revoked_test() */
    atomic_store_explicit(&free_slot->session_id, session_id, memory_order_release);
    return true;
}
