/* SPDX-License-Identifier: MIT */
/*
 * accept.h - new connections, in bounded bites, fairly shared with the other workers.
 *
 * All workers wait on the same listening sockets.  One that holds far more connections than its
 * siblings lets them go first: it pauses for a tick.  When they take nothing in that time (dead,
 * stopped, busy), it takes a bite before it pauses again, then two, then four: clients of the dead
 * wait a tenth of a second in all, and a sibling that was only slow is not left behind.  Above
 * http.connections, and without file descriptors, clients are accepted and told 503, never left
 * hanging.  Players leave some descriptors to operators: /metrics is answered when it matters.
 *
 * Process  worker.  Errors: accept_start() returns false and errno.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct worker;

/* Taken in one go, then those who are in have their turn.  With 64 the listener's queue ran over while
 * 5,000 dropped streams left and came back: SYNs were lost, and sent again after a second. */
#define ACCEPT_BITE_CONNS 256
#define ACCEPT_PAUSE_MS 4             /* what we let the siblings have; 20 doubled a herd's p99 */
#define ACCEPT_ALLOWED_CONNS_MAX 4096 /* taken between two pauses that helped nobody */
#define ACCEPT_AHEAD_CONNS 16         /* besides a quarter more than the siblings' average */
#define ACCEPT_STALE_MS 2000     /* a heartbeat older than this is nobody's: four are missing */
#define ACCEPT_REFUSED_CONNS 256 /* refused ones that may still be reading their 503 */

/* Descriptors that players do not get: some 20 for what a worker has open, the rest is for operators
 * and a reload.  `ctfg doctor` reckons with the same (master/judge.h). */
#define ACCEPT_SPARE_FILES 64
#define ACCEPT_LEAST_CONNS 16 /* however low the limit is: the least of http.connections */

/* Listens on the heritage's sockets (players') and on its metrics_fd (operators'). */
MUST_USE bool accept_start(struct worker *worker);
/* Takes no more; the sockets are closed here, the siblings' and the master's stay open. */
void accept_stop(struct worker *worker);
/* Connections it may hold: http.connections, or what the limit of open files leaves of them. */
uint32_t accept_conns_most(const struct worker *worker);
