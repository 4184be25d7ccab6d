/* SPDX-License-Identifier: MIT */
/*
 * child.h - db and the workers as the master sees them: born, ready, leaving, dead, born again.
 *
 * Process  master.  What runs in a child ends in db_main() or worker_main().
 * Owner    struct children is part of struct master; a child's control descriptor is its own.
 * Death    is logged here, once, with a name: which process, which signal or exit status, how long
 *          it lived, and the route it was in (its row of shm/slots).
 * Units    microseconds of clock_mono_us().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/base/compiler.h"
#include "shm/base/proc.h"
#include "shm/control.h"
#include "shm/layout.h"

struct heritage; /* shm/heritage.h */
struct segment;  /* shm/segment.h */
struct user;     /* master/user.h */

#define CHILD_WORKERS_MAX 64
#define CHILDREN_MAX (1 + CHILD_WORKERS_MAX)
#define CHILD_NAME_BYTES 24 /* "worker 64", with room */

/* A child that lived so long has not died "at once". */
#define CHILD_LONG_LIFE_US 5000000
/* Nor has one that served, however short: its successor comes immediately (P6 wants it back well
 * under a second), so many times in a row, then once in the interval; beyond it, back-off. */
#define CHILD_SERVED_DEATHS 32
#define CHILD_SERVED_DEATHS_INTERVAL_US 1000000
/* The first successor comes immediately, the next after this, then twice as late each time. */
#define CHILD_BACKOFF_FIRST_US 50000
#define CHILD_BACKOFF_MOST_US 5000000
/* A heartbeat is written every SLOT_HEARTBEAT_MS; one missing for so long is a loop that hangs. */
#define CHILD_STUCK_US 10000000
/* Four in a row are missing: not dead yet, but systemd is not told that all is well. */
#define CHILD_SILENT_US 2000000
/* From fork to ready: a worker compresses a page at most, db may replay a long event log. */
#define CHILD_START_WORKER_US 30000000
#define CHILD_START_DB_US 600000000

enum child_state {
    CHILD_UNBORN,   /* not forked yet */
    CHILD_STARTING, /* forked, not ready */
    CHILD_READY,
    CHILD_LEAVING, /* told to leave; killed at kill_at_us */
    CHILD_DEAD,    /* forked again at born_again_us */
    CHILD_LEFT,    /* gone for good */
};

struct child {
    enum proc_role role;
    uint32_t number; /* of a worker, from 1; 0: db */
    uint32_t slot;   /* row of shm/slots */
    char name[CHILD_NAME_BYTES];
    enum child_state state;
    pid_t pid;                      /* 0: none lives */
    int control_fd;                 /* -1: none */
    bool is_killed;                 /* SIGKILL is on its way */
    bool reload_awaited;            /* master/reload.c waits for its answer */
    uint32_t quick_deaths;          /* one after the other */
    struct shm_limit served_deaths; /* private to the master: a GCRA word needs no sharing */
    uint64_t forked_us;
    uint64_t born_again_us;
    uint64_t kill_at_us; /* 0: not told to leave */
    uint64_t excused_us; /* what it did not do until then is no fault of its own */
};

/* The first is db, then worker 1, 2, ... */
struct children {
    uint32_t count;
    struct child all[CHILDREN_MAX];
};

/* What a fork needs beside the child. */
struct birth {
    const struct heritage *heritage; /* but for what is each child's own */
    const struct user *user;
    int signal_fd; /* the master's: closed in the child, as is */
    int files_fd;  /* that of a reload which is under way; -1: none is */
};

void children_init(struct children *children, uint32_t workers);
/* How many workers there will be: `wanted`, or with 0 one a core; at most CHILD_WORKERS_MAX. */
uint32_t children_workers(uint32_t wanted);
const char *child_state_word(enum child_state state);
static inline bool child_is_alive(const struct child *child)
{
    return child->pid != 0;
}

/* false: no fork, no socketpair; the child is dead and tried again after a pause. */
bool child_fork(struct children *children, struct child *child, const struct birth *birth,
                uint64_t now_us);
/* false: it could not be told (it reads nothing): it is killed, and comes back. */
bool child_tell(struct child *child, enum control_type type, uint64_t value, int fd);
/* Tells it to leave, and when it will be made to. */
void child_ask_to_leave(struct child *child, enum control_type type, uint64_t value_ms,
                        uint64_t kill_at_us);
void child_kill(struct child *child);
/* It leaves by itself and is nobody's any more (an upgrade: upgrade.h). */
void child_let_go(struct child *child);

/*
 * waitpid(2) for each that lives.  NULL: no more dead.  Otherwise the child is buried: logged, its
 * descriptor closed, its row marked; its state is CHILD_DEAD, with the time of its return.
 */
struct child *child_bury_next(struct children *children, const struct segment *segment,
                              uint64_t now_us);
/* It hangs, is not ready in time, or does not leave. NULL: it does none of that. */
const char *child_overdue(const struct child *child, const struct segment *segment,
                          uint64_t now_us);
/* The master has not run for so long, and maybe nobody has: every deadline begins anew or moves on. */
void children_excuse(struct children *children, uint64_t slept_us, uint64_t now_us);
/* It serves, but its heartbeat is late. */
bool child_is_silent(const struct child *child, const struct segment *segment, uint64_t now_us);
/* Time of its last sign of life, or until when it is excused. */
uint64_t child_heartbeat_us(const struct child *child, const struct segment *segment);

/* How long to wait after so many quick deaths before. */
uint64_t child_backoff_us(uint32_t quick_deaths);
