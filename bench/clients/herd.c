/* SPDX-License-Identifier: MIT */
/*
 * herd.c - everyone connects in one instant and asks one thing: who waits for how long?
 *
 *     herd PORT PATH CONNECTIONS
 *
 * All sockets are made, then all are told to connect without a pause, then each asks as soon as it
 * may.  Writes one JSON object, holds the connections until standard input ends (so that somebody can
 * ask the server who holds them), and leaves.  Retransmissions are the kernel's own count (TCP_INFO),
 * those of the SYN included: a backlog that overflows shows there, and as a second in the times.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/clients/answer.h"
#include "bench/clients/times.h"
#include "shm/base/buf.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

#define HERD_MAX 19000
#define WAIT_MS 10000

struct member {
    int fd;
    bool asked;
    bool done;
    uint64_t connect_us;
    struct answer answer;
};

static struct {
    struct sockaddr_in address;
    int epoll_fd;
    struct member *members;
    uint32_t count;
    uint32_t ended;
    uint32_t refused; /* no connection, no answer, or one that is not 200 */
    struct buf request;
    struct times own;    /* from each one's connect to its answer */
    struct times common; /* from the first connect of all */
    uint64_t started_us;
} herd;

static void end(struct member *member, bool ok)
{
    uint64_t now_us = clock_mono_us();

    member->done = true;
    herd.ended++;
    if (ok) {
        times_add(&herd.own, now_us - member->connect_us);
        times_add(&herd.common, now_us - herd.started_us);
    } else {
        herd.refused++;
    }
}

/* Resets, so that no port stays taken for a minute: the next herd would run out of them. */
static void leave(void)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};

    for (uint32_t i = 0; i < herd.count; i++) {
        CHECK(setsockopt(herd.members[i].fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)) ==
              0);
        (void)close(herd.members[i].fd);
    }
}

static void set_out(uint64_t port, const char *path)
{
    herd.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    herd.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    herd.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    herd.members = calloc(herd.count, sizeof(*herd.members));
    CHECK(herd.epoll_fd >= 0 && herd.members != NULL);
    herd.request = BUF_INIT(4096);
    buf_printf(&herd.request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%llu\r\n\r\n", path,
               (unsigned long long)port);
    for (uint32_t i = 0; i < herd.count; i++) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = i};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        CHECK(fd >= 0);
        herd.members[i].fd = fd;
        CHECK(epoll_ctl(herd.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
    }
}

static void connect_all(void)
{
    herd.started_us = clock_mono_us();
    for (uint32_t i = 0; i < herd.count; i++) {
        struct member *member = &herd.members[i];

        member->connect_us = clock_mono_us();
        if (connect(member->fd, (const struct sockaddr *)&herd.address, sizeof(herd.address)) !=
                0 &&
            errno != EINPROGRESS) {
            end(member, false);
        }
    }
}

static void look_at(struct member *member, uint32_t index, uint32_t events)
{
    static char input[65536];

    if (member->done) {
        return;
    }
    if (!member->asked && (events & EPOLLOUT) != 0 && (events & (EPOLLERR | EPOLLHUP)) == 0) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};

        member->asked = send(member->fd, herd.request.data, herd.request.len, MSG_NOSIGNAL) ==
                        (ssize_t)herd.request.len;
        CHECK(epoll_ctl(herd.epoll_fd, EPOLL_CTL_MOD, member->fd, &event) == 0);
        if (!member->asked) {
            end(member, false);
        }
        return;
    }
    ssize_t got = read(member->fd, input, sizeof(input));

    if (got < 0 && errno == EAGAIN) {
        return;
    }
    if (got <= 0) {
        end(member, false);
    } else if (answer_take(&member->answer, input, (size_t)got)) {
        end(member, member->answer.status == 200);
    }
}

static void serve_all(void)
{
    struct epoll_event events[512];

    while (herd.ended < herd.count) {
        int ready = epoll_wait(herd.epoll_fd, events, 512, WAIT_MS);

        if (ready <= 0) {
            herd.refused += herd.count - herd.ended; /* never answered */
            return;
        }
        for (int i = 0; i < ready; i++) {
            look_at(&herd.members[events[i].data.u32], events[i].data.u32, events[i].events);
        }
    }
}

static uint64_t count_retransmissions(void)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < herd.count; i++) {
        struct tcp_info info;
        socklen_t len = sizeof(info);

        CHECK(getsockopt(herd.members[i].fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0);
        sum += info.tcpi_total_retrans;
    }
    return sum;
}

int main(int argc, char **argv)
{
    uint64_t port, count;

    if (argc != 4 || !str_to_u64(str_from(argv[1]), 1, 65535, &port) ||
        !str_to_u64(str_from(argv[3]), 1, HERD_MAX, &count)) {
        fprintf(stderr, "usage: herd PORT PATH CONNECTIONS\n");
        return 2;
    }
    herd.count = (uint32_t)count;
    set_out(port, argv[2]);
    connect_all();
    serve_all();
    times_sort(&herd.own);
    times_sort(&herd.common);
    printf("{\"answered\":%zu,\"refused\":%u,\"retransmitted\":%llu,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"last_ms\":%.3f}\n",
           herd.own.count, herd.refused, (unsigned long long)count_retransmissions(),
           times_share_ms(&herd.own, 0.5), times_share_ms(&herd.own, 0.99),
           times_share_ms(&herd.common, 1));
    (void)fflush(stdout);
    while (getchar() != EOF) {
    }
    leave();
    return 0;
}
