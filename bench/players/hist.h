/* SPDX-License-Identifier: MIT */
/*
 * hist.h - a histogram of durations: constant memory, quantiles within 1.6 %.
 *
 * Buckets are logarithmic with 64 steps a power of two, so that a hundred million samples cost no
 * more than one.  Mean and maximum are exact.  Units: microseconds.
 */
#pragma once

#include <stdint.h>

#define HIST_STEP_BITS 6
#define HIST_BUCKETS (64 << HIST_STEP_BITS)

struct hist {
    uint64_t count;
    uint64_t sum_us;
    uint64_t max_us;
    uint64_t buckets[HIST_BUCKETS];
};

void hist_add(struct hist *hist, uint64_t value_us);
/* The value that `share` (0 to 1) of the samples do not exceed; 0 when there are none. */
double hist_quantile_us(const struct hist *hist, double share);
double hist_mean_us(const struct hist *hist);
