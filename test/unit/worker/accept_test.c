/* SPDX-License-Identifier: MIT */
/* accept_test.c - bites, fairness between siblings, and what becomes of one too many. */
#include "test/unit/worker/fixture_conn.h"
#include "test/unit/worker/fixture_no_streams.h"

#include <stdatomic.h>

#include <netinet/in.h>
#include <sys/resource.h>

#include "shm/heritage.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "worker/accept.h"
#include "worker/response.h"

#define CLIENTS_MAX (6 * ACCEPT_BITE_CONNS)

static struct test_side {
    struct heritage heritage;
    struct segment segment;
    struct sockaddr_in address;
    int clients[CLIENTS_MAX];
    unsigned client_count;
} side;

void route_dispatch(struct conn *conn, const struct request *request)
{
    (void)request;
    response_json(conn, 200, STR("{}"), NULL);
}

/* ---- set-up: worker 1 of 2, on a socket of its own ---- */

static int begin(void **state)
{
    struct shm_sizes sizes = segment_sizes_for(4, 4, 4, 64, 2);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(side.address);

    (void)state;
    fixture_begin();
    memset(&side, 0, sizeof(side));
    assert_true(segment_create(&sizes, &side.segment));
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&any, sizeof(any)), 0);
    assert_int_equal(listen(listener, CLIENTS_MAX), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&side.address, &len), 0);
    side.heritage = (struct heritage){
        .segment = &side.segment,
        .process_slot = SLOT_WORKER(1),
        .worker_number = 1,
        .worker_count = 2,
        .control_fd = listener,
        .listener_count = 1,
        .listener_fds = {listener},
        .metrics_fd = HERITAGE_FD_NONE,
    };
    fixture.worker.heritage = &side.heritage;
    fixture.game.settings.conns_per_worker_max = CLIENTS_MAX;
    slots_own(&side.segment, SLOT_WORKER(1));
    assert_true(accept_start(&fixture.worker));
    return 0;
}

static int finish(void **state)
{
    static struct accept_state *stopped[16];
    static unsigned count;

    (void)state;
    if (!fixture.worker.draining) {
        accept_stop(&fixture.worker);
    }
    stopped[count++ % ARRAY_LEN(stopped)] = fixture.worker.accept;
    for (unsigned i = 0; i < side.client_count; i++) {
        close(side.clients[i]);
    }
    fixture_end();
    segment_destroy(&side.segment);
    return 0;
}

static int connect_one(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&side.address, sizeof(side.address)), 0);
    side.clients[side.client_count++] = fd;
    return fd;
}

static void connect_many(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        (void)connect_one();
    }
}

static uint64_t metric(enum slot_metric which)
{
    return slots_read(slots_at(&side.segment, SLOT_WORKER(1)), which);
}

/* The other worker, as its row tells it. */
static void sibling_is(enum slot_state state, uint64_t beat_us, uint64_t open, uint64_t took)
{
    struct shm_slot *slot = slots_at(&side.segment, SLOT_WORKER(2));

    atomic_store_explicit(&slot->state, (uint32_t)state, memory_order_relaxed);
    atomic_store_explicit(&slot->heartbeat_us, beat_us, memory_order_relaxed);
    atomic_store_explicit(&slot->metrics[METRIC_CONNS_OPEN], open, memory_order_relaxed);
    atomic_store_explicit(&slot->metrics[METRIC_CONNS_ACCEPTED], took, memory_order_relaxed);
}

/* ---- tests ---- */

static void a_herd_is_taken_in_bites(void **state)
{
    (void)state;
    connect_many(ACCEPT_BITE_CONNS + 10);
    fixture_wait_for(conn_count(&fixture.worker) > 0);
    assert_int_equal(conn_count(&fixture.worker), ACCEPT_BITE_CONNS);
    fixture_wait_for(conn_count(&fixture.worker) == ACCEPT_BITE_CONNS + 10);
    assert_int_equal(metric(METRIC_CONNS_ACCEPTED), ACCEPT_BITE_CONNS + 10);
    assert_int_equal(metric(METRIC_CONNS_OPEN), ACCEPT_BITE_CONNS + 10);
}

static void far_above_its_siblings_a_worker_lets_them_go_first(void **state)
{
    (void)state;
    sibling_is(SLOT_READY, clock_mono_us() + 1000000, 8, 8);
    connect_many(2 * ACCEPT_BITE_CONNS);
    fixture_wait_for(metric(METRIC_ACCEPT_PAUSES) == 1);
    assert_int_equal(conn_count(&fixture.worker), ACCEPT_BITE_CONNS);
    sibling_is(SLOT_READY, clock_mono_us() + 1000000, 200, 200); /* it has caught up */
    fixture_wait_for(conn_count(&fixture.worker) == 2 * ACCEPT_BITE_CONNS);
}

static void siblings_that_take_nothing_are_not_waited_for_again(void **state)
{
    uint64_t begun_us = clock_mono_us();

    (void)state;
    sibling_is(SLOT_READY, begun_us + 10000000, 0, 0); /* stopped a moment ago */
    connect_many(6 * ACCEPT_BITE_CONNS);
    fixture_wait_for(conn_count(&fixture.worker) == 6 * ACCEPT_BITE_CONNS);
    assert_true(clock_mono_us() - begun_us < 1000000);
    assert_in_range(metric(METRIC_ACCEPT_PAUSES), 2, 4); /* after 1, 2 and 4 bites */
}

static void the_dead_and_the_leaving_are_not_waited_for(void **state)
{
    (void)state;
    sibling_is(SLOT_READY, clock_mono_us() - 10000000, 0, 0);
    connect_many(2 * ACCEPT_BITE_CONNS);
    fixture_wait_for(conn_count(&fixture.worker) == 2 * ACCEPT_BITE_CONNS);
    sibling_is(SLOT_DRAINING, clock_mono_us() + 10000000, 0, 0);
    connect_many(ACCEPT_BITE_CONNS);
    fixture_wait_for(conn_count(&fixture.worker) == 3 * ACCEPT_BITE_CONNS);
    assert_int_equal(metric(METRIC_ACCEPT_PAUSES), 0);
}

/* Sends a request and reads until the end. */
static struct buf ask(int client)
{
    struct buf got = BUF_INIT(1 << 20);

    fixture_send(client, "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    fixture_wait_for(({
        char bytes[4096];
        ssize_t len = recv(client, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (len > 0) {
            buf_append(&got, bytes, (size_t)len);
        }
        assert_true(len >= 0 || errno == EAGAIN); /* never reset */
        len == 0;
    }));
    return got;
}

static void above_the_limit_clients_are_told_so(void **state)
{
    (void)state;
    fixture.game.settings.conns_per_worker_max = 5;
    connect_many(5);
    fixture_wait_for(conn_count(&fixture.worker) == 5);
    for (unsigned i = 0; i < 3; i++) {
        struct buf got = ask(connect_one());

        assert_true(fixture_contains(&got, "HTTP/1.1 503 "));
        assert_true(fixture_contains(&got, "Retry-After: 1\r\n"));
        buf_free(&got);
    }
    assert_int_equal(metric(METRIC_CONNS_REFUSED), 3);
    struct buf got = ask(side.clients[0]); /* those who are in stay in */
    assert_true(fixture_contains(&got, "HTTP/1.1 200 OK"));
    buf_free(&got);
}

static void without_descriptors_clients_are_told_so_and_the_worker_lives(void **state)
{
    struct rlimit before;
    int spare[64];
    unsigned spares = 0;
    int client = connect_one();
    int second = connect_one();

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){64, before.rlim_max}), 0);
    while (spares < 64 && (spare[spares] = dup(client)) >= 0) {
        spares++;
    }
    fixture_wait_for(metric(METRIC_CONNS_REFUSED) == 2);
    while (spares > 0) {
        close(spare[--spares]);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    char bytes[512];
    ssize_t len = recv(second, bytes, sizeof(bytes), 0);
    assert_true(len > 12);
    assert_memory_equal(bytes, "HTTP/1.1 503", 12);
    struct buf got = ask(connect_one());
    assert_true(fixture_contains(&got, "HTTP/1.1 200 OK"));
    buf_free(&got);
}

static void who_stops_accepting_keeps_its_connections(void **state)
{
    (void)state;
    int client = connect_one();
    fixture_wait_for(conn_count(&fixture.worker) == 1);
    accept_stop(&fixture.worker);
    fixture.worker.draining = true;
    struct buf got = ask(client);
    assert_true(fixture_contains(&got, "HTTP/1.1 200 OK"));
    buf_free(&got);
}

static int want_descriptors(void **state)
{
    (void)state;
    return fixture_want_descriptors(CLIENTS_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_herd_is_taken_in_bites),
        TEST(far_above_its_siblings_a_worker_lets_them_go_first),
        TEST(siblings_that_take_nothing_are_not_waited_for_again),
        TEST(the_dead_and_the_leaving_are_not_waited_for),
        TEST(above_the_limit_clients_are_told_so),
        TEST(without_descriptors_clients_are_told_so_and_the_worker_lives),
        TEST(who_stops_accepting_keeps_its_connections),
    };

    return cmocka_run_group_tests(tests, want_descriptors, NULL);
}
