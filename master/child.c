/* SPDX-License-Identifier: MIT */
/* child.c - fork, the control socketpair, and what is said over a grave. */
#include "master/child.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "db/db.h"
#include "master/signals.h"
#include "master/user.h"
#include "shm/base/log.h"
#include "shm/gcra.h"
#include "shm/heritage.h"
#include "shm/slots.h"
#include "worker/worker.h"

/* clang-format off */
static const char *const state_words[] = {
    [CHILD_UNBORN]   = "unborn",
    [CHILD_STARTING] = "starting",
    [CHILD_READY]    = "ready",
    [CHILD_LEAVING]  = "leaving",
    [CHILD_DEAD]     = "dead",
    [CHILD_LEFT]     = "left",
};
/* clang-format on */

const char *child_state_word(enum child_state state)
{
    return state_words[state];
}

uint32_t children_workers(uint32_t wanted)
{
    cpu_set_t cores;
    uint32_t count = wanted;

    if (wanted == 0) {
        count = sched_getaffinity(0, sizeof(cores), &cores) == 0 ? (uint32_t)CPU_COUNT(&cores) : 1;
    }
    return count < CHILD_WORKERS_MAX ? count : CHILD_WORKERS_MAX;
}

void children_init(struct children *children, uint32_t workers)
{
    *children = (struct children){.count = 1 + workers};
    for (uint32_t i = 0; i < children->count; i++) {
        struct child *child = &children->all[i];

        *child = (struct child){
            .role = i == 0 ? PROC_DB : PROC_WORKER,
            .number = i,
            .slot = i == 0 ? SLOT_DB : SLOT_WORKER(i),
            .control_fd = -1,
        };
        if (i == 0) {
            (void)snprintf(child->name, sizeof(child->name), "db");
        } else {
            (void)snprintf(child->name, sizeof(child->name), "worker %u", i);
        }
    }
}

uint64_t child_backoff_us(uint32_t quick_deaths)
{
    uint64_t wait_us = quick_deaths == 0 ? 0 : CHILD_BACKOFF_FIRST_US;

    for (uint32_t i = 1; i < quick_deaths && wait_us < CHILD_BACKOFF_MOST_US; i++) {
        wait_us *= 2;
    }
    return wait_us < CHILD_BACKOFF_MOST_US ? wait_us : CHILD_BACKOFF_MOST_US;
}

/* ---- in the child ------------------------------------------------------------------------------ */

/* A sibling's control socket left open here would hide the master's death from that sibling; the files
 * of a reload would keep their memory for as long as this child lives. */
static void close_the_masters(const struct children *children, const struct birth *birth)
{
    for (uint32_t i = 0; i < children->count; i++) {
        if (children->all[i].control_fd >= 0) {
            (void)close(children->all[i].control_fd);
        }
    }
    (void)close(birth->signal_fd);
    if (birth->files_fd >= 0) {
        (void)close(birth->files_fd);
    }
}

static void keep_own_listeners(struct heritage *heritage, enum proc_role role)
{
    if (role == PROC_DB) {
        for (uint32_t i = 0; i < heritage->listener_count; i++) {
            (void)close(heritage->listener_fds[i]);
        }
        heritage->listener_count = 0;
        if (heritage->metrics_fd >= 0) {
            (void)close(heritage->metrics_fd);
        }
        heritage->metrics_fd = HERITAGE_FD_NONE;
    } else {
        (void)close(heritage->db_listener_fd);
        heritage->db_listener_fd = HERITAGE_FD_NONE;
    }
}

static _Noreturn void child_live(const struct children *children, const struct child *child,
                                 const struct birth *birth, int control_fd)
{
    static struct heritage heritage;
    char title[CHILD_NAME_BYTES + 8];

    heritage = *birth->heritage;
    heritage.process_slot = child->slot;
    heritage.worker_number = child->number;
    heritage.control_fd = control_fd;

    proc_set_role(child->role);
    (void)snprintf(title, sizeof(title), "ctfg: %s", child->name);
    proc_title_set(title);
    log_set_process(child->name);
    close_the_masters(children, birth);
    keep_own_listeners(&heritage, child->role);
    signals_reset_in_child();
    if (!user_become(birth->user)) {
        LOG(LOG_LEVEL_ERROR, "cannot drop privileges", LOG_ERRNO(errno));
        _exit(EX_NOPERM);
    }
    if (child->role == PROC_DB) {
        db_main(&heritage);
    } else {
        worker_main(&heritage);
    }
}

/* ---- in the master ----------------------------------------------------------------------------- */

static bool child_not_born(struct child *child, const char *what, uint64_t now_us)
{
    LOG(LOG_LEVEL_ERROR, "cannot start a process", LOG_STR("process", child->name),
        LOG_STR("call", what), LOG_ERRNO(errno));
    child->quick_deaths++;
    child->state = CHILD_DEAD;
    child->born_again_us = now_us + child_backoff_us(child->quick_deaths);
    return false;
}

bool child_fork(struct children *children, struct child *child, const struct birth *birth,
                uint64_t now_us)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) {
        return child_not_born(child, "socketpair", now_us);
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        child_live(children, child, birth, ends[1]);
    }
    int fork_error = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        errno = fork_error;
        return child_not_born(child, "fork", now_us);
    }
    child->pid = pid;
    child->control_fd = ends[0];
    child->state = CHILD_STARTING;
    child->is_killed = false;
    child->forked_us = now_us;
    child->kill_at_us = 0;
    return true;
}

void child_kill(struct child *child)
{
    if (child->pid != 0 && !child->is_killed) {
        (void)kill(child->pid, SIGKILL); /* it is ours and not waited for: the pid is still its */
        child->is_killed = true;
    }
}

void child_let_go(struct child *child)
{
    (void)close(child->control_fd);
    child->control_fd = -1;
    child->pid = 0;
    child->state = CHILD_LEFT;
}

bool child_tell(struct child *child, enum control_type type, uint64_t value, int fd)
{
    if (child->control_fd >= 0 && control_send(child->control_fd, type, value, fd)) {
        return true;
    }
    LOG(LOG_LEVEL_WARN, "a process takes no orders: killed", LOG_STR("process", child->name),
        LOG_I64("pid", child->pid), LOG_ERRNO(errno));
    child_kill(child);
    return false;
}

void child_ask_to_leave(struct child *child, enum control_type type, uint64_t value_ms,
                        uint64_t kill_at_us)
{
    child->state = CHILD_LEAVING;
    child->kill_at_us = kill_at_us;
    (void)child_tell(child, type, value_ms, -1); /* who cannot be told is killed there */
}

static uint64_t later(uint64_t a_us, uint64_t b_us)
{
    return a_us > b_us ? a_us : b_us;
}

/* From when on it is judged. */
static uint64_t child_began_us(const struct child *child)
{
    return later(child->forked_us, child->excused_us);
}

uint64_t child_heartbeat_us(const struct child *child, const struct segment *segment)
{
    const struct shm_slot *row = slots_at(segment, child->slot);
    /* relaxed: a number that stands alone; before its first beat the fork counts */
    uint64_t beat_us =
        row == NULL ? 0 : atomic_load_explicit(&row->heartbeat_us, memory_order_relaxed);

    return later(beat_us, child_began_us(child));
}

void children_excuse(struct children *children, uint64_t slept_us, uint64_t now_us)
{
    for (uint32_t i = 0; i < children->count; i++) {
        struct child *child = &children->all[i];

        child->excused_us = now_us;
        if (child->state == CHILD_LEAVING) {
            child->kill_at_us += slept_us;
        }
    }
}

const char *child_overdue(const struct child *child, const struct segment *segment, uint64_t now_us)
{
    uint64_t start_us = child->role == PROC_DB ? CHILD_START_DB_US : CHILD_START_WORKER_US;

    switch (child->state) {
    case CHILD_STARTING:
        return now_us > child_began_us(child) + start_us ? "is not ready in time" : NULL;
    case CHILD_READY:
        return now_us > child_heartbeat_us(child, segment) + CHILD_STUCK_US ? "hangs" : NULL;
    case CHILD_LEAVING:
        return now_us > child->kill_at_us ? "does not leave in time" : NULL;
    case CHILD_UNBORN:
    case CHILD_DEAD:
    case CHILD_LEFT:
        return NULL;
    }
    return NULL;
}

bool child_is_silent(const struct child *child, const struct segment *segment, uint64_t now_us)
{
    return child->state == CHILD_READY &&
           now_us > child_heartbeat_us(child, segment) + CHILD_SILENT_US;
}

static void child_log_death(const struct child *child, const struct segment *segment, int status,
                            uint64_t now_us)
{
    const struct shm_slot *row = slots_at(segment, child->slot);
    /* relaxed, both: their writer is dead; the row of who died before it took it tells of others */
    bool is_its = row != NULL &&
                  atomic_load_explicit(&row->pid, memory_order_relaxed) == (uint32_t)child->pid;
    uint32_t route = is_its ? atomic_load_explicit(&row->route, memory_order_relaxed) : SHM_NONE;
    bool in_order =
        child->state == CHILD_LEAVING && WIFEXITED(status) && WEXITSTATUS(status) == EX_OK;
    char how[32];
    char where[64];
    const char *method = "none";
    const char *path = route == SHM_NONE ? NULL : worker_route_name(route, &method);

    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));

        (void)snprintf(how, sizeof(how), "SIG%s", name == NULL ? "?" : name);
    } else {
        (void)snprintf(how, sizeof(how), "exit %d", WEXITSTATUS(status));
    }
    (void)snprintf(where, sizeof(where), "%s%s%s", method, path == NULL ? "" : " ",
                   path == NULL ? "" : path);
    LOG(in_order ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR, in_order ? "process left" : "process died",
        LOG_STR("process", child->name), LOG_I64("pid", child->pid), LOG_STR("how", how),
        LOG_STR("state", child_state_word(child->state)), LOG_STR("route", where),
        LOG_U64("lived_ms", (now_us - child->forked_us) / 1000));
}

/* Died at once: before it served at all, or again and again soon after. */
static bool died_at_once(struct child *child, uint64_t now_us)
{
    static const struct gcra_limit served = {
        .interval_us = CHILD_SERVED_DEATHS_INTERVAL_US,
        .burst = CHILD_SERVED_DEATHS,
    };
    uint64_t retry_us;

    if (now_us - child->forked_us >= CHILD_LONG_LIFE_US) {
        return false;
    }
    return child->state != CHILD_READY ||
           !gcra_take(&child->served_deaths, &served, now_us, &retry_us);
}

static void child_bury(struct child *child, const struct segment *segment, int status,
                       uint64_t now_us)
{
    bool at_once = died_at_once(child, now_us);

    child_log_death(child, segment, status, now_us);
    slots_bury(segment, child->slot);
    if (child->control_fd >= 0) {
        (void)close(child->control_fd);
    }
    child->control_fd = -1;
    child->pid = 0;
    child->state = CHILD_DEAD;
    if (!at_once) {
        child->quick_deaths = 0;
    }
    child->born_again_us = now_us + child_backoff_us(child->quick_deaths);
    if (at_once) {
        child->quick_deaths++;
    }
}

struct child *child_bury_next(struct children *children, const struct segment *segment,
                              uint64_t now_us)
{
    for (uint32_t i = 0; i < children->count; i++) {
        struct child *child = &children->all[i];
        int status = 0;

        if (child->pid != 0 && waitpid(child->pid, &status, WNOHANG) == child->pid) {
            child_bury(child, segment, status, now_us);
            return child;
        }
    }
    return NULL;
}
