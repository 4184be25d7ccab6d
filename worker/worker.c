/* SPDX-License-Identifier: MIT */
/*
 * worker.c - one libuv loop: sets everything up, obeys the master, leaves in order.
 *
 * No file is opened here: what there is to serve was built by the master before the fork, or comes
 * over the control socket.
 */
#include "worker/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sysexits.h>
#include <unistd.h>

#include <uv.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "shm/control.h"
#include "shm/heritage.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "worker/accept.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/page.h"
#include "worker/password.h"
#include "worker/reload.h"
#include "worker/route.h"
#include "worker/sandbox.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/view.h"

#define PREPARED_MAX 2          /* the game in force, and one that may not come into force */
#define REQUEST_IDS_PER_US 4096 /* a worker forked again in the same second takes none twice */
#define MICROSECONDS_PER_SECOND 1000000u
/* From the last close frame to the end of its connection. */
#define CLOSE_GRACE_MS 2000
#define TITLE_BYTES 40

/* What worker_prepare() has built, in the master: inherited by every worker that is forked. */
struct prepared {
    uint64_t generation; /* 0: nothing */
    struct page *page;
};

static struct worker_module {
    struct prepared prepared[PREPARED_MAX];
    struct worker worker;
    uint64_t leave_by_us; /* while draining: ready or not */
    uint32_t spread_ms;   /* of an upgrade */
    uv_poll_t control;
    uv_timer_t tick;
    uv_check_t check;
    uint64_t turn_end_ns;  /* when the last turn of the loop ended */
    uint64_t turn_idle_ns; /* idle so far, then */
} module;

/* ---- master ---- */

bool worker_prepare(struct game *game)
{
    struct page *page = page_build(game, module.prepared[0].page);

    if (page == NULL) {
        return false;
    }
    page_free(module.prepared[PREPARED_MAX - 1].page);
    memmove(&module.prepared[1], &module.prepared[0],
            sizeof(module.prepared) - sizeof(module.prepared[0]));
    module.prepared[0] = (struct prepared){.generation = game->generation, .page = page};
    return true;
}

/* ---- request ids ---- */

static void begin_request_ids(struct worker *worker, uint32_t first)
{
    uint32_t start_s = (uint32_t)(clock_real_us() / MICROSECONDS_PER_SECOND) & 0xffffffu;

    worker->request_epoch = (worker->heritage->process_slot & 0xffu) << 24 | start_s;
    worker->next_request = first;
}

uint64_t worker_next_request_id(struct worker *worker)
{
    if (worker->next_request == UINT32_MAX) {
        begin_request_ids(worker, 0);
    }
    return (uint64_t)worker->request_epoch << 32 | worker->next_request++;
}

/* ---- leaving ---- */

static _Noreturn void leave(struct worker *worker, int status)
{
    dbclient_stop(worker);
    if (!control_send(worker->heritage->control_fd, CONTROL_DRAINED, 0, -1)) {
        LOG(LOG_LEVEL_DEBUG, "left without a word: the master reads nothing");
    }
    LOG(LOG_LEVEL_INFO, "leaving", LOG_U64("connections", conn_count(worker)));
    exit(status);
}

/*
 * An upgrade.  First all that waits for an answer, as in a drain; streams go on meanwhile.  Then the
 * master may go on to the new program: what is left here are streams, which are closed one by one
 * over the spread, so that their clients come to the new workers one by one.  They lack nothing: each
 * comes back with its `since`.
 */
static void begin_upgrade(struct worker *worker, uint64_t spread_ms)
{
    if (worker->draining) {
        return;
    }
    worker->draining = true;
    worker->upgrading = true;
    module.spread_ms = (uint32_t)spread_ms;
    module.leave_by_us = clock_mono_us() + (uint64_t)worker->game->settings.drain_timeout_ms * 1000;
    slots_set_state(SLOT_DRAINING);
    accept_stop(worker);
    conn_drain_all(worker);
}

/* Nobody watches us from here on: the kernel ends us with the master, or when we hang. */
static void live_unwatched(struct worker *worker, uint64_t time_ms)
{
    const struct itimerval alarm = {.it_value.tv_sec = (time_t)(time_ms / 1000) + 1};
    char title[TITLE_BYTES];

    (void)uv_poll_stop(&module.control);
    dbclient_stop(worker);
    slots_own(worker->heritage->segment, SHM_NONE); /* the row is a successor's */
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)setitimer(ITIMER_REAL, &alarm, NULL);
    (void)snprintf(title, sizeof(title), "ctfg: old worker %u", worker->heritage->worker_number);
    proc_title_set(title);
}

static void hand_over(struct worker *worker)
{
    uint64_t time_ms = module.spread_ms + CLOSE_GRACE_MS;
    uint32_t streams = stream_count(worker);

    worker->upgrading = false;
    if (streams == 0) {
        leave(worker, EX_OK);
    }
    if (!control_send(worker->heritage->control_fd, CONTROL_HANDED_OVER, streams, -1)) {
        LOG(LOG_LEVEL_WARN, "the master does not hear that only streams are left");
    }
    module.leave_by_us = clock_mono_us() + time_ms * 1000;
    live_unwatched(worker, time_ms + CLOSE_GRACE_MS);
    LOG(LOG_LEVEL_INFO, "closing the streams for the new program", LOG_U64("streams", streams),
        LOG_U64("spread_ms", module.spread_ms));
    stream_close_all(worker, 1012, "the server is being upgraded", module.spread_ms);
}

static void close_streams_for_good(struct worker *worker)
{
    stream_close_all(worker, 1001, "the server is going away", 0);
}

static void begin_to_leave(struct worker *worker, uint64_t time_ms)
{
    uint64_t deadline_us = clock_mono_us() + time_ms * 1000;

    worker->upgrading = false;
    if (worker->draining) { /* asked again: only ever sooner */
        if (deadline_us < module.leave_by_us) {
            module.leave_by_us = deadline_us;
        }
        close_streams_for_good(worker);
        return;
    }
    worker->draining = true;
    module.leave_by_us = deadline_us;
    slots_set_state(SLOT_DRAINING);
    accept_stop(worker);
    conn_drain_all(worker);
    close_streams_for_good(worker);
}

static void leave_when_done(struct worker *worker)
{
    if (!worker->draining) {
        return;
    }
    bool is_late = clock_mono_us() >= module.leave_by_us;

    if (worker->upgrading) {
        if (is_late || conn_count(worker) == stream_count(worker)) {
            hand_over(worker);
        }
    } else if (is_late || conn_count(worker) == 0) {
        leave(worker, EX_OK);
    }
}

/* ---- the master's orders ---- */

static void obey(struct worker *worker, const struct control_message *message, int fd)
{
    switch ((enum control_type)message->type) {
    case CONTROL_RELOAD:
        reload_begin(worker, fd, message->value);
        return; /* the fd has found its owner */
    case CONTROL_DRAIN:
        begin_to_leave(worker, message->value);
        break;
    case CONTROL_UPGRADE:
        begin_upgrade(worker, message->value);
        break;
    case CONTROL_LOG_REOPEN:
        if (fd >= 0) {
            log_set_fd(fd);
        }
        return;
    case CONTROL_READY: /* these are for the master */
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
    struct worker *worker = poll->data;

    (void)status;
    (void)events;
    worker->now_us = clock_mono_us();
    for (;;) {
        struct control_message message;
        int fd;

        switch (control_receive(worker->heritage->control_fd, &message, &fd)) {
        case CONTROL_MESSAGE:
            obey(worker, &message, fd);
            break;
        case CONTROL_NOTHING:
            return;
        case CONTROL_EOF:
        case CONTROL_BROKEN:
            LOG(LOG_LEVEL_WARN, "the master is gone: leaving");
            (void)uv_poll_stop(poll);
            begin_to_leave(worker, worker->game->settings.drain_timeout_ms);
            return;
        }
    }
}

/* ---- time ---- */

static void on_tick(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint64_t now_us = clock_mono_us();

    worker->now_us = now_us;
    slots_beat(now_us);
    conn_tick(worker, now_us);
    dbclient_tick(worker, now_us);
    stream_tick(worker, now_us);
    reload_free_old(worker);
    leave_when_done(worker);
}

/* Once a turn of the loop, after its callbacks: how long did they keep everybody else waiting? */
static void on_turn_end(uv_check_t *check)
{
    struct worker *worker = check->data;
    uint64_t now_ns = uv_hrtime();
    uint64_t idle_ns = uv_metrics_idle_time(&worker->loop);
    uint64_t turn_ns = now_ns - module.turn_end_ns;
    uint64_t waited_ns = idle_ns - module.turn_idle_ns;

    slots_observe_turn(turn_ns > waited_ns ? (turn_ns - waited_ns) / 1000 : 0);
    module.turn_end_ns = now_ns;
    module.turn_idle_ns = idle_ns;
    leave_when_done(worker);
}

/* ---- beginning ---- */

/* What the master has built for the game we were forked with; it may be a generation behind. */
static struct page *take_page(const struct game *game)
{
    for (unsigned i = 0; i < PREPARED_MAX; i++) {
        if (module.prepared[i].generation == game->generation) {
            struct page *page = module.prepared[i].page;

            module.prepared[i] = (struct prepared){0};
            return page;
        }
    }
    return page_build(game, NULL);
}

static bool attach(struct worker *worker, struct heritage *heritage)
{
    worker->heritage = heritage;
    worker->game = heritage->game;
    worker->now_us = clock_mono_us();
    if (!segment_map_for(heritage->segment, PROC_WORKER)) {
        return false;
    }
    slots_own(heritage->segment, heritage->process_slot);
    board_attach(heritage->segment, &worker->board);
    ring_attach(heritage->segment, &worker->ring);
    limits_attach(heritage->segment, &worker->limits);
    revoked_attach(heritage->segment, &worker->revoked);
    begin_request_ids(worker,
                      (uint32_t)(clock_real_us() % MICROSECONDS_PER_SECOND) * REQUEST_IDS_PER_US);
    worker->page = take_page(worker->game);
    return worker->page != NULL;
}

static bool start_loop(struct worker *worker)
{
    uv_loop_t *loop = &worker->loop;

    sandbox_forbid_rings(&worker->game->settings);
    if (uv_loop_init(loop) != 0 || uv_loop_configure(loop, UV_METRICS_IDLE_TIME) != 0 ||
        uv_timer_init(loop, &module.tick) != 0 || uv_check_init(loop, &module.check) != 0 ||
        uv_poll_init(loop, &module.control, worker->heritage->control_fd) != 0) {
        return false;
    }
    module.tick.data = worker;
    module.check.data = worker;
    module.control.data = worker;
    module.turn_end_ns = uv_hrtime();
    return uv_timer_start(&module.tick, on_tick, CONN_TICK_MS, CONN_TICK_MS) == 0 &&
           uv_check_start(&module.check, on_turn_end) == 0 &&
           uv_poll_start(&module.control, UV_READABLE, on_control) == 0;
}

static bool start_modules(struct worker *worker)
{
    return conn_start(worker) && dbclient_start(worker) && session_start(worker) &&
           password_start(worker) && view_start(worker) && stream_start(worker) &&
           accept_start(worker);
}

const char *worker_route_name(uint32_t row, const char **ret_method)
{
    return route_name(row, ret_method);
}

_Noreturn void worker_main(struct heritage *heritage)
{
    struct worker *worker = &module.worker;

    ASSERT_PROC(PROC_WORKER);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!attach(worker, heritage) || !start_loop(worker) || !start_modules(worker) ||
        !sandbox_start(&worker->game->settings)) {
        LOG(LOG_LEVEL_ERROR, "a worker cannot start", LOG_ERRNO(errno));
        exit(EX_OSERR);
    }
    slots_set_state(SLOT_READY);
    if (!control_send(heritage->control_fd, CONTROL_READY, 0, -1)) {
        LOG(LOG_LEVEL_ERROR, "the master cannot be told that a worker serves");
        exit(EX_OSERR);
    }
    (void)uv_run(&worker->loop, UV_RUN_DEFAULT);
    CHECK(false); /* the tick keeps the loop alive until leave() */
    exit(EX_SOFTWARE);
}
