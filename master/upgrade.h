/* SPDX-License-Identifier: MIT */
/*
 * upgrade.h - a new program in the place of this one, without a refused connection (SIGUSR2).
 *
 * 1. The new program is started beside us as `ctfg probe`: it loads the game's files and opens
 *    nothing.  If it cannot, that is all that happens.
 * 2. Workers take no more connections and finish their requests.  One with streams stays behind with
 *    them, as an "old worker" whom nobody watches any more; db commits, closes the database and leaves.
 * 3. The master executes the new program in its own place: same pid, same listening sockets.  Who
 *    connects meanwhile waits in their backlog.  Files that were saved since the probe are tried first,
 *    as in 1: a program that ends of a mistake in them would leave nobody.
 * 4. Old workers close their streams with 1012, spread over process.upgrade_spread, and leave; the
 *    clients come to the new workers a few at a time, each with the `since` it has got to.
 *
 * Two programs never have the database open together, and shared memory is made anew, so its layout
 * may change.  A failed second probe or execve(2) brings db and workers of the old program back.
 *
 * Process  master; a part of struct master.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/base/compiler.h"

struct master;

#define UPGRADE_PROBE_US 30000000

struct upgrade {
    char program[PATH_MAX]; /* as ours was called: a new one is put in its place, or a link */
    pid_t probe_pid;        /* 0: none runs */
    uint64_t probe_deadline_us;
    uint64_t tried_hash;   /* of the files as they were before the probe; 0: unreadable */
    bool has_looked_again; /* the second probe was made */
    uint32_t refused;      /* upgrades asked for since the start that came to nothing */
};

/* At start, while the path of the running program is still its own. */
void upgrade_init(struct upgrade *upgrade);
/* SIGUSR2: starts the probe. */
void upgrade_ask(struct master *master, uint64_t now_us);
/* A child died: if it was the probe, the upgrade goes on or ends here. */
void upgrade_bury_probe(struct master *master, uint64_t now_us);
/* Children whom this program, or the one before it, has let go. */
void upgrade_bury_old_workers(const struct master *master);
void upgrade_tick(struct master *master, uint64_t now_us);
/* All children have left.  false: files have changed, and a second probe is under way. */
bool upgrade_look_again(struct master *master, uint64_t now_us);
/* Then.  Returns only if the new program cannot be executed; it is logged. */
void upgrade_execute(struct master *master);
