/* SPDX-License-Identifier: MIT */
/* conn_test.c - the life of a connection: order, patience, ends. */
#include "test/unit/worker/fixture_app.h"

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

static void who_pipelines_without_end_waits_for_the_others(void **state)
{
    struct buf all = BUF_INIT(1 << 20);
    struct buf got = BUF_INIT(1 << 20);
    int greedy;
    int modest;

    (void)state;
    (void)fixture_connect(&greedy);
    (void)fixture_connect(&modest);
    for (unsigned i = 0; i < 500; i++) {
        buf_append_str(&all, STR(GET("/greedy")));
    }
    buf_append_char(&all, '\0');
    fixture_send(greedy, all.data);
    fixture_turn();
    fixture_wait_for(app.dispatched > 0);
    fixture_send(modest, GET("/modest"));
    fixture_wait_for(((void)fixture_receive(modest, &got), fixture_contains(&got, "/modest")));
    assert_in_range(app.dispatched, 2, 300); /* far from all of the 500 */
    buf_reset(&got);
    fixture_wait_for(
        ((void)fixture_receive(greedy, &got), fixture_count(&got, "\r\n\r\n/greedy") == 500));
    assert_int_equal(app.dispatched, 501);
    buf_free(&all);
    buf_free(&got);
    close(greedy);
    close(modest);
}

static void a_client_that_has_said_all_gets_every_answer(void **state)
{
    struct buf all = BUF_INIT(1 << 20);
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    buf_append_str(&all, STR(GET("/later")));
    for (unsigned i = 0; i < 100; i++) {
        buf_append_str(&all, STR(GET("/after")));
    }
    buf_append_char(&all, '\0');
    fixture_send(client, all.data);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    fixture_wait_for(app.later_count == 1);
    answer_later(0, "first");
    fixture_wait_for(
        ((void)fixture_receive(client, &got), fixture_count(&got, "\r\n\r\n/after") == 100));
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

/* Until the socket takes no more. */
static void ask_and_ask(int client)
{
    static const char asked[] = GET("/short") GET("/short") GET("/short") GET("/short");

    while (send(client, asked, sizeof(asked) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(asked) - 1) {
    }
}

static void who_takes_nothing_of_short_answers_is_not_read_from_either(void **state)
{
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_wait_for((ask_and_ask(client), conn->kept != NULL && conn->write_pending &&
                                               conn_queued_bytes(conn) > CONN_OUT_BYTES_MAX));
    unsigned dispatched = app.dispatched;
    for (unsigned i = 0; i < 50; i++) {
        fixture_turn();
    }
    assert_int_equal(app.dispatched, dispatched);
    assert_true(conn_queued_bytes(conn) <= CONN_OUT_BYTES_MAX + 1024);
    close(client);
}

static void connections_of_a_player_that_take_nothing_are_counted(void **state)
{
    struct buf got = BUF_INIT(1 << 22);
    int clients[CONN_SLOW_A_PLAYER_MAX];
    int client;

    (void)state;
    for (unsigned i = 0; i < CONN_SLOW_A_PLAYER_MAX; i++) {
        struct conn *conn = fixture_connect(&clients[i]);

        fixture_send(clients[i], GET("/mine"));
        fixture_wait_for(conn->write_pending);
    }
    struct conn *conn = fixture_connect(&client);
    fixture_send(client, GET("/mine"));
    fixture_expect(client, &got, "503 Service Unavailable");
    assert_true(conn_is_for_player(conn, 8)); /* another player's */
    buf_reset(&got);

    fixture_wait_for(((void)fixture_receive(clients[0], &got), got.len > BIG_BYTES));
    buf_reset(&got);
    fixture_send(client, GET("/mine"));
    fixture_wait_for(((void)fixture_receive(client, &got), got.len > BIG_BYTES));
    for (unsigned i = 0; i < CONN_SLOW_A_PLAYER_MAX; i++) {
        close(clients[i]);
    }
    close(client);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    assert_int_equal(fixture.worker.conns->slow[7], 0);
    buf_free(&got);
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

static void who_waits_has_no_texts_left(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    (void)fixture_connect(&client);
    fixture_send(client, "HEAD /later HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n");
    fixture_wait_for(app.later_count == 1);
    const struct request *request = http_request(conn_find(&fixture.worker, app.later[0])->http);
    assert_null(request->path.data);
    assert_null(request->accept_encoding.data);
    assert_int_equal(request->accept_encoding.len, 0);
    assert_null(request->body.data);
    assert_int_equal(request->method, METHOD_HEAD); /* numbers stay: the answer needs them */
    assert_int_not_equal(request->id, 0);
    answer_later(0, "late");
    fixture_expect(client, &got, "HTTP/1.1 200 OK\r\n");
    assert_false(fixture_contains(&got, "late"));
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

/* The socket has no room for its answers when the end is read. */
static void a_client_that_ends_in_half_a_request_gets_what_it_asked_before(void **state)
{
    struct buf all = BUF_INIT(1 << 20);
    struct buf got = BUF_INIT(1 << 20);
    const int little = 1;
    uv_os_fd_t fd;
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    assert_int_equal(uv_fileno(&conn->uv.handle, &fd), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &little, sizeof(little)), 0);
    for (unsigned i = 0; i < 100; i++) {
        buf_append_str(&all, STR(GET("/whole")));
    }
    buf_append_str(&all, STR("GET /hal"));
    buf_append_char(&all, '\0');
    fixture_send(client, all.data);
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    for (unsigned i = 0; i < 20; i++) {
        fixture_turn();
    }
    fixture_expect_end(client, &got);
    assert_int_equal(fixture_count(&got, "\r\n\r\n/whole"), 100);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&all);
    buf_free(&got);
    close(client);
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

/* Its socket has room again in the turn in which its share was used up: it goes on at once, with a
 * share of its own, and is refused while it stands in the list of those that have to wait. */
static void who_is_refused_while_owed_a_turn_is_still_heard(void **state)
{
    struct buf text = BUF_INIT(1 << 16);
    struct buf got = BUF_INIT(1 << 20);
    int client;
    struct conn *conn = fixture_connect(&client);
    int least = 1;
    uv_os_fd_t fd;

    (void)state;
    assert_int_equal(uv_fileno(&conn->uv.handle, &fd), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least)), 0);
    for (unsigned i = 0; !conn->write_pending; i++) {
        assert_true(i < 100);
        fixture_send(client, GET("/something-of-some-length-to-fill-it"));
        fixture_turn();
    }
    for (unsigned i = 0; i < OWED_REQUESTS_A_TURN; i++) {
        buf_append_str(&text, STR(GET("/x")));
    }
    buf_append_str(&text, STR("nonsense\r\n\r\n"));
    buf_append_char(&text, '\0');
    fixture_send(client, text.data);
    (void)fixture_receive(client, &got);
    fixture_turn();
    fixture_wait_for(((void)fixture_receive(client, &got), conn->state == CONN_LINGERING));
    assert_true(fixture_contains(&got, "{\"error\":\"bad_request\"}"));
    close(client);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
    buf_free(&text);
    buf_free(&got);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_and_the_connection_stays),
        TEST(an_idle_connection_holds_no_parser_and_no_buffer),
        TEST(pipelined_answers_keep_their_order_round_a_late_one),
        TEST(many_pipelined_requests_need_no_stack),
        TEST(who_pipelines_without_end_waits_for_the_others),
        TEST(a_client_that_has_said_all_gets_every_answer),
        TEST(who_takes_nothing_is_not_read_from),
        TEST(who_takes_nothing_of_short_answers_is_not_read_from_either),
        TEST(connections_of_a_player_that_take_nothing_are_counted),
        TEST(a_refusal_arrives_although_the_client_sends_on),
        TEST(close_is_said_and_done),
        TEST(who_waits_has_no_texts_left),
        TEST(a_late_answer_finds_nobody),
        TEST(a_client_that_ends_its_side_gets_its_late_answer),
        TEST(a_client_that_ends_in_half_a_request_gets_what_it_asked_before),
        TEST(a_stream_gets_the_bytes_and_one_goodbye),
        TEST(a_stream_hears_that_its_socket_has_room_again),
        TEST(a_client_that_vanishes_in_the_middle_is_forgotten),
        TEST(a_handler_may_hang_up),
        TEST(a_body_that_comes_in_pieces_is_whole_for_the_handler),
        TEST(a_client_that_waits_to_be_told_is_told),
        TEST(one_too_many_is_told_so),
        TEST(who_is_refused_while_owed_a_turn_is_still_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
