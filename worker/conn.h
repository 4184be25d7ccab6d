/* SPDX-License-Identifier: MIT */
/*
 * conn.h - one client socket, from accept to close.  Process: worker; never shared.
 *
 * Born     conn_accept().
 * Dies     in its libuv close callback, nowhere else.  conn_close() only asks.
 * Waits    a request to db names the conn by id (conn_find), never by pointer: a late answer finds
 *          nobody.
 * Reads    into one buffer of the worker; what cannot be used at once (the answer before it is not
 *          there yet, or the client takes nothing) is kept, and reading stops until it is used.
 * Writes   are gathered while a read is handled (pipelined requests share one writev), tried at once
 *          (uv_try_write), and queued by reference when the socket is full.  While the queue is
 *          above CONN_OUT_BYTES_MAX (a stream's: CONN_STREAM_BYTES_MAX) nothing is read; a client
 *          that takes nothing for http_write_timeout_ms is closed.
 * Ends     in order: an answer that is the last is written before the socket is closed; after a
 *          refusal (400, 408, 413, 431) what the client still sends is read and thrown away for a
 *          while, so that the refusal is not lost in a reset (RFC 9112, 9.6).
 * Memory   about 400 bytes idle; the HTTP parser is there only while a message is being handled, and
 *          is gone for good after an upgrade to a stream.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <uv.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "worker/blob.h"

struct conn_kept;
struct conn_out; /* worker/out.h */
struct http;
struct stream_client;
struct worker;

#define CONN_OUT_BYTES_MAX (32u << 10)     /* above it we stop reading from this client, */
#define CONN_STREAM_BYTES_MAX (256u << 10) /* a stream's: its pongs are to be heard */
#define CONN_READ_BYTES (64u << 10)        /* the worker's shared read buffer */
#define CONN_KEPT_BYTES_MAX (64u << 20)    /* of all connections; above it the greedy are closed */
#define CONN_LINGER_MS 2000                /* for a client to read why it was refused */
#define CONN_SLOW_A_PLAYER_MAX 32          /* see conn_is_for_player(); a browser opens six */

enum conn_state {
    CONN_IDLE,      /* between messages */
    CONN_READING,   /* in a head or a body */
    CONN_WAITING,   /* for db or for argon2id: the answer comes later */
    CONN_STREAM,    /* upgraded: bytes belong to worker/stream.c */
    CONN_LAST_WORD, /* the answer in the queue is the last: close when it is written */
    CONN_LINGERING, /* it is written; what still comes is thrown away */
    CONN_CLOSED,
};

/* From what socket it came: the players' or the operators'. */
enum conn_side { CONN_PLAYERS, CONN_OPERATORS };

/* Others than conn.c use the functions below and the fields of the first block. */
struct conn {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv; /* first: libuv's callbacks know the conn by it */
    struct worker *worker;
    uint64_t id;              /* unique in this worker */
    uint32_t route;           /* row that answers, for the counters; SHM_NONE: none does */
    uint8_t state;            /* enum conn_state */
    uint8_t side;             /* enum conn_side */
    uint8_t peer_address_len; /* 0: unix socket; 4 or 16 */
    bool close_after_answer;
    uint8_t peer_address[16];
    uint8_t client_address[16];   /* of this request, behind a trusted proxy: for the log */
    struct http *http;            /* NULL: idle, or a stream */
    struct stream_client *client; /* CONN_STREAM only: worker/stream.c */

    uint8_t deadline;   /* which list of deadlines it is in */
    bool write_pending; /* libuv holds the queue */
    bool reading;
    bool saw_eof;      /* the client sends no more */
    bool sated;        /* a full buffer was read: the others' turn */
    bool linger;       /* the client may still be sending: see Ends */
    bool handling;     /* its requests are being handled right now */
    bool is_owed;      /* in the list of owed.h */
    uint8_t turn_left; /* requests it may have handled before the others' turn */
    uint64_t since_us; /* when the deadline began */
    uint64_t asked_us; /* when the request was whole */
    struct conn *hash_next;
    struct conn *list_next;
    struct conn *list_prev;
    struct conn_out *out;   /* NULL: nothing waits to be written */
    struct conn_kept *kept; /* NULL: nothing was read that has to wait */

    uint32_t player;      /* whose what is queued is; SHM_NONE: anybody's */
    uint32_t slow_player; /* whom it counts for in conn_table.slow; SHM_NONE: nobody */
};

MUST_USE bool conn_start(struct worker *worker);
/* Takes the socket over.  NULL: there is no memory, the socket is closed. */
struct conn *conn_accept(struct worker *worker, int fd, enum conn_side side,
                         const struct sockaddr *peer);
uint32_t conn_count(const struct worker *worker);
/* NULL: closed meanwhile. */
struct conn *conn_find(struct worker *worker, uint64_t id);

/* Appends to the queue.  Bytes are copied; a blob is borrowed with a reference of the queue's own. */
void conn_put(struct conn *conn, struct str bytes);
void conn_put_blob(struct conn *conn, struct blob *blob, size_t from, size_t len);
/* Tries to write what is queued.  Within a read it does nothing: its end writes everything. */
void conn_flush(struct conn *conn);
size_t conn_queued_bytes(const struct conn *conn);

/*
 * What is asked for is this player's own, and kept until it is taken.  false: it has to be refused, so
 * many connections of the player take nothing of what they have asked for.
 */
MUST_USE bool conn_is_for_player(struct conn *conn, uint32_t player);

/*
 * The answer is complete: counts it.  Within a read that is all; a late one is written at once, and
 * the next pipelined request, if any, has its turn.
 */
void conn_answered(struct conn *conn, unsigned status);

/*
 * Hands the socket to a stream and counts the 101: stream_on_bytes() gets what arrives from now on,
 * stream_on_closed() comes once, from the close callback.
 */
void conn_become_stream(struct conn *conn, struct stream_client *client);
/* A canned 503, then the end: the worker holds as many connections as it may. */
void conn_refuse(struct conn *conn);
/* Asks for the end; whatever is queued is dropped unless `flush_first`. */
void conn_close(struct conn *conn, bool flush_first);

/*
 * Every CONN_TICK_MS: closes whoever is past a deadline (408 in the middle of a message).  What takes
 * more than its share of a turn goes on in the next ones.
 */
#define CONN_TICK_MS 250
void conn_tick(struct worker *worker, uint64_t now_us);
/* Idle ones go at the next tick (what has reached the socket is answered), others after their answer. */
void conn_drain_all(struct worker *worker);
