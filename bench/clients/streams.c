/* SPDX-License-Identifier: MIT */
/*
 * streams.c - many WebSocket clients that only count: how long until the last one has an event?
 *
 *     streams PORT STREAMS REQUESTS_FILE
 *
 * Does what it reads from standard input, a line each, and answers with a line each:
 *
 *     open PATH AT_ONCE  opens all streams, so many connects on their way at a time, and waits for each
 *                        one's first frame: microseconds from the first connect until the last had it,
 *                        how many first frames held an event
 *     drop               closes them all, without a word: 0 0
 *     ask                sends the next HTTP request of the file (NUL between them), waits for its answer
 *     fire               the same, and waits until every stream has a frame: microseconds until the
 *                        first one had, until the last one had
 *
 * bench/groups/streams.mjs drives it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/read_file.h"
#include "shm/base/buf.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

#define STREAMS_MAX 19000
#define WAIT_MS 20000
#define LINE_BYTES_MAX 4096
#define FILE_BYTES_MAX (1u << 20)
#define CONTROL UINT32_MAX /* the connection that asks for events */

struct stream {
    int fd;
    bool asked;      /* has sent its upgrade */
    bool is_open;    /* has had its first frame */
    uint32_t frames; /* since the last event was asked for */
    uint64_t payload;
    uint64_t skip; /* bytes of it that are still to come */
    unsigned char head[4];
    uint32_t head_len;
    uint32_t blank; /* how much of the blank line behind the upgrade's head has been seen */
};

static struct {
    struct sockaddr_in address;
    int epoll_fd;
    struct stream *streams;
    uint32_t count;
    uint32_t opened;
    uint32_t caught_up; /* first frames that were not empty */
    uint32_t served;
    struct buf upgrade;
    int control_fd;
    bool answered; /* something has come on the control */
} all;

static void watch(int fd, uint32_t index, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.u32 = index};

    CHECK(epoll_ctl(all.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
}

static int connect_to(int flags)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

    if (fd < 0 || (connect(fd, (const struct sockaddr *)&all.address, sizeof(all.address)) != 0 &&
                   errno != EINPROGRESS)) {
        perror("streams: connect");
        exit(1);
    }
    return fd;
}

static void send_all(int fd, struct str bytes)
{
    CHECK(send(fd, bytes.data, bytes.len, MSG_NOSIGNAL) == (ssize_t)bytes.len);
}

static void take_frame(struct stream *stream)
{
    if (!stream->is_open) {
        stream->is_open = true;
        all.opened++;
        all.caught_up += stream->payload > 2; /* more than [] */
    } else if (stream->frames++ == 0) {
        all.served++;
    }
}

/* The size of a frame's head, from its first two bytes; frames of more than 64 KiB do not come. */
static uint32_t head_size(const struct stream *stream)
{
    CHECK(stream->head_len < 2 || (stream->head[1] & 0x7f) < 127);
    return stream->head_len >= 2 && (stream->head[1] & 0x7f) == 126 ? 4 : 2;
}

static void take_head_byte(struct stream *stream, unsigned char byte)
{
    stream->head[stream->head_len++] = byte;
    if (stream->head_len < head_size(stream)) {
        return;
    }
    stream->skip = stream->head_len == 4 ? (uint64_t)(stream->head[2] << 8 | stream->head[3])
                                         : stream->head[1];
    stream->payload = stream->skip;
    stream->head_len = 0;
    if (stream->skip == 0) {
        take_frame(stream);
    }
}

static void take_bytes(struct stream *stream, const unsigned char *bytes, size_t len)
{
    static const char blank[] = "\r\n\r\n";
    size_t at = 0;

    while (at < len && stream->blank < 4) {
        stream->blank = bytes[at] == (unsigned char)blank[stream->blank] ? stream->blank + 1
                                                                         : bytes[at] == '\r';
        at++;
    }
    while (at < len) {
        if (stream->skip == 0) {
            take_head_byte(stream, bytes[at++]);
            continue;
        }
        size_t part = len - at < stream->skip ? len - at : stream->skip;

        at += part;
        stream->skip -= part;
        if (stream->skip == 0) {
            take_frame(stream);
        }
    }
}

/* The connection stands: now it may ask. */
static void ask_for_upgrade(struct stream *stream, uint32_t index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};

    CHECK(epoll_ctl(all.epoll_fd, EPOLL_CTL_MOD, stream->fd, &event) == 0);
    send_all(stream->fd, buf_str(&all.upgrade));
    stream->asked = true;
}

/* One round of epoll.  Returns when something happened. */
static void look(void)
{
    struct epoll_event events[256];
    static unsigned char input[65536];
    int ready = epoll_wait(all.epoll_fd, events, 256, WAIT_MS);

    if (ready <= 0) {
        fprintf(stderr, "streams: nothing came for %d ms: %u of %u open, %u served\n", WAIT_MS,
                all.opened, all.count, all.served);
        exit(1);
    }
    for (int i = 0; i < ready; i++) {
        uint32_t index = events[i].data.u32;
        struct stream *stream = index == CONTROL ? NULL : &all.streams[index];

        if (stream != NULL && !stream->asked && (events[i].events & EPOLLOUT) != 0) {
            ask_for_upgrade(stream, index);
            continue;
        }
        ssize_t got = read(stream != NULL ? stream->fd : all.control_fd, input, sizeof(input));

        if (got <= 0) {
            fprintf(stderr, "streams: the server closed a connection\n");
            exit(1);
        }
        if (stream != NULL) {
            take_bytes(stream, input, (size_t)got);
        } else {
            all.answered = true;
        }
    }
}

static void tell(uint64_t first, uint64_t second)
{
    printf("%llu %llu\n", (unsigned long long)first, (unsigned long long)second);
    (void)fflush(stdout);
}

static void open_streams(const char *path, uint64_t at_once)
{
    uint64_t started_us = clock_mono_us();

    buf_reset(&all.upgrade);
    buf_printf(&all.upgrade,
               "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
               path, ntohs(all.address.sin_port));
    all.opened = 0;
    all.caught_up = 0;
    memset(all.streams, 0, all.count * sizeof(*all.streams));
    for (uint32_t i = 0; i < all.count; i++) {
        all.streams[i].fd = connect_to(SOCK_NONBLOCK);
        watch(all.streams[i].fd, i, EPOLLIN | EPOLLOUT);
        while (i + 1 - all.opened >= at_once) {
            look();
        }
    }
    while (all.opened < all.count) {
        look();
    }
    tell(clock_mono_us() - started_us, all.caught_up);
}

static void drop(void)
{
    for (uint32_t i = 0; i < all.count; i++) {
        (void)close(all.streams[i].fd);
    }
    tell(0, 0);
}

static void ask(struct str request)
{
    uint64_t asked_us = clock_mono_us();

    all.answered = false;
    send_all(all.control_fd, request);
    while (!all.answered) {
        look();
    }
    tell(clock_mono_us() - asked_us, 0);
}

static void fire(struct str request)
{
    for (uint32_t i = 0; i < all.count; i++) {
        all.streams[i].frames = 0;
    }
    all.served = 0;
    uint64_t asked_us = clock_mono_us();
    uint64_t first_us = 0;

    send_all(all.control_fd, request);
    while (all.served < all.count) {
        look();
        if (first_us == 0 && all.served > 0) {
            first_us = clock_mono_us();
        }
    }
    tell(first_us - asked_us, clock_mono_us() - asked_us);
}

static struct buf read_requests(const char *path)
{
    struct buf requests = BUF_INIT(FILE_BYTES_MAX);

    CHECK(read_file(path, &requests));
    return requests;
}

static void obey(struct str line, struct str *requests)
{
    struct str word, path, request = {NULL, 0};
    uint64_t at_once;

    CHECK(str_split(&line, ' ', &word));
    if (str_equal(word, STR("open"))) {
        char text[LINE_BYTES_MAX];

        CHECK(str_split(&line, ' ', &path) && str_to_u64(line, 1, STREAMS_MAX + 1, &at_once));
        (void)str_copy(path, text, sizeof(text));
        open_streams(text, at_once);
    } else if (str_equal(word, STR("drop"))) {
        drop();
    } else {
        CHECK(str_split(requests, '\0', &request));
        if (str_equal(word, STR("ask"))) {
            ask(request);
        } else {
            CHECK(str_equal(word, STR("fire")));
            fire(request);
        }
    }
}

int main(int argc, char **argv)
{
    char line[LINE_BYTES_MAX];
    uint64_t port, streams;

    if (argc != 4 || !str_to_u64(str_from(argv[1]), 1, 65535, &port) ||
        !str_to_u64(str_from(argv[2]), 1, STREAMS_MAX, &streams)) {
        fprintf(stderr, "usage: streams PORT STREAMS REQUESTS_FILE\n");
        return 2;
    }
    all.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    all.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    all.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all.count = (uint32_t)streams;
    all.streams = calloc(all.count, sizeof(*all.streams));
    CHECK(all.epoll_fd >= 0 && all.streams != NULL);
    all.upgrade = BUF_INIT(LINE_BYTES_MAX * 2);
    all.control_fd = connect_to(0);
    watch(all.control_fd, CONTROL, EPOLLIN);

    struct buf bytes = read_requests(argv[3]);
    struct str requests = buf_str(&bytes);

    while (fgets(line, sizeof(line), stdin) != NULL) {
        obey(str_trim(str_from(line)), &requests);
    }
    return 0;
}
