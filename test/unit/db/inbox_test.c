/* SPDX-License-Identifier: MIT */
/* inbox_test.c - what db does with workers that send nonsense, do not read, or are too many. */
#include "db/inbox.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/base/clock.h"
#include "shm/base/log.h"

#define QUEUE_MAX 4
#define DEADLINE_US 10000000u

struct fixture {
    uv_loop_t loop;
    struct inbox inbox;
    struct sockaddr_un address;
    socklen_t address_len;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    fixture->address.sun_family = AF_UNIX;
    /* No name: the kernel chooses one, which no other test can have. */
    assert_int_equal(bind(fd, (struct sockaddr *)&fixture->address, sizeof(sa_family_t)), 0);
    fixture->address_len = sizeof(fixture->address);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&fixture->address, &fixture->address_len),
                     0);
    assert_true(inbox_open(&fixture->inbox, &fixture->loop, fd, QUEUE_MAX));
    *state = fixture;
    return 0;
}

static void turn(struct fixture *fixture)
{
    (void)uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

/* The workers have hung up by now: their connections end as db reads that. */
static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    uint64_t deadline_us = clock_mono_us() + DEADLINE_US;

    while (fixture->inbox.conn_count > 0 && clock_mono_us() < deadline_us) {
        turn(fixture);
    }
    inbox_stop_listening(&fixture->inbox);
    turn(fixture);
    inbox_free(&fixture->inbox);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture);
    return 0;
}

static int connect_silent(struct fixture *fixture)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&fixture->address, fixture->address_len), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static void say(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static void say_hello(int fd)
{
    struct wire_hello hello = {.head = wire_head_make(WIRE_HELLO, 0), .worker_number = 1};

    say(fd, &hello, sizeof(hello));
}

static void say_submit(int fd, uint64_t request_id)
{
    struct wire_submit submit = {.head = wire_head_make(WIRE_SUBMIT, request_id)};

    say(fd, &submit, sizeof(submit));
}

/* Runs the loop until db has closed this connection; false: it does not. */
static bool is_hung_up(struct fixture *fixture, int fd)
{
    uint64_t deadline_us = clock_mono_us() + DEADLINE_US;
    char byte;

    while (clock_mono_us() < deadline_us) {
        turn(fixture);
        ssize_t len = recv(fd, &byte, 1, 0);

        if (len == 0 || (len < 0 && errno == ECONNRESET)) {
            return true;
        }
    }
    return false;
}

static void turn_until_queued(struct fixture *fixture, uint32_t count)
{
    uint64_t deadline_us = clock_mono_us() + DEADLINE_US;

    while (fixture->inbox.queue_count < count && clock_mono_us() < deadline_us) {
        turn(fixture);
    }
    assert_int_equal(fixture->inbox.queue_count, count);
}

static void nonsense_costs_its_sender_the_connection_and_nobody_else(void **state)
{
    struct fixture *fixture = *state;
    union {
        struct wire_head head;
        struct wire_hello hello;
        struct wire_guess guess;
        struct wire_name name;
        struct wire_result result;
    } nonsense[] = {
        {.hello = {.head = wire_head_make(WIRE_HELLO, 0)}}, /* a second time */
        {.guess = {.head = wire_head_make(WIRE_GUESS, 0), .guess_bytes = WIRE_GUESS_BYTES_MAX + 1}},
        {.name = {.head = wire_head_make(WIRE_NAME, 1)}}, /* an empty one */
        {.name = {.head = wire_head_make(WIRE_NAME, 1)}}, /* one without end, see below */
        {.result = {.head = wire_head_make(WIRE_RESULT, 1)}},
        {.head = {.size_bytes = 1}}, /* shorter than its own head */
    };
    int honest = connect_silent(fixture);

    memset(nonsense[3].name.name, 'n', sizeof(nonsense[3].name.name));
    say_hello(honest);
    for (size_t i = 0; i < ARRAY_LEN(nonsense); i++) {
        int fd = connect_silent(fixture);
        size_t len = nonsense[i].head.size_bytes;

        say_hello(fd);
        say(fd, &nonsense[i], len < sizeof(struct wire_head) ? sizeof(struct wire_head) : len);
        say_submit(fd, 1); /* what stands behind it is not believed either */
        assert_true(is_hung_up(fixture, fd));
        (void)close(fd);
    }
    int hasty = connect_silent(fixture);

    say_submit(hasty, 1); /* without a hello */
    assert_true(is_hung_up(fixture, hasty));
    (void)close(hasty);
    assert_null(inbox_peek(&fixture->inbox));
    assert_null(inbox_peek_guess(&fixture->inbox));
    say_submit(honest, 7);
    turn_until_queued(fixture, 1);
    assert_int_equal(inbox_peek(&fixture->inbox)->head.request_id, 7);
    (void)close(honest);
}

static void a_full_queue_says_busy_and_half_a_queue_takes_no_guesses(void **state)
{
    struct fixture *fixture = *state;
    struct wire_guess guess = {.head = wire_head_make(WIRE_GUESS, 0), .guess_bytes = 1};
    struct wire_result busy = {0};
    int fd = connect_silent(fixture);

    say_hello(fd);
    say(fd, &guess, sizeof(guess));
    for (uint64_t i = 1; i <= QUEUE_MAX; i++) {
        say_submit(fd, i);
    }
    say(fd, &guess, sizeof(guess));
    turn_until_queued(fixture, QUEUE_MAX);
    assert_int_equal(fixture->inbox.guess_count, 1);
    say_submit(fd, 99);
    turn(fixture);
    assert_int_equal(recv(fd, &busy, sizeof(busy), 0), sizeof(busy));
    assert_int_equal(busy.head.request_id, 99);
    assert_int_equal(busy.status, WIRE_BUSY);
    inbox_pop_guess(&fixture->inbox);
    for (uint64_t i = 1; i <= QUEUE_MAX; i++) {
        assert_int_equal(inbox_peek(&fixture->inbox)->head.request_id, i);
        inbox_pop(&fixture->inbox);
    }
    assert_null(inbox_peek(&fixture->inbox));
    assert_null(inbox_peek_guess(&fixture->inbox));
    (void)close(fd);
}

static void answer(struct fixture *fixture, uint64_t conn_id, uint64_t request_id)
{
    struct wire_result result = {.head = wire_head_make(WIRE_RESULT, request_id)};

    inbox_answer(&fixture->inbox, conn_id, &result);
}

static uint64_t conn_id_of(struct fixture *fixture, int fd)
{
    say_submit(fd, 1);
    turn_until_queued(fixture, 1);
    uint64_t conn_id = inbox_peek(&fixture->inbox)->conn_id;

    inbox_pop(&fixture->inbox);
    return conn_id;
}

static void a_slow_reader_gets_every_answer_in_order(void **state)
{
    struct fixture *fixture = *state;
    uint64_t deadline_us = clock_mono_us() + DEADLINE_US;
    const uint64_t answers = 20000; /* more than a socket holds */
    struct wire_result result;
    uint64_t received = 0;
    size_t have = 0;
    int fd = connect_silent(fixture);

    say_hello(fd);
    uint64_t conn_id = conn_id_of(fixture, fd);

    for (uint64_t i = 1; i <= answers; i++) {
        answer(fixture, conn_id, i);
        if (i == answers / 2) {
            inbox_flush(&fixture->inbox); /* what comes later waits behind it */
        }
    }
    inbox_flush(&fixture->inbox);
    assert_true(inbox_unsent_bytes(&fixture->inbox) > answers / 2 * sizeof(result));
    while (received < answers && clock_mono_us() < deadline_us) {
        ssize_t len = recv(fd, (char *)&result + have, sizeof(result) - have, 0);

        if (len > 0 && (have += (size_t)len) == sizeof(result)) {
            assert_int_equal(result.head.request_id, ++received);
            have = 0;
        } else if (len < 0) {
            turn(fixture);
        }
    }
    assert_int_equal(received, answers);
    turn(fixture);
    assert_int_equal(inbox_unsent_bytes(&fixture->inbox), 0);
    (void)close(fd);
}

static void who_never_reads_is_dropped_and_holds_up_nobody(void **state)
{
    struct fixture *fixture = *state;
    struct wire_result result;
    int deaf = connect_silent(fixture);
    int listens = connect_silent(fixture);

    say_hello(deaf);
    uint64_t deaf_id = conn_id_of(fixture, deaf);

    say_hello(listens);
    uint64_t listens_id = conn_id_of(fixture, listens);

    for (uint64_t i = 0; i <= INBOX_OUT_BYTES_MAX / sizeof(result); i++) {
        answer(fixture, deaf_id, i);
    }
    answer(fixture, deaf_id, 1); /* finds nobody */
    answer(fixture, listens_id, 5);
    inbox_flush(&fixture->inbox);
    assert_int_equal(recv(listens, &result, sizeof(result), 0), sizeof(result));
    assert_int_equal(result.head.request_id, 5);
    assert_true(is_hung_up(fixture, deaf));
    assert_int_equal(fixture->inbox.conn_count, 1);
    (void)close(deaf);
    (void)close(listens);
}

static void who_hangs_up_while_he_is_written_to_is_forgotten(void **state)
{
    struct fixture *fixture = *state;
    uint64_t deadline_us = clock_mono_us() + DEADLINE_US;
    int fd = connect_silent(fixture);

    say_hello(fd);
    uint64_t conn_id = conn_id_of(fixture, fd);

    for (uint64_t i = 0; i < 20000; i++) {
        answer(fixture, conn_id, i);
    }
    inbox_flush(&fixture->inbox);
    assert_true(inbox_unsent_bytes(&fixture->inbox) > 0);
    (void)close(fd);
    while (fixture->inbox.conn_count > 0 && clock_mono_us() < deadline_us) {
        turn(fixture);
    }
    assert_int_equal(fixture->inbox.conn_count, 0);
}

static void one_connection_too_many_is_hung_up_on(void **state)
{
    struct fixture *fixture = *state;
    int fds[INBOX_CONNS_MAX];

    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        fds[i] = connect_silent(fixture);
        turn(fixture);
    }
    int one_more = connect_silent(fixture);

    assert_true(is_hung_up(fixture, one_more));
    (void)close(one_more);
    assert_int_equal(fixture->inbox.conn_count, INBOX_CONNS_MAX);
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        (void)close(fds[i]);
    }
    uint64_t deadline_us = clock_mono_us() + DEADLINE_US;

    while (fixture->inbox.conn_count > 0 && clock_mono_us() < deadline_us) {
        turn(fixture);
    }
    int later = connect_silent(fixture); /* in a place that fell free */

    say_hello(later);
    say_submit(later, 1);
    turn_until_queued(fixture, 1);
    (void)close(later);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nonsense_costs_its_sender_the_connection_and_nobody_else,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_queue_says_busy_and_half_a_queue_takes_no_guesses,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_slow_reader_gets_every_answer_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_never_reads_is_dropped_and_holds_up_nobody, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_hangs_up_while_he_is_written_to_is_forgotten, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_connection_too_many_is_hung_up_on, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
