/* SPDX-License-Identifier: MIT */
/* limit.c - picks the settings' numbers and the shared word for a rate limit, and counts refusals. */
#include "worker/limit.h"

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/gcra.h"
#include "shm/slots.h"
#include "worker/context.h"

/* clang-format off */
static const enum slot_metric refusals[LIMIT_KINDS] = {
    [LIMIT_SUBMIT]        = METRIC_LIMITED_SUBMIT,
    [LIMIT_HINT]          = METRIC_LIMITED_HINT,
    [LIMIT_NAME]          = METRIC_LIMITED_NAME,
    [LIMIT_AWARD]         = METRIC_LIMITED_AWARD,
    [LIMIT_API]           = METRIC_LIMITED_API,
    [LIMIT_LOGIN_NAME]    = METRIC_LIMITED_LOGIN,
    [LIMIT_LOGIN_ADDRESS] = METRIC_LIMITED_LOGIN,
};
/* clang-format on */

static struct gcra_limit rule_of(const struct worker *worker, enum limit_kind kind)
{
    const struct settings *settings = &worker->game->settings;
    /* clang-format off */
    const struct settings_limit *const rules[LIMIT_KINDS] = {
        [LIMIT_SUBMIT]        = &settings->limit_submit,
        [LIMIT_HINT]          = &settings->limit_hint,
        [LIMIT_NAME]          = &settings->limit_name,
        [LIMIT_AWARD]         = &settings->limit_award,
        [LIMIT_API]           = &settings->limit_api,
        [LIMIT_LOGIN_NAME]    = &settings->limit_login_name,
        [LIMIT_LOGIN_ADDRESS] = &settings->limit_login_address,
    };
    /* clang-format on */

    CHECK(kind < LIMIT_KINDS);
    return (struct gcra_limit){
        .interval_us = (uint64_t)rules[kind]->interval_ms * 1000,
        .burst = rules[kind]->burst,
    };
}

static bool take(struct worker *worker, enum limit_kind kind, struct shm_limit *word,
                 uint64_t *ret_retry_us)
{
    struct gcra_limit rule = rule_of(worker, kind);

    if (gcra_take(word, &rule, worker->now_us, ret_retry_us)) {
        return true;
    }
    slots_add(refusals[kind], 1);
    return false;
}

bool limit_take_player(struct worker *worker, enum limit_kind kind, uint32_t player,
                       uint64_t *ret_retry_us)
{
    return take(worker, kind, limits_of_player(&worker->limits, player, kind), ret_retry_us);
}

bool limit_take_key(struct worker *worker, enum limit_kind kind, struct str key,
                    uint64_t *ret_retry_us)
{
    return take(worker, kind, limits_of_key(&worker->limits, kind, key), ret_retry_us);
}

void limit_refund_player(struct worker *worker, enum limit_kind kind, uint32_t player)
{
    struct gcra_limit rule = rule_of(worker, kind);

    gcra_refund(limits_of_player(&worker->limits, player, kind), &rule, worker->now_us);
}

void limit_refund_key(struct worker *worker, enum limit_kind kind, struct str key)
{
    struct gcra_limit rule = rule_of(worker, kind);

    gcra_refund(limits_of_key(&worker->limits, kind, key), &rule, worker->now_us);
}

uint32_t limit_left_player(struct worker *worker, enum limit_kind kind, uint32_t player,
                           uint64_t *ret_retry_us)
{
    struct gcra_limit rule = rule_of(worker, kind);

    return gcra_left(limits_of_player(&worker->limits, player, kind), &rule, worker->now_us,
                     ret_retry_us);
}
