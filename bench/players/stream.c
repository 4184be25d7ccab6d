/* SPDX-License-Identifier: MIT */
/* stream.c - RFC 6455 from the client's side, as far as this server speaks it. */
#include "bench/players/stream.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "bench/players/frame.h"
#include "bench/players/tally.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"

#define MESSAGE_BYTES_MAX (64u << 20)
#define FRAME_FIN 0x80
#define FRAME_OPCODE 0x0f
#define OPCODE_CLOSE 8
#define OPCODE_PING 9
#define OPCODE_PONG 10

static char input[256 * 1024]; /* one for all: used up before the next read */

struct stream_link {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    struct stream *stream; /* NULL: given up, only waits for its end */
    struct buf request;
};

static void on_closed(uv_handle_t *handle)
{
    struct stream_link *link = handle->data;

    buf_free(&link->request);
    free(link);
}

void stream_close(struct stream *stream)
{
    if (stream->link != NULL) {
        stream->link->stream = NULL;
        uv_close((uv_handle_t *)&stream->link->tcp, on_closed);
        stream->link = NULL;
        buf_free(&stream->in);
        buf_free(&stream->message);
    }
}

static void lose(struct stream *stream, const char *why)
{
    bool was_opened = stream->opened;

    tally_error(TALLY_STREAM, why, 0, (struct str){stream->in.data, stream->in.len});
    stream->lost = true;
    stream_close(stream);
    if (!was_opened) {
        stream->on_opened(stream, false, clock_mono_us() - stream->asked_us);
    }
}

static void take_message(struct stream *stream, struct str text)
{
    const struct frame_facts *facts = frame_read(text);
    bool is_first = !stream->opened;

    if (facts->events > 0) {
        if (!facts->ordered || facts->first_id <= stream->last_id) {
            stream->out_of_order = true;
        }
        stream->last_id = facts->last_id;
        stream->events += facts->events;
        stream->points += facts->points;
    }
    if (facts->system) {
        lose(stream, "a system event nobody caused");
        return;
    }
    if (is_first) {
        stream->opened = true;
        stream->on_opened(stream, true, clock_mono_us() - stream->asked_us);
        return;
    }
    uint64_t now_us = clock_real_us();

    for (uint32_t i = 0; i < facts->events; i++) {
        uint64_t at_us = facts->ts_ms[i] * 1000;

        tally_add(TALLY_DELIVERY, now_us > at_us ? now_us - at_us : 0);
    }
}

/* A masked frame may use the key zero: then the bytes are their own mask. */
static void send_pong(struct stream *stream, struct str payload)
{
    char frame[6 + 125] = {(char)(FRAME_FIN | OPCODE_PONG), (char)(0x80 | payload.len)};
    uv_buf_t buf = uv_buf_init(frame, (unsigned)(6 + payload.len));

    memcpy(frame + 6, payload.data, payload.len);
    if (uv_try_write((uv_stream_t *)&stream->link->tcp, &buf, 1) != (int)buf.len) {
        lose(stream, "a pong did not fit into the send buffer");
    }
}

static void take_frame(struct stream *stream, unsigned char first, struct str payload)
{
    switch (first & FRAME_OPCODE) {
    case OPCODE_CLOSE:
        lose(stream, "closed by the server");
        break;
    case OPCODE_PING:
        send_pong(stream, payload);
        break;
    case OPCODE_PONG:
        break;
    default:
        if ((first & FRAME_FIN) != 0 && stream->message.len == 0) {
            take_message(stream, payload);
            break;
        }
        buf_append_str(&stream->message, payload);
        CHECK(!stream->message.failed);
        if ((first & FRAME_FIN) != 0) {
            take_message(stream, buf_str(&stream->message));
            buf_free(&stream->message);
        }
    }
}

/* The frame at the begin of `bytes`.  Its size; 0: not all of it is there. */
static size_t frame_size(struct str bytes, struct str *ret_payload)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t head = 2;
    uint64_t len;

    if (bytes.len < 2) {
        return 0;
    }
    len = at[1] & 0x7f;
    if (len >= 126) {
        size_t more = len == 126 ? 2 : 8;

        if (bytes.len < head + more) {
            return 0;
        }
        len = 0;
        for (size_t i = 0; i < more; i++) {
            len = len << 8 | at[head + i];
        }
        head += more;
    }
    if (len > MESSAGE_BYTES_MAX || bytes.len < head + len) {
        return 0;
    }
    *ret_payload = (struct str){bytes.data + head, (size_t)len};
    return head + (size_t)len;
}

/* Uses up whole frames; returns the bytes that were used.  The stream may be gone afterwards. */
static size_t take_frames(struct stream *stream, struct str bytes)
{
    size_t used = 0, size;
    struct str payload;

    while (stream->link != NULL &&
           (size = frame_size((struct str){bytes.data + used, bytes.len - used}, &payload)) > 0) {
        take_frame(stream, (unsigned char)bytes.data[used], payload);
        used += size;
    }
    return used;
}

/* The answer to the upgrade.  Returns its bytes; 0: it is not whole, or the stream is lost. */
static size_t take_head(struct stream *stream, struct str bytes)
{
    const char *end = memmem(bytes.data, bytes.len, "\r\n\r\n", 4);

    if (end == NULL) {
        return 0;
    }
    /* RFC 6455, 1.3: what the key below must be answered with. */
    static const char accept[] = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

    if (!str_starts_with(bytes, STR("HTTP/1.1 101 ")) ||
        memmem(bytes.data, bytes.len, accept, sizeof(accept) - 1) == NULL) {
        lose(stream, "not upgraded");
        return 0;
    }
    stream->upgraded = true;
    return (size_t)(end - bytes.data) + 4;
}

static size_t take_bytes(struct stream *stream, struct str bytes)
{
    size_t used = 0;

    if (!stream->upgraded) {
        used = take_head(stream, bytes);
        if (!stream->upgraded) {
            return 0;
        }
    }
    return used + take_frames(stream, (struct str){bytes.data + used, bytes.len - used});
}

static void on_read(uv_stream_t *handle, ssize_t got, const uv_buf_t *buf)
{
    struct stream *stream = ((struct stream_link *)handle->data)->stream;

    if (stream == NULL || got == 0) {
        return;
    }
    if (got < 0) {
        lose(stream, uv_err_name((int)got));
        return;
    }
    if (stream->in.len == 0) { /* the usual case: nothing is left over, nothing is copied */
        size_t used = take_bytes(stream, (struct str){buf->base, (size_t)got});

        if (stream->link != NULL && used < (size_t)got) {
            buf_append(&stream->in, buf->base + used, (size_t)got - used);
        }
    } else {
        buf_append(&stream->in, buf->base, (size_t)got);
        size_t used = take_bytes(stream, buf_str(&stream->in));

        if (stream->link != NULL) {
            buf_consume(&stream->in, used);
        }
    }
    if (stream->link != NULL && stream->in.len == 0) {
        buf_free(&stream->in);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(input, sizeof(input));
}

static void on_connected(uv_connect_t *connecting, int status)
{
    struct stream_link *link = connecting->data;

    if (link->stream == NULL) {
        return;
    }
    if (status != 0) {
        lose(link->stream, uv_err_name(status));
        return;
    }
    uv_buf_t buf = uv_buf_init(link->request.data, (unsigned)link->request.len);

    CHECK(uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read) == 0);
    if (uv_try_write((uv_stream_t *)&link->tcp, &buf, 1) != (int)buf.len) {
        lose(link->stream, "the upgrade did not fit into the send buffer");
    }
}

static void write_request(struct stream *stream, struct str url, struct buf *out)
{
    const char *path = memmem(url.data, url.len, "/scorestream", 12);

    CHECK(path != NULL);
    *out = BUF_INIT(4096);
    buf_printf(out, "GET %.*s", (int)(url.data + url.len - path), path);
    if (stream->has_since) {
        buf_printf(out, "&since=%llu", (unsigned long long)stream->since);
    }
    buf_printf(out,
               " HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: ctfg-players\r\n"
               "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
               (unsigned)ntohs(stream->address->sin_port));
    CHECK(!out->failed);
}

void stream_open(struct stream *stream, const struct sockaddr_in *address, struct str url,
                 stream_opened *on_opened)
{
    struct stream_link *link = calloc(1, sizeof(*link));

    stream->address = address;
    stream->on_opened = on_opened;
    stream->last_id = stream->has_since ? stream->since : 0;
    stream->in = BUF_INIT(MESSAGE_BYTES_MAX);
    stream->message = BUF_INIT(MESSAGE_BYTES_MAX);
    stream->asked_us = clock_mono_us();
    CHECK(link != NULL && uv_tcp_init(uv_default_loop(), &link->tcp) == 0);
    link->tcp.data = link;
    link->connecting.data = link;
    link->stream = stream;
    stream->link = link;
    write_request(stream, url, &link->request);
    int error = uv_tcp_connect(&link->connecting, &link->tcp, (const struct sockaddr *)address,
                               on_connected);

    if (error != 0) {
        lose(stream, uv_err_name(error));
    }
}
