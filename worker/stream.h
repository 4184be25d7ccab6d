/* SPDX-License-Identifier: MIT */
/*
 * stream.h - ring -> one encoded frame a tick -> cursors of clients, written straight to the socket.
 *
 * The hub reads the ring from its cursor at most once a tick (stream_tick_ms), encodes all that is
 * new into one text frame and writes the same bytes to every client that is up to date.  A client
 * whose socket is full keeps a cursor into the window of recent frames and goes on from there when it
 * drains; out of the window it is told to resync, and closed with 1013 when it stays behind.
 * A client has no queue of its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "worker/session.h"

struct conn;
struct stream_client;
struct worker;

MUST_USE bool stream_start(struct worker *worker);
/* After the 101: all behind `since`, or with has_since false the history; then live. */
MUST_USE bool stream_join(struct worker *worker, struct conn *conn, const struct session *session,
                          bool has_since, uint64_t since);
/* Bytes a client sent (conn.c calls). */
void stream_on_bytes(struct conn *conn, const char *bytes, size_t len);
/* The client's socket has drained (conn.c calls). */
void stream_on_drained(struct conn *conn);
/* The connection is closing: frees the client. */
void stream_on_closed(struct conn *conn);

/* News from db (enum wire_news). */
void stream_on_news(struct worker *worker, uint32_t news);
/* Pings, pongs overdue, slow clients: every CONN_TICK_MS. */
void stream_tick(struct worker *worker, uint64_t now_us);
/* Closes all: 1001 at a drain, 1012 at an upgrade spread over spread_ms. */
void stream_close_all(struct worker *worker, uint16_t code, const char *reason, uint64_t spread_ms);
uint32_t stream_count(const struct worker *worker);
