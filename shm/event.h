/* SPDX-License-Identifier: MIT */
/*
 * event.h - one committed event, as every process speaks of it: private memory, plain fields.
 *
 * shm/ring.h keeps the last R of them in shared memory; db/store.h keeps all of them on disk.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

#define EVENT_VERSION 1

enum event_type {
    EVENT_SOLVE = 1, /* the numbers of the table events(event_type) */
    EVENT_HINT = 2,
};

enum event_flags {
    EVENT_FROM_AWARD = 1u << 0, /* came through /api/award: the frame says "reload" */
};

struct event {
    uint64_t seq;       /* events.id: unique, grows, the order of the game */
    uint64_t ts_us;     /* since 1970; never goes back */
    uint32_t player;    /* slot; GAME_SLOT_NONE: a user who has no slot (not shown) */
    uint32_t user_id;   /* users.id */
    uint32_t challenge; /* slot; UINT32_MAX: not part of the present game */
    uint32_t challenge_id;
    int32_t points;   /* of a hint: -cost */
    uint32_t hint_id; /* 0 for a solve */
    uint32_t hint;    /* slot; UINT32_MAX: none or not part of the present game */
    uint8_t type;     /* enum event_type */
    uint8_t version;  /* EVENT_VERSION */
    uint16_t flags;   /* enum event_flags */
    /* Filled in by apply_event(): */
    uint32_t place;              /* of a solve: 1 for the first solver of the challenge; else 0 */
    uint64_t prev_player_seq;    /* the player's event before this one; 0: none, or unreachable */
    uint64_t prev_challenge_seq; /* the challenge's solve before this one; 0: none */
};
