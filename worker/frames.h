/* SPDX-License-Identifier: MIT */
/*
 * frames.h - events as ready WebSocket frames: the recent ones, which all clients share.
 *
 * Each frame continues where the one before it ends, so a client needs nothing but the sequence it
 * has: the frame that begins there is its next.  One whose sequence lies inside a frame, or who has
 * just come with an older one, gets a frame of its own from the ring.
 *
 * Process  worker.  Owner: the hub.  Blobs are borrowed; take a reference to keep one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct blob;
struct worker;

#define FRAMES_MAX 1024                  /* in the window, besides its bound in bytes */
#define FRAME_PAYLOAD_BYTES (256u << 10) /* a frame is ended at the first event beyond it */
#define FRAME_REPLAY_BYTES (64u << 10)   /* the same of a frame that one client gets alone */
#define FRAMES_EVENTS_A_READ 4096        /* some milliseconds of encoding, then the loop goes on */

struct frame {
    uint64_t after_seq; /* it holds what is behind this, */
    uint64_t last_seq;  /* up to and including this */
    struct blob *blob;
};

struct frames {
    struct frame frames[FRAMES_MAX]; /* a circle */
    uint32_t first;
    uint32_t count;
    size_t bytes;
    uint64_t cursor;     /* read from the ring so far */
    uint64_t sent_seq;   /* the newest frame's last_seq: who has it has everything */
    struct frame replay; /* the last one made for somebody alone: others often ask for the same */
    struct blob *empty;  /* "[]" */
};

/* One whole text frame, the caller's.  NULL: no memory. */
MUST_USE struct blob *frames_text(struct str payload);
/* Begins behind the newest event there is.  false: no memory. */
MUST_USE bool frames_start(struct frames *frames, const struct worker *worker);
void frames_end(struct frames *frames);
/* Forgets all, goes on from `seq`: a reset. */
void frames_restart(struct frames *frames, uint64_t seq);

enum frames_news {
    FRAMES_NOTHING,
    FRAMES_NEW,
    FRAMES_MORE, /* new ones, and the ring has still more: read again in the next turn */
    FRAMES_LOST, /* the ring has lapped the cursor: every client must resync */
};
/* Ring -> frames. */
enum frames_news frames_read(struct frames *frames, struct worker *worker);

enum frames_place {
    FRAMES_CURRENT, /* there is nothing behind it */
    FRAMES_FOUND,   /* *ret_frame begins there */
    FRAMES_INSIDE,  /* it lies inside *ret_frame */
    FRAMES_GONE,    /* older than the window */
};
enum frames_place frames_find(const struct frames *frames, uint64_t seq, struct frame *ret_frame);

enum frames_replayed {
    FRAMES_REPLAYED, /* *ret_frame; its blob is NULL when there is nothing to show in it */
    FRAMES_LATER,    /* the ring does not have it yet, or no memory */
    FRAMES_LAPPED,   /* the ring does not have it any more */
};
/* Events behind `after`, at most up to `last`, for one client. */
enum frames_replayed frames_replay(struct frames *frames, struct worker *worker, uint64_t after,
                                   uint64_t last, struct frame *ret_frame);
/* Names change: what was kept for replays is not kept long. */
void frames_forget_replay(struct frames *frames);
