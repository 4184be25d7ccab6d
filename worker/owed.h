/* SPDX-License-Identifier: MIT */
/*
 * owed.h - connections that have to wait for the next turn of the loop, and how long a turn may last.
 *
 * One read holds some 1,600 small requests: without shares a few clients that pipeline without end
 * would make everybody wait for seconds.  And libuv looks at up to 49,152 ready sockets before it
 * does anything else: when 10,000 clients speak or leave at once, the timers and the streams would
 * wait for all of them.  So a connection whose share is used up waits here, and the oldest go first;
 * and when a turn has lasted nobody is read any more.  Those stay with epoll, which reports them again,
 * behind the ones that it has not reported yet: to take each out and in again would cost 5 us.
 *
 * Process  worker; for turn.c alone.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"

struct conn;
struct worker;

/* Requests of one connection that are handled in one turn; each takes some microseconds. */
#define OWED_REQUESTS_A_TURN 32
/* What connections may take of one turn, together. */
#define OWED_TURN_US 4000

/* Before the first connection.  false: no memory. */
MUST_USE bool owed_start(struct worker *worker);
/* When the loop is closed.  A worker has no need of it: it exits. */
void owed_end(struct worker *worker);
/* turn_catch_up(conn) is called in a later turn, unless it is closed by then.  Twice is once.
 * false: no memory. */
MUST_USE bool owed_add(struct conn *conn);
/* Has this turn lasted OWED_TURN_US since it looked at the first connection?  If so it ends with the
 * events that the loop knows of. */
bool owed_turn_is_full(struct worker *worker);
