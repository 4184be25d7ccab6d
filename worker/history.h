/* SPDX-License-Identifier: MIT */
/*
 * history.h - the first frame of a client that names no sequence: the whole game, bounded.
 *
 * The newest events as they are (settings: stream.history), and everything older of a player folded
 * into one event whose points are their sum: whoever adds up the frame has everyone's total of one
 * moment, whatever the length of the game.  One encoded frame serves all who come until the next
 * event, and in a rush of a large game for a while longer: those who get it go on from its sequence.
 *
 * Process  worker.  Owner: the hub.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct blob;
struct history_build; /* one under way */
struct worker;

struct history {
    struct blob *frame; /* NULL: none is ready */
    uint64_t seq;       /* the frame contains the events up to it */
    uint64_t version;   /* of the board it was made from */
    uint64_t built_us;
    uint64_t cost_us; /* what building took */
    struct history_build *build;
};

enum history_status {
    HISTORY_READY,    /* frame and seq can be given out */
    HISTORY_BUILDING, /* the time was up: call again in the next turn of the loop */
    HISTORY_FAILED,   /* the board does not hold still, or no memory: ask again later */
};

/* Builds it anew if need be, until the clock shows until_us. */
MUST_USE enum history_status history_advance(struct history *history, struct worker *worker,
                                             uint64_t until_us);
/* Nothing of it is true any more: a reset, another bank. */
void history_forget(struct history *history);
