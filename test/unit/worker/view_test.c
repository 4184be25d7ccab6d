/* SPDX-License-Identifier: MIT */
/* view_test.c - who waits for a build gets what they asked for, whoever has spoken since. */
#include "test/unit/worker/fixture_conn.h"
#include "test/unit/worker/fixture_no_streams.h"

#include "shm/layout.h"
#include "worker/response.h"
#include "worker/view.h"
#include "worker/view_parts.h"

#define TEXT "{\"made\":\"up\"}"
#define ASK(headers) "GET /view HTTP/1.1\r\nHost: h\r\n" headers "\r\n"

static struct test_side {
    struct shm_board_control control; /* no db has published: no cut is to be had */
    bool may_take;                    /* the snapshot is there */
    uint64_t later;                   /* a conn whose answer is given by the test */
} side;

/* ---- what stands in for the routes and the views ---- */

void route_dispatch(struct conn *conn, const struct request *request)
{
    struct exchange exchange = {.worker = conn->worker, .conn = conn, .request = request};

    if (str_equal(request->path, STR("/view"))) {
        view_respond(&exchange, VIEW_SCOREBOARD);
    } else if (str_equal(request->path, STR("/later"))) {
        side.later = conn->id;
    } else {
        response_json(conn, 200, STR("{}"), NULL);
    }
}

static enum view_taken take(struct worker *worker, struct view_snapshot *snapshot,
                            uint64_t until_us)
{
    (void)worker;
    (void)until_us;
    if (!side.may_take) {
        return VIEW_TAKING;
    }
    return view_plan_part(snapshot, 1, false) ? VIEW_TAKEN : VIEW_NOT_TAKEN;
}

static void write_part(const struct view_snapshot *snapshot, uint32_t part, struct buf *out)
{
    (void)snapshot;
    (void)part;
    buf_append_str(out, STR(TEXT));
}

const struct view_maker view_scoreboard = {.take = take, .write = write_part};
const struct view_maker view_graph = {.take = take, .write = write_part};

/* ---- set-up ---- */

static int begin(void **state)
{
    (void)state;
    fixture_begin();
    memset(&side, 0, sizeof(side));
    fixture.worker.board.control = &side.control;
    assert_true(view_start(&fixture.worker));
    return 0;
}

static int finish(void **state)
{
    static struct worker ended[8]; /* a worker ends with its views: nobody frees them */
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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(who_waits_gets_the_form_they_asked_for),
        TEST(who_waits_has_the_tags_they_named),
        TEST(more_tags_than_there_is_room_for_are_none),
        TEST(a_request_that_was_kept_waits_with_what_it_said),
        TEST(many_wait_in_the_order_they_came),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
