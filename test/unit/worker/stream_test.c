/* SPDX-License-Identifier: MIT */
/* stream_test.c - whose turn it is when there is more to do than time for it, and who is told of a reset. */
#include "test/unit/worker/fixture_conn.h"

#include <sys/uio.h>

#include "shm/heritage.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/state.h"
#include "shm/wire.h"
#include "worker/http.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/stream.h"

#define CLIENTS 24
#define A_WRITE_US 500 /* a tick has time for a few of them */
#define JOIN "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"
#define PING '\x89'
#define TEXT '\x81'
#define NEWCOMERS 40

static struct test_side {
    struct segment segment;
    struct heritage heritage;
    bool slow; /* every write takes A_WRITE_US */
    int clients[CLIENTS];
    bool has_got[CLIENTS];
} side;

/* ---- what stands in for libuv's writing and for the routes ---- */

int uv_try_write(uv_stream_t *stream, const uv_buf_t bufs[], unsigned count)
{
    uint64_t begun_us = clock_mono_us();
    struct iovec pieces[64];
    uv_os_fd_t fd;

    assert_true(count <= ARRAY_LEN(pieces));
    assert_int_equal(uv_fileno((uv_handle_t *)stream, &fd), 0);
    for (unsigned i = 0; i < count; i++) {
        pieces[i] = (struct iovec){bufs[i].base, bufs[i].len};
    }
    while (side.slow && clock_mono_us() - begun_us < A_WRITE_US) {
    }
    return (int)writev(fd, pieces, (int)count);
}

void route_dispatch(struct conn *conn, const struct request *request)
{
    const struct session session = {.player = SHM_NONE};

    (void)request;
    response_switching_protocols(conn, STR("key"));
    assert_true(stream_join(conn->worker, conn, &session, true, 0));
}

const char *route_name(uint32_t row, const char **ret_method)
{
    (void)row;
    (void)ret_method;
    return NULL;
}

/* ---- set-up ---- */

static int begin(void **state)
{
    struct shm_sizes sizes = {
        .players_max = 64,
        .challenges_max = 64,
        .hints_max = 64,
        .ring_slots = 16,
        .process_slots = 4,
        .revoked_slots = 64,
        .address_buckets = 16,
    };
    struct worker *worker = &fixture.worker;

    (void)state;
    memset(&side, 0, sizeof(side));
    fixture_begin();
    fixture.game.settings.ws_ping_interval_ms = 1; /* all are due at every tick */
    fixture.game.settings.ws_ping_timeout_ms = 60000;
    fixture.game.settings.ws_message_bytes_max = 1024;
    fixture.game.settings.stream_window_bytes = 1 << 20;
    fixture.game.settings.board_public = true; /* screens are good for ever */
    assert_true(segment_create(&sizes, &side.segment));
    side.heritage.segment = &side.segment;
    worker->heritage = &side.heritage;
    board_attach(&side.segment, &worker->board);
    ring_attach(&side.segment, &worker->ring);
    (void)board_spare_clear(&worker->board);
    board_publish(&worker->board);
    assert_true(stream_start(worker));
    return 0;
}

static int finish(void **state)
{
    static struct stream_hub *ended[32]; /* a worker ends with its streams: nobody frees a hub */
    static unsigned count;

    (void)state;
    ended[count++ % ARRAY_LEN(ended)] = fixture.worker.streams;
    fixture_end();
    segment_destroy(&side.segment);
    return 0;
}

static void join_all(void)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct conn *conn = fixture_connect(&side.clients[i]);

        fixture_send(side.clients[i], JOIN);
        fixture_wait_for(conn->state == CONN_STREAM);
    }
}

/* Clients that have been given such a frame since side.has_got was cleared. */
static unsigned count_given(char kind)
{
    unsigned count = 0;

    for (unsigned i = 0; i < CLIENTS; i++) {
        struct buf got = BUF_INIT(1 << 16);

        (void)fixture_receive(side.clients[i], &got);
        side.has_got[i] =
            side.has_got[i] || (got.len > 0 && memchr(got.data, kind, got.len) != NULL);
        count += side.has_got[i];
        buf_free(&got);
    }
    return count;
}

/* ---- tests ---- */

static void whoever_one_tick_does_not_reach_the_next_ones_do(void **state)
{
    (void)state;
    join_all();
    uint64_t joined_us = clock_mono_us();

    fixture_wait_for(clock_mono_us() - joined_us >=
                     2000); /* a first ping comes within an interval */
    side.slow = true;
    stream_tick(&fixture.worker, clock_mono_us());
    assert_in_range(count_given(PING), 1, CLIENTS - 1);
    for (unsigned ticks = 1; ticks < CLIENTS; ticks++) {
        stream_tick(&fixture.worker, clock_mono_us());
    }
    assert_int_equal(count_given(PING), CLIENTS);
    side.slow = false;
    for (unsigned i = 0; i < CLIENTS; i++) {
        close(side.clients[i]);
    }
}

/* In each turn an event more than all can be given, and somebody who joins. */
static void who_has_been_here_is_given_news_although_others_join(void **state)
{
    struct worker *worker = &fixture.worker;
    int newcomers[NEWCOMERS];

    (void)state;
    join_all();
    assert_int_equal(count_given(TEXT), CLIENTS); /* the first frame */
    memset(side.has_got, 0, sizeof(side.has_got));
    side.slow = true;
    for (unsigned i = 0; i < NEWCOMERS; i++) {
        const struct event event = {
            .seq = i + 1,
            .user_id = 1,
            .challenge = SHM_NONE,
            .type = EVENT_SOLVE,
            .version = EVENT_VERSION,
        };
        struct conn *conn = fixture_connect(&newcomers[i]);

        ring_append(&worker->ring, &event);
        stream_on_news(worker, WIRE_NEWS_EVENTS);
        fixture_send(newcomers[i], JOIN);
        fixture_wait_for(conn->state == CONN_STREAM);
    }
    assert_int_equal(count_given(TEXT), CLIENTS);
    side.slow = false;
    for (unsigned i = 0; i < NEWCOMERS; i++) {
        close(newcomers[i]);
    }
}

/* In a tick an answer that has waited too long is given, and the request behind it may be an upgrade. */
static void who_joins_within_a_tick_is_not_taken_for_silent(void **state)
{
    uint64_t ticked_us = clock_mono_us();

    (void)state;
    fixture_wait_for(clock_mono_us() > ticked_us);
    join_all();
    stream_tick(&fixture.worker, ticked_us);
    fixture_turn();
    assert_int_equal(stream_count(&fixture.worker), CLIENTS);
}

/* Of another moment than the loop's, a tick reaches one client. */
static void tick_for_all(uint64_t now_us)
{
    for (unsigned i = 0; i < CLIENTS; i++) {
        stream_tick(&fixture.worker, now_us);
    }
    fixture_turn();
}

static void shorter_times_are_counted_from_the_reload_that_brings_them(void **state)
{
    struct settings *settings = &fixture.game.settings;

    (void)state;
    settings->ws_ping_interval_ms = 600000;
    settings->ws_ping_timeout_ms = 900000;
    stream_tick(&fixture.worker, clock_mono_us());
    join_all();
    settings->ws_ping_interval_ms = 1000;
    settings->ws_ping_timeout_ms = 3000;
    uint64_t reload_us = clock_mono_us() + 100000000;
    tick_for_all(reload_us);
    assert_int_equal(stream_count(&fixture.worker), CLIENTS);
    tick_for_all(reload_us + 1000000);
    assert_int_equal(stream_count(&fixture.worker), CLIENTS);
    assert_int_equal(count_given(PING), CLIENTS);
    tick_for_all(reload_us + 3000001);
    assert_int_equal(stream_count(&fixture.worker), 0);
}

/* The next end of the loop's news is that client's reset frame. */
static unsigned resets_of(int client)
{
    struct buf got = BUF_INIT(1 << 16);

    fixture_expect_end(client, &got);
    unsigned count = fixture_count(&got, "\"reset\"");
    buf_free(&got);
    return count;
}

/* Nothing moves the floor then: the tick that comes before db's word sees only that sessions have ended. */
static void a_reset_of_a_game_without_events_is_told_although_a_tick_came_first(void **state)
{
    struct worker *worker = &fixture.worker;

    (void)state;
    join_all();
    state_set_auth_epoch(board_write_begin(&worker->board), 1);
    board_write_end(&worker->board);
    stream_tick(worker, clock_mono_us());
    stream_on_news(worker, WIRE_NEWS_RESET | WIRE_NEWS_AUTH | WIRE_NEWS_NAMES | WIRE_NEWS_BANK);
    assert_int_equal(resets_of(side.clients[0]), 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(whoever_one_tick_does_not_reach_the_next_ones_do),
        TEST(who_has_been_here_is_given_news_although_others_join),
        TEST(who_joins_within_a_tick_is_not_taken_for_silent),
        TEST(shorter_times_are_counted_from_the_reload_that_brings_them),
        TEST(a_reset_of_a_game_without_events_is_told_although_a_tick_came_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
