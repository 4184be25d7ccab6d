/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one client socket, from accept to close.  Process: worker; never shared.
 *
 * Born     conn_accept().
 * Dies     in its libuv close callback, nowhere else.  conn_close() only asks.
 * Borrows  the game its answer is made of, by a counted reference: a reload frees it after us.
 * Waits    a request to db names the conn by id (conn_find), never by pointer: a late answer finds
 *          nobody.
 * Reads    into one buffer of the worker; what is not used at once is the parser's to keep.
 * Writes   are gathered while a read is handled (pipelined requests share one writev), tried at once
 *          (uv_try_write), and queued by reference when the socket is full.  While the queue is
 *          above CONN_OUT_BYTES_MAX nothing is read; a client that takes nothing for
 *          http_write_timeout_ms is closed.
 * Memory   about 400 bytes idle; the HTTP parser is there only while a message is being handled, and
 *          is gone for good after an upgrade to a stream.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "shm/base/str.h"
#include "worker/blob.h"

struct http;
struct stream_client;
struct worker;

#define CONN_OUT_SEGMENTS 32           /* pieces of answers waiting to be written */
#define CONN_OUT_BYTES_MAX (256u << 10) /* above it we stop reading from this client */
#define CONN_READ_BYTES (64u << 10)     /* the worker's shared read buffer */

enum conn_state {
    CONN_IDLE,      /* between messages */
    CONN_READING,   /* in a head or a body */
    CONN_WAITING,   /* for db or for argon2id: the answer comes later */
    CONN_STREAM,    /* upgraded: bytes belong to worker/stream.c */
    CONN_LAST_WORD, /* the answer in the queue is the last: close when it is written */
    CONN_CLOSED,
};

/* From what socket it came: the players' or the operators'. */
enum conn_side { CONN_PLAYERS, CONN_OPERATORS };

/* Layout, lists and deadlines: conn.c; others use the functions below and the fields marked. */
struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    struct worker *worker;   /* read by all */
    uint64_t id;             /* read by all: unique in this worker */
    uint8_t state;           /* enum conn_state */
    uint8_t side;            /* enum conn_side */
    bool close_after_answer;
    bool peer_is_trusted;    /* loopback, unix socket or a configured proxy */
    bool write_pending;      /* libuv holds the queue */
    bool reading;
    uint8_t peer_address_len; /* 0: unix socket; 4 or 16 */
    uint8_t deadline_kind;
    uint8_t peer_address[16];
    uint32_t route;          /* row that answers, for the counters */
    uint64_t since_us;       /* when the present state's deadline began */
    uint64_t hash_next;      /* conn_find's chain and the deadline list: private to conn.c */
    struct conn *list_next;
    struct conn *list_prev;
    struct http *http;             /* NULL: idle, or a stream */
    struct stream_client *client;  /* CONN_STREAM only: worker/stream.c */
    struct conn_out *out;          /* NULL: nothing waits to be written */
};

/* A listener is readable: takes what is there, within the worker's limits (accept.c asks). */
void conn_accept(struct worker *worker, uv_stream_t *listener, enum conn_side side);
/* NULL: closed meanwhile. */
struct conn *conn_find(struct worker *worker, uint64_t id);

/* Appends to the queue.  Bytes are copied; a blob is borrowed with a reference of the queue's own. */
void conn_put(struct conn *conn, struct str bytes);
void conn_put_blob(struct conn *conn, struct blob *blob, size_t from, size_t len);
/* Tries to write what is queued.  Called at the end of every read and after a late answer. */
void conn_flush(struct conn *conn);
size_t conn_queued_bytes(const struct conn *conn);

/* The answer is complete: counts it, then goes on with the next pipelined request, if any. */
void conn_answered(struct conn *conn, unsigned status);

/* Hands the socket to a stream: HTTP memory goes, on_bytes gets what arrives from now on. */
void conn_become_stream(struct conn *conn, struct stream_client *client);
/* Asks for the end; whatever is queued is dropped unless `flush_first`. */
void conn_close(struct conn *conn, bool flush_first);

/* Every CONN_TICK_MS: closes whoever is past a deadline (408 in the middle of a message). */
#define CONN_TICK_MS 250
void conn_tick(struct worker *worker, uint64_t now_us);
/* Idle ones go at once, the others after their answer. */
void conn_drain_all(struct worker *worker);
