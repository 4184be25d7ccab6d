/* SPDX-License-Identifier: MIT */
/*
 * frame.h - what a message of the live stream holds, found once for all streams that receive it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/str.h"

struct frame_facts {
    bool ordered; /* ids grow from event to event */
    bool system;  /* a reset or a resync: something the emulator never causes */
    uint32_t events;
    uint64_t first_id;
    uint64_t last_id;
    int64_t points;
    const uint64_t *ts_ms; /* of each event */
};

/* Valid until the next call. */
const struct frame_facts *frame_read(struct str text);
