/* SPDX-License-Identifier: MIT */
/*
 * mirror.h - a worker's private copy of everyone's row and rank, brought up to one cut of the board.
 *
 * Copying 20,000 rows takes longer than db takes between two events, so a plain copy inside one cut
 * would be torn for ever in a rush.  The mirror reads anew only what events have touched since it was
 * last whole (the ring tells whom), and the order; that fits between two events.  Everything is
 * copied anew, in small cuts, when something else than events has changed the board: a name, another
 * bank.  That takes some 10 ms for 20,000 players, so it is done a slice at a time.
 *
 * Process  worker; one a worker (context.h), for views and history.
 * Owner    mirror_free().  Rows may be read after MIRROR_WHOLE, until the next mirror_refresh().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/players.h"

struct board;
struct ring;

struct mirror {
    const struct board *board;
    const struct ring *ring;
    uint64_t seq;        /* contains the events up to it and no others */
    uint64_t last_ts_us; /* of that event */
    uint64_t version;    /* of the board, as a cut gives it; unique among both banks */
    uint64_t floor_seq;  /* another one: a reset */
    const struct bank *bank;
    bool names_stale; /* a name changed, nobody says whose: the next refresh reads all */
    bool is_copying;  /* of everything: rows below copied_rows are done */
    uint32_t copied_rows;
    uint32_t player_count; /* of order[] */
    uint32_t players_max;
    struct bank_span span; /* where in players[] somebody is, or once was */
    uint32_t *order;       /* player slots, best first */
    struct player_view *players;
    uint64_t refresh;  /* counts refreshes: the number of the last one */
    uint64_t *read_in; /* by player slot: the refresh that read its row last; 0: none */
};

/* NULL: no memory. */
MUST_USE struct mirror *mirror_new(const struct board *board, const struct ring *ring);
void mirror_free(struct mirror *mirror); /* takes NULL */

enum mirror_status {
    /* seq, order[] and players[] belong to one cut, as new as can be.  (Names, which are no events,
     * may be one refresh behind while everybody chooses one.) */
    MIRROR_WHOLE,
    /* The time was up in the middle of a copy of everything: call again in the next turn. */
    MIRROR_COPYING,
    /* No cut was to be had: db is busy, or has just died. */
    MIRROR_TORN,
};

/* Brings it up to date, copying until the clock (clock_mono_us) shows until_us; MIRROR_NO_LIMIT: to
 * the end, for a worker that serves nobody yet. */
#define MIRROR_NO_LIMIT UINT64_MAX
MUST_USE enum mirror_status mirror_refresh(struct mirror *mirror, uint64_t until_us);
/* On the board for all to see: has a name or an event. */
bool mirror_is_listed(const struct player_view *view);
