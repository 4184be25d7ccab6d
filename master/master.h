/* SPDX-License-Identifier: MIT */
/*
 * master.h - the process that owns files, sockets and shared memory, and outlives its children.
 *
 * One loop, one ladder (master.c): what died, what was asked for, what is due.  reload.c and
 * upgrade.c are two of the ladder's rungs and share struct master with it; nobody else sees it.
 *
 * Process  master.  Reads no byte of a player, touches no game state after the first fork.
 * Owner    cmd_run.c, which fills it in, for the life of the process.
 * Units    microseconds of clock_mono_us() where a name ends in _us.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "conf/files.h"
#include "db/db.h"
#include "master/child.h"
#include "master/listen.h"
#include "master/reload.h"
#include "master/signals.h"
#include "master/upgrade.h"
#include "master/user.h"
#include "shm/base/compiler.h"
#include "shm/heritage.h"
#include "shm/segment.h"

struct game;
struct options;

enum master_phase {
    MASTER_DB_STARTS,     /* db prepares the board; players wait in the backlog */
    MASTER_WORKERS_START, /* until each has said that it serves */
    MASTER_SERVES,
    MASTER_WORKERS_LEAVE, /* they finish what is under way; db still answers them */
    MASTER_DB_LEAVES,
    MASTER_IS_ALONE,
};

struct master {
    const struct options *options;
    struct game *game; /* in force; children have their own copy of it */
    struct user user;
    struct db_facts facts;
    struct listeners listeners;
    struct segment segment;
    struct heritage heritage; /* what children inherit, but for what is each one's own */
    struct children children;
    struct reload reload;
    struct upgrade upgrade;
    int signal_fd;

    enum master_phase phase;
    bool leaves_for_upgrade; /* while leaving: the new program follows, in this very process */
    int exit_status;
    uint64_t turned_us;   /* when the last turn of the loop began */
    uint64_t watchdog_us; /* how often systemd is fed; 0: it does not watch */
    uint64_t watchdog_due_us;
    uint64_t progress_due_us; /* next line about a long start */
};

static inline struct child *master_db(struct master *master)
{
    return &master->children.all[0];
}

/* Forks db and the workers, serves, and returns when all have left, with the exit status.  The caller
 * has filled in everything up to signal_fd. */
MUST_USE int master_run(struct master *master);
/* systemd hears that the server serves (again), and what; more: the end of that sentence. */
void master_tell_serving(const struct master *master, const char *more);
/* Drains and stops, or drains and executes the new program.  Asked again: hurries. */
void master_leave(struct master *master, bool for_upgrade, uint64_t now_us);
/* All children have left for a new program that is none: those of the old one start again. */
void master_stay(struct master *master, uint64_t now_us);
