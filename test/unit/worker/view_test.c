/* SPDX-License-Identifier: MIT */
/* view_test.c - who waits for a build gets what they asked for, whoever has spoken since. */
#include "test/unit/worker/fixture_conn.h"
#include "test/unit/worker/fixture_no_streams.h"

#include "shm/layout.h"
#include "shm/state.h"
#include "worker/mirror.h"
#include "worker/response.h"
#include "worker/view.h"
#include "worker/view_parts.h"

#define TEXT "{\"made\":\"up\"}"
#define TEXT_AFTER_RESET "{\"made\":\"anew\"}"
#define TEXT_WITH_NEWS "{\"made\":\"with news\"}"
#define RESET "GET /reset HTTP/1.1\r\nHost: h\r\n\r\n"
#define GRAPH "GET /graph HTTP/1.1\r\nHost: h\r\n\r\n"
#define MORE_THAN_A_SLICE_US 5000
#define TOO_OLD_US 60000 /* a board that is asked for then */
#define ASK(headers) "GET /view HTTP/1.1\r\nHost: h\r\n" headers "\r\n"

static struct test_side {
    struct shm_board_control control; /* no db has published: no cut is to be had */
    struct shm_bank_head head;
    bool may_take; /* the snapshot is there */
    bool may_take_graph;
    bool cannot_take; /* the board does not hold still */
    bool has_news;
    unsigned slow_parts; /* still to be written; with the last something happens, */
    int late_client;     /* and somebody asks */
    uint64_t later;      /* a conn whose answer is given by the test */
} side;

static bool is_reset(void)
{
    return atomic_load(&side.head.floor_seq) != 0;
}

/* ---- what stands in for the routes and the views ---- */

static void pass_time(uint64_t time_us)
{
    uint64_t begun_us = clock_mono_us();

    while (clock_mono_us() - begun_us < time_us) {
    }
}

/* Takes so long that nobody else is answered in this turn. */
static void reset_slowly(void)
{
    atomic_store(&side.head.floor_seq, 1);
    atomic_fetch_add(&side.head.version, 2);
    pass_time(MORE_THAN_A_SLICE_US);
}

void route_dispatch(struct conn *conn, const struct request *request)
{
    struct exchange exchange = {.worker = conn->worker, .conn = conn, .request = request};

    if (str_equal(request->path, STR("/view"))) {
        view_respond(&exchange, VIEW_SCOREBOARD);
    } else if (str_equal(request->path, STR("/graph"))) {
        view_respond(&exchange, VIEW_GRAPH);
    } else if (str_equal(request->path, STR("/later"))) {
        side.later = conn->id;
    } else {
        if (str_equal(request->path, STR("/reset"))) {
            reset_slowly();
        }
        response_json(conn, 200, STR("{}"), NULL);
    }
}

static enum view_taken take(struct worker *worker, struct view_snapshot *snapshot,
                            uint64_t until_us)
{
    (void)until_us;
    if (side.cannot_take) {
        return VIEW_NOT_TAKEN;
    }
    if (!side.may_take) {
        return VIEW_TAKING;
    }
    worker->mirror->version = atomic_load(&side.head.version);
    worker->mirror->floor_seq = atomic_load(&side.head.floor_seq);
    uint64_t key = 1 + (uint64_t)is_reset() + 2 * (uint64_t)side.has_news;
    return view_plan_part(snapshot, key, false) &&
                   (side.slow_parts == 0 || view_plan_part(snapshot, key + 8, true))
               ? VIEW_TAKEN
               : VIEW_NOT_TAKEN;
}

static enum view_taken take_graph(struct worker *worker, struct view_snapshot *snapshot,
                                  uint64_t until_us)
{
    (void)worker;
    (void)until_us;
    if (!side.may_take_graph) {
        return VIEW_TAKING;
    }
    return view_plan_part(snapshot, 1, false) ? VIEW_TAKEN : VIEW_NOT_TAKEN;
}

static void write_part(const struct view_snapshot *snapshot, uint32_t part, struct buf *out)
{
    (void)snapshot;
    (void)part;
    buf_append_str(out, is_reset()      ? STR(TEXT_AFTER_RESET)
                        : side.has_news ? STR(TEXT_WITH_NEWS)
                                        : STR(TEXT));
    if (side.slow_parts == 0) {
        return;
    }
    pass_time(TOO_OLD_US / 2);
    if (--side.slow_parts == 0) {
        side.has_news = true;
        atomic_fetch_add(&side.head.version, 2);
        fixture_send(side.late_client, ASK(""));
    }
}

const struct view_maker view_scoreboard = {.take = take, .write = write_part};
const struct view_maker view_graph = {.take = take_graph, .write = write_part};

/* ---- set-up ---- */

static int begin(void **state)
{
    (void)state;
    fixture_begin();
    memset(&side, 0, sizeof(side));
    fixture.worker.board.control = &side.control;
    fixture.worker.board.banks[0].head = &side.head;
    assert_true(view_start(&fixture.worker));
    return 0;
}

static int finish(void **state)
{
    static struct worker ended[16]; /* a worker ends with its views: nobody frees them */
    static unsigned count;

    (void)state;
    ended[count++ % ARRAY_LEN(ended)] = fixture.worker;
    fixture_end();
    return 0;
}

/* Sends, and turns the loop until the view has the request. */
static void ask(int client, struct conn *conn, const char *text)
{
    fixture_send(client, text);
    fixture_wait_for(conn->state == CONN_WAITING);
}

/* Both wait; then the snapshot is there. */
static void ask_one_after_the_other(int *ret_first, const char *first_text, int *ret_second,
                                    const char *second_text)
{
    struct conn *first = fixture_connect(ret_first);
    struct conn *second = fixture_connect(ret_second);

    ask(*ret_first, first, first_text);
    ask(*ret_second, second, second_text);
    side.may_take = true;
}

/* ---- tests ---- */

static void who_waits_gets_the_form_they_asked_for(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int first;
    int second;

    (void)state;
    ask_one_after_the_other(&first, ASK("Accept-Encoding: gzip\r\n"), &second,
                            ASK("Accept-Encoding: none\r\n"));
    fixture_expect(first, &got, "\r\n\r\n");
    assert_true(fixture_contains(&got, "Content-Encoding: gzip\r\n"));
    buf_reset(&got);
    fixture_expect(second, &got, TEXT);
    assert_false(fixture_contains(&got, "Content-Encoding:"));
    buf_free(&got);
    close(first);
    close(second);
}

static void who_waits_has_the_tags_they_named(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int first;
    int second;

    (void)state;
    ask_one_after_the_other(&first, ASK("If-None-Match: *\r\n"), &second,
                            ASK("If-None-Match: x\r\n"));
    fixture_expect(first, &got, "HTTP/1.1 304 Not Modified\r\n");
    buf_reset(&got);
    fixture_expect(second, &got, TEXT);
    assert_true(fixture_contains(&got, "HTTP/1.1 200 OK\r\n"));
    buf_free(&got);
    close(first);
    close(second);
}

static void more_tags_than_there_is_room_for_are_none(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    ask(client, conn,
        ASK("If-None-Match: *, \"000000000000000000000000000000000000000000000000\", "
            "\"111111111111111111111111111111111111111111111111\"\r\n"));
    side.may_take = true;
    fixture_expect(client, &got, TEXT);
    buf_free(&got);
    close(client);
}

/* Its bytes were kept behind another's answer, and are freed when it begins to wait. */
static void a_request_that_was_kept_waits_with_what_it_said(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    fixture_send(client, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n" ASK("Accept-Encoding: gzip\r\n")
                             ASK("If-None-Match: *\r\n"));
    fixture_wait_for(side.later == conn->id);
    response_json(conn, 200, STR("{}"), NULL);
    fixture_expect(client, &got, "{}");
    assert_int_equal(conn->state, CONN_WAITING);
    side.may_take = true;
    fixture_expect(client, &got, "HTTP/1.1 304 Not Modified\r\n");
    assert_int_equal(fixture_count(&got, "Content-Encoding: gzip\r\n"), 1);
    buf_free(&got);
    close(client);
}

/* The graph is the last view of a slice, and its answer lets in who wants the first. */
static void who_asks_for_another_view_behind_one_waits_no_longer_than_it_takes(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int client;
    struct conn *conn = fixture_connect(&client);

    (void)state;
    atomic_store(&side.control.ready, 1);
    side.may_take = true;
    fixture_send(client, ASK(""));
    fixture_expect(client, &got, TEXT);
    side.may_take = false;
    atomic_fetch_add(&side.head.version, 2);
    ask(client, conn, GRAPH ASK("Accept-Encoding: gzip\r\n"));
    side.may_take_graph = true;
    buf_reset(&got);
    fixture_expect(client, &got, TEXT);
    assert_int_equal(conn->state, CONN_WAITING);
    side.may_take = true;
    fixture_expect(client, &got, "Content-Encoding: gzip\r\n");
    buf_free(&got);
    close(client);
}

static void many_wait_in_the_order_they_came(void **state)
{
    enum { CLIENTS = 100 };
    struct buf got = BUF_INIT(1 << 16);
    int clients[CLIENTS];

    (void)state;
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct conn *conn = fixture_connect(&clients[i]);

        ask(clients[i], conn, i % 2 == 0 ? ASK("If-None-Match: *\r\n") : ASK(""));
    }
    side.may_take = true;
    for (unsigned i = 0; i < CLIENTS; i++) {
        buf_reset(&got);
        fixture_expect(clients[i], &got, i % 2 == 0 ? "HTTP/1.1 304 " : TEXT);
        close(clients[i]);
    }
    buf_free(&got);
}

/* One has the board, resets the game and asks again, while another still waits for that board. */
static void nobody_sees_a_board_of_before_a_reset_while_others_wait(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int first;
    int second;

    (void)state;
    atomic_store(&side.control.ready, 1);
    ask_one_after_the_other(&first, ASK("") RESET ASK(""), &second, ASK(""));
    fixture_expect(first, &got, "{}");
    fixture_wait_for(((void)fixture_receive(first, &got), fixture_count(&got, "{\"made\"") == 2));
    assert_int_equal(fixture_count(&got, TEXT), 1);
    assert_int_equal(fixture_count(&got, TEXT_AFTER_RESET), 1);
    buf_reset(&got);
    fixture_expect(second, &got, TEXT_AFTER_RESET);
    buf_free(&got);
    close(first);
    close(second);
}

/* A client that has been given the board. */
static void connect_and_see(int *ret_client, struct buf *got)
{
    atomic_store(&side.control.ready, 1);
    side.may_take = true;
    (void)fixture_connect(ret_client);
    fixture_send(*ret_client, ASK(""));
    fixture_expect(*ret_client, got, TEXT);
}

static void a_board_of_before_a_reset_is_no_answer_for_want_of_another(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int client;

    (void)state;
    connect_and_see(&client, &got);
    side.cannot_take = true;
    fixture_send(client, RESET ASK(""));
    buf_reset(&got);
    fixture_expect(client, &got, "HTTP/1.1 503 ");
    assert_false(fixture_contains(&got, TEXT));
    buf_free(&got);
    close(client);
}

/* The second asks when the snapshot that is being written has become too old. */
static void who_comes_late_to_a_build_has_one_of_their_own(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int first;

    (void)state;
    atomic_store(&side.control.ready, 1);
    side.may_take = true;
    side.slow_parts = 2;
    (void)fixture_connect(&first);
    (void)fixture_connect(&side.late_client);
    fixture_send(first, ASK(""));
    fixture_expect(first, &got, TEXT "," TEXT);
    buf_reset(&got);
    fixture_expect(side.late_client, &got, TEXT_WITH_NEWS);
    buf_free(&got);
    close(first);
    close(side.late_client);
}

/* db has died in the middle of an event, and others went before it. */
static void an_old_board_is_no_answer_when_no_newer_one_can_be_had(void **state)
{
    struct buf got = BUF_INIT(1 << 16);
    int client;

    (void)state;
    connect_and_see(&client, &got);
    side.cannot_take = true;
    atomic_fetch_add(&side.head.version, 1);
    fixture_send(client, ASK(""));
    buf_reset(&got);
    fixture_expect(client, &got, TEXT);
    pass_time(TOO_OLD_US);
    fixture_send(client, ASK(""));
    buf_reset(&got);
    fixture_expect(client, &got, TEXT); /* old, but nothing has happened since */
    atomic_store(&side.head.committed_seq, 1);
    fixture_send(client, ASK(""));
    buf_reset(&got);
    fixture_expect(client, &got, "HTTP/1.1 503 ");
    buf_free(&got);
    close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(who_waits_gets_the_form_they_asked_for),
        TEST(who_waits_has_the_tags_they_named),
        TEST(more_tags_than_there_is_room_for_are_none),
        TEST(a_request_that_was_kept_waits_with_what_it_said),
        TEST(who_asks_for_another_view_behind_one_waits_no_longer_than_it_takes),
        TEST(many_wait_in_the_order_they_came),
        TEST(nobody_sees_a_board_of_before_a_reset_while_others_wait),
        TEST(a_board_of_before_a_reset_is_no_answer_for_want_of_another),
        TEST(who_comes_late_to_a_build_has_one_of_their_own),
        TEST(an_old_board_is_no_answer_when_no_newer_one_can_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
