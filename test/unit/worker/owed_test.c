/* SPDX-License-Identifier: MIT */
/*
 * owed_test.c - a turn that has lasted: who is not read stays readable, and libuv's poll ends.
 *
 * The first request of each test takes all of a turn; the others are counted.  libuv's calls of
 * epoll_wait() come to this file's.
 */
#include "test/unit/worker/fixture_conn.h"
#include "test/unit/worker/fixture_no_streams.h"

#include <sys/epoll.h>
#include <sys/syscall.h>

#include "worker/response.h"

/* What libuv fetches at a time; when it gets as many it asks again, up to 48 times. */
#define EVENTS_A_POLL 1024
#define CLIENTS_MAX (EVENTS_A_POLL + 100)
#define REQUEST "GET /x HTTP/1.1\r\nHost: h\r\n\r\n"

static struct test_side {
    int clients[CLIENTS_MAX];
    unsigned client_count;
    unsigned served;
    unsigned polls;
} side;

int epoll_pwait(int fd, struct epoll_event *events, int max, int timeout_ms, const sigset_t *mask)
{
    side.polls++;
    return (int)syscall(SYS_epoll_pwait, fd, events, max, timeout_ms, mask, sizeof(uint64_t));
}

int epoll_wait(int fd, struct epoll_event *events, int max, int timeout_ms)
{
    return epoll_pwait(fd, events, max, timeout_ms, NULL);
}

void route_dispatch(struct conn *conn, const struct request *request)
{
    uint64_t begun_us = clock_mono_us();

    (void)request;
    while (side.served == 0 && clock_mono_us() - begun_us < OWED_TURN_US) {
    }
    side.served++;
    response_json(conn, 200, STR("{}"), NULL);
}

static int want_descriptors(void **state)
{
    (void)state;
    return fixture_want_descriptors(CLIENTS_MAX);
}

static int begin(void **state)
{
    (void)state;
    memset(&side, 0, sizeof(side));
    fixture_begin();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    for (unsigned i = 0; i < side.client_count; i++) {
        close(side.clients[i]);
    }
    fixture_end();
    return 0;
}

static void ask_all_at_once(unsigned count)
{
    for (; side.client_count < count; side.client_count++) {
        (void)fixture_connect(&side.clients[side.client_count]);
    }
    fixture_turn(); /* all are known to epoll */
    for (unsigned i = 0; i < count; i++) {
        fixture_send(side.clients[i], REQUEST);
    }
    side.polls = 0;
}

static void who_is_not_read_in_this_turn_is_read_in_the_next(void **state)
{
    (void)state;
    ask_all_at_once(8);
    fixture_turn();
    assert_int_equal(side.served, 1);
    fixture_turn();
    assert_int_equal(side.served, 8);
}

static void a_full_turn_asks_for_no_more_events(void **state)
{
    (void)state;
    ask_all_at_once(CLIENTS_MAX);
    fixture_turn();
    assert_int_equal(side.served, 1);
    /* Those who were ready, those who are still, and with them the signal. */
    assert_in_range(side.polls, 1, 4);
    fixture_wait_for(side.served == CLIENTS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(who_is_not_read_in_this_turn_is_read_in_the_next),
        TEST(a_full_turn_asks_for_no_more_events),
    };

    return cmocka_run_group_tests(tests, want_descriptors, NULL);
}
