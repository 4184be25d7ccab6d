/* SPDX-License-Identifier: MIT */
/* control.c - one datagram, and with it perhaps one descriptor (unix(7), cmsg(3)). */
#include "shm/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for one descriptor; the padding holds a second one, so that is looked for too. */
union control_ancillary {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

bool control_send(int control_fd, enum control_type type, uint64_t value, int fd)
{
    struct control_message message = {.type = type, .value = value};
    struct iovec piece = {.iov_base = &message, .iov_len = sizeof(message)};
    union control_ancillary ancillary = {{0}};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};
    ssize_t sent;

    if (fd >= 0) {
        header.msg_control = ancillary.bytes;
        header.msg_controllen = sizeof(ancillary.bytes);
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);

        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
    }
    do {
        sent = sendmsg(control_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof(message);
}

/* Takes the first descriptor, closes any other: nothing sent along may stay open unnoticed. */
static uint32_t take_descriptors(struct msghdr *header, int *ret_fd)
{
    uint32_t count = 0;

    for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg != NULL;
         cmsg = CMSG_NXTHDR(header, cmsg)) {
        if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t bytes = cmsg->cmsg_len - CMSG_LEN(0);

        for (size_t at = 0; at + sizeof(int) <= bytes; at += sizeof(int)) {
            int fd;

            memcpy(&fd, CMSG_DATA(cmsg) + at, sizeof(fd));
            if (count++ == 0) {
                *ret_fd = fd;
            } else {
                (void)close(fd);
            }
        }
    }
    return count;
}

static enum control_received judge_error(int error)
{
    switch (error) {
    case EAGAIN:
        return CONTROL_NOTHING;
    case ECONNRESET:
    case EPIPE:
        return CONTROL_EOF;
    default:
        return CONTROL_BROKEN;
    }
}

enum control_received control_receive(int control_fd, struct control_message *ret_message,
                                      int *ret_fd)
{
    struct control_message message;
    struct iovec piece = {.iov_base = &message, .iov_len = sizeof(message)};
    union control_ancillary ancillary = {{0}};
    struct msghdr header = {
        .msg_iov = &piece,
        .msg_iovlen = 1,
        .msg_control = ancillary.bytes,
        .msg_controllen = sizeof(ancillary.bytes),
    };
    int fd = -1;
    ssize_t got;

    do {
        got = recvmsg(control_fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        return judge_error(errno);
    }
    uint32_t descriptors = take_descriptors(&header, &fd);

    if (got == 0 && descriptors == 0) {
        return CONTROL_EOF;
    }
    if (got != (ssize_t)sizeof(message) || descriptors > 1 ||
        (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || message.type == 0 ||
        message.type >= CONTROL_TYPES) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return CONTROL_BROKEN;
    }
    *ret_message = message;
    *ret_fd = fd;
    return CONTROL_MESSAGE;
}
