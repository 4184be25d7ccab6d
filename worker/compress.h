/* SPDX-License-Identifier: MIT */
/* compress.h - gzip and brotli of bytes in memory; the one home of zlib and brotli. */
#pragma once

#include <stdbool.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

enum compress_effort { COMPRESS_FAST, COMPRESS_BEST };

/* false: it does not fit the buffer's bound, or there is no memory. */
MUST_USE bool compress_gzip(struct str bytes, enum compress_effort effort, struct buf *out);
MUST_USE bool compress_brotli(struct str bytes, enum compress_effort effort, struct buf *out);
/* Which form does the client take best: "br", "gzip" or "" (RFC 9110, 12.5.3, q=0 respected). */
struct str compress_choose(struct str accept_encoding, bool have_br, bool have_gzip);
