/* SPDX-License-Identifier: MIT */
/* blob.c - counted bytes: the count and the bytes are one piece of memory where that is possible. */
#include "worker/blob.h"

#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"
#include "worker/blob_file.h"

struct blob *blob_with_room(size_t len, char **ret_room)
{
    if (len > SIZE_MAX - sizeof(struct blob)) {
        return NULL;
    }
    struct blob *blob = malloc(sizeof(*blob) + len);

    if (blob == NULL) {
        return NULL;
    }
    char *room = (char *)(blob + 1);
    *blob = (struct blob){.refs = 1, .borrowed = 1, .len = len, .bytes = room};
    *ret_room = room;
    return blob;
}

struct blob *blob_copy(struct str bytes)
{
    char *room;
    struct blob *blob = blob_with_room(bytes.len, &room);

    if (blob != NULL && bytes.len > 0) {
        memcpy(room, bytes.data, bytes.len);
    }
    return blob;
}

struct blob *blob_borrow(struct str bytes)
{
    struct blob *blob = malloc(sizeof(*blob));

    if (blob != NULL) {
        *blob = (struct blob){.refs = 1, .borrowed = 1, .len = bytes.len, .bytes = bytes.data};
    }
    return blob;
}

struct blob *blob_from_buf(struct buf *buf)
{
    struct blob *blob = buf->failed ? NULL : malloc(sizeof(*blob));

    if (blob == NULL) {
        return NULL;
    }
    *blob = (struct blob){.refs = 1, .len = buf->len, .bytes = buf->data};
    *buf = BUF_INIT(buf->max_bytes); /* the memory is the blob's from now on */
    return blob;
}

struct blob *blob_ref(struct blob *blob)
{
    CHECK(blob->refs > 0 && blob->refs < UINT32_MAX);
    blob->refs++;
    return blob;
}

void blob_unref(struct blob *blob)
{
    if (blob == NULL) {
        return;
    }
    CHECK(blob->refs > 0);
    if (--blob->refs > 0) {
        return;
    }
    if (blob->file != NULL) {
        blob->file->blob = NULL;
    }
    if (!blob->borrowed) {
        free((void *)(uintptr_t)blob->bytes);
    }
    free(blob);
}
