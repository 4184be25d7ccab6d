/* SPDX-License-Identifier: MIT */
/*
 * fixture_app.h - stands in for the routes and the streams: paths that answer at once, later, at
 * length, or not at all.
 */
#pragma once

#include "test/unit/worker/fixture_conn.h"

#include "worker/http.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/stream.h"

#define BIG_BYTES (1u << 20)

static struct test_app {
    uint64_t later[8]; /* conns whose answer has to be given by the test */
    unsigned later_count;
    unsigned dispatched;
    struct blob *big;
    unsigned stream_bytes;
    char stream_text[64];
    unsigned streams_closed;
    unsigned streams_drained;
} app;

/* ---- what stands in for the routes and the streams ---- */

static void answer_path(struct conn *conn)
{
    response_json(conn, 200, http_request(conn->http)->path, NULL);
}

void route_dispatch(struct conn *conn, const struct request *request)
{
    app.dispatched++;
    if (str_equal(request->path, STR("/later"))) {
        app.later[app.later_count++] = conn->id;
    } else if (str_equal(request->path, STR("/big"))) {
        response_blob(conn, 200, app.big, NULL);
    } else if (str_equal(request->path, STR("/mine"))) {
        if (conn_is_for_player(conn, 7)) {
            response_blob(conn, 200, app.big, NULL);
        } else {
            response_error(conn, 503, "unavailable");
        }
    } else if (str_equal(request->path, STR("/stream"))) {
        response_switching_protocols(conn, STR("key"));
        conn_become_stream(conn, (struct stream_client *)&app);
    } else if (str_equal(request->path, STR("/hang-up"))) {
        conn_close(conn, false);
    } else if (str_equal(request->path, STR("/echo"))) {
        response_json(conn, 200, request->body, NULL);
    } else {
        answer_path(conn);
    }
}

const char *route_name(uint32_t row, const char **ret_method)
{
    (void)row;
    (void)ret_method;
    return NULL;
}

void stream_on_bytes(struct conn *conn, const char *bytes, size_t len)
{
    (void)conn;
    assert_true(app.stream_bytes + len < sizeof(app.stream_text));
    memcpy(app.stream_text + app.stream_bytes, bytes, len);
    app.stream_bytes += (unsigned)len;
}

void stream_on_drained(struct conn *conn)
{
    (void)conn;
    app.streams_drained++;
}

void stream_on_closed(struct conn *conn)
{
    assert_non_null(conn->client);
    app.streams_closed++;
}

/* ---- set-up ---- */

MAYBE_UNUSED static int begin(void **state)
{
    (void)state;
    fixture_begin();
    memset(&app, 0, sizeof(app));
    char *room;
    app.big = blob_with_room(BIG_BYTES, &room);
    assert_non_null(app.big);
    memset(room, 'x', BIG_BYTES);
    return 0;
}

MAYBE_UNUSED static int finish(void **state)
{
    (void)state;
    fixture_end();
    blob_unref(app.big);
    return 0;
}

MAYBE_UNUSED static void answer_later(unsigned i, const char *text)
{
    struct conn *conn = conn_find(&fixture.worker, app.later[i]);

    assert_non_null(conn);
    response_json(conn, 200, str_from(text), NULL);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
