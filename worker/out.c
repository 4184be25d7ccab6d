/* SPDX-License-Identifier: MIT */
/* out.c - pieces in a ring; copies go into room of the queue's own, then into blobs. */
#include "worker/out.h"

#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"

#define ROOM_BYTES 8192 /* sixteen pipelined small answers */
#define MORE_ROOM_BYTES 8192
#define COPY_BYTES_MAX 1024 /* a shared piece so small is cheaper copied: one iovec less */
#define PIECES_FIRST 8
#define SPARE_MAX 64

struct piece {
    struct blob *blob; /* NULL: in the queue's own room */
    const char *data;
    size_t len;
};

struct conn_out {
    uv_write_t request;
    size_t progress;
    size_t bytes;
    struct piece *pieces; /* first_pieces, or from the heap */
    size_t cap;           /* a power of 2 */
    size_t first;         /* grows for ever: the index is modulo cap */
    size_t count;
    char *fill; /* where the next copied byte goes */
    size_t fill_left;
    struct blob *fill_blob; /* where that is, held by its pieces; NULL: in room */
    struct conn_out *next_spare;
    struct piece first_pieces[PIECES_FIRST];
    char room[ROOM_BYTES];
};

static struct out_module {
    struct conn_out *spare;
    unsigned spare_count;
} module;

static struct piece *piece_at(const struct conn_out *out, size_t i)
{
    return &out->pieces[(out->first + i) & (out->cap - 1)];
}

struct conn_out *out_new(void)
{
    struct conn_out *out = module.spare;

    if (out != NULL) {
        module.spare = out->next_spare;
        module.spare_count--;
    } else {
        out = malloc(sizeof(*out));
        if (out == NULL) {
            return NULL;
        }
        out->pieces = out->first_pieces;
        out->cap = PIECES_FIRST;
    }
    out->progress = 0;
    out->bytes = 0;
    out->first = 0;
    out->count = 0;
    out->fill = out->room;
    out->fill_left = ROOM_BYTES;
    out->fill_blob = NULL;
    return out;
}

void out_free(struct conn_out *out)
{
    if (out == NULL) {
        return;
    }
    for (size_t i = 0; i < out->count; i++) {
        blob_unref(piece_at(out, i)->blob);
    }
    if (out->pieces != out->first_pieces) {
        free(out->pieces);
        out->pieces = out->first_pieces;
        out->cap = PIECES_FIRST;
    }
    if (module.spare_count >= SPARE_MAX) {
        free(out);
        return;
    }
    out->next_spare = module.spare;
    module.spare = out;
    module.spare_count++;
}

static bool grow(struct conn_out *out)
{
    struct piece *pieces = malloc(out->cap * 2 * sizeof(*pieces));

    if (pieces == NULL) {
        return false;
    }
    for (size_t i = 0; i < out->count; i++) {
        pieces[i] = *piece_at(out, i);
    }
    if (out->pieces != out->first_pieces) {
        free(out->pieces);
    }
    out->pieces = pieces;
    out->cap *= 2;
    out->first = 0;
    return true;
}

/* Takes the blob's reference over, also when it fails. */
static bool push(struct conn_out *out, struct blob *blob, const char *data, size_t len)
{
    if (out->count == out->cap && !grow(out)) {
        blob_unref(blob);
        return false;
    }
    *piece_at(out, out->count) = (struct piece){.blob = blob, .data = data, .len = len};
    out->count++;
    out->bytes += len;
    return true;
}

/* Room for more copies; the old room's rest is given up. */
static bool more_room(struct conn_out *out, size_t len)
{
    char *room = NULL;
    size_t size = len > MORE_ROOM_BYTES ? len : MORE_ROOM_BYTES;
    struct blob *blob = blob_with_room(size, &room);

    if (blob == NULL || !push(out, blob, room, 0)) {
        return false;
    }
    out->fill = room;
    out->fill_left = size;
    out->fill_blob = blob;
    return true;
}

bool out_put(struct conn_out *out, struct str bytes)
{
    if (bytes.len == 0) {
        return true;
    }
    if (bytes.len > out->fill_left && !more_room(out, bytes.len)) {
        return false;
    }
    struct piece *last = out->count > 0 ? piece_at(out, out->count - 1) : NULL;
    if (last != NULL && last->data + last->len == out->fill) {
        last->len += bytes.len;
        out->bytes += bytes.len;
    } else if (!push(out, out->fill_blob == NULL ? NULL : blob_ref(out->fill_blob), out->fill,
                     bytes.len)) {
        return false;
    }
    memcpy(out->fill, bytes.data, bytes.len);
    out->fill += bytes.len;
    out->fill_left -= bytes.len;
    return true;
}

bool out_put_blob(struct conn_out *out, struct blob *blob, size_t from, size_t len)
{
    CHECK(from <= blob->len && len <= blob->len - from);
    if (len <= COPY_BYTES_MAX) {
        return out_put(out, (struct str){blob->bytes + from, len});
    }
    return push(out, blob_ref(blob), blob->bytes + from, len);
}

size_t out_bytes(const struct conn_out *out)
{
    return out->bytes;
}

unsigned out_gather(const struct conn_out *out, uv_buf_t *ret_pieces, unsigned max)
{
    unsigned count = 0;

    for (size_t i = 0; i < out->count && count < max; i++) {
        const struct piece *piece = piece_at(out, i);

        if (piece->len > 0) {
            ret_pieces[count].base = (char *)(uintptr_t)piece->data; /* libuv only reads */
            ret_pieces[count].len = piece->len;
            count++;
        }
    }
    return count;
}

bool out_file_is_next(const struct conn_out *out, struct out_file *ret_file)
{
    struct str head = {0};

    for (size_t i = 0; i < out->count && i < 2; i++) {
        const struct piece *piece = piece_at(out, i);

        if (piece->blob != NULL && piece->blob->file != NULL) {
            *ret_file = (struct out_file){.file = piece->blob->file,
                                          .head = head,
                                          .from = (size_t)(piece->data - piece->blob->bytes),
                                          .len = piece->len};
            return true;
        }
        head = (struct str){piece->data, piece->len};
    }
    return false;
}

void out_consume(struct conn_out *out, size_t len)
{
    CHECK(len <= out->bytes);
    out->bytes -= len;
    while (out->count > 0) {
        struct piece *piece = piece_at(out, 0);

        if (piece->len > len) {
            piece->data += len;
            piece->len -= len;
            return;
        }
        len -= piece->len;
        if (piece->blob != NULL && piece->blob == out->fill_blob) {
            out->fill_left = 0; /* it may go with its piece, also when others are behind that */
            out->fill_blob = NULL;
        }
        blob_unref(piece->blob);
        out->first++;
        out->count--;
    }
    out->fill = out->room; /* empty: begin again in front */
    out->fill_left = ROOM_BYTES;
    out->fill_blob = NULL;
}

uv_write_t *out_request(struct conn_out *out)
{
    return &out->request;
}

size_t *out_progress(struct conn_out *out)
{
    return &out->progress;
}
