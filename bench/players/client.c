/* SPDX-License-Identifier: MIT */
/* client.c - requests out, answers through llhttp, both timed. */
#include "bench/players/client.h"

#include <stdlib.h>
#include <uv.h>

#include "shm/base/check.h"
#include "shm/base/clock.h"

/* Of an answer only what stands at its begin matters here; files are counted, not kept. */
#define BODY_KEPT_BYTES 65536
#define OUT_BYTES_MAX 16384

/* One for all: what is read is used up before the next read. */
static char input[256 * 1024];

/* A connection outlives its use until libuv has closed it: the client may be on its next by then. */
struct client_link {
    uv_tcp_t tcp;
    uv_connect_t connecting;
    struct client *client; /* NULL: given up, only waits for its end */
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void client_close(struct client *client)
{
    if (client->link != NULL) {
        client->link->client = NULL;
        uv_close((uv_handle_t *)&client->link->tcp, on_closed);
        client->link = NULL;
    }
    client->state = CLIENT_CLOSED;
}

static void fail(struct client *client, const char *why)
{
    bool was_asked = client->asking;

    client->asking = false;
    client_close(client);
    if (was_asked) {
        client->done(client, 0, str_from(why), clock_mono_us() - client->asked_us);
    }
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct client *client = parser->data;

    if (client->reading_cookie) {
        client->reading_cookie = false;
        buf_reset(&client->field);
    }
    buf_append(&client->field, at, len);
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct client *client = parser->data;

    if (!client->reading_cookie && str_equal_nocase(buf_str(&client->field), STR("set-cookie"))) {
        client->reading_cookie = true;
        buf_reset(&client->cookie);
    }
    if (client->reading_cookie) {
        buf_append(&client->cookie, at, len);
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct client *client = parser->data;

    if (!client->reading_cookie) {
        buf_reset(&client->field);
    }
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct client *client = parser->data;
    size_t room = BODY_KEPT_BYTES - client->body.len;

    buf_append(&client->body, at, len < room ? len : room);
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    struct client *client = parser->data;

    client->asking = false;
    return HPE_PAUSED; /* one answer a question; what follows is looked at by on_read */
}

static const llhttp_settings_t *parser_settings(void)
{
    static llhttp_settings_t settings;

    if (settings.on_body == NULL) {
        llhttp_settings_init(&settings);
        settings.on_header_field = on_header_field;
        settings.on_header_value = on_header_value;
        settings.on_header_value_complete = on_header_value_complete;
        settings.on_body = on_body;
        settings.on_message_complete = on_message_complete;
    }
    return &settings;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(input, sizeof(input));
}

static void answered(struct client *client)
{
    unsigned status = client->parser.status_code;
    bool keeps_alive = llhttp_should_keep_alive(&client->parser) != 0;

    if (!keeps_alive) {
        client_close(client);
    }
    client->done(client, status, buf_str(&client->body), clock_mono_us() - client->asked_us);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct client *client = ((struct client_link *)stream->data)->client;

    if (client == NULL) {
        return;
    }
    if (got < 0) {
        fail(client, uv_err_name((int)got));
    } else if (got > 0 && !client->asking) {
        fail(client, "bytes nobody asked for");
    } else if (got > 0) {
        llhttp_errno_t error = llhttp_execute(&client->parser, buf->base, (size_t)got);

        if (error == HPE_PAUSED && llhttp_get_error_pos(&client->parser) == buf->base + got) {
            answered(client);
        } else if (error != HPE_OK) {
            fail(client, llhttp_errno_name(error));
        }
    }
}

/* A request is far smaller than an empty send buffer: it goes whole or not at all. */
static void send_request(struct client *client)
{
    uv_buf_t buf = uv_buf_init(client->out.data, (unsigned)client->out.len);
    int sent = uv_try_write((uv_stream_t *)&client->link->tcp, &buf, 1);

    if (sent != (int)client->out.len) {
        fail(client, sent < 0 ? uv_err_name(sent) : "the send buffer is full");
    }
}

static void on_connected(uv_connect_t *connecting, int status)
{
    struct client *client = ((struct client_link *)connecting->data)->client;

    if (client == NULL) {
        return;
    }
    if (status != 0) {
        fail(client, uv_err_name(status));
        return;
    }
    client->state = CLIENT_OPEN;
    CHECK(uv_read_start((uv_stream_t *)&client->link->tcp, on_alloc, on_read) == 0);
    send_request(client);
}

static void connect_first(struct client *client)
{
    struct client_link *link = calloc(1, sizeof(*link));

    CHECK(link != NULL && uv_tcp_init(uv_default_loop(), &link->tcp) == 0);
    link->tcp.data = link;
    link->connecting.data = link;
    link->client = client;
    client->link = link;
    client->state = CLIENT_CONNECTING;
    int error = uv_tcp_connect(&link->connecting, &link->tcp,
                               (const struct sockaddr *)client->address, on_connected);

    if (error != 0) {
        fail(client, uv_err_name(error));
        return;
    }
    (void)uv_tcp_nodelay(&link->tcp, 1);
}

void client_init(struct client *client, const struct sockaddr_in *address, client_done *done)
{
    *client = (struct client){
        .address = address,
        .done = done,
        .out = BUF_INIT(OUT_BYTES_MAX),
        .body = BUF_INIT(BODY_KEPT_BYTES),
        .field = BUF_INIT(OUT_BYTES_MAX),
        .cookie = BUF_INIT(OUT_BYTES_MAX),
    };
}

void client_ask(struct client *client, struct str path, struct str body)
{
    struct buf *out = &client->out;

    CHECK(!client->asking);
    buf_reset(out);
    buf_printf(out, "%s %.*s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n", body.data ? "POST" : "GET",
               STR_ARG(path), (unsigned)ntohs(client->address->sin_port));
    buf_append_str(out, STR("User-Agent: ctfg-players\r\nAccept: */*\r\n"
                            "Accept-Encoding: gzip, deflate\r\n"));
    if (client->cookie.len > 0) {
        buf_printf(out, "Cookie: %.*s\r\n", STR_ARG(buf_str(&client->cookie)));
    }
    if (body.data != NULL) {
        buf_printf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", body.len);
    }
    buf_append_str(out, STR("\r\n"));
    buf_append_str(out, body);
    CHECK(!out->failed);

    buf_reset(&client->body);
    buf_reset(&client->field);
    client->reading_cookie = false;
    llhttp_init(&client->parser, HTTP_RESPONSE, parser_settings());
    client->parser.data = client;
    client->asking = true;
    client->asked_us = clock_mono_us();
    if (client->state == CLIENT_CLOSED) {
        connect_first(client);
    } else {
        send_request(client);
    }
}
