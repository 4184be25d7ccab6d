/* SPDX-License-Identifier: MIT */
/*
 * http.c - the least an HTTP server on libuv and llhttp can do: one canned answer to every request.
 *
 *     http FILE     listens on a free port of 127.0.0.1, says which on standard error
 *
 * The yardstick of bench/compare.mjs.  It parses every request with llhttp and all the callbacks that a
 * server with routes needs, looks at nothing, and writes the same bytes; no limits, no time-outs.
 */
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "bench/read_file.h"
#include "shm/base/buf.h"
#include "shm/base/check.h"

#define ANSWER_BYTES_MAX (16u << 20)
#define BACKLOG 4096

struct peer {
    uv_tcp_t tcp;
    llhttp_t parser;
    uint32_t header_bytes; /* so that the callbacks have something to do */
};

static struct {
    uv_tcp_t listener;
    llhttp_settings_t settings;
    struct buf answer;
    char input[65536];
} bare;

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_written(uv_write_t *writing, int status)
{
    (void)status; /* a peer that has gone is noticed by the read */
    free(writing);
}

/* At once if the socket takes it, the rest when it drains. */
static int on_message_complete(llhttp_t *parser)
{
    struct peer *peer = parser->data;
    uv_buf_t buf = uv_buf_init(bare.answer.data, (unsigned)bare.answer.len);
    int sent = uv_try_write((uv_stream_t *)&peer->tcp, &buf, 1);

    if (sent < 0 && sent != UV_EAGAIN) {
        return HPE_USER;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;

    peer->header_bytes = 0;
    if (done < bare.answer.len) {
        uv_write_t *writing = malloc(sizeof(*writing));

        CHECK(writing != NULL);
        buf = uv_buf_init(bare.answer.data + done, (unsigned)(bare.answer.len - done));
        return uv_write(writing, (uv_stream_t *)&peer->tcp, &buf, 1, on_written) == 0 ? HPE_OK
                                                                                      : HPE_USER;
    }
    return HPE_OK;
}

static int on_piece(llhttp_t *parser, const char *at, size_t len)
{
    struct peer *peer = parser->data;

    (void)at;
    peer->header_bytes += (uint32_t)len;
    return HPE_OK;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(bare.input, sizeof(bare.input));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;

    if (got < 0 || (got > 0 && llhttp_execute(&peer->parser, buf->base, (size_t)got) != HPE_OK)) {
        uv_close((uv_handle_t *)&peer->tcp, on_closed);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    CHECK(status == 0 && peer != NULL);
    CHECK(uv_tcp_init(listener->loop, &peer->tcp) == 0);
    peer->tcp.data = peer;
    llhttp_init(&peer->parser, HTTP_REQUEST, &bare.settings);
    peer->parser.data = peer;
    if (uv_accept(listener, (uv_stream_t *)&peer->tcp) != 0) {
        uv_close((uv_handle_t *)&peer->tcp, on_closed);
        return;
    }
    (void)uv_tcp_nodelay(&peer->tcp, 1);
    CHECK(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read) == 0);
}

static void prepare_answer(const char *path)
{
    struct buf body = BUF_INIT(ANSWER_BYTES_MAX);

    CHECK(read_file(path, &body));
    bare.answer = BUF_INIT(ANSWER_BYTES_MAX);
    buf_printf(&bare.answer,
               "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
               body.len);
    buf_append_str(&bare.answer, buf_str(&body));
    CHECK(!bare.answer.failed);
    buf_free(&body);
}

int main(int argc, char **argv)
{
    struct sockaddr_in address;
    int len = sizeof(address);

    if (argc != 2) {
        fprintf(stderr, "usage: http FILE\n");
        return 2;
    }
    prepare_answer(argv[1]);
    llhttp_settings_init(&bare.settings);
    bare.settings.on_url = on_piece;
    bare.settings.on_header_field = on_piece;
    bare.settings.on_header_value = on_piece;
    bare.settings.on_body = on_piece;
    bare.settings.on_message_complete = on_message_complete;
    CHECK(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    CHECK(uv_tcp_init(uv_default_loop(), &bare.listener) == 0);
    CHECK(uv_tcp_bind(&bare.listener, (const struct sockaddr *)&address, 0) == 0);
    CHECK(uv_listen((uv_stream_t *)&bare.listener, BACKLOG, on_connection) == 0);
    CHECK(uv_tcp_getsockname(&bare.listener, (struct sockaddr *)&address, &len) == 0);
    fprintf(stderr, "bare: listening on http://127.0.0.1:%u\n", ntohs(address.sin_port));
    return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
