/* SPDX-License-Identifier: MIT */
/* owed.c - a list of ids, gone through once a turn while it is not empty. */
#include "worker/owed.h"

#include <stdint.h>
#include <stdlib.h>

#include <uv.h>

#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "worker/conn.h"
#include "worker/conn_table.h"
#include "worker/context.h"
#include "worker/turn.h"

struct owed {
    struct worker *worker;
    uv_idle_t idle; /* active while the list is not empty: the loop does not sleep */
    uint64_t *ids;  /* at most one a connection */
    uint32_t count;
    uint32_t max;
};

static void on_idle(uv_idle_t *handle)
{
    struct owed *owed = handle->data;
    uint32_t count = owed->count;

    owed->worker->now_us = clock_mono_us();
    for (uint32_t i = 0; i < count; i++) {
        struct conn *conn = conn_find(owed->worker, owed->ids[i]);

        if (conn != NULL) {
            conn->is_owed = false;
            turn_go_on(conn); /* may add it again, behind count */
        }
    }
    owed->count -= count;
    for (uint32_t i = 0; i < owed->count; i++) {
        owed->ids[i] = owed->ids[count + i];
    }
    if (owed->count == 0) {
        (void)uv_idle_stop(&owed->idle);
    }
}

bool owed_start(struct worker *worker)
{
    struct owed *owed = calloc(1, sizeof(*owed));

    if (owed == NULL || uv_idle_init(&worker->loop, &owed->idle) != 0) {
        free(owed);
        return false;
    }
    owed->worker = worker;
    owed->idle.data = owed;
    worker->conns->owed = owed;
    return true;
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
