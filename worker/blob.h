/* SPDX-License-Identifier: MIT */
/*
 * blob.h - immutable bytes that several answers share: counted, freed by the last.
 *
 * A ready answer, a static file, an encoded frame: built once, written many times.  One process,
 * one thread: plain counts.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct blob_file;

struct blob {
    uint32_t refs;
    uint32_t borrowed; /* 1: bytes are not to be freed by themselves */
    size_t len;
    const char *bytes;
    struct blob_file *file; /* has the same bytes (blob_file.h); NULL: none */
};

/* All return a blob with one reference, or NULL for want of memory. */
MUST_USE struct blob *blob_copy(struct str bytes);
/* The bytes belong to somebody who outlives every answer. */
MUST_USE struct blob *blob_borrow(struct str bytes);
/* Bytes that the caller fills in, through *ret_room, before anybody else looks. */
MUST_USE struct blob *blob_with_room(size_t len, char **ret_room);
/* Takes the buffer's memory over and leaves it empty.  NULL also when the buffer has failed. */
MUST_USE struct blob *blob_from_buf(struct buf *buf);
struct blob *blob_ref(struct blob *blob);
void blob_unref(struct blob *blob); /* takes NULL */
