/* SPDX-License-Identifier: MIT */
/* api_submit_test.c - what a guess costs when db cannot be asked; dbclient.c and heads are played here. */
#include "test/unit/worker/board_fixture.h"

#include "shm/base/clock.h"
#include "worker/api.h"
#include "worker/conn.h"
#include "worker/dbclient.h"
#include "worker/http.h"
#include "worker/limit.h"
#include "worker/response.h"
#include "worker/route.h"

#define BURST 3

static struct submit_test {
    struct board_fixture board;
    struct conn conn;
    unsigned asked; /* of db, which has no room */
    unsigned told;
    unsigned status; /* of the answer */
} test;

/* ---- what stands in for the rest of a worker ---- */

bool dbclient_ask(struct worker *worker, const void *message, uint64_t conn_id, const void *context,
                  size_t context_bytes, dbclient_answer answer)
{
    (void)worker;
    (void)message;
    (void)conn_id;
    (void)context;
    (void)context_bytes;
    (void)answer;
    test.asked++;
    return false;
}

void dbclient_tell(struct worker *worker, const void *message)
{
    (void)worker;
    (void)message;
    test.told++;
}

void response_error(struct conn *conn, unsigned status, const char *code)
{
    (void)conn;
    (void)code;
    test.status = status;
}

void response_json(struct conn *conn, unsigned status, struct str body,
                   const struct response_extra *extra)
{
    (void)conn;
    (void)body;
    (void)extra;
    test.status = status;
}

void conn_flush(struct conn *conn)
{
    (void)conn;
}

/* ---- set-up ---- */

static int begin(void **state)
{
    (void)state;
    memset(&test, 0, sizeof(test));
    board_fixture_make(&test.board, 1, 64);
    struct worker *worker = &test.board.worker;
    limits_attach(&test.board.shm.segment, &worker->limits);
    worker->game->settings.limit_submit =
        (struct settings_limit){.interval_ms = 600000, .burst = BURST};
    worker->now_us = clock_mono_us();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    board_fixture_end(&test.board);
    return 0;
}

/* As route.c does: the limit, then the handler.  Says how many tries are left. */
static uint32_t submit(struct str body)
{
    struct worker *worker = &test.board.worker;
    struct request request = {.id = 1, .method = METHOD_POST, .body = body};
    struct exchange exchange = {.worker = worker, .conn = &test.conn, .request = &request};
    uint64_t retry_us;

    assert_true(limit_take_player(worker, LIMIT_SUBMIT, 0, &retry_us));
    api_submit(&exchange);
    return limit_left_player(worker, LIMIT_SUBMIT, 0, &retry_us);
}

static void a_flag_that_db_has_no_room_for_costs_no_try(void **state)
{
    (void)state;
    assert_int_equal(submit(STR("{\"id\":1,\"flag\":\"a\"}")), BURST);
    assert_int_equal(test.asked, 1);
    assert_int_equal(test.status, 503);
}

static void a_wrong_guess_costs_one(void **state)
{
    (void)state;
    assert_int_equal(submit(STR("{\"id\":1,\"flag\":\"b\"}")), BURST - 1);
    assert_int_equal(test.told, 1);
    assert_int_equal(test.status, 200);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_flag_that_db_has_no_room_for_costs_no_try),
        TEST(a_wrong_guess_costs_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
