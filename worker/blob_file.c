/* SPDX-License-Identifier: MIT */
/* blob_file.c - a memfd, emptied and filled anew for each blob. */
#include "worker/blob_file.h"

#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "worker/blob.h"

void blob_file_open(struct blob_file *file)
{
    *file = (struct blob_file){.fd = memfd_create("ctfg-answer", MFD_CLOEXEC)};
}

static bool write_all(int fd, struct str bytes)
{
    size_t done = 0;

    while (done < bytes.len) {
        ssize_t written = pwrite(fd, bytes.data + done, bytes.len - done, (off_t)done);

        if (written <= 0) {
            return false;
        }
        done += (size_t)written;
    }
    return true;
}

void blob_file_fill(struct blob_file *file, struct blob *blob)
{
    if (file->blob != NULL) {
        file->blob->file = NULL;
        file->blob = NULL;
    }
    if (file->fd < 0 || blob->len < BLOB_FILE_BYTES_MIN) {
        return;
    }
    if (ftruncate(file->fd, 0) != 0 || !write_all(file->fd, (struct str){blob->bytes, blob->len})) {
        (void)close(file->fd);
        file->fd = -1;
        return;
    }
    file->blob = blob;
    blob->file = file;
}

size_t blob_file_send(const struct blob_file *file, int socket_fd, struct str head, size_t from,
                      size_t len)
{
    size_t sent = 0;
    off_t at = (off_t)from;

    if (head.len > 0) {
        /* More follows at once: no packet, and no waking of the client, for the head alone. */
        ssize_t taken =
            send(socket_fd, head.data, head.len, MSG_MORE | MSG_DONTWAIT | MSG_NOSIGNAL);

        sent = taken > 0 ? (size_t)taken : 0;
        if (sent < head.len) {
            return sent;
        }
    }
    ssize_t taken = sendfile(socket_fd, file->fd, &at, len);

    return taken > 0 ? sent + (size_t)taken : sent;
}
