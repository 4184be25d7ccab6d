/* SPDX-License-Identifier: MIT */
/* conn_test.c - the life of a connection: order, patience, time limits, ends. */
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

static int begin(void **state)
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

static int finish(void **state)
{
    (void)state;
    fixture_end();
    blob_unref(app.big);
    return 0;
}

static void answer_later(unsigned i, const char *text)
{
    struct conn *conn = conn_find(&fixture.worker, app.later[i]);

    assert_non_null(conn);
    response_json(conn, 200, str_from(text), NULL);
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* ---- tests ---- */

static void a_request_is_answered_and_the_connection_stays(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    for (unsigned i = 0; i < 3; i++) {
        buf_reset(&got);
        fixture_send(client, GET("/one"));
        fixture_expect(client, &got, "\r\n\r\n/one");
        assert_true(fixture_contains(&got, "HTTP/1.1 200 OK\r\n"));
        assert_true(fixture_contains(&got, "Content-Length: 4\r\n"));
        assert_false(fixture_contains(&got, "Connection:"));
    }
    assert_int_equal(conn_count(&fixture.worker), 1);
    buf_free(&got);
    close(client);
}

static void an_idle_connection_holds_no_parser_and_no_buffer(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_send(client, GET("/one") "GET /tw");
    fixture_expect(client, &got, "/one");
    assert_non_null(conn->http);
    fixture_send(client, "o HTTP/1.1\r\nHost: h\r\n\r\n");
    fixture_expect(client, &got, "/two");
    assert_null(conn->http);
    assert_null(conn->out);
    assert_null(conn->kept);
    buf_free(&got);
    close(client);
}

static void pipelined_answers_keep_their_order_round_a_late_one(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, GET("/a") GET("/later") GET("/b") GET("/later") GET("/c"));
    fixture_expect(client, &got, "/a");
    fixture_wait_for(app.later_count == 1);
    fixture_send(client, GET("/d")); /* comes while we wait */
    for (unsigned i = 0; i < 20; i++) {
        fixture_turn();
    }
    (void)fixture_receive(client, &got);
    assert_false(fixture_contains(&got, "/b"));
    answer_later(0, "first");
    fixture_expect(client, &got, "/b");
    assert_int_equal(app.later_count, 2);
    assert_false(fixture_contains(&got, "/c"));
    answer_later(1, "second");
    fixture_expect(client, &got, "/d");
    const char *order[] = {"/a", "first", "/b", "second", "/c", "/d"};
    const char *last = got.data;
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        const char *found = memmem(got.data, got.len, order[i], strlen(order[i]));

        assert_non_null(found);
        assert_true(found >= last);
        last = found;
    }
    buf_free(&got);
    close(client);
}

static void many_pipelined_requests_need_no_stack(void **state)
{
    enum { REQUESTS = 5000 };
    struct buf all = BUF_INIT(1 << 24);
    struct buf got = BUF_INIT(1 << 24);
    size_t sent = 0;
    int client;

    (void)state;
    (void)fixture_connect(&client);
    for (unsigned i = 0; i < REQUESTS; i++) {
        buf_append_str(&all, STR(GET("/pipelined")));
    }
    fixture_wait_for(({
        ssize_t len = send(client, all.data + sent, all.len - sent, MSG_NOSIGNAL);
        sent += len > 0 ? (size_t)len : 0;
        (void)fixture_receive(client, &got);
        fixture_count(&got, "\r\n\r\n/pipelined") == REQUESTS;
    }));
    assert_int_equal(app.dispatched, REQUESTS);
    buf_free(&all);
    buf_free(&got);
    close(client);
}

static void who_takes_nothing_is_not_read_from(void **state)
{
    struct buf got = BUF_INIT(1 << 26);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        fixture_send(client, GET("/big"));
    }
    for (unsigned i = 0; i < 50; i++) {
        fixture_turn();
        assert_true(conn_queued_bytes(conn) <= CONN_OUT_BYTES_MAX + BIG_BYTES + 1024);
    }
    assert_true(app.dispatched < 5);
    fixture_wait_for(
        ((void)fixture_receive(client, &got),
         fixture_count(&got, "HTTP/1.1 200 OK") == 20 && got.len > 20 * (size_t)BIG_BYTES));
    assert_int_equal(app.dispatched, 20);
    buf_free(&got);
    close(client);
}

static void a_refusal_arrives_although_the_client_sends_on(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999\r\n\r\n");
    for (unsigned i = 0; i < 100; i++) {
        char junk[1000];

        memset(junk, 'j', sizeof(junk));
        (void)send(client, junk, sizeof(junk), MSG_NOSIGNAL);
        fixture_turn();
    }
    fixture_expect(client, &got, "{\"error\":\"body_too_large\"}");
    assert_true(fixture_contains(&got, "HTTP/1.1 413 "));
    assert_true(fixture_contains(&got, "Connection: close\r\n"));
    fixture_expect_end(client, &got); /* our side is shut; what still came was thrown away */
    assert_int_equal(conn_count(&fixture.worker), 1);
    close(client);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&got);
}

static void a_lingering_connection_goes_in_the_end(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, "nonsense\r\n\r\n");
    fixture_expect(client, &got, "{\"error\":\"bad_request\"}");
    assert_int_equal(conn_count(&fixture.worker), 1);
    conn_tick(&fixture.worker, clock_mono_us() + (CONN_LINGER_MS + 1) * 1000);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&got);
    close(client);
}

static void close_is_said_and_done(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    fixture_expect_end(client, &got);
    assert_true(fixture_contains(&got, "Connection: close\r\n"));
    assert_true(fixture_contains(&got, "/x"));
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    close(client);

    buf_reset(&got);
    (void)fixture_connect(&client);
    fixture_send(client, "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    fixture_expect(client, &got, "/x");
    assert_true(fixture_contains(&got, "Connection: keep-alive\r\n"));
    assert_int_equal(conn_count(&fixture.worker), 1);
    buf_free(&got);
    close(client);
}

static void a_slow_head_is_408_and_silence_is_closed(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int slow;
    int silent;

    (void)state;
    (void)fixture_connect(&slow);
    (void)fixture_connect(&silent);
    fixture_send(slow, "GET /x HT");
    fixture_turn();
    fixture_turn();
    conn_tick(&fixture.worker, fixture.worker.now_us + 999000);
    assert_int_equal(conn_count(&fixture.worker), 2);
    conn_tick(&fixture.worker, clock_mono_us() + 1100000);
    fixture_expect_end(slow, &got);
    assert_true(fixture_contains(&got, "HTTP/1.1 408 "));
    buf_reset(&got);
    fixture_expect_end(silent, &got);
    assert_int_equal(got.len, 0);
    buf_free(&got);
    close(slow);
    close(silent);
}

static void dripping_bytes_win_no_time(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_send(client, GET("/x") "GET /y");
    fixture_expect(client, &got, "/x");
    uint64_t since_us = conn->since_us;
    for (unsigned i = 0; i < 5; i++) {
        fixture_send(client, "y");
        fixture_turn();
        fixture_turn();
    }
    assert_int_equal(conn->since_us, since_us);
    assert_int_equal(conn->state, CONN_READING);
    conn_tick(&fixture.worker, since_us + 1000001);
    fixture_expect(client, &got, "HTTP/1.1 408 ");
    buf_free(&got);
    close(client);
}

static void a_slow_body_has_its_own_limit(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_send(client, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc");
    fixture_wait_for(conn->state == CONN_READING);
    conn_tick(&fixture.worker, clock_mono_us() + 1500000); /* past the head's limit */
    assert_int_equal(conn->state, CONN_READING);
    conn_tick(&fixture.worker, clock_mono_us() + 2100000);
    fixture_expect(client, &got, "HTTP/1.1 408 ");
    buf_free(&got);
    close(client);
}

static void an_idle_connection_is_closed_after_its_time(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, GET("/x"));
    fixture_expect(client, &got, "/x");
    conn_tick(&fixture.worker, clock_mono_us() + 2900000);
    fixture_turn();
    assert_int_equal(conn_count(&fixture.worker), 1);
    conn_tick(&fixture.worker, clock_mono_us() + 3100000);
    fixture_expect_end(client, &got);
    buf_free(&got);
    close(client);
}

static void who_waits_for_us_has_no_limit(void **state)
{
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, GET("/later"));
    fixture_wait_for(app.later_count == 1);
    conn_tick(&fixture.worker, clock_mono_us() + 60000000);
    fixture_turn();
    assert_int_equal(conn_count(&fixture.worker), 1);
    answer_later(0, "x");
    close(client);
}

static void who_takes_nothing_is_closed_who_takes_little_is_not(void **state)
{
    struct buf got = BUF_INIT(1 << 24);
    int client;
    struct conn *conn = fixture_connect(&client);
    uint64_t now_us = clock_mono_us();

    (void)state;
    fixture_send(client, GET("/big"));
    fixture_wait_for(conn->write_pending);
    for (unsigned i = 0; i < 3; i++) {
        char some[20000];

        size_t before = uv_stream_get_write_queue_size(&conn->uv.stream);
        fixture_wait_for(({
            (void)recv(client, some, sizeof(some), 0);
            uv_stream_get_write_queue_size(&conn->uv.stream) < before;
        }));
        now_us += 4100000;
        conn_tick(&fixture.worker, now_us);
        assert_int_not_equal(conn->state, CONN_CLOSED);
    }
    conn_tick(&fixture.worker, now_us + 4100000);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&got);
    close(client);
}

static void a_late_answer_finds_nobody(void **state)
{
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, GET("/later"));
    fixture_wait_for(app.later_count == 1);
    conn_close(conn_find(&fixture.worker, app.later[0]), false);
    assert_null(conn_find(&fixture.worker, app.later[0]));
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    assert_null(conn_find(&fixture.worker, app.later[0]));
    close(client);
}

static void a_client_that_ends_its_side_gets_its_late_answer(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, GET("/a") GET("/later"));
    shutdown(client, SHUT_WR);
    fixture_expect(client, &got, "/a");
    fixture_wait_for(app.later_count == 1);
    fixture_turn();
    fixture_turn();
    answer_later(0, "late");
    fixture_expect_end(client, &got);
    assert_true(fixture_contains(&got, "late"));
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&got);
    close(client);
}

static void a_drain_answers_those_who_wait_and_closes_the_idle(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    struct buf idle_got = BUF_INIT(1 << 20);
    int idle;
    int waiting;
    int on_the_way;

    (void)state;
    (void)fixture_connect(&idle);
    (void)fixture_connect(&waiting);
    (void)fixture_connect(&on_the_way);
    fixture_send(idle, GET("/x"));
    fixture_send(waiting, GET("/later"));
    fixture_expect(idle, &idle_got, "/x");
    fixture_wait_for(app.later_count == 1);
    fixture.worker.draining = true;
    conn_drain_all(&fixture.worker);
    fixture_send(on_the_way, GET("/y")); /* had left its client before it could know */
    fixture_expect(on_the_way, &got, "/y");
    assert_true(fixture_contains(&got, "Connection: close\r\n"));
    conn_tick(&fixture.worker, clock_mono_us() + 200000);
    fixture_expect_end(idle, &idle_got);
    fixture_wait_for(conn_count(&fixture.worker) == 1);
    answer_later(0, "last");
    buf_reset(&got);
    fixture_expect_end(waiting, &got);
    assert_true(fixture_contains(&got, "last"));
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&got);
    buf_free(&idle_got);
    close(idle);
    close(waiting);
    close(on_the_way);
}

static void a_stream_gets_the_bytes_and_one_goodbye(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_send(client, GET("/stream") "early");
    fixture_expect(client, &got, "HTTP/1.1 101 Switching Protocols\r\n");
    fixture_wait_for(app.stream_bytes == 5);
    assert_null(conn->http);
    fixture_send(client, "late");
    fixture_wait_for(app.stream_bytes == 9);
    assert_memory_equal(app.stream_text, "earlylate", 9);
    conn_tick(&fixture.worker, clock_mono_us() + 60000000); /* no limit of HTTP's */
    assert_int_equal(app.streams_closed, 0);
    conn_put(conn, STR("goodbye"));
    conn_close(conn, true);
    fixture_expect_end(client, &got);
    assert_true(fixture_contains(&got, "goodbye"));
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    assert_int_equal(app.streams_closed, 1);
    buf_free(&got);
    close(client);
}

static void a_stream_hears_that_its_socket_has_room_again(void **state)
{
    struct buf got = BUF_INIT(1 << 24);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_send(client, GET("/stream"));
    fixture_wait_for(conn->state == CONN_STREAM);
    conn_put_blob(conn, app.big, 0, BIG_BYTES);
    conn_flush(conn);
    assert_true(conn->write_pending);
    fixture_wait_for(((void)fixture_receive(client, &got), app.streams_drained > 0));
    assert_int_equal(conn_queued_bytes(conn), 0);
    assert_int_equal(app.big->refs, 1);
    buf_free(&got);
    close(client);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    assert_int_equal(app.streams_closed, 1);
}

static void a_client_that_vanishes_in_the_middle_is_forgotten(void **state)
{
    static const char *const parts[] = {
        "",
        "GET /x HT",
        GET("/later"),
        GET("/big"),
        GET("/stream"),
        "nonsense\r\n\r\n",
        "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        int client;
        struct conn *conn = fixture_connect(&client);
        uint64_t id = conn->id;

        if (parts[i][0] != '\0') {
            fixture_send(client, parts[i]);
        }
        for (unsigned turn = 0; turn < 5; turn++) {
            fixture_turn();
        }
        close(client);
        for (unsigned turn = 0; turn < 5; turn++) {
            fixture_turn();
        }
        conn = conn_find(&fixture.worker, id);
        if (conn != NULL) { /* waits for its answer: it is then that we learn */
            assert_int_equal(conn->state, CONN_WAITING);
            response_blob(conn, 200, app.big, NULL);
        }
        fixture_wait_for(conn_count(&fixture.worker) == 0);
        assert_int_equal(app.big->refs, 1);
    }
}

static void a_handler_may_hang_up(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, GET("/hang-up") GET("/x"));
    fixture_expect_end(client, &got);
    assert_int_equal(got.len, 0);
    assert_int_equal(app.dispatched, 1);
    buf_free(&got);
    close(client);
}

static void a_body_that_comes_in_pieces_is_whole_for_the_handler(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    const char *text = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabcdef";
    int client;

    (void)state;
    (void)fixture_connect(&client);
    for (const char *at = text; *at != '\0'; at++) {
        assert_int_equal(send(client, at, 1, MSG_NOSIGNAL), 1);
        fixture_turn();
    }
    fixture_expect(client, &got, "\r\n\r\nabcdef");
    buf_free(&got);
    close(client);
}

static void a_client_that_waits_to_be_told_is_told(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                         "Content-Length: 3\r\n\r\n");
    fixture_expect(client, &got, "HTTP/1.1 100 Continue\r\n\r\n");
    fixture_send(client, "abc");
    fixture_expect(client, &got, "\r\n\r\nabc");
    buf_free(&got);
    close(client);
}

static void one_too_many_is_told_so(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    conn_refuse(conn);
    fixture_send(client, GET("/x"));
    fixture_expect_end(client, &got);
    assert_true(fixture_contains(&got, "HTTP/1.1 503 "));
    assert_true(fixture_contains(&got, "Retry-After: 1\r\n"));
    assert_true(fixture_contains(&got, "{\"error\":\"unavailable\"}"));
    assert_int_equal(app.dispatched, 0);
    buf_free(&got);
    close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_and_the_connection_stays),
        TEST(an_idle_connection_holds_no_parser_and_no_buffer),
        TEST(pipelined_answers_keep_their_order_round_a_late_one),
        TEST(many_pipelined_requests_need_no_stack),
        TEST(who_takes_nothing_is_not_read_from),
        TEST(a_refusal_arrives_although_the_client_sends_on),
        TEST(a_lingering_connection_goes_in_the_end),
        TEST(close_is_said_and_done),
        TEST(a_slow_head_is_408_and_silence_is_closed),
        TEST(dripping_bytes_win_no_time),
        TEST(a_slow_body_has_its_own_limit),
        TEST(an_idle_connection_is_closed_after_its_time),
        TEST(who_waits_for_us_has_no_limit),
        TEST(who_takes_nothing_is_closed_who_takes_little_is_not),
        TEST(a_late_answer_finds_nobody),
        TEST(a_client_that_ends_its_side_gets_its_late_answer),
        TEST(a_drain_answers_those_who_wait_and_closes_the_idle),
        TEST(a_stream_gets_the_bytes_and_one_goodbye),
        TEST(a_stream_hears_that_its_socket_has_room_again),
        TEST(a_client_that_vanishes_in_the_middle_is_forgotten),
        TEST(a_handler_may_hang_up),
        TEST(a_body_that_comes_in_pieces_is_whole_for_the_handler),
        TEST(a_client_that_waits_to_be_told_is_told),
        TEST(one_too_many_is_told_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
