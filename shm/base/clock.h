/* SPDX-License-Identifier: MIT */
/* clock.h - the two clocks, in microseconds.  clock_gettime(2); no system call thanks to the vDSO. */
#pragma once

#include <stdint.h>

/* Since 1970, UTC.  Can jump: only for what people and the event log see. */
uint64_t clock_real_us(void);
/* Since boot.  Never goes back: for every deadline, rate and duration; the same in all processes. */
uint64_t clock_mono_us(void);
