/* SPDX-License-Identifier: MIT */
/*
 * gcra.h - rate limits: one 64-bit word, one compare-and-swap a decision.
 *
 * The word is the "theoretical arrival time" of the generic cell rate algorithm (ITU-T I.371) in
 * microseconds of clock_mono_us(); 0 is a full burst.  Any worker.  A lost CAS is tried again up to
 * GCRA_TRIES times and then counts as refused: under such contention on one word somebody is
 * flooding.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "shm/layout.h"
#include "shm/segment.h"

#define GCRA_TRIES 16
/* Two workers' ideas of now lie closer together: a turn of a loop. */
#define GCRA_CLOCK_SKEW_US 1000000

struct gcra_limit {
    uint64_t interval_us; /* a token comes back in this time */
    uint32_t burst;       /* tokens there are at most; at least 1 */
};

struct limits {
    struct shm_limit *players; /* [players_max][LIMIT_KINDS] */
    struct shm_limit *buckets;
    uint32_t players_max;
    uint32_t bucket_count;
    uint64_t hash_seed;
};

void limits_attach(const struct segment *segment, struct limits *ret_limits);
struct shm_limit *limits_of_player(const struct limits *limits, uint32_t player,
                                   enum limit_kind kind);
/* By hash: two keys may share a word, which then is the stricter for both. */
struct shm_limit *limits_of_key(const struct limits *limits, enum limit_kind kind, struct str key);

/* Takes one token.  false: none left; *ret_retry_us says when there is one again. */
MUST_USE bool gcra_take(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us,
                        uint64_t *ret_retry_us);
/* Gives one back, never above the burst. */
void gcra_refund(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us);
/* Tokens left now, and the time until the next one when there is none (else 0). */
uint32_t gcra_left(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us,
                   uint64_t *ret_retry_us);
