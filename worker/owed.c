/* SPDX-License-Identifier: MIT */
/* owed.c - a list of ids, oldest first, gone through in every turn; and where a turn ends. */
#include "worker/owed.h"

#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/slots.h"
#include "worker/conn.h"
#include "worker/conn_table.h"
#include "worker/context.h"
#include "worker/turn.h"

struct owed {
    struct worker *worker;
    uv_idle_t idle; /* active while the list is not empty: the loop does not sleep */
    uv_check_t turn_end;
    uv_signal_t cut;
    bool is_cut;   /* this turn's poll ends with the events it has fetched */
    uint64_t *ids; /* at most one a connection */
    uint32_t count;
    uint32_t max;
    uint64_t turn_began_us; /* 0: no connection has been looked at in this turn */
};

/* What is owed takes half of a turn, so that who has just come is not always put off. */
#define OWED_SHARE_US (OWED_TURN_US / 2)

/* Nobody sends it to a worker but itself; ignored where there is no handler (signal(7)). */
#define CUT_SIGNAL SIGURG

static bool has_lasted(struct owed *owed, uint64_t us)
{
    uint64_t now_us = clock_mono_us();

    owed->worker->now_us = now_us;
    if (owed->turn_began_us == 0) {
        owed->turn_began_us = now_us;
    }
    return now_us - owed->turn_began_us >= us;
}

static void on_idle(uv_idle_t *handle)
{
    struct owed *owed = handle->data;
    uint32_t count = owed->count;
    uint32_t done = 0;

    for (; done < count && !has_lasted(owed, OWED_SHARE_US); done++) {
        struct conn *conn = conn_find(owed->worker, owed->ids[done]);

        if (conn != NULL) {
            conn->is_owed = false;
            turn_catch_up(conn); /* may add it again, behind count */
        }
    }
    owed->count -= done;
    memmove(owed->ids, owed->ids + done, owed->count * sizeof(*owed->ids));
    if (owed->count == 0) {
        (void)uv_idle_stop(&owed->idle);
    }
}

static void on_turn_end(uv_check_t *check)
{
    struct owed *owed = check->data;

    owed->turn_began_us = 0;
    owed->is_cut = false;
}

static void on_cut(uv_signal_t *handle, int number)
{
    (void)handle;
    (void)number;
}

/*
 * As long as epoll has 1,024 events or more libuv asks again, up to 48 times, and who was refused is
 * among them each time.  A signal ends that: its pipe stands behind those who are ready now, and with it
 * libuv goes on to the rest of the turn (uv__io_poll(): "Event loop should cycle now").
 */
static void cut_turn(struct owed *owed)
{
    if (!owed->is_cut) {
        slots_add(METRIC_TURNS_CUT, 1);
        owed->is_cut = raise(CUT_SIGNAL) == 0;
    }
}

bool owed_start(struct worker *worker)
{
    struct owed *owed = calloc(1, sizeof(*owed));

    if (owed == NULL || uv_idle_init(&worker->loop, &owed->idle) != 0 ||
        uv_check_init(&worker->loop, &owed->turn_end) != 0 ||
        uv_check_start(&owed->turn_end, on_turn_end) != 0 ||
        uv_signal_init(&worker->loop, &owed->cut) != 0 ||
        uv_signal_start(&owed->cut, on_cut, CUT_SIGNAL) != 0) {
        free(owed);
        return false;
    }
    owed->worker = worker;
    owed->idle.data = owed;
    owed->turn_end.data = owed;
    uv_unref((uv_handle_t *)&owed->turn_end); /* these keep no loop alive */
    uv_unref((uv_handle_t *)&owed->cut);
    worker->conns->owed = owed;
    return true;
}

void owed_end(struct worker *worker)
{
    free(worker->conns->owed->ids);
    free(worker->conns->owed);
    worker->conns->owed = NULL;
}

bool owed_add(struct conn *conn)
{
    struct owed *owed = conn->worker->conns->owed;

    if (conn->is_owed) {
        return true;
    }
    if (owed->count == owed->max) {
        uint32_t max = owed->max * 2 + 64;
        uint64_t *ids = realloc(owed->ids, max * sizeof(*ids));

        if (ids == NULL) {
            return false;
        }
        owed->ids = ids;
        owed->max = max;
    }
    owed->ids[owed->count++] = conn->id;
    conn->is_owed = true;
    CHECK(uv_idle_start(&owed->idle, on_idle) == 0); /* only without a callback it fails */
    return true;
}

bool owed_turn_is_full(struct worker *worker)
{
    struct owed *owed = worker->conns->owed;

    if (!has_lasted(owed, OWED_TURN_US)) {
        return false;
    }
    cut_turn(owed);
    return true;
}
