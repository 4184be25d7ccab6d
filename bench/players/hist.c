/* SPDX-License-Identifier: MIT */
/* hist.c - logarithmic buckets, 64 to a power of two. */
#include "bench/players/hist.h"

#include <stdbool.h>

#define STEPS (1u << HIST_STEP_BITS)

/* Below 64 the bucket is the value; above, the power of two and the next six bits. */
static uint32_t bucket_of(uint64_t value)
{
    if (value < STEPS) {
        return (uint32_t)value;
    }
    uint32_t power = 63u - (uint32_t)__builtin_clzll(value);
    uint32_t shift = power - HIST_STEP_BITS;
    uint32_t step = (uint32_t)(value >> shift) & (STEPS - 1);

    return ((shift + 1) << HIST_STEP_BITS) + step;
}

/* The largest value of a bucket. */
static uint64_t bucket_top(uint32_t bucket)
{
    if (bucket < STEPS) {
        return bucket;
    }
    uint32_t shift = (bucket >> HIST_STEP_BITS) - 1;
    uint64_t step = bucket & (STEPS - 1);

    return ((STEPS + step + 1) << shift) - 1;
}

void hist_add(struct hist *hist, uint64_t value_us)
{
    hist->count++;
    hist->sum_us += value_us;
    hist->max_us = value_us > hist->max_us ? value_us : hist->max_us;
    hist->buckets[bucket_of(value_us)]++;
}

double hist_quantile_us(const struct hist *hist, double share)
{
    double wanted = share * (double)hist->count;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < HIST_BUCKETS; i++) {
        seen += hist->buckets[i];
        if (seen > 0 && (double)seen >= wanted) {
            uint64_t top = bucket_top(i);

            return (double)(top < hist->max_us ? top : hist->max_us);
        }
    }
    return 0;
}

double hist_mean_us(const struct hist *hist)
{
    return hist->count > 0 ? (double)hist->sum_us / (double)hist->count : 0;
}
