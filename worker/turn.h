/* SPDX-License-Identifier: MIT */
/*
 * turn.h - what is done when something has happened to a connection: bytes came, an answer is there,
 * the socket has room again, time is up.
 *
 * Process: worker; for conn.c and accept.c alone.
 */
#pragma once

struct conn;

/*
 * Handles what was kept, writes what is queued, ends what has said its last word, decides whether to
 * read on and which time limit runs.  Within the handling of the conn's own requests it does nothing:
 * the end of that comes here anyway.
 */
void turn_settle(struct conn *conn);
/* The same with a new share of requests: something has happened, or the others had their turn. */
void turn_go_on(struct conn *conn);
/* Its turn to read what it has sent meanwhile, or to go on with what it sent before (owed.h). */
void turn_catch_up(struct conn *conn);
/* Answers a message that cannot be handled, and ends the connection after it. */
void turn_refuse(struct conn *conn, unsigned status, const char *code);
