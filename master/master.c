/* SPDX-License-Identifier: MIT */
/* master.c - THE cycle: wait, then who died, what was asked for, what is due. */
#include "master/master.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/game.h"
#include "master/log_file.h"
#include "master/notify.h"
#include "master/title.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/base/version.h"
#include "shm/slots.h"

/* A child that dies so often before the server ever served will not live the next time either. */
#define START_DEATHS_MAX 5
/* How long after what it was told a child is really killed. */
#define LEAVE_GRACE_US 1000000
/* db only has to commit and close: it waits for nobody. */
#define DB_LEAVE_MS 3000
#define PROGRESS_US 5000000
#define PROGRESS_EXTEND_US 30000000
/* systemd is fed three times in the time it waits. */
#define WATCHDOG_FEEDS 3

#define US_PER_MS UINT64_C(1000)

static bool is_leaving(const struct master *master)
{
    return master->phase >= MASTER_WORKERS_LEAVE;
}

/* ---- waiting ----------------------------------------------------------------------------------- */

static uint64_t sooner(uint64_t a_us, uint64_t b_us)
{
    return b_us < a_us ? b_us : a_us;
}

/* At the latest when the next heartbeat of our own is due. */
static int wait_ms(const struct master *master, uint64_t now_us)
{
    uint64_t due_us = now_us + SLOT_HEARTBEAT_MS * US_PER_MS;

    for (uint32_t i = 0; i < master->children.count; i++) {
        const struct child *child = &master->children.all[i];

        if (child->state == CHILD_DEAD) {
            due_us = sooner(due_us, child->born_again_us);
        } else if (child->state == CHILD_LEAVING && !child->is_killed) {
            due_us = sooner(due_us, child->kill_at_us);
        }
    }
    return due_us <= now_us ? 0 : (int)((due_us - now_us) / US_PER_MS + 1);
}

static void master_wait(const struct master *master)
{
    struct pollfd fds[1 + CHILDREN_MAX] = {{.fd = master->signal_fd, .events = POLLIN}};

    for (uint32_t i = 0; i < master->children.count; i++) {
        fds[1 + i] = (struct pollfd){.fd = master->children.all[i].control_fd, .events = POLLIN};
    }
    /* Which of them woke us does not matter: all are looked at, and there are few. */
    (void)poll(fds, 1 + master->children.count, wait_ms(master, clock_mono_us()));
}

/* ---- what children say ------------------------------------------------------------------------- */

static void child_says(struct master *master, struct child *child,
                       const struct control_message *message, uint64_t now_us)
{
    switch ((enum control_type)message->type) {
    case CONTROL_READY:
        if (child->state == CHILD_STARTING) {
            child->state = CHILD_READY;
            LOG(LOG_LEVEL_DEBUG, "process is ready", LOG_STR("process", child->name),
                LOG_U64("after_ms", (now_us - child->forked_us) / US_PER_MS));
        }
        break;
    case CONTROL_RELOADED:
    case CONTROL_RELOAD_FAILED:
    case CONTROL_RELOAD_LATER:
        reload_on_answer(master, child, (enum control_type)message->type);
        break;
    case CONTROL_DRAINED:
        break; /* its death follows and says the same */
    case CONTROL_HANDED_OVER:
        if (child->state == CHILD_LEAVING) {
            child_let_go(child);
        }
        break;
    case CONTROL_RELOAD:
    case CONTROL_DRAIN:
    case CONTROL_UPGRADE:
    case CONTROL_LOG_REOPEN:
    case CONTROL_TYPES:
        LOG(LOG_LEVEL_WARN, "process says what only the master may say: killed",
            LOG_STR("process", child->name));
        child_kill(child);
        break;
    }
}

static void hear_child(struct master *master, struct child *child, uint64_t now_us)
{
    while (child->control_fd >= 0) {
        struct control_message message;
        int fd = -1;

        switch (control_receive(child->control_fd, &message, &fd)) {
        case CONTROL_MESSAGE:
            if (fd >= 0) {
                (void)close(fd); /* children have nothing to hand to the master */
            }
            child_says(master, child, &message, now_us);
            break;
        case CONTROL_NOTHING:
            return;
        case CONTROL_BROKEN:
            child_kill(child);
            (void)close(child->control_fd);
            child->control_fd = -1;
            return;
        case CONTROL_EOF:
            (void)close(child->control_fd);
            child->control_fd = -1;
            return;
        }
    }
}

/* ---- the dead and the overdue ------------------------------------------------------------------ */

static bool is_any_worker_wanted(const struct master *master)
{
    for (uint32_t i = 1; i < master->children.count; i++) {
        if (master->children.all[i].state != CHILD_LEFT) {
            return true;
        }
    }
    return false;
}

/* While workers finish what is under way they need db, so that one comes back even then. */
static bool comes_back(const struct master *master, const struct child *child)
{
    return !is_leaving(master) || (child->role == PROC_DB && is_any_worker_wanted(master));
}

static void bury_the_dead(struct master *master, uint64_t now_us)
{
    struct child *child;

    upgrade_bury_probe(master, now_us);
    while ((child = child_bury_next(&master->children, &master->segment, now_us)) != NULL) {
        reload_on_death(master, child);
        if (!comes_back(master, child)) {
            child->state = CHILD_LEFT;
        } else if (master->phase < MASTER_SERVES && child->quick_deaths >= START_DEATHS_MAX) {
            LOG(LOG_LEVEL_ERROR, "cannot start: a process dies again and again",
                LOG_STR("process", child->name));
            child->state = CHILD_LEFT;
            master->exit_status = EX_SOFTWARE;
            master_leave(master, false, now_us);
        }
    }
    upgrade_bury_old_workers(master);
}

static void fork_the_due(struct master *master, uint64_t now_us)
{
    const struct birth birth = {&master->heritage, &master->user, master->signal_fd,
                                master->reload.files_fd};

    for (uint32_t i = 0; i < master->children.count; i++) {
        struct child *child = &master->children.all[i];
        bool is_first = child->state == CHILD_UNBORN &&
                        (child->role == PROC_DB || master->phase == MASTER_WORKERS_START);
        bool is_again = child->state == CHILD_DEAD && now_us >= child->born_again_us;

        if (!is_first && !is_again) {
            continue;
        }
        if (child_fork(&master->children, child, &birth, now_us) && is_again) {
            slots_add(child->role == PROC_DB ? METRIC_RESTARTS_DB : METRIC_RESTARTS_WORKER, 1);
            LOG(LOG_LEVEL_INFO, "process forked again", LOG_STR("process", child->name),
                LOG_I64("pid", child->pid));
        }
    }
}

static void kill_the_overdue(struct master *master, uint64_t now_us)
{
    for (uint32_t i = 0; i < master->children.count; i++) {
        struct child *child = &master->children.all[i];
        const char *why = child_overdue(child, &master->segment, now_us);

        if (why != NULL && !child->is_killed) {
            LOG(LOG_LEVEL_ERROR, "process is killed", LOG_STR("process", child->name),
                LOG_I64("pid", child->pid), LOG_STR("why", why));
            child_kill(child);
        }
    }
}

/* ---- phases ------------------------------------------------------------------------------------ */

static bool are_workers_in(const struct master *master, enum child_state state)
{
    for (uint32_t i = 1; i < master->children.count; i++) {
        if (master->children.all[i].state != state) {
            return false;
        }
    }
    return true;
}

void master_tell_serving(const struct master *master, const char *more)
{
    char status[SOCKET_URL_BYTES + 160];

    (void)snprintf(status, sizeof(status), "Serving %s: %u workers, %u players, %u challenges%s",
                   master->listeners.url, master->children.count - 1, master->game->player_count,
                   master->game->challenge_count, more);
    notify_ready(status);
}

/* One line for the log, one for scripts, one for systemd. */
static void announce(struct master *master)
{
    const struct game *game = master->game;
    uint32_t workers = master->children.count - 1;
    char text[SOCKET_URL_BYTES + 160];

    title_refresh(master); /* before anybody can know that it serves */
    (void)snprintf(text, sizeof(text), "ctfg %s ready: %s (%u workers, %u players, %u challenges)",
                   CTFG_VERSION, master->listeners.url, workers, game->player_count,
                   game->challenge_count);
    LOG(LOG_LEVEL_INFO, text, LOG_U64("events", master->facts.events),
        LOG_STR("metrics", master->listeners.metrics_url));
    (void)dprintf(STDERR_FILENO, "ctfg: listening on %s\n", master->listeners.url);
    master_tell_serving(master, "");
    slots_set_state(SLOT_READY);
}

static void tell_progress(struct master *master, uint64_t now_us)
{
    const char *what = master->phase == MASTER_DB_STARTS ? "db builds the board from the event log"
                                                         : "workers start";

    if (now_us < master->progress_due_us) {
        return;
    }
    master->progress_due_us = now_us + PROGRESS_US;
    notify_extend_start(PROGRESS_EXTEND_US);
    notify_status("Starting: %s", what);
    LOG(LOG_LEVEL_INFO, what);
}

static void send_db_away(struct master *master, uint64_t now_us)
{
    struct child *db = master_db(master);

    master->phase = MASTER_DB_LEAVES;
    if (child_is_alive(db)) {
        child_ask_to_leave(db, CONTROL_DRAIN, DB_LEAVE_MS,
                           now_us + DB_LEAVE_MS * US_PER_MS + LEAVE_GRACE_US);
    } else {
        db->state = CHILD_LEFT;
    }
}

void master_stay(struct master *master, uint64_t now_us)
{
    master->phase = MASTER_DB_STARTS;
    master->leaves_for_upgrade = false;
    master->progress_due_us = now_us + PROGRESS_US;
    children_init(&master->children, master->children.count - 1);
}

static void advance_phase(struct master *master, uint64_t now_us)
{
    switch (master->phase) {
    case MASTER_DB_STARTS:
        if (master_db(master)->state == CHILD_READY) {
            master->phase = MASTER_WORKERS_START;
        } else {
            tell_progress(master, now_us);
        }
        break;
    case MASTER_WORKERS_START:
        if (are_workers_in(master, CHILD_READY)) {
            master->phase = MASTER_SERVES;
            announce(master);
        } else {
            tell_progress(master, now_us);
        }
        break;
    case MASTER_SERVES:
        break;
    case MASTER_WORKERS_LEAVE:
        if (are_workers_in(master, CHILD_LEFT)) {
            send_db_away(master, now_us);
        }
        break;
    case MASTER_DB_LEAVES:
        if (master_db(master)->state == CHILD_LEFT) {
            master->phase = MASTER_IS_ALONE;
        }
        break;
    case MASTER_IS_ALONE:
        if (master->leaves_for_upgrade && upgrade_look_again(master, now_us)) {
            upgrade_execute(master);
            master_stay(master, now_us);
        }
        break;
    }
}

/* A step may be the last thing the next one waited for: nobody waits for a tick in between. */
static void advance_phases(struct master *master, uint64_t now_us)
{
    enum master_phase before;

    do {
        before = master->phase;
        advance_phase(master, now_us);
    } while (master->phase != before);
}

static void hurry(struct master *master, uint64_t now_us)
{
    LOG(LOG_LEVEL_WARN, "stop was asked for again: whoever has not left is killed");
    for (uint32_t i = 1; i < master->children.count; i++) {
        if (master->children.all[i].state == CHILD_LEAVING) {
            master->children.all[i].kill_at_us = now_us - 1;
        }
    }
}

static void send_workers_away(struct master *master, uint64_t now_us)
{
    uint64_t drain_ms = master->game->settings.drain_timeout_ms;
    enum control_type order = master->leaves_for_upgrade ? CONTROL_UPGRADE : CONTROL_DRAIN;
    uint64_t spread_ms = master->game->settings.upgrade_spread_ms;
    uint64_t value_ms = master->leaves_for_upgrade ? spread_ms : drain_ms;
    uint64_t kill_at_us = now_us + drain_ms * US_PER_MS + LEAVE_GRACE_US;

    for (uint32_t i = 1; i < master->children.count; i++) {
        struct child *child = &master->children.all[i];

        if (child_is_alive(child)) {
            child_ask_to_leave(child, order, value_ms, kill_at_us);
        } else {
            child->state = CHILD_LEFT;
        }
    }
}

void master_leave(struct master *master, bool for_upgrade, uint64_t now_us)
{
    bool was_leaving = is_leaving(master);
    bool was_for_upgrade = master->leaves_for_upgrade;

    if (was_leaving && for_upgrade) {
        return;
    }
    master->leaves_for_upgrade = for_upgrade;
    if (for_upgrade) {
        notify_reloading();
        notify_status("Upgrading");
    } else {
        listen_close_players(&master->listeners);
        notify_stopping((master->game->settings.drain_timeout_ms + DB_LEAVE_MS) * US_PER_MS +
                        2 * LEAVE_GRACE_US);
    }
    if (was_leaving) {
        if (!was_for_upgrade) {
            hurry(master, now_us);
        } else if (master->phase == MASTER_WORKERS_LEAVE) {
            send_workers_away(master, now_us);
        }
        return;
    }
    LOG(LOG_LEVEL_INFO, for_upgrade ? "leaving for the new program" : "stopping",
        LOG_U64("drain_timeout_ms", master->game->settings.drain_timeout_ms));
    if (for_upgrade && master->reload.step != RELOAD_IDLE) {
        reload_ask(master); /* should the upgrade fail: the new program reads the files */
    }
    reload_abandon(master);
    slots_set_state(SLOT_DRAINING);
    master->phase = MASTER_WORKERS_LEAVE;
    send_workers_away(master, now_us);
}

/* ---- the cycle --------------------------------------------------------------------------------- */

/* A master that runs while a child does not is not well: systemd is to see that, should the master
 * fail to end it. */
static void feed_watchdog(struct master *master, uint64_t now_us)
{
    if (master->watchdog_us == 0 || now_us < master->watchdog_due_us) {
        return;
    }
    for (uint32_t i = 0; i < master->children.count; i++) {
        const struct child *child = &master->children.all[i];

        if (child_is_silent(child, &master->segment, now_us) ||
            child_overdue(child, &master->segment, now_us) != NULL) {
            return;
        }
    }
    master->watchdog_due_us = now_us + master->watchdog_us;
    notify_watchdog();
}

/* A paused container, a suspended machine: children were as still as we, and who is woken first is
 * chance. */
static void note_turn(struct master *master, uint64_t now_us)
{
    uint64_t slept_us = now_us - master->turned_us;

    if (slept_us > CHILD_SILENT_US) {
        LOG(LOG_LEVEL_WARN, "the master stood still: no process is judged by that time",
            LOG_U64("ms", slept_us / US_PER_MS));
        children_excuse(&master->children, slept_us, now_us);
    }
    master->turned_us = now_us;
}

static void master_turn(struct master *master)
{
    struct signals_seen seen = {0};

    master_wait(master);
    uint64_t now_us = clock_mono_us();
    note_turn(master, now_us);
    signals_read(master->signal_fd, &seen);
    for (uint32_t i = 0; i < master->children.count; i++) {
        hear_child(master, &master->children.all[i], now_us);
    }
    if (seen.child_died) {
        bury_the_dead(master, now_us);
    }
    if (seen.reopen_log) {
        log_file_reopen(master);
    }
    if (seen.reload) {
        reload_ask(master); /* done also where an upgrade is refused; a stop does not come to it */
    }
    if (seen.stop) {
        master_leave(master, false, now_us);
    } else if (seen.upgrade) {
        upgrade_ask(master, now_us);
    }
    advance_phases(master, now_us);
    fork_the_due(master, now_us);
    kill_the_overdue(master, now_us);
    reload_tick(master, now_us);
    upgrade_tick(master, now_us);
    title_refresh(master);
    slots_beat(now_us);
    feed_watchdog(master, now_us);
}

int master_run(struct master *master)
{
    uint64_t now_us = clock_mono_us();

    master->phase = MASTER_DB_STARTS;
    master->progress_due_us = now_us + PROGRESS_US;
    master->turned_us = now_us;
    master->watchdog_us = notify_watchdog_limit_us() / WATCHDOG_FEEDS;
    slots_own(&master->segment, SLOT_MASTER);
    slots_set(METRIC_BACKLOG, master->listeners.backlog_effective);
    fork_the_due(master, now_us);
    while (master->phase != MASTER_IS_ALONE || master->leaves_for_upgrade) {
        master_turn(master);
    }
    LOG(LOG_LEVEL_INFO, "stopped");
    return master->exit_status;
}
