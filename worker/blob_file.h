/* SPDX-License-Identifier: MIT */
/*
 * blob_file.h - a large blob's bytes in a file of memory as well: the kernel sends its pages as they
 * are, where a write copies them into every client's socket.
 *
 * A file has one blob at a time, the newest; who still sends an older one goes on from its bytes in
 * memory.  Its pages are dropped, never written over, when the next blob comes: those that are still
 * in a socket belong to the kernel until their client has them (sendfile(2), memfd_create(2)).
 *
 * Process  worker.  Owner: who keeps the newest blob (view.c).  Opened before the sandbox.
 */
#pragma once

#include <stddef.h>

#include "shm/base/str.h"

struct blob;

/* Below it a copy is cheaper than the second call. */
#define BLOB_FILE_BYTES_MIN (32u << 10)

struct blob_file {
    int fd;            /* -1: the kernel gave none, or has refused one; blobs go on without */
    struct blob *blob; /* NULL: none, or it is freed */
};

void blob_file_open(struct blob_file *file);
/* `blob` is the newest.  Without a file, too small, or without room for it: it goes on without. */
void blob_file_fill(struct blob_file *file, struct blob *blob);
/* Sends `head` and then the file's bytes to a TCP socket, as much as it takes without waiting.
 * 0: nothing was sent this way, for whatever reason; a write will find out. */
size_t blob_file_send(const struct blob_file *file, int socket_fd, struct str head, size_t from,
                      size_t len);
