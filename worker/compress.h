/* SPDX-License-Identifier: MIT */
/* compress.h - gzip and brotli of bytes in memory; the one home of zlib and brotli. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

enum compress_effort { COMPRESS_FAST, COMPRESS_BEST };

/* false: it does not fit the buffer's bound, or there is no memory. */
MUST_USE bool compress_gzip(struct str bytes, enum compress_effort effort, struct buf *out);
MUST_USE bool compress_brotli(struct str bytes, enum compress_effort effort, struct buf *out);
/* Which form does the client take best: "br", "gzip" or "" (RFC 9110, 12.5.3, q=0 respected). */
struct str compress_choose(struct str accept_encoding, bool have_br, bool have_gzip);

/*
 * A gzip stream put together from pieces that were deflated one by one: a change in a large answer
 * costs only the pieces it touches.  A piece refers to nothing before it and ends on a byte.
 *
 *     compress_join_begin(&out);
 *     compress_join_piece(&join, ...);   the pieces, in order
 *     compress_join_end(&join, &out);
 */
struct deflater; /* zlib's state, a quarter of a megabyte: made once, used for every piece */

MUST_USE struct deflater *deflater_new(void);
void deflater_free(struct deflater *deflater); /* takes NULL */
/* Appends the piece; *ret_crc is the CRC-32 of `bytes`.  false: no room or no memory. */
MUST_USE bool deflater_piece(struct deflater *deflater, struct str bytes, struct buf *out,
                             uint32_t *ret_crc);

struct compress_join {
    struct buf *out;
    uint32_t crc;
    uint32_t plain_bytes; /* modulo 2^32, as the trailer wants it */
};

/* Of head and end; of a comma. */
#define COMPRESS_JOIN_BYTES 20
#define COMPRESS_JOIN_BYTE_BYTES 6

void compress_join_begin(struct compress_join *join, struct buf *out);
void compress_join_piece(struct compress_join *join, struct str deflated, uint32_t crc,
                         size_t plain_bytes);
/* One byte as it is: the comma between two pieces of an array. */
void compress_join_byte(struct compress_join *join, char byte);
void compress_join_end(struct compress_join *join);
