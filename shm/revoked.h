/* SPDX-License-Identifier: MIT */
/*
 * revoked.h - sessions that ended by logout before they expired: a bounded, hashed set.
 *
 * db adds (it also keeps them on disk); workers test.  When a neighbourhood is full revoked_add()
 * says so and db ends all sessions of that player instead: safe, never unbounded.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/layout.h"
#include "shm/segment.h"

#define REVOKED_PROBES 16

struct revoked {
    struct shm_revoked_slot *slots;
    uint32_t slot_count;
    uint64_t *held; /* db: who a slot is kept for while a change is under way; NULL elsewhere */
};

void revoked_attach(const struct segment *segment, struct revoked *ret_revoked);
bool revoked_test(const struct revoked *revoked, uint64_t session_id);
/* db only, before the first revoked_hold().  false: no memory. */
MUST_USE bool revoked_begin_holding(struct revoked *revoked);
/*
 * db only.  A session is revoked when its logout is on disk, not before; yet whether there is room has to
 * be known before it is written.  Keeps a slot until revoked_put() or revoked_give_back(): the same one
 * for each logout of the session, however many a change has.  false: no room.
 */
MUST_USE bool revoked_hold(struct revoked *revoked, uint64_t session_id, uint64_t now_s,
                           uint32_t *ret_slot);
void revoked_put(struct revoked *revoked, uint32_t slot, uint64_t session_id, uint64_t expires_s);
void revoked_give_back(struct revoked *revoked, uint32_t slot);
/* db only: what is on disk already.  false: no room. */
MUST_USE bool revoked_add(struct revoked *revoked, uint64_t session_id, uint64_t expires_s,
                          uint64_t now_s);
