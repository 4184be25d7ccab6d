/* SPDX-License-Identifier: MIT */
/*
 * batch.h - THE order: gather, begin, decide, insert, commit, apply, ring, wake, answer.
 *
 * All requests that have arrived share one transaction and one sync.  Only what is on disk is applied
 * to the board; only what is on the board is answered.  Whatever fails before the commit voids the
 * whole batch: nothing is applied, everyone gets WIRE_STORE_FAILED.
 *
 * Process  db.  Owner: struct db.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/decide.h"
#include "db/inbox.h"
#include "db/overlay.h"
#include "db/store.h"

struct db;

/* Guesses wait so long for a request to share a commit with. */
#define BATCH_GUESS_WAIT_MS 100
/* More of them do not wait. */
#define BATCH_GUESSES_READY 256
/* Another process holds the store's lock: tries of STORE_BUSY_MS before the batch is refused. */
#define BATCH_BUSY_TRIES 10

struct batch_item {
    struct request request;
    struct decision decision;
    struct wire_result result;
    uint32_t revoked_slot; /* of DECIDE_SESSION: held until it is known what became of the batch */
    uint32_t same_as;      /* BATCH_NONE, or the item of this batch that is the same request */
};

struct batch {
    struct batch_item *items;
    uint32_t count;
    uint32_t max;
    struct overlay overlay;
    struct store_meta meta; /* as this batch will leave it */
    bool meta_changed;
    uint64_t last_ts_us; /* of what this batch has dated */
    uint32_t guesses;    /* at the head of the inbox, in this batch */
    uint32_t busy_tries;
};

void batch_init(struct batch *batch, uint32_t requests_max);
void batch_free(struct batch *batch);
/* Is there anything that should not wait? */
bool batch_is_due(const struct db *db);
void batch_run(struct db *db);
