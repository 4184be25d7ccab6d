/* SPDX-License-Identifier: MIT */
/*
 * streams.c - many WebSocket clients that only count: how long until the last one has an event?
 *
 *     streams PORT PATH STREAMS REQUESTS_FILE
 *
 * Opens the streams and waits for each one's first frame; writes "open"; waits for a line on standard
 * input, so that somebody can look at the server's memory.  Then, for each of the HTTP requests in the
 * file (NUL between them), sends it and writes a line: microseconds until the first stream had a frame,
 * and until the last one had.  bench/streams.mjs drives it.
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

#include "shm/base/buf.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

#define STREAMS_MAX 19000
#define OPENING_MAX 256 /* connects on their way: below any backlog */
#define WAIT_MS 20000
#define REST_US 60000 /* between two events: longer than a tick */
#define FILE_BYTES_MAX (1u << 20)
#define CONTROL UINT32_MAX /* the connection that asks for events */

struct stream {
    int fd;
    bool is_open;    /* has had its first frame */
    uint32_t frames; /* since the last event was asked for */
    uint64_t skip;   /* bytes of a frame's payload that are still to come */
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
    uint32_t served;
    struct buf upgrade;
} all;

static int connect_to(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || connect(fd, (const struct sockaddr *)&all.address, sizeof(all.address)) != 0) {
        perror("streams: connect");
        exit(1);
    }
    return fd;
}

static void watch(int fd, uint32_t index)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = index};

    CHECK(epoll_ctl(all.epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0);
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

/* One round of epoll.  Returns when something was read. */
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
        uint32_t index = (uint32_t)events[i].data.u64; /* the control's fd is in the high half */
        int fd = index == CONTROL ? (int)(events[i].data.u64 >> 32) : all.streams[index].fd;
        ssize_t got = read(fd, input, sizeof(input));

        if (got <= 0) {
            fprintf(stderr, "streams: the server closed a connection\n");
            exit(1);
        }
        if (index != CONTROL) {
            take_bytes(&all.streams[index], input, (size_t)got);
        }
    }
}

static void open_streams(void)
{
    for (uint32_t i = 0; i < all.count; i++) {
        all.streams[i].fd = connect_to();
        watch(all.streams[i].fd, i);
        send_all(all.streams[i].fd, buf_str(&all.upgrade));
        while (i + 1 - all.opened > OPENING_MAX) {
            look();
        }
    }
    while (all.opened < all.count) {
        look();
    }
}

static void fire(int control_fd, struct str request)
{
    for (uint32_t i = 0; i < all.count; i++) {
        all.streams[i].frames = 0;
    }
    all.served = 0;
    uint64_t asked_us = clock_mono_us();
    uint64_t first_us = 0;

    send_all(control_fd, request);
    while (all.served < all.count) {
        look();
        if (first_us == 0 && all.served > 0) {
            first_us = clock_mono_us();
        }
    }
    printf("%llu %llu\n", (unsigned long long)(first_us - asked_us),
           (unsigned long long)(clock_mono_us() - asked_us));
    (void)fflush(stdout);
}

static struct buf read_requests(const char *path)
{
    struct buf requests = BUF_INIT(FILE_BYTES_MAX);
    FILE *file = fopen(path, "rb");
    char chunk[4096];
    size_t got;

    CHECK(file != NULL);
    while ((got = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_append(&requests, chunk, got);
    }
    (void)fclose(file);
    CHECK(!requests.failed);
    return requests;
}

int main(int argc, char **argv)
{
    uint64_t port, streams;

    if (argc != 5 || !str_to_u64(str_from(argv[1]), 1, 65535, &port) ||
        !str_to_u64(str_from(argv[3]), 1, STREAMS_MAX, &streams)) {
        fprintf(stderr, "usage: streams PORT PATH STREAMS REQUESTS_FILE\n");
        return 2;
    }
    all.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    all.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    all.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    all.count = (uint32_t)streams;
    all.streams = calloc(all.count, sizeof(*all.streams));
    CHECK(all.epoll_fd >= 0 && all.streams != NULL);
    all.upgrade = BUF_INIT(4096);
    buf_printf(&all.upgrade,
               "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%llu\r\nConnection: Upgrade\r\n"
               "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
               argv[2], (unsigned long long)port);
    open_streams();
    puts("open");
    (void)fflush(stdout);
    CHECK(getchar() != EOF);

    struct buf requests = read_requests(argv[4]);
    struct str rest = buf_str(&requests), request;
    int control_fd = connect_to();
    struct epoll_event control = {
        .events = EPOLLIN,
        .data.u64 = (uint64_t)control_fd << 32 | CONTROL,
    };

    CHECK(epoll_ctl(all.epoll_fd, EPOLL_CTL_ADD, control_fd, &control) == 0);
    while (str_split(&rest, '\0', &request)) {
        fire(control_fd, request);
        (void)usleep(REST_US);
    }
    return 0;
}
