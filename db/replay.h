/* SPDX-License-Identifier: MIT */
/*
 * replay.h - proves that a store adds up: the log folded by two routes, and summed up by the store.
 *
 *   route 1   all events, then everyone is placed once (what a start does)
 *   route 2   every player is placed after each event (what a running server does)
 *   sums      points, solves and first solvers as the store's own arithmetic gives them
 *
 * Process  the tools, on a private segment.  Owner: the caller; replay_free().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "db/rebuild.h"
#include "db/store.h"
#include "shm/base/compiler.h"
#include "shm/board.h"
#include "shm/segment.h"

struct game;

/* Findings that are printed; more are counted. */
#define REPLAY_FINDINGS_MAX 20

struct replay {
    struct store *store;
    const struct game *game;
    FILE *out;
    uint64_t up_to; /* newest event that counts */
    uint32_t findings;
    uint64_t events;
    struct segment segment;
    struct board board; /* live bank: route 1 */
    struct roster roster;
};

/* false: it cannot be done at all (said on out).  Then look at replay->findings. */
MUST_USE bool replay_run(struct replay *replay);
void replay_free(struct replay *replay); /* takes a zeroed one */
/* One more thing that is wrong, as a line on out. */
void replay_finding(struct replay *replay, const char *format, ...) PRINTF_LIKE(2, 3);
