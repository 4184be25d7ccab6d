/* SPDX-License-Identifier: MIT */
/* dbclient_test.c - asking db: in order, once a turn, again after its death, never for ever. */
#include "test/unit/worker/fixture_conn.h"
#include "test/unit/worker/fixture_no_streams.h"

#include <stdio.h>

#include "shm/heritage.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "worker/dbclient.c"
#include "worker/overdue.h"
#include "worker/response.h"
#include "worker/view.h"

static struct test_db {
    struct heritage heritage;
    int listener;
    int peer; /* db's end of the connection; -1: none */
    struct buf got;
    uint32_t news;
    unsigned invalidated;
    unsigned answers;
    unsigned timeouts;
    uint64_t timeout_takes_us; /* its 503, and the next request behind it */
    uint64_t answered_ids[8];
    uint32_t answered_status;
    uint64_t conn_ids[8];
    unsigned conns;
    bool conn_was_there;
} db;

/* ---- what stands in for routes, streams and views ---- */

void route_dispatch(struct conn *conn, const struct request *request)
{
    (void)request;
    db.conn_ids[db.conns++] = conn->id;
}

void stream_on_news(struct worker *worker, uint32_t news)
{
    (void)worker;
    db.news |= news;
}

void view_invalidate(struct worker *worker)
{
    (void)worker;
    db.invalidated++;
}

/* ---- the other side ---- */

static int begin(void **state)
{
    static unsigned number;

    (void)state;
    fixture_begin();
    memset(&db, 0, sizeof(db));
    db.got = BUF_INIT(1 << 24);
    db.peer = -1;
    struct sockaddr_un *address = &db.heritage.db_address;
    address->sun_family = AF_UNIX;
    int len = snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "ctfg-test-%d-%u",
                       (int)getpid(), number++);
    db.heritage.db_address_len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    db.heritage.worker_number = 3;
    db.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(
        bind(db.listener, (const struct sockaddr *)address, db.heritage.db_address_len), 0);
    assert_int_equal(listen(db.listener, 16), 0);
    fixture.worker.heritage = &db.heritage;
    assert_true(dbclient_start(&fixture.worker));
    return 0;
}

static int finish(void **state)
{
    static struct dbclient *stopped[32]; /* a worker ends with its client: nobody frees one */
    static unsigned count;

    (void)state;
    dbclient_stop(&fixture.worker);
    stopped[count++ % ARRAY_LEN(stopped)] = fixture.worker.dbclient;
    fixture_end();
    if (db.peer >= 0) {
        close(db.peer);
    }
    close(db.listener);
    buf_free(&db.got);
    return 0;
}

static void db_accept(void)
{
    fixture_wait_for((db.peer = accept4(db.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0);
    buf_reset(&db.got);
}

static void db_dies(void)
{
    close(db.peer);
    db.peer = -1;
}

/* The i-th message that db has received. */
static bool db_message(unsigned i, struct wire_head *ret_head)
{
    size_t at = 0;

    if (db.peer >= 0) {
        (void)fixture_receive(db.peer, &db.got);
    }
    for (;;) {
        enum wire_verdict verdict = wire_check(db.got.data + at, db.got.len - at, ret_head);

        assert_int_not_equal(verdict, WIRE_BAD);
        if (verdict == WIRE_INCOMPLETE) {
            return false;
        }
        if (i-- == 0) {
            return true;
        }
        at += ret_head->size_bytes;
    }
}

static void db_answer(uint64_t request_id, enum wire_status status)
{
    struct wire_result result = {.head = wire_head_make(WIRE_RESULT, request_id),
                                 .status = (uint32_t)status};

    assert_int_equal(send(db.peer, &result, sizeof(result), MSG_NOSIGNAL), sizeof(result));
}

static void on_answer(struct worker *worker, struct conn *conn,
                      const struct dbclient_context *context, const struct wire_result *result)
{
    assert_ptr_equal(worker, &fixture.worker);
    db.conn_was_there = conn != NULL;
    if (result == NULL) {
        uint64_t begun_us = clock_mono_us();

        db.timeouts++;
        while (clock_mono_us() - begun_us < db.timeout_takes_us) {
        }
    } else {
        db.answered_ids[db.answers++ % 8] = result->head.request_id;
        db.answered_status = result->status;
        assert_int_equal(context->request_id, result->head.request_id);
    }
    assert_memory_equal(context->bytes, "note", 5);
    if (conn != NULL) {
        response_json(conn, 200, STR("{}"), NULL);
    }
}

static bool ask(uint64_t request_id, uint64_t conn_id)
{
    struct wire_submit message = {.head = wire_head_make(WIRE_SUBMIT, request_id), .player = 5};

    fixture.worker.now_us = clock_mono_us();
    return dbclient_ask(&fixture.worker, &message, conn_id, "note", 5, on_answer);
}

/* ---- tests ---- */

static void hello_comes_first_and_results_find_their_question(void **state)
{
    struct wire_head head;

    (void)state;
    db_accept();
    assert_true(dbclient_is_connected(&fixture.worker));
    assert_true(ask(11, 0));
    assert_true(ask(12, 0));
    fixture_wait_for(db_message(2, &head));
    assert_true(db_message(0, &head));
    assert_int_equal(head.type, WIRE_HELLO);
    assert_true(db_message(1, &head));
    assert_int_equal(head.request_id, 11);
    db_answer(12, WIRE_ALREADY);
    fixture_wait_for(db.answers == 1);
    assert_int_equal(db.answered_ids[0], 12);
    assert_int_equal(db.answered_status, WIRE_ALREADY);
    assert_int_equal(dbclient_waiting(&fixture.worker), 1);
    db_answer(11, WIRE_OK);
    fixture_wait_for(db.answers == 2);
    assert_int_equal(dbclient_waiting(&fixture.worker), 0);
}

static void what_is_asked_in_one_turn_is_one_write(void **state)
{
    struct wire_head head;
    struct wire_hello hello;

    (void)state;
    db_accept();
    fixture_wait_for(recv(db.peer, &hello, sizeof(hello), 0) == (ssize_t)sizeof(hello));
    for (uint64_t id = 1; id <= 100; id++) {
        assert_true(ask(id, 0));
    }
    assert_int_equal(fixture_receive(db.peer, &db.got), false);
    assert_int_equal(db.got.len, 0); /* nothing leaves before the turn ends */
    (void)uv_run(&fixture.worker.loop, UV_RUN_NOWAIT);
    assert_true(db_message(99, &head));
    assert_int_equal(head.request_id, 100);
}

static void after_a_death_all_is_asked_again_in_order(void **state)
{
    struct wire_head head;

    (void)state;
    db_accept();
    for (uint64_t id = 1; id <= 50; id++) {
        assert_true(ask(id, 0));
    }
    fixture_wait_for(db_message(50, &head));
    db_answer(2, WIRE_OK);
    db_answer(1, WIRE_OK);
    fixture_wait_for(db.answers == 2);
    uint64_t died_us = clock_mono_us();
    db_dies();
    db_accept(); /* the listener outlives db: its successor finds us there */
    fixture_wait_for(db_message(48, &head));
    assert_true(clock_mono_us() - died_us < 250000);
    assert_true(db_message(0, &head));
    assert_int_equal(head.type, WIRE_HELLO);
    for (unsigned i = 1; i <= 48; i++) {
        assert_true(db_message(i, &head));
        assert_int_equal(head.request_id, i + 2);
    }
    db_answer(50, WIRE_OK);
    fixture_wait_for(db.answers == 3);
}

static void what_is_asked_while_db_is_away_waits_for_its_successor(void **state)
{
    struct wire_head head;

    (void)state;
    db_accept();
    close(db.listener);
    db_dies();
    fixture_wait_for(!dbclient_is_connected(&fixture.worker));
    assert_true(ask(7, 0));
    for (unsigned i = 0; i < 20; i++) {
        fixture_turn();
    }
    db.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(db.listener, (const struct sockaddr *)&db.heritage.db_address,
                          db.heritage.db_address_len),
                     0);
    assert_int_equal(listen(db.listener, 16), 0);
    db_accept();
    fixture_wait_for(db_message(1, &head));
    assert_int_equal(head.request_id, 7);
}

static void without_an_answer_in_time_there_is_none(void **state)
{
    (void)state;
    db_accept();
    assert_true(ask(1, 0));
    dbclient_tick(&fixture.worker, clock_mono_us() + 900000);
    assert_int_equal(db.timeouts, 0);
    dbclient_tick(&fixture.worker, clock_mono_us() + 1100000);
    assert_int_equal(db.timeouts, 1);
    assert_int_equal(dbclient_waiting(&fixture.worker), 0);
    db_answer(1, WIRE_OK); /* too late */
    fixture_turn();
    fixture_turn();
    assert_int_equal(db.answers, 0);
    assert_true(dbclient_is_connected(&fixture.worker));
}

static void many_timeouts_share_out_over_turns(void **state)
{
    (void)state;
    db_accept();
    for (uint64_t id = 1; id <= 100; id++) {
        assert_true(ask(id, 0));
    }
    db.timeout_takes_us = 100;
    dbclient_tick(&fixture.worker, clock_mono_us() + 900000);
    assert_int_equal(db.timeouts, 0);
    dbclient_tick(&fixture.worker, clock_mono_us() + 1100000);
    assert_in_range(db.timeouts, 1, 1 + OVERDUE_TURN_US / 100);
    fixture_turn();
    assert_in_range(db.timeouts, 2, 2 + 2 * OVERDUE_TURN_US / 100);
    fixture_wait_for(db.timeouts == 100); /* without another tick */
    assert_int_equal(dbclient_waiting(&fixture.worker), 0);
    fixture_turn(); /* finds nobody, and is the last */
    assert_true(ask(101, 0));
    fixture_turn();
    assert_int_equal(db.timeouts, 100);
}

static void too_many_questions_are_refused(void **state)
{
    struct shm_sizes sizes = segment_sizes_for(4, 4, 4, 64, 2);
    struct segment segment;

    (void)state;
    assert_true(segment_create(&sizes, &segment));
    slots_own(&segment, SLOT_WORKER(1));
    for (uint64_t id = 1; id <= DBCLIENT_WAITING_MAX; id++) {
        assert_true(ask(id, 0));
    }
    assert_false(ask(999999, 0));
    assert_int_equal(slots_read(slots_at(&segment, SLOT_WORKER(1)), METRIC_DB_REFUSED), 1);
    db_accept();
    struct wire_head head;
    fixture_wait_for(db_message(1, &head));
    db_answer(1, WIRE_OK);
    fixture_wait_for(db.answers == 1);
    assert_true(ask(999999, 0));
    slots_own(&segment, UINT32_MAX); /* no row any more */
    segment_destroy(&segment);
}

static void a_slow_db_gets_everything_in_order_all_the_same(void **state)
{
    struct wire_head head;
    uint64_t id = 1;

    (void)state;
    db_accept();
    while (id <= 8000) { /* far more than the socket holds; db reads nothing meanwhile */
        for (unsigned i = 0; i < 500; i++) {
            assert_true(ask(id++, 0));
        }
        fixture_turn();
    }
    fixture_wait_for(db_message(8000, &head));
    assert_int_equal(head.request_id, 8000);
    assert_true(db_message(4000, &head));
    assert_int_equal(head.request_id, 4000);
}

static void a_question_there_was_no_memory_for_is_asked_again(void **state)
{
    struct buf *out = &fixture.worker.dbclient->out;
    struct wire_head head;

    (void)state;
    db_accept();
    fixture_wait_for(db_message(0, &head));
    out->max_bytes = out->cap_bytes = out->len; /* as if it could not grow */
    assert_true(ask(1, 1));
    int lost = db.peer;

    fixture_turn();
    out->max_bytes = OUT_BYTES_MAX;
    db_accept();
    close(lost);
    fixture_wait_for(db_message(1, &head));
    assert_int_equal(head.request_id, 1);
    assert_true(ask(2, 1));
    fixture_wait_for(db_message(2, &head));
    assert_int_equal(head.request_id, 2);
}

static void nonsense_from_db_costs_the_connection(void **state)
{
    struct wire_head head;

    (void)state;
    db_accept();
    assert_true(ask(1, 0));
    fixture_wait_for(db_message(1, &head));
    assert_int_equal(send(db.peer, "nonsense nonsense", 17, MSG_NOSIGNAL), 17);
    fixture_expect_end(db.peer, &db.got);
    close(db.peer);
    db_accept();
    fixture_wait_for(db_message(1, &head));
    assert_int_equal(head.request_id, 1);
    struct wire_submit foreign = {.head = wire_head_make(WIRE_SUBMIT, 1)};
    assert_int_equal(send(db.peer, &foreign, sizeof(foreign), MSG_NOSIGNAL), sizeof(foreign));
    fixture_expect_end(db.peer, &db.got);
}

static void news_reaches_streams_and_views(void **state)
{
    struct wire_poke poke = {.head = wire_head_make(WIRE_POKE, 0),
                             .news = WIRE_NEWS_EVENTS | WIRE_NEWS_NAMES};

    (void)state;
    db_accept();
    for (size_t i = 0; i < sizeof(poke); i++) { /* however it arrives */
        assert_int_equal(send(db.peer, (const char *)&poke + i, 1, MSG_NOSIGNAL), 1);
        fixture_turn();
    }
    fixture_wait_for(db.invalidated == 1);
    assert_int_equal(db.news, WIRE_NEWS_EVENTS | WIRE_NEWS_NAMES);
}

static void guesses_are_told_but_never_kept(void **state)
{
    struct wire_guess guess = {.head = wire_head_make(WIRE_GUESS, 5), .guess_bytes = 1};
    struct wire_head head;

    (void)state;
    db_accept();
    dbclient_tell(&fixture.worker, &guess);
    fixture_wait_for(db_message(1, &head));
    assert_int_equal(head.type, WIRE_GUESS);
    db_dies();
    dbclient_tell(&fixture.worker, &guess); /* into a dead socket, or into none: lost */
    db_accept();
    for (unsigned i = 0; i < 100000; i++) {
        dbclient_tell(&fixture.worker, &guess); /* bounded, whatever comes */
    }
    assert_true(ask(9, 0));
    bool found = false;
    fixture_wait_for(({
        for (unsigned i = 0; !found && db_message(i, &head); i++) {
            found = head.type == WIRE_SUBMIT && head.request_id == 9;
        }
        found;
    }));
}

static void a_waiting_connection_gets_its_answer(void **state)
{
    struct buf got = BUF_INIT(1 << 20);
    int client;

    (void)state;
    db_accept();
    (void)fixture_connect(&client);
    fixture_send(client, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    fixture_wait_for(db.conns == 1);
    assert_true(ask(1, db.conn_ids[0]));
    db_answer(1, WIRE_OK);
    fixture_expect(client, &got, "\r\n\r\n{}");
    assert_true(db.conn_was_there);
    buf_free(&got);
    close(client);
}

static void an_answer_for_someone_who_left_is_dropped(void **state)
{
    int client;

    (void)state;
    db_accept();
    struct conn *conn = fixture_connect(&client);
    fixture_send(client, "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
    fixture_wait_for(db.conns == 1);
    assert_true(ask(1, db.conn_ids[0]));
    conn_close(conn, false);
    db_answer(1, WIRE_OK);
    fixture_wait_for(db.answers == 1);
    assert_false(db.conn_was_there);
    close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(hello_comes_first_and_results_find_their_question),
        TEST(what_is_asked_in_one_turn_is_one_write),
        TEST(after_a_death_all_is_asked_again_in_order),
        TEST(what_is_asked_while_db_is_away_waits_for_its_successor),
        TEST(without_an_answer_in_time_there_is_none),
        TEST(many_timeouts_share_out_over_turns),
        TEST(too_many_questions_are_refused),
        TEST(a_slow_db_gets_everything_in_order_all_the_same),
        TEST(a_question_there_was_no_memory_for_is_asked_again),
        TEST(nonsense_from_db_costs_the_connection),
        TEST(news_reaches_streams_and_views),
        TEST(guesses_are_told_but_never_kept),
        TEST(a_waiting_connection_gets_its_answer),
        TEST(an_answer_for_someone_who_left_is_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
