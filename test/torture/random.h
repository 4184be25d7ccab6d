/* SPDX-License-Identifier: MIT */
/* random.h - numbers that a seed gives again (splitmix64, https://prng.di.unimi.it/splitmix64.c). */
#pragma once

#include <stdint.h>

#include "shm/base/check.h"

struct random {
    uint64_t state; /* the seed */
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0 .. below - 1; below is not 0 */
static inline uint32_t random_below(struct random *random, uint32_t below)
{
    CHECK(below > 0);
    return (uint32_t)(random_next(random) % below);
}
