/* SPDX-License-Identifier: MIT */
/* etag.h - entity tags: make one, and see whether the client has it already (RFC 9110, 8.8.3). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/str.h"

/* "18446744073709551615-0123456789abcdef-gzip" with its quotes takes 44. */
#define ETAG_BYTES_MAX 64

struct etag {
    size_t len;
    char text[ETAG_BYTES_MAX]; /* no NUL */
};

/* The tag of one form of what hashes to `hash` (encoding: "", "gzip", "br"): every form is another
 * representation and has a tag of its own. */
struct etag etag_make(uint64_t hash, struct str encoding);
/* With the sequence it belongs to in front. */
struct etag etag_make_seq(uint64_t seq, uint64_t hash, struct str encoding);
struct str etag_str(const struct etag *etag);
/* Is it in an If-None-Match: "*", a list, weak or strong?  Compared weakly, as a GET wants it. */
bool etag_matches(struct str if_none_match, struct str etag);
