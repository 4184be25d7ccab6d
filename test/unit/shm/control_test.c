/* SPDX-License-Identifier: MIT */
/* control_test.c - messages and descriptors over the master's socketpair. */
#include "test/unit/shm/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shm/control.h"

struct pair {
    int master;
    int child;
};

static struct pair make(void)
{
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    return (struct pair){ends[0], ends[1]};
}

static void end(struct pair *pair)
{
    assert_int_equal(close(pair->master), 0);
    assert_int_equal(close(pair->child), 0);
}

/* The lowest free descriptor: the same before and after when nothing was left open. */
static int lowest_free_fd(void)
{
    int fd = dup(STDERR_FILENO);

    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    return fd;
}

static void messages_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct pair pair = make();
    struct control_message message;
    int fd = 5;

    assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_NOTHING);
    assert_true(control_send(pair.master, CONTROL_DRAIN, 5000, -1));
    assert_true(control_send(pair.master, CONTROL_UPGRADE, UINT64_MAX, -1));
    assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_MESSAGE);
    assert_int_equal(message.type, CONTROL_DRAIN);
    assert_int_equal(message.value, 5000);
    assert_int_equal(fd, -1);
    assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_MESSAGE);
    assert_int_equal(message.type, CONTROL_UPGRADE);
    assert_true(message.value == UINT64_MAX);
    assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_NOTHING);
    end(&pair);
}

static void a_descriptor_travels_along_and_closes_on_exec(void **state)
{
    (void)state;
    struct pair pair = make();
    struct control_message message;
    struct stat sent;
    struct stat received;
    int got = -1;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(control_send(pair.master, CONTROL_RELOAD, 2, fd));
    assert_int_equal(fstat(fd, &sent), 0);
    assert_int_equal(control_receive(pair.child, &message, &got), CONTROL_MESSAGE);
    assert_int_equal(message.type, CONTROL_RELOAD);
    assert_true(got >= 0 && got != fd);
    assert_int_equal(fstat(got, &received), 0);
    assert_int_equal(sent.st_rdev, received.st_rdev);
    assert_int_not_equal(fcntl(got, F_GETFD) & FD_CLOEXEC, 0);
    assert_int_equal(close(got), 0);
    assert_int_equal(close(fd), 0);
    end(&pair);
}

static void a_peer_that_is_gone_is_the_end(void **state)
{
    (void)state;
    struct pair pair = make();
    struct control_message message;
    int fd = 5;

    assert_true(control_send(pair.child, CONTROL_READY, 0, -1));
    assert_int_equal(close(pair.child), 0);
    assert_int_equal(control_receive(pair.master, &message, &fd), CONTROL_MESSAGE);
    assert_int_equal(control_receive(pair.master, &message, &fd), CONTROL_EOF);
    assert_false(control_send(pair.master, CONTROL_DRAIN, 0, -1)); /* and no SIGPIPE */
    assert_int_equal(errno, EPIPE);
    assert_int_equal(close(pair.master), 0);
}

static void a_peer_that_reads_nothing_blocks_nobody(void **state)
{
    (void)state;
    struct pair pair = make();
    uint32_t sent = 0;

    while (sent < 1000000 && control_send(pair.master, CONTROL_DRAIN, sent, -1)) {
        sent++;
    }
    assert_int_equal(errno, EAGAIN);
    end(&pair);
}

static void send_raw(int socket_fd, const void *bytes, size_t len, const int *fds, size_t count)
{
    union {
        char bytes[CMSG_SPACE(4 * sizeof(int))];
        struct cmsghdr align;
    } ancillary = {{0}};
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr header = {.msg_iov = &piece, .msg_iovlen = 1};

    if (count > 0) {
        header.msg_control = ancillary.bytes;
        header.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);

        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(socket_fd, &header, 0), (ssize_t)len);
}

static void what_is_no_message_breaks_and_leaves_no_descriptor_open(void **state)
{
    (void)state;
    struct pair pair = make();
    const int fds[4] = {STDERR_FILENO, STDERR_FILENO, STDERR_FILENO, STDERR_FILENO};
    char bytes[32] = {0};
    struct control_message good = {.type = CONTROL_RELOAD};
    const uint32_t bad_types[] = {0, CONTROL_TYPES, UINT32_MAX};
    struct control_message message;
    int before = lowest_free_fd();
    int fd = -1;

    for (size_t len = 1; len <= sizeof(bytes); len++) {
        memcpy(bytes, &good, sizeof(good));
        if (len != sizeof(good)) {
            send_raw(pair.master, bytes, len, fds, 1);
            assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_BROKEN);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(bad_types); i++) {
        struct control_message bad = {.type = bad_types[i]};

        send_raw(pair.master, &bad, sizeof(bad), fds, 1);
        assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_BROKEN);
    }
    for (size_t count = 2; count <= 4; count++) {
        send_raw(pair.master, &good, sizeof(good), fds, count);
        assert_int_equal(control_receive(pair.child, &message, &fd), CONTROL_BROKEN);
    }
    assert_int_equal(fd, -1);
    assert_int_equal(lowest_free_fd(), before);
    end(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_arrive_whole_and_in_order),
        cmocka_unit_test(a_descriptor_travels_along_and_closes_on_exec),
        cmocka_unit_test(a_peer_that_is_gone_is_the_end),
        cmocka_unit_test(a_peer_that_reads_nothing_blocks_nobody),
        cmocka_unit_test(what_is_no_message_breaks_and_leaves_no_descriptor_open),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
