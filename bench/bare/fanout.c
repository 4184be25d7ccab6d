/* SPDX-License-Identifier: MIT */
/*
 * fanout.c - the least a stream server can do: write the same frame to everyone in a loop.
 *
 *     fanout BYTES     listens on a free port of 127.0.0.1, says which on standard error
 *
 * The yardstick of bench/groups/streams.mjs.  A GET is answered as an upgrade with an empty first frame and
 * joins; anything else makes one text frame of BYTES go to all who have joined.  Nothing is parsed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "shm/base/check.h"
#include "shm/base/str.h"

#define PEERS_MAX 20000
#define BACKLOG 4096
#define FRAME_BYTES_MAX 65535

static const char welcome[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\n"
                              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
                              "\x81\x02[]";

#define NOWHERE UINT32_MAX

struct peer {
    uv_tcp_t tcp;
    uint32_t place; /* in peers[], NOWHERE: has not joined */
};

static struct {
    uv_tcp_t listener;
    struct peer *peers[PEERS_MAX]; /* who has joined */
    uint32_t count;
    char frame[4 + FRAME_BYTES_MAX];
    size_t frame_len;
    char input[4096];
} bare;

static void put(uv_tcp_t *peer, const char *bytes, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);

    CHECK(uv_try_write((uv_stream_t *)peer, &buf, 1) == (int)len);
}

static void join(struct peer *peer)
{
    CHECK(bare.count < PEERS_MAX && peer->place == NOWHERE);
    peer->place = bare.count;
    bare.peers[bare.count++] = peer;
    put(&peer->tcp, welcome, sizeof(welcome) - 1);
}

static void forget(struct peer *peer)
{
    if (peer->place != NOWHERE) {
        struct peer *last = bare.peers[--bare.count];

        bare.peers[peer->place] = last;
        last->place = peer->place;
    }
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    if (got < 0) {
        forget(stream->data);
        uv_close((uv_handle_t *)stream, on_closed);
    } else if (got > 3 && memcmp(buf->base, "GET", 3) == 0) {
        join(stream->data);
    } else if (got > 0) {
        for (uint32_t i = 0; i < bare.count; i++) {
            put(&bare.peers[i]->tcp, bare.frame, bare.frame_len);
        }
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bare.input, sizeof(bare.input));
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    CHECK(status == 0 && peer != NULL);
    peer->place = NOWHERE;
    CHECK(uv_tcp_init(listener->loop, &peer->tcp) == 0);
    peer->tcp.data = peer;
    CHECK(uv_accept(listener, (uv_stream_t *)&peer->tcp) == 0);
    (void)uv_tcp_nodelay(&peer->tcp, 1);
    CHECK(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read) == 0);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    uint64_t bytes;

    if (argc != 2 || !str_to_u64(str_from(argv[1]), 126, FRAME_BYTES_MAX, &bytes)) {
        fprintf(stderr, "usage: fanout BYTES (126 to 65535)\n");
        return 2;
    }
    memset(bare.frame, 'x', sizeof(bare.frame));
    bare.frame[0] = (char)0x81;
    bare.frame[1] = 126;
    bare.frame[2] = (char)(bytes >> 8);
    bare.frame[3] = (char)(bytes & 0xff);
    bare.frame_len = 4 + (size_t)bytes;
    CHECK(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    CHECK(uv_tcp_init(uv_default_loop(), &bare.listener) == 0);
    CHECK(uv_tcp_bind(&bare.listener, (const struct sockaddr *)&address, 0) == 0);
    CHECK(uv_listen((uv_stream_t *)&bare.listener, BACKLOG, on_connection) == 0);
    CHECK(uv_tcp_getsockname(&bare.listener, (struct sockaddr *)&address, &len) == 0);
    fprintf(stderr, "bare: listening on http://127.0.0.1:%u\n", ntohs(address.sin_port));
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
