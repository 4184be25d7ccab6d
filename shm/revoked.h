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
};

void revoked_attach(const struct segment *segment, struct revoked *ret_revoked);
bool revoked_test(const struct revoked *revoked, uint64_t session_id);
/* db only.  false: no room. */
MUST_USE bool revoked_add(struct revoked *revoked, uint64_t session_id, uint64_t expires_s,
                          uint64_t now_s);
