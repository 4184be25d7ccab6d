/* SPDX-License-Identifier: MIT */
/* clock.c - clock_gettime(2) in microseconds. */
#include "shm/base/clock.h"

#include <time.h>

#include "shm/base/check.h"

static uint64_t clock_read_us(clockid_t clock)
{
    struct timespec now;

    CHECK(clock_gettime(clock, &now) == 0 && now.tv_sec >= 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_real_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

uint64_t clock_mono_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}
