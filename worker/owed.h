/* SPDX-License-Identifier: MIT */
/*
 * owed.h - connections that have had their share of a turn and hold requests still: they go on in the
 * next turn of the loop, after everybody else has had theirs.
 *
 * One read holds some 1,600 small requests: without shares a few clients that pipeline without end
 * would make everybody wait for seconds.
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

/* Before the first connection.  false: no memory. */
MUST_USE bool owed_start(struct worker *worker);
/* turn_go_on(conn) is called in the next turn, unless it is closed by then.  Twice is once.
 * false: no memory. */
MUST_USE bool owed_add(struct conn *conn);
