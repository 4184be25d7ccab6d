/* SPDX-License-Identifier: MIT */
/*
 * dbclient.h - the worker's side of the unix socket: ask, wait, ask again after db's death.
 *
 * A request is kept until its result comes or its deadline passes (db_request_timeout_ms).  When db
 * dies, the connection is made anew (at once, then every DBCLIENT_RETRY_MS) and everything without an
 * answer is sent again with the same request id.  News from db (WIRE_POKE) goes to stream, views and
 * sessions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/wire.h"

struct conn;
struct worker;

#define DBCLIENT_RETRY_MS 10
#define DBCLIENT_WAITING_MAX 16384 /* requests without an answer; more: 503 */
#define DBCLIENT_CONTEXT_BYTES 64

/* What a handler wants to remember until the answer: copied, opaque. */
struct dbclient_context {
    uint64_t conn_id;
    uint64_t request_id;
    uint64_t asked_us;
    unsigned char bytes[DBCLIENT_CONTEXT_BYTES];
};

/* conn: NULL when the player has gone.  result: NULL when there is no answer in time: 503. */
typedef void (*dbclient_answer)(struct worker *worker, struct conn *conn,
                                const struct dbclient_context *context,
                                const struct wire_result *result);

MUST_USE bool dbclient_start(struct worker *worker);
/* message begins with a struct wire_head whose request_id is set.  false: too many wait: 503. */
MUST_USE bool dbclient_ask(struct worker *worker, const void *message, uint64_t conn_id,
                           const void *context, size_t context_bytes, dbclient_answer answer);
/* Sent if there is room, else dropped and counted: wrong guesses. */
void dbclient_tell(struct worker *worker, const void *message);
bool dbclient_is_connected(const struct worker *worker);
uint32_t dbclient_waiting(const struct worker *worker);
/* Answers those without a result in time: overdue.h. */
void dbclient_tick(struct worker *worker, uint64_t now_us);
void dbclient_stop(struct worker *worker);
