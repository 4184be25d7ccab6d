/* SPDX-License-Identifier: MIT */
/* times.h - durations of one run, each kept: exact percentiles, where buckets would round them. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "shm/base/check.h"

struct times {
    uint32_t *us;
    size_t count;
    size_t room;
};

static inline void times_add(struct times *times, uint64_t us)
{
    if (times->count == times->room) {
        times->room = times->room * 2 + 1024;
        times->us = reallocarray(times->us, times->room, sizeof(*times->us));
        CHECK(times->us != NULL);
    }
    times->us[times->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static inline int times_order(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

    return (left > right) - (left < right);
}

static inline void times_sort(struct times *times)
{
    if (times->count > 0) {
        qsort(times->us, times->count, sizeof(*times->us), times_order);
    }
}

/* Milliseconds, after times_sort(); 0 where nothing was added. */
static inline double times_share_ms(const struct times *times, double share)
{
    size_t at = (size_t)((double)times->count * share);

    return times->count == 0 ? 0 : (double)times->us[at < times->count ? at : at - 1] / 1000;
}
