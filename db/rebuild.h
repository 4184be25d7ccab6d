/* SPDX-License-Identifier: MIT */
/*
 * rebuild.h - the event log -> a whole board, in the spare bank: at start, after a reset, for the
 * files of a reload.
 *
 * rebuild_run() folds; rebuild_publish() makes the result live and brings the ring up to it.  Between
 * the two nothing may be committed.  rebuild_run() may work on another thread as long as the loop
 * leaves store, spare bank and game alone.
 * Process  db, and the tools on a segment of their own.
 * Owner    the caller; on success it owns roster and recent.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "db/recent.h"
#include "db/roster.h"
#include "db/store.h"
#include "shm/base/compiler.h"
#include "shm/board.h"
#include "shm/event.h"
#include "shm/ring.h"

struct game;

struct rebuild {
    /* given */
    struct store *store;
    const struct game *game;
    struct board *board;
    uint32_t ring_slots;
    bool add_missing; /* write missing users to the store */
    uint64_t end_seq; /* fold no event from it on; 0: all */
    bool keep_order;  /* place every player after each event instead of once: the slow, other way */
    /* given back */
    struct roster roster;
    struct recent recent;
    struct store_meta meta;
    uint64_t newest_seq;
    uint64_t last_ts_us;
    uint64_t events;
    uint32_t without_slot; /* events of users for whom the board has no room */
    struct event *tail;    /* the newest ring_slots events, for the ring */
    uint64_t tail_count;   /* put in so far */
};

MUST_USE enum store_status rebuild_run(struct rebuild *rebuild);
/* The ring keeps what it has when that is the log's own; else it is filled anew.  Events that the board
 * has not shown yet, of a db that died behind their commit, are counted for /metrics. */
void rebuild_publish(struct rebuild *rebuild, struct ring *ring);
/* What rebuild_run() made and nobody took over; takes a zeroed one. */
void rebuild_free(struct rebuild *rebuild);

/* For /metrics: an event was committed. */
void rebuild_count_event(const struct event *event);

/* A row of the log as an event of this game. */
struct event rebuild_event_of_row(const struct game *game, const struct roster_user *user,
                                  const struct store_event *row);
