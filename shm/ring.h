/* SPDX-License-Identifier: MIT */
/*
 * ring.h - the last R committed events in shared memory.
 *
 * db appends; any process reads from a cursor of its own.  An event's slot is seq % R, so ids may
 * have gaps (rows moved aside by a migration).  Order, pairs (A) to (E): ring.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/event.h"
#include "shm/layout.h"
#include "shm/segment.h"

struct ring {
    struct shm_ring_head *head;
    struct shm_ring_slot *slots;
    uint32_t slot_count; /* a power of 2 */
};

enum ring_read {
    RING_OK,
    RING_GAP,    /* no event has this id */
    RING_LAPPED, /* it was there and is gone: older than the ring keeps, or before a reset */
    RING_FUTURE, /* above the newest */
};

void ring_attach(const struct segment *segment, struct ring *ret_ring);
uint64_t ring_newest_seq(const struct ring *ring); /* acquire: events up to it are readable */
uint64_t ring_oldest_seq(const struct ring *ring); /* the lowest id that can still be read */
/* One event by id; RING_OK fills *ret_event whole, what apply_event() filled in included.  A
 * previous event too far back for its field (2^32 ids) reads as 0. */
enum ring_read ring_read_event(const struct ring *ring, uint64_t seq, struct event *ret_event);

/* db only. */
void ring_append(struct ring *ring, const struct event *event); /* seq above the newest */
/* db, before it writes every slot: takes the memory in one go, where each page would be a fault. */
void ring_take_memory(const struct ring *ring);
/* Forgets everything up to and including floor_seq, and takes events above it anew: at start (before
 * refilling) and at a reset.  Readers ahead of it see RING_FUTURE until the refilling has passed
 * them; slots are not wiped, since a refill writes the same committed events into the same slots. */
void ring_reset(struct ring *ring, uint64_t floor_seq);
