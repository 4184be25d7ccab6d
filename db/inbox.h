/* SPDX-License-Identifier: MIT */
/*
 * inbox.h - the unix socket: workers come in, requests queue up, answers go out.
 *
 * Every message is checked (shm/wire.h) before anything believes it; a bad one costs its sender the
 * connection and one line in the log.  All is bounded: bytes read and not yet whole, requests that
 * wait, guesses that wait, answers a worker does not take.
 *
 * Process  db.  Owner: struct db.  A request names its connection by id, not by pointer: an answer to
 *          somebody who is gone finds nobody, and what was committed stands.
 * Overload the queue is full: WIRE_BUSY at once.  Guesses are dropped, and counted, once the queue is
 *          half full: nobody waits for them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/wire.h"

#define INBOX_CONNS_MAX 256            /* workers of two generations, during an upgrade */
#define INBOX_IN_BYTES (64u * 1024)    /* what one read brings: 1,600 submits */
#define INBOX_OUT_BYTES_MAX (4u << 20) /* answers not taken: a stopped worker at full load */

struct request {
    uint64_t conn_id; /* who asked */
    union {
        struct wire_head head; /* of all of them */
        struct wire_submit submit;
        struct wire_hint hint;
        struct wire_name name;
        struct wire_revoke revoke;
        struct wire_reset reset;
    };
};

struct inbox_conn;

struct inbox {
    uv_pipe_t listener;
    struct inbox_conn *conns[INBOX_CONNS_MAX]; /* NULL: free */
    uint32_t conn_count;
    uint64_t next_conn_id;

    struct request *queue; /* a ring */
    uint32_t queue_max;
    uint32_t queue_first;
    uint32_t queue_count;

    struct wire_guess *guesses; /* a ring of queue_max */
    uint32_t guess_first;
    uint32_t guess_count;
    uint64_t guess_since_us; /* when the oldest came */

    bool is_closing;
};

/* Takes the listening descriptor.  false: it cannot be listened on. */
MUST_USE bool inbox_open(struct inbox *inbox, uv_loop_t *loop, int listener_fd, uint32_t queue_max);
/* No new connections; those there are go on. */
void inbox_stop_listening(struct inbox *inbox);
/* Answers that are on their way out, in bytes. */
size_t inbox_unsent_bytes(const struct inbox *inbox);
/* After the loop has run out. */
void inbox_free(struct inbox *inbox);

/* The oldest request; NULL: none.  inbox_pop() forgets it. */
const struct request *inbox_peek(const struct inbox *inbox);
void inbox_pop(struct inbox *inbox);
const struct wire_guess *inbox_peek_guess(const struct inbox *inbox);
void inbox_pop_guess(struct inbox *inbox);

/* Queues an answer, and news for every worker; inbox_flush() sends: news first. */
void inbox_answer(struct inbox *inbox, uint64_t conn_id, const struct wire_result *result);
void inbox_poke_all(struct inbox *inbox, uint32_t news, uint64_t newest_seq);
void inbox_flush(struct inbox *inbox);
