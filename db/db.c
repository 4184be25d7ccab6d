/* SPDX-License-Identifier: MIT */
/* db.c - db_main(): sets the process up, turns its loop, leaves in order. */

#include "db/db.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <uv.h>

#include "conf/game.h"
#include "db/lock.h"
#include "db/process.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "shm/control.h"
#include "shm/heritage.h"
#include "shm/segment.h"
#include "shm/slots.h"

/* How often the loop looks after what no request asks for. */
#define TICK_MS 100
/* During an upgrade the old server's db finishes first. */
#define LOCK_WAIT_MS 15000
/* Rejected guesses are trimmed in lulls, so many rows at a time, */
#define TRIM_ROWS 500
/* when so many have come since. */
#define TRIM_AFTER 250

static struct db_process {
    struct db db;
    uv_poll_t control;
    uv_signal_t sigterm;
    uv_timer_t tick;
    uv_prepare_t before_poll;
    uv_check_t after_poll;
    uv_idle_t more; /* active while there is work: the loop then does not sleep */
    int lock_fd;
    uint64_t turn_started_us;
    uint64_t idle_ns;
    uint64_t beat_us;
    bool is_draining;
    uint64_t drain_until_us;
    bool is_finishing; /* the store is about to be closed: nothing begins any more */
} process;

_Noreturn static void leave(int status)
{
    slots_set_state(SLOT_DEAD);
    _exit(status);
}

static void db_drain(uint64_t ms)
{
    if (process.is_draining) {
        return;
    }
    process.is_draining = true;
    process.drain_until_us = clock_mono_us() + ms * 1000;
    slots_set_state(SLOT_DRAINING);
    inbox_stop_listening(&process.db.inbox);
}

/* ---- control ---------------------------------------------------------------------------------- */

static void on_control_message(const struct control_message *message, int fd)
{
    switch ((enum control_type)message->type) {
    case CONTROL_RELOAD:
        job_start_reload(&process.db, fd, message->value);
        return;
    case CONTROL_DRAIN:
    case CONTROL_UPGRADE:
        db_drain(message->value);
        break;
    case CONTROL_LOG_REOPEN:
        if (fd >= 0) {
            log_set_fd(fd);
        }
        return;
    case CONTROL_READY:
    case CONTROL_RELOADED:
    case CONTROL_RELOAD_FAILED:
    case CONTROL_RELOAD_LATER:
    case CONTROL_DRAINED:
    case CONTROL_HANDED_OVER:
    case CONTROL_TYPES:
        break;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static void on_control(uv_poll_t *poll, int status, int events)
{
    struct control_message message;
    int fd = HERITAGE_FD_NONE;

    (void)status;
    (void)events;
    for (;;) {
        switch (control_receive(process.db.heritage->control_fd, &message, &fd)) {
        case CONTROL_MESSAGE:
            on_control_message(&message, fd);
            continue;
        case CONTROL_NOTHING:
            return;
        case CONTROL_EOF:
        case CONTROL_BROKEN:
            LOG(LOG_LEVEL_WARN, "the master is gone: leaving");
            (void)uv_poll_stop(poll);
            db_drain(process.db.game->settings.drain_timeout_ms);
            return;
        }
    }
}

static void on_sigterm(uv_signal_t *signal, int number)
{
    (void)signal;
    (void)number;
    db_drain(process.db.game->settings.drain_timeout_ms);
}

/* ---- the loop --------------------------------------------------------------------------------- */

static bool may_run_batch(const struct db *db)
{
    return !job_is_running(&db->job) &&
           (db->store == NULL || !checkpoint_is_behind(&db->checkpoint, db->store));
}

static bool is_idle(const struct db *db)
{
    return !job_is_running(&db->job) && !db->checkpoint.is_running && !batch_is_due(db);
}

/* All that was acknowledged is on disk; nothing is in flight: the loop may end. */
static void finish_if_drained(struct db *db)
{
    bool is_late = clock_mono_us() >= process.drain_until_us;

    if (!process.is_draining || !is_idle(db) || db->inbox.guess_count > 0) {
        return;
    }
    if (is_late || db->inbox.conn_count == 0) {
        uv_stop(&db->loop);
    }
}

static void do_work(struct db *db)
{
    if (process.is_finishing) {
        return;
    }
    job_go_on(db);
    db_mend_store(db);
    if (may_run_batch(db)) {
        db_probe_store(db);
    }
    if (may_run_batch(db) && batch_is_due(db)) {
        batch_run(db);
        if (db->store != NULL && !job_is_running(&db->job)) {
            checkpoint_consider(&db->checkpoint, db->store, 0);
        }
    }
    if (may_run_batch(db) && batch_is_due(db)) {
        return; /* `more` brings us back after a look at the sockets */
    }
    (void)uv_idle_stop(&process.more);
    finish_if_drained(db);
}

static void on_more(uv_idle_t *idle)
{
    (void)idle; /* its being active is its work: poll does not wait */
}

static void on_before_poll(uv_prepare_t *prepare)
{
    uint64_t now_us = clock_mono_us();
    uint64_t idle_ns = uv_metrics_idle_time(prepare->loop);
    uint64_t turn_us = now_us - process.turn_started_us;
    uint64_t asleep_us = (idle_ns - process.idle_ns) / 1000;

    slots_observe_turn(turn_us > asleep_us ? turn_us - asleep_us : 0);
    process.turn_started_us = now_us;
    process.idle_ns = idle_ns;
}

static void on_after_poll(uv_check_t *check)
{
    struct db *db = &process.db;

    (void)check;
    if (may_run_batch(db) && batch_is_due(db)) {
        (void)uv_idle_start(&process.more, on_more);
    }
    do_work(db);
}

/* That it works says nothing about the store: where no row is too many, nothing is written. */
static void trim_guesses(struct db *db)
{
    uint32_t deleted;

    if (db->untrimmed_guesses < TRIM_AFTER || db->store_status != STORE_OK) {
        return;
    }
    enum store_status status =
        store_trim_guesses(db->store, db->game->settings.guesses_kept_max, TRIM_ROWS, &deleted);

    if (status != STORE_OK) {
        db_note_store(db, status, store_error(db->store));
    } else if (deleted < TRIM_ROWS) {
        db->untrimmed_guesses = 0;
    }
}

static void on_tick(uv_timer_t *timer)
{
    struct db *db = &process.db;
    uint64_t now_us = clock_mono_us();

    (void)timer;
    if (now_us - process.beat_us >= SLOT_HEARTBEAT_MS * 1000) {
        process.beat_us = now_us;
        slots_beat(now_us);
        if (db->store != NULL) {
            slots_set(METRIC_DB_WAL_BYTES, store_log_bytes(db->store));
        }
    }
    if (db->store != NULL && is_idle(db) && !process.is_finishing) {
        uint64_t idle_us = now_us - db->last_batch_us;

        checkpoint_consider(&db->checkpoint, db->store, idle_us);
        if (idle_us >= CHECKPOINT_LULL_MS * 1000 && !db->checkpoint.is_running) {
            trim_guesses(db);
        }
    }
}

/* ---- setting up ------------------------------------------------------------------------------- */

static void set_up_signals(void)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGINT, SIG_IGN); /* a terminal's ^C is for the master */
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGUSR2, SIG_IGN);
    (void)signal(SIGCHLD, SIG_DFL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN); /* a file-size limit is a full disk, not a death */
}

static void set_up_role(struct heritage *heritage)
{
    proc_set_role(PROC_DB);
    proc_title_set("ctfg: db");
    log_set_process("db");
    set_up_signals();
    if (!segment_map_for(heritage->segment, PROC_DB)) {
        LOG(LOG_LEVEL_ERROR, "the shared segment cannot be mapped", LOG_ERRNO(errno));
        _exit(EX_OSERR);
    }
    slots_own(heritage->segment, heritage->process_slot);
    slots_set_state(SLOT_STARTING);
    slots_beat(clock_mono_us());
}

static void set_up_store(struct db *db)
{
    struct store_options options;
    char error[512];
    pid_t holder = 0;

    (void)snprintf(db->dir, sizeof(db->dir), "%.*s", STR_ARG(db->game->settings.database_dir));
    if (lock_take(db->dir, LOCK_WAIT_MS, &process.lock_fd, &holder) != LOCK_TAKEN) {
        LOG(LOG_LEVEL_ERROR, "the database is not ours to use", LOG_STR("folder", db->dir),
            LOG_I64("held_by_pid", holder));
        leave(EX_TEMPFAIL);
    }
    options = db_store_options(db);
    if (store_open(&options, &db->store, error, sizeof(error)) != STORE_OK) {
        LOG(LOG_LEVEL_ERROR, "the database cannot be opened", LOG_STR("error", error));
        leave(EX_NOINPUT);
    }
}

static bool put_revocation(void *context, const struct store_revocation *revocation)
{
    struct db *db = context;

    /* More live ones than there is room for: those were logouts of everyone of that player then. */
    (void)!revoked_add(&db->revoked, revocation->session_id, revocation->expires_s,
                       clock_real_us() / 1000000);
    return true;
}

static void set_up_board(struct db *db)
{
    struct rebuild rebuild = {
        .store = db->store,
        .game = db->game,
        .board = &db->board,
        .add_missing = true,
    };
    uint64_t started_us = clock_mono_us();

    board_attach(db->heritage->segment, &db->board);
    ring_attach(db->heritage->segment, &db->ring);
    revoked_attach(db->heritage->segment, &db->revoked);
    CHECK(revoked_begin_holding(&db->revoked));
    rebuild.ring_slots = db->ring.slot_count;
    if (rebuild_run(&rebuild) != STORE_OK ||
        store_each_revocation(db->store, put_revocation, db) != STORE_OK) {
        LOG(LOG_LEVEL_ERROR, "the board cannot be built", LOG_STR("error", store_error(db->store)));
        leave(EX_IOERR);
    }
    board_set_session_key(&db->board, rebuild.meta.session_key);
    db_adopt(db, &rebuild);
    LOG(LOG_LEVEL_INFO, "the board is built", LOG_U64("events", rebuild.events),
        LOG_U64("newest", rebuild.newest_seq), LOG_U64("users", db->roster.count),
        LOG_U64("took_ms", (clock_mono_us() - started_us) / 1000));
}

static void set_up_loop(struct db *db)
{
    uv_loop_t *loop = &db->loop;
    bool ok =
        uv_loop_init(loop) == 0 && uv_loop_configure(loop, UV_METRICS_IDLE_TIME) == 0 &&
        uv_timer_init(loop, &process.tick) == 0 &&
        uv_timer_start(&process.tick, on_tick, TICK_MS, TICK_MS) == 0 &&
        uv_prepare_init(loop, &process.before_poll) == 0 &&
        uv_prepare_start(&process.before_poll, on_before_poll) == 0 &&
        uv_check_init(loop, &process.after_poll) == 0 &&
        uv_check_start(&process.after_poll, on_after_poll) == 0 &&
        uv_idle_init(loop, &process.more) == 0 && uv_signal_init(loop, &process.sigterm) == 0 &&
        uv_signal_start(&process.sigterm, on_sigterm, SIGTERM) == 0 &&
        uv_poll_init(loop, &process.control, db->heritage->control_fd) == 0 &&
        uv_poll_start(&process.control, UV_READABLE | UV_DISCONNECT, on_control) == 0 &&
        inbox_open(&db->inbox, loop, db->heritage->db_listener_fd, db->game->settings.db_queue_max);

    if (!ok) {
        LOG(LOG_LEVEL_ERROR, "the loop or the socket for workers cannot be set up",
            LOG_ERRNO(errno));
        leave(EX_OSERR);
    }
    checkpoint_init(&db->checkpoint, loop, db->game->settings.wal_bytes_max);
    batch_init(&db->batch, db->game->settings.db_batch_max);
    process.turn_started_us = clock_mono_us();
    process.beat_us = process.turn_started_us;
    db->last_batch_us = process.turn_started_us;
    db->untrimmed_guesses = TRIM_AFTER; /* the setting may be lower now: a look is due */
}

/* Answers in flight go out; then nothing of ours is left open. */
static void finish(struct db *db)
{
    process.is_finishing = true;
    (void)uv_poll_stop(&process.control); /* a reload comes too late */
    inbox_flush(&db->inbox);
    for (uint64_t until_us = clock_mono_us() + 1000000;
         inbox_unsent_bytes(&db->inbox) > 0 && clock_mono_us() < until_us;) {
        (void)uv_run(&db->loop, UV_RUN_ONCE);
    }
    if (db->store != NULL && !checkpoint_final(db->store)) {
        LOG(LOG_LEVEL_INFO, "the log could not be emptied; the next start goes on with it");
    }
    store_close(db->store);
    (void)close(process.lock_fd);
    if (!control_send(db->heritage->control_fd, CONTROL_DRAINED, 0, HERITAGE_FD_NONE)) {
        LOG(LOG_LEVEL_DEBUG, "nobody is told that db has drained");
    }
}

void db_main(struct heritage *heritage)
{
    struct db *db = &process.db;

    db->heritage = heritage;
    db->game = heritage->game;
    set_up_role(heritage);
    set_up_store(db);
    set_up_board(db);
    set_up_loop(db);
    slots_set_state(SLOT_READY);
    slots_beat(clock_mono_us());
    if (!control_send(heritage->control_fd, CONTROL_READY, 0, HERITAGE_FD_NONE)) {
        LOG(LOG_LEVEL_WARN, "the master does not hear that db is ready", LOG_ERRNO(errno));
    }
    (void)uv_run(&db->loop, UV_RUN_DEFAULT);
    finish(db);
    LOG(LOG_LEVEL_INFO, "db has drained");
    leave(EX_OK);
}
