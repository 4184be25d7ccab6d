/* SPDX-License-Identifier: MIT */
/*
 * stream.h - one WebSocket client of the live stream: counts what it receives, and when.
 *
 * With `since` it expects exactly the events after it.  Without (as older pages do) it gets a first
 * frame in which a player's older events are added up: then only the sum of points can be checked.
 * Same bytes are parsed once: most streams receive the very same frames.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"

struct stream;
struct stream_link;

/* Called once: true with the first frame, false when it could not be opened or was lost. */
typedef void stream_opened(struct stream *stream, bool ok, uint64_t elapsed_us);

struct stream {
    const struct sockaddr_in *address;
    struct stream_link *link;
    struct buf in;      /* what has come and is not a whole frame yet */
    struct buf message; /* fragments of the message of now */
    bool upgraded;
    bool opened;
    bool lost;         /* closed, by whomever, or broken */
    bool out_of_order; /* an event came twice, or after a later one */
    bool has_since;
    uint64_t since;
    uint64_t last_id;
    uint64_t events;
    int64_t points;
    uint64_t asked_us;
    stream_opened *on_opened;
    void *owner;
};

/* url: as the login answered.  since: no `&since=` is sent unless has_since. */
void stream_open(struct stream *stream, const struct sockaddr_in *address, struct str url,
                 stream_opened *on_opened);
void stream_close(struct stream *stream);
