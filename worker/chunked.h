/* SPDX-License-Identifier: MIT */
/*
 * chunked.h - a body in chunks, in any pieces, to its bytes (RFC 9112, 7.1).
 *
 * Process  worker; knows nothing but the bytes behind the head.
 * Owner    the message: all zero is its beginning.
 * Errors   a verdict other than CHUNKED_MORE is the last: the framing is not fed again.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct buf;

struct chunked {
    uint64_t left; /* bytes of this chunk that are still to come */
    uint8_t step;  /* what the next byte has to be; chunked.c */
};

enum chunked_verdict {
    CHUNKED_MORE,
    CHUNKED_WHOLE, /* the last byte used is the body's last */
    CHUNKED_BAD,   /* not the framing of RFC 9112 */
    CHUNKED_LONG,  /* more than the buf takes */
};

/* Appends data to body and says how many bytes were used: of a refused body, none counts. */
MUST_USE enum chunked_verdict chunked_feed(struct chunked *chunked, const char *bytes, size_t len,
                                           struct buf *body, size_t *ret_used);
