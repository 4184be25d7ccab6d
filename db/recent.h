/* SPDX-License-Identifier: MIT */
/*
 * recent.h - the answers to the newest requests that became events, by request id.
 *
 * A worker that lost its connection sends again what had no answer.  Who is found here gets the
 * first run's answer and no second event.  Bounded: the oldest is forgotten; the row in the store,
 * which keeps its request id, then has the last word (batch.c).
 * Process  db.  Owner: struct db.  Filled again from the event log at start (rebuild.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/map.h"
#include "shm/base/compiler.h"

/* Seconds of the fastest rush ever measured; a worker resends within its request timeout. */
#ifndef RECENT_MAX /* few when db is fuzzed: each input begins with an empty memory of them */
#define RECENT_MAX 65536
#endif

struct receipt {
    uint64_t request_id;
    uint64_t seq;
    uint64_t ts_us;
    int64_t total_points; /* after the event */
    int32_t points;
    uint32_t place;
};

struct recent {
    struct receipt *receipts; /* a ring of RECENT_MAX */
    struct map by_request;    /* request id -> place in the ring */
    uint32_t next;
};

void recent_init(struct recent *recent);
void recent_free(struct recent *recent);
/* A request id of 0 is nobody's and not remembered. */
void recent_add(struct recent *recent, const struct receipt *receipt);
MUST_USE bool recent_find(const struct recent *recent, uint64_t request_id,
                          struct receipt *ret_receipt);
