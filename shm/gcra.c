/* SPDX-License-Identifier: MIT */
/*
 * gcra.c - the generic cell rate algorithm on one word.
 *
 * The word says until when tokens are spoken for.  burst tokens are there when that is not in the
 * future; each token taken moves it one interval on, each refund one interval back.  All accesses
 * are relaxed: the word stands alone, nothing else is read because of it.
 */
#include "shm/gcra.h"

#include "shm/base/check.h"
#include "shm/base/hash.h"

void limits_attach(const struct segment *segment, struct limits *ret_limits)
{
    const struct shm_sizes *sizes = &segment->header->sizes;
    struct shm_limit *players = segment_section(segment, SHM_LIMITS);

    *ret_limits = (struct limits){
        .players = players,
        .buckets = players + (size_t)sizes->players_max * LIMIT_KINDS,
        .players_max = sizes->players_max,
        .bucket_count = sizes->address_buckets,
        .hash_seed = segment->header->hash_seed,
    };
}

struct shm_limit *limits_of_player(const struct limits *limits, uint32_t player,
                                   enum limit_kind kind)
{
    CHECK(player < limits->players_max && kind < LIMIT_KINDS);
    return &limits->players[(size_t)player * LIMIT_KINDS + kind];
}

struct shm_limit *limits_of_key(const struct limits *limits, enum limit_kind kind, struct str key)
{
    CHECK(kind < LIMIT_KINDS);
    return &limits->buckets[hash_str(key, limits->hash_seed + kind) & (limits->bucket_count - 1)];
}

static uint64_t word_load(const struct shm_limit *word)
{
    /* relaxed: pairs with nothing, the word stands alone */
    return atomic_load_explicit(&word->word, memory_order_relaxed);
}

/*
 * What a stricter rule left behind, before a reload, would bind for as long as that rule's intervals
 * are: a word further ahead than this rule ever takes it counts as all of its tokens, no more.
 */
static uint64_t word_forgive(struct shm_limit *word, const struct gcra_limit *limit,
                             uint64_t now_us)
{
    uint64_t taken_until_us = word_load(word);
    uint64_t all_us = now_us + limit->interval_us * limit->burst;

    if (taken_until_us <= all_us + GCRA_CLOCK_SKEW_US) {
        return taken_until_us;
    }
    /* relaxed, both: one word decides, by itself; a loser looks at the winner's value */
    return atomic_compare_exchange_strong_explicit(&word->word, &taken_until_us, all_us,
                                                   memory_order_relaxed, memory_order_relaxed)
               ? all_us
               : taken_until_us;
}

/* How far ahead of now the word may be for one more token. */
static uint64_t slack_us(const struct gcra_limit *limit)
{
    return limit->interval_us * (limit->burst > 1 ? limit->burst - 1 : 0);
}

static uint64_t ahead_us(uint64_t taken_until_us, uint64_t now_us)
{
    return taken_until_us > now_us ? taken_until_us - now_us : 0;
}

/* Time until there is a token; 0: there is one. */
static uint64_t wait_us(uint64_t taken_until_us, const struct gcra_limit *limit, uint64_t now_us)
{
    return ahead_us(ahead_us(taken_until_us, now_us), slack_us(limit));
}

bool gcra_take(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us,
               uint64_t *ret_retry_us)
{
    uint64_t taken_until_us = word_forgive(word, limit, now_us);

    for (int attempt = 0; attempt < GCRA_TRIES; attempt++) {
        uint64_t retry_us = wait_us(taken_until_us, limit, now_us);

        if (retry_us > 0) {
            *ret_retry_us = retry_us;
            return false;
        }
        uint64_t start_us = taken_until_us > now_us ? taken_until_us : now_us;

        /* relaxed, both: one word decides, by itself; a loser looks at the winner's value */
        if (atomic_compare_exchange_strong_explicit(&word->word, &taken_until_us,
                                                    start_us + limit->interval_us,
                                                    memory_order_relaxed, memory_order_relaxed)) {
            return true;
        }
    }
    *ret_retry_us = limit->interval_us;
    return false;
}

/* A word in the past is a full burst, however far in the past: nothing to give back to. */
void gcra_refund(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us)
{
    uint64_t taken_until_us = word_load(word);

    for (int attempt = 0; attempt < GCRA_TRIES && taken_until_us > now_us; attempt++) {
        /* relaxed, both: one word decides, by itself; a loser looks at the winner's value */
        if (atomic_compare_exchange_strong_explicit(&word->word, &taken_until_us,
                                                    ahead_us(taken_until_us, limit->interval_us),
                                                    memory_order_relaxed, memory_order_relaxed)) {
            return;
        }
    }
}

uint32_t gcra_left(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us,
                   uint64_t *ret_retry_us)
{
    uint64_t taken_until_us = word_forgive(word, limit, now_us); /* for good: what is told holds */
    uint64_t retry_us = wait_us(taken_until_us, limit, now_us);
    uint64_t room_us = ahead_us(slack_us(limit), ahead_us(taken_until_us, now_us));

    *ret_retry_us = retry_us;
    if (retry_us > 0) {
        return 0;
    }
    return limit->interval_us == 0 ? limit->burst : (uint32_t)(room_us / limit->interval_us) + 1;
}
