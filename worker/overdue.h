/* SPDX-License-Identifier: MIT */
/*
 * overdue.h - what is due at a tick, a share a turn of the loop: thousands may be due at once.
 *
 * Process  worker.  Owner: whoever ticks; it lives as long as the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

struct worker;

/* Of one turn: 9,000 slow heads that end at once take a fifth of a second. */
#define OVERDUE_TURN_US 2000

/* Does what was due at ticked_us, at least one, and stops at until_us (both of clock_mono_us()).
 * false: there may be more. */
typedef bool (*overdue_fn)(struct worker *worker, uint64_t ticked_us, uint64_t until_us);

struct overdue {
    uv_idle_t idle; /* active while a tick has left some for the next turn */
    struct worker *worker;
    overdue_fn some;
    uint64_t ticked_us;
};

void overdue_init(struct overdue *overdue, struct worker *worker, overdue_fn some);
/* The share of this turn; the rest is done in the next ones. */
void overdue_tick(struct overdue *overdue, uint64_t now_us);
