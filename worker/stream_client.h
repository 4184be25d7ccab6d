/* SPDX-License-Identifier: MIT */
/*
 * stream_client.h - one client of the stream: what it has, what it gets next, what it says.
 *
 * Between stream.c (the hub, which decides when) and ws.c (bytes).  Nothing else uses it.
 *
 * Born     stream_join().  Dies in stream_on_closed(), when its connection's memory goes.
 * Memory   about 150 bytes; frames belong to the hub, the queue to the connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "worker/frames.h"
#include "worker/history.h"
#include "worker/session.h"
#include "worker/ws.h"

struct conn;
struct stream_hub;
struct worker;

/* Building a history never takes longer in one turn of the loop. */
#define STREAM_HISTORY_SLICE_US 4000

/* What stream.c keeps for all clients and a client's functions use. */
struct stream_shared {
    struct worker *worker;
    struct frames frames;
    struct history history;
    bool history_wanted; /* somebody waits for the one that is being built */
    struct ws_shared ws;
};

enum stream_first {
    STREAM_FIRST_HISTORY, /* its first frame is still to come: the game so far */
    STREAM_FIRST_SINCE,   /* the same: what was behind its sequence */
    STREAM_FIRST_SENT,
};

struct stream_client {
    struct conn *conn;
    struct stream_client *next;
    struct stream_client *prev;
    uint64_t seq; /* it has everything up to it */
    struct session session;
    uint64_t pong_us; /* of the last pong, of joining, or of a reload that changes the times */
    uint64_t ping_us; /* when the last ping went out; also its payload */
    uint64_t next_ping_us;
    uint64_t stuck_since_us; /* 0: its socket takes bytes */
    uint64_t stuck_bytes;    /* what it had not taken then */
    struct ws_input input;
    uint32_t auth_round;  /* the session was last looked at in this one */
    uint32_t reset_round; /* of the game it came to */
    uint8_t first;        /* enum stream_first */
    bool catching_up;     /* from the ring: it came with an older sequence */
    bool behind;          /* its socket was full when there was something new */
    bool closing;         /* its close frame is queued */
};

/* The first frame, straight behind the 101 that is queued. */
void stream_client_greet(struct stream_client *client, struct stream_shared *shared);
/* Gives what it lacks, as far as its socket takes it, at most a few frames.
 * true: there is more, and its socket would take it. */
bool stream_client_feed(struct stream_client *client, struct stream_shared *shared);
void stream_client_take(struct stream_client *client, struct stream_shared *shared,
                        const char *bytes, size_t len);
/* A close frame, and the end when it is written. */
void stream_client_close(struct stream_client *client, uint16_t code, const char *reason);
/* Bytes behind everything queued: the bare object of a reset. */
void stream_client_put(struct stream_client *client, struct blob *frame);
void stream_client_ping(struct stream_client *client, uint64_t now_us);
/* Has its socket taken nothing for timeout_us?  Called every tick: it is measured from tick to tick. */
bool stream_client_is_stuck(struct stream_client *client, uint64_t now_us, uint64_t timeout_us);
