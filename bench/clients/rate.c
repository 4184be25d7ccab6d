/* SPDX-License-Identifier: MIT */
/*
 * rate.c - sends the requests of a file, one after another, over keep-alive connections.
 *
 *     rate PORT REQUESTS_FILE CONNECTIONS PER_SECOND SECONDS
 *
 * The file holds whole HTTP requests with NUL between them.  PER_SECOND 0: each connection asks again
 * as soon as it is answered.  Otherwise requests are due at even distances, and one that had to wait
 * for a free connection has waited from when it was due: a server that stops for a second is seen as
 * one that stopped for a second.  Ends after SECONDS, or with the last request, and writes one JSON
 * object.
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
#include "bench/read_file.h"
#include "shm/base/buf.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

#define CONNECTIONS_MAX 4096
#define FILE_BYTES_MAX (1u << 30)
#define STUCK_US 20000000ull

struct connection {
    int fd;
    bool busy;
    uint64_t due_us;
    struct answer answer;
};

static struct {
    int epoll_fd;
    struct connection connections[CONNECTIONS_MAX];
    uint32_t count;
    /* A ring: each has its turn, none rests until it is timed out. */
    uint32_t idle[CONNECTIONS_MAX];
    uint32_t idle_first;
    uint32_t idle_count;
    struct buf file;
    struct str rest; /* of the file */
    bool over;       /* no further request */
    uint64_t per_second;
    uint64_t started_us;
    uint64_t until_us;
    uint64_t asked;
    uint64_t failed; /* answered with anything but 200 */
    struct times times;
} load;

static void rest(uint32_t index)
{
    load.idle[(load.idle_first + load.idle_count++) % CONNECTIONS_MAX] = index;
}

static uint32_t wake(void)
{
    uint32_t index = load.idle[load.idle_first];

    load.idle_first = (load.idle_first + 1) % CONNECTIONS_MAX;
    load.idle_count--;
    return index;
}

static void open_all(uint64_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK(load.epoll_fd >= 0);
    for (uint32_t i = 0; i < load.count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        CHECK(fd >= 0);
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
            perror("rate: connect");
            exit(1);
        }
        CHECK(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
        CHECK(epoll_ctl(load.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
        load.connections[i].fd = fd;
        rest(i);
    }
}

static uint64_t next_due_us(uint64_t now_us)
{
    return load.per_second == 0 ? now_us : load.started_us + load.asked * 1000000 / load.per_second;
}

/* Sends all that is due and has a connection. */
static void send_due(void)
{
    uint64_t now_us = clock_mono_us();
    struct str request;

    while (!load.over && load.idle_count > 0 && next_due_us(now_us) <= now_us) {
        uint64_t due_us = next_due_us(now_us);

        if (due_us >= load.until_us || !str_split(&load.rest, '\0', &request) || request.len == 0) {
            load.over = true;
            return;
        }
        struct connection *connection = &load.connections[wake()];

        connection->busy = true;
        connection->due_us = due_us;
        answer_reset(&connection->answer);
        CHECK(send(connection->fd, request.data, request.len, MSG_NOSIGNAL) ==
              (ssize_t)request.len);
        load.asked++;
    }
}

static void take_answer(uint32_t index)
{
    static char input[65536];
    struct connection *connection = &load.connections[index];
    ssize_t got = read(connection->fd, input, sizeof(input));

    if (got <= 0 || !connection->busy) {
        fprintf(stderr, "rate: a connection was closed\n");
        exit(1);
    }
    if (answer_take(&connection->answer, input, (size_t)got)) {
        times_add(&load.times, clock_mono_us() - connection->due_us);
        load.failed += connection->answer.status != 200;
        connection->busy = false;
        rest(index);
    }
}

/* Until the next answer, or until the next request is due. */
static void look(void)
{
    struct epoll_event events[256];
    struct timespec wait = {.tv_sec = STUCK_US / 1000000};
    uint64_t now_us = clock_mono_us();

    if (!load.over && load.idle_count > 0) {
        uint64_t due_us = next_due_us(now_us);
        uint64_t left_us = due_us > now_us ? due_us - now_us : 0;

        wait.tv_sec = (time_t)(left_us / 1000000);
        wait.tv_nsec = (long)(left_us % 1000000) * 1000;
    }
    int ready = epoll_pwait2(load.epoll_fd, events, 256, &wait, NULL);

    CHECK(ready >= 0);
    if (ready == 0 && (load.over || load.idle_count == 0)) {
        fprintf(stderr, "rate: no answer for %llu s\n", STUCK_US / 1000000);
        exit(1);
    }
    for (int i = 0; i < ready; i++) {
        take_answer(events[i].data.u32);
    }
}

static void read_requests(const char *path)
{
    load.file = BUF_INIT(FILE_BYTES_MAX);
    CHECK(read_file(path, &load.file));
    load.rest = buf_str(&load.file);
}

int main(int argc, char **argv)
{
    uint64_t port, connections, seconds;

    if (argc != 6 || !str_to_u64(str_from(argv[1]), 1, 65535, &port) ||
        !str_to_u64(str_from(argv[3]), 1, CONNECTIONS_MAX, &connections) ||
        !str_to_u64(str_from(argv[4]), 0, 1000000, &load.per_second) ||
        !str_to_u64(str_from(argv[5]), 1, 86400, &seconds)) {
        fprintf(stderr, "usage: rate PORT REQUESTS_FILE CONNECTIONS PER_SECOND SECONDS\n");
        return 2;
    }
    load.count = (uint32_t)connections;
    read_requests(argv[2]);
    open_all(port);
    load.started_us = clock_mono_us();
    load.until_us = load.started_us + seconds * 1000000;
    send_due();
    while (!load.over || load.idle_count < load.count) {
        look();
        send_due();
    }
    double elapsed_s = (double)(clock_mono_us() - load.started_us) / 1e6;

    times_sort(&load.times);
    printf("{\"asked\":%llu,\"failed\":%llu,\"elapsed_s\":%.3f,\"per_s\":%.1f,\"p50_ms\":%.3f,"
           "\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
           (unsigned long long)load.asked, (unsigned long long)load.failed, elapsed_s,
           (double)load.times.count / elapsed_s, times_share_ms(&load.times, 0.5),
           times_share_ms(&load.times, 0.99), times_share_ms(&load.times, 1));
    return 0;
}
