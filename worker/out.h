/* SPDX-License-Identifier: MIT */
/*
 * out.h - bytes on their way to one client: a queue of pieces, copied or shared.
 *
 * Small pieces are copied one behind the other, so that the answers of a read turn become one piece;
 * large ones are held by reference.  No piece moves while it is queued: libuv may be writing it.
 *
 * Process  worker.  Owner: the connection, from the first byte that waits until none does.
 * Errors   false: there is no memory; the queue is as it was.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "worker/blob.h"

struct conn_out;

MUST_USE struct conn_out *out_new(void);
void out_free(struct conn_out *out); /* takes NULL */

MUST_USE bool out_put(struct conn_out *out, struct str bytes);
MUST_USE bool out_put_blob(struct conn_out *out, struct blob *blob, size_t from, size_t len);
size_t out_bytes(const struct conn_out *out);

/* The oldest pieces, at most max of them; returns how many. */
unsigned out_gather(const struct conn_out *out, uv_buf_t *ret_pieces, unsigned max);
/* The oldest piece, or the one behind it, is of a blob with a file: sent from there it is not copied. */
struct out_file {
    const struct blob_file *file;
    struct str head; /* the piece before it; empty: none */
    size_t from;
    size_t len;
};
bool out_file_is_next(const struct conn_out *out, struct out_file *ret_file);
/* The oldest len bytes are written. */
void out_consume(struct conn_out *out, size_t len);

/* One write is under way at a time: its request, and how much it takes. */
uv_write_t *out_request(struct conn_out *out);
/* Bytes that libuv still had when it was last looked at: does the client take anything? */
size_t *out_progress(struct conn_out *out);
