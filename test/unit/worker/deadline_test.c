/* SPDX-License-Identifier: MIT */
/* deadline_test.c - every time limit runs out for whom it should, and for nobody else. */
#include "test/unit/worker/fixture_app.h"

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

#define CLIENTS 1000 /* that end at once */
#define DRAINED 4000 /* the same, of those who have asked nothing */

static int want_descriptors(void **state)
{
    (void)state;
    return fixture_want_descriptors(DRAINED);
}

static unsigned how_many(struct conn *const *conns, unsigned count, enum conn_state state)
{
    unsigned found = 0;

    for (unsigned i = 0; i < count; i++) {
        found += conns[i]->state == state;
    }
    return found;
}

/* A conn that was refused lingers, for its client has not closed: none is freed under the test. */
static void many_slow_heads_share_out_their_end_over_turns(void **state)
{
    static struct conn *conns[CLIENTS];
    static int clients[CLIENTS];

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        conns[i] = fixture_connect(&clients[i]);
        fixture_send(clients[i], "GET /x HT");
    }
    fixture_wait_for(how_many(conns, CLIENTS, CONN_READING) == CLIENTS);
    conn_tick(&fixture.worker, clock_mono_us() + 1100000);
    assert_in_range(how_many(conns, CLIENTS, CONN_READING), 1, CLIENTS - 1);
    fixture_wait_for(how_many(conns, CLIENTS, CONN_READING) == 0); /* without another tick */
    fixture_turn();
    fixture_turn();
    assert_false(uv_is_active((uv_handle_t *)&fixture.worker.conns->overdue.idle));
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct buf got = BUF_INIT(1 << 16);

        assert_true(fixture_receive(clients[i], &got));
        assert_true(fixture_contains(&got, "HTTP/1.1 408 "));
        buf_free(&got);
        close(clients[i]);
    }
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
    assert_int_equal(conn->state, CONN_LINGERING); /* for the rest of the body may be on its way */
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

/*
 * A worker that was kept from its loop: what has come meanwhile lies in the socket as the tick comes.
 * clients: one between two requests, one with its first, one that says nothing.
 */
static void tick_before_reading(int *clients, uint64_t later_us, bool draining)
{
    struct buf got = BUF_INIT(1 << 20);

    for (unsigned i = 0; i < 3; i++) {
        (void)fixture_connect(&clients[i]);
    }
    fixture_send(clients[0], GET("/before"));
    fixture_expect(clients[0], &got, "/before");
    if (draining) {
        fixture.worker.draining = true;
        conn_drain_all(&fixture.worker);
    }
    fixture_send(clients[0], GET("/in-time"));
    fixture_send(clients[1], GET("/in-time"));
    conn_tick(&fixture.worker, clock_mono_us() + later_us);
    buf_free(&got);
}

static void expect_answers(int *clients)
{
    for (unsigned i = 0; i < 3; i++) {
        struct buf got = BUF_INIT(1 << 20);

        if (i < 2) {
            fixture_expect(clients[i], &got, "/in-time");
        } else {
            fixture_expect_end(clients[i], &got);
            assert_int_equal(got.len, 0);
        }
        buf_free(&got);
        close(clients[i]);
    }
}

static void what_lies_in_the_socket_is_answered_by_a_drain(void **state)
{
    int clients[3];

    (void)state;
    tick_before_reading(clients, 200000, true);
    expect_answers(clients);
    fixture_wait_for(conn_count(&fixture.worker) == 0);
}

static void what_lies_in_the_socket_when_time_is_up_came_in_time(void **state)
{
    int clients[3];

    (void)state;
    tick_before_reading(clients, 3100000, false);
    expect_answers(clients);
}

static void a_drain_shares_out_the_end_of_the_idle_over_turns(void **state)
{
    static struct conn *conns[DRAINED];
    static int clients[DRAINED];

    (void)state;
    for (unsigned i = 0; i < DRAINED; i++) {
        conns[i] = fixture_connect(&clients[i]);
    }
    fixture.worker.draining = true;
    conn_drain_all(&fixture.worker);
    conn_tick(&fixture.worker, clock_mono_us() + 200000);
    assert_in_range(how_many(conns, DRAINED, CONN_CLOSED), 1, DRAINED - 1);
    fixture_wait_for(conn_count(&fixture.worker) == 0); /* without another tick */
    for (unsigned i = 0; i < DRAINED; i++) {
        close(clients[i]);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_lingering_connection_goes_in_the_end),
        TEST(a_slow_head_is_408_and_silence_is_closed),
        TEST(many_slow_heads_share_out_their_end_over_turns),
        TEST(dripping_bytes_win_no_time),
        TEST(a_slow_body_has_its_own_limit),
        TEST(an_idle_connection_is_closed_after_its_time),
        TEST(who_waits_for_us_has_no_limit),
        TEST(who_takes_nothing_is_closed_who_takes_little_is_not),
        TEST(a_drain_answers_those_who_wait_and_closes_the_idle),
        TEST(what_lies_in_the_socket_is_answered_by_a_drain),
        TEST(what_lies_in_the_socket_when_time_is_up_came_in_time),
        TEST(a_drain_shares_out_the_end_of_the_idle_over_turns),
    };

    return cmocka_run_group_tests(tests, want_descriptors, NULL);
}
