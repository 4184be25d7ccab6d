/* SPDX-License-Identifier: MIT */
/* overdue.c - an idle handle that goes on where a tick has stopped. */
#include "worker/overdue.h"

#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "worker/context.h"

static bool do_share(struct overdue *overdue)
{
    return overdue->some(overdue->worker, overdue->ticked_us, clock_mono_us() + OVERDUE_TURN_US);
}

static void on_next_turn(uv_idle_t *idle)
{
    struct overdue *overdue = idle->data;

    overdue->worker->now_us = clock_mono_us();
    if (do_share(overdue)) {
        (void)uv_idle_stop(idle);
    }
}

void overdue_init(struct overdue *overdue, struct worker *worker, overdue_fn some)
{
    *overdue = (struct overdue){.worker = worker, .some = some};
    CHECK(uv_idle_init(&worker->loop, &overdue->idle) == 0); /* fails on a loop that is no loop */
    overdue->idle.data = overdue;
}

void overdue_tick(struct overdue *overdue, uint64_t now_us)
{
    overdue->ticked_us = now_us;
    if (!do_share(overdue)) {
        /* It fails only without a callback. */
        CHECK(uv_idle_start(&overdue->idle, on_next_turn) == 0);
    }
}
