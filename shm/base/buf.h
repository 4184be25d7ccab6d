/* SPDX-License-Identifier: MIT */
/*
 * buf.h - a byte buffer that grows up to a bound and remembers if anything did not fit.
 *
 * Append freely, then look once at `failed`: after the first append that would pass max_bytes (or
 * finds no memory) nothing more is added, so a buffer never holds the end of something without its
 * middle.  Any process; belongs to whoever declared it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct buf {
    char *data; /* NULL until the first append; not NUL-terminated */
    size_t len;
    size_t cap_bytes;
    size_t max_bytes;
    bool failed;
};

#define BUF_INIT(max) ((struct buf){.max_bytes = (max)})
/* In an array of the caller's, which is its bound: nothing is allocated, nothing to be freed. */
#define BUF_IN(array)                                                                              \
    ((struct buf){.data = (array), .cap_bytes = sizeof(array), .max_bytes = sizeof(array)})

/* Room for len more bytes at data + len, or false and `failed`. */
MUST_USE bool buf_reserve(struct buf *buf, size_t len);
void buf_append_u64(struct buf *buf, uint64_t value);
void buf_append_i64(struct buf *buf, int64_t value);
/* Not for BUF_IN(): writes a NUL behind the last byte. */
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Drops the first len bytes. */
void buf_consume(struct buf *buf, size_t len);
/* Empties it and forgets a failure; keeps the memory. */
void buf_reset(struct buf *buf);
/* Gives the memory back. */
void buf_free(struct buf *buf);
struct str buf_str(const struct buf *buf);

/* Here, since answers are made of hundreds of small pieces: most become a few moves. */
static inline void buf_append(struct buf *buf, const void *bytes, size_t len)
{
    bool fits = !buf->failed && len <= buf->cap_bytes - buf->len;

    if (len > 0 && (fits || buf_reserve(buf, len))) {
        memcpy(buf->data + buf->len, bytes, len);
        buf->len += len;
    }
}

static inline void buf_append_str(struct buf *buf, struct str s)
{
    buf_append(buf, s.data, s.len);
}

static inline void buf_append_char(struct buf *buf, char c)
{
    buf_append(buf, &c, 1);
}
