/* SPDX-License-Identifier: MIT */
/*
 * view_parts.h - what a view file (view_scoreboard.c, view_graph.c) gives to view.c.
 *
 * A view is a sequence of parts.  Each part has a key, a hash of everything its text is made of: a
 * part whose key was there in the last build is taken over with its compressed form, so a change
 * costs only the parts it touches.
 *
 * Process  worker.  Owner: view.c owns the snapshot a maker fills.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/board.h"

struct worker;

struct view_part_plan {
    uint64_t key;
    bool comma_before; /* parts of one array: the comma belongs to neither */
};

/* What a view is made of: taken at one moment, written out over several turns of the loop. */
struct view_snapshot {
    uint64_t seq; /* it contains the events up to this one */
    uint32_t part_count;
    uint32_t part_max;
    struct view_part_plan *parts;
    void *own; /* the maker's */
};

/* Appends a part to the plan.  false: no memory. */
MUST_USE bool view_plan_part(struct view_snapshot *snapshot, uint64_t key, bool comma_before);

enum view_taken {
    VIEW_TAKEN,
    VIEW_TAKING, /* the time was up: again in the next turn of the loop */
    VIEW_NOT_TAKEN,
};

struct view_maker {
    /* Fills in seq, the plan and what write() needs, reading until the clock shows until_us.  Called
     * again and again on the same snapshot, whose part_count is 0.  VIEW_NOT_TAKEN: the board does
     * not hold still, or no memory. */
    enum view_taken (*take)(struct worker *worker, struct view_snapshot *snapshot,
                            uint64_t until_us);
    /* Writes one part of the plan. */
    void (*write)(const struct view_snapshot *snapshot, uint32_t part, struct buf *out);
    /* Frees what take() keeps in `own`; takes NULL. */
    void (*free_own)(void *own);
};

extern const struct view_maker view_scoreboard;
extern const struct view_maker view_graph;
