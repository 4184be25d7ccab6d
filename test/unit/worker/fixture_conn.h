/* SPDX-License-Identifier: MIT */
/*
 * fixture_conn.h - a worker with a loop and connections but no routes: tests bring their own.
 *
 * The test defines route_dispatch(), route_name() and stream_*(), which stand in for the real ones.
 * The other end of each connection is a plain non-blocking descriptor.
 */
#pragma once

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <uv.h>

#include "conf/game.h"
#include "shm/base/buf.h"
#include "shm/base/clock.h"
#include "shm/base/proc.h"
#include "worker/conn.h"
#include "worker/conn_table.h"
#include "worker/context.h"
#include "worker/owed.h"

#define FIXTURE_DEADLINE_US 30000000 /* a sanitizer on a busy machine */

struct fixture {
    struct game game;
    struct worker worker;
};

static struct fixture fixture;

uint64_t worker_next_request_id(struct worker *worker)
{
    return UINT64_C(0xabcd000000000000) | worker->next_request++;
}

MAYBE_UNUSED static void fixture_begin(void)
{
    proc_set_role(PROC_TEST);
    (void)signal(SIGPIPE, SIG_IGN);
    memset(&fixture, 0, sizeof(fixture));
    fixture.game.settings = (struct settings){
        .http_head_bytes_max = 4096,
        .http_body_bytes_max = 4096,
        .http_head_timeout_ms = 1000,
        .http_body_timeout_ms = 2000,
        .http_idle_timeout_ms = 3000,
        .http_write_timeout_ms = 4000,
        .conns_per_worker_max = 64,
        .db_request_timeout_ms = 1000,
    };
    fixture.worker.game = &fixture.game;
    fixture.worker.now_us = clock_mono_us();
    assert_int_equal(uv_loop_init(&fixture.worker.loop), 0);
    assert_true(conn_start(&fixture.worker));
}

MAYBE_UNUSED static void fixture_turn(void)
{
    struct pollfd loop = {.fd = uv_backend_fd(&fixture.worker.loop), .events = POLLIN};

    (void)uv_run(&fixture.worker.loop, UV_RUN_NOWAIT);
    (void)poll(&loop, 1, 1); /* something happens, or a timer of a millisecond may be due */
}

/* Turns the loop until the condition holds. */
#define fixture_wait_for(condition)                                                                \
    do {                                                                                           \
        uint64_t fixture_begun_us = clock_mono_us();                                               \
        while (!(condition)) {                                                                     \
            if (clock_mono_us() - fixture_begun_us > FIXTURE_DEADLINE_US) {                        \
                fail_msg("never true: %s", #condition);                                            \
            }                                                                                      \
            fixture_turn();                                                                        \
        }                                                                                          \
    } while (0)

MAYBE_UNUSED static void fixture_close_handle(uv_handle_t *handle, void *nothing)
{
    (void)nothing;
    if (!uv_is_closing(handle)) {
        uv_close(handle, NULL);
    }
}

/* Closes whatever the test has left open; a worker never does this, it exits. */
MAYBE_UNUSED static void fixture_end(void)
{
    struct worker *worker = &fixture.worker;

    for (uint64_t id = 1; id <= worker->next_conn_id; id++) {
        struct conn **bucket = &worker->conns->buckets[id & worker->conns->bucket_mask];

        while (*bucket != NULL) {
            conn_close(*bucket, false);
        }
    }
    fixture_wait_for(conn_count(worker) == 0);
    uv_walk(&worker->loop, fixture_close_handle, NULL);
    fixture_wait_for(uv_loop_close(&worker->loop) == 0);
    owed_end(worker);
    free(worker->conns->buckets);
    free(worker->conns);
}

/* Both ends of every connection are in this process.  0, or -1: the limit is too low. */
MAYBE_UNUSED static int fixture_want_descriptors(unsigned clients)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 2 * (rlim_t)clients + 64) {
        return -1;
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit);
}

/* A connection; its other end is *ret_client, the caller's. */
MAYBE_UNUSED static struct conn *fixture_connect(int *ret_client)
{
    const struct sockaddr peer = {.sa_family = AF_UNIX};
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    *ret_client = ends[1];
    struct conn *conn = conn_accept(&fixture.worker, ends[0], CONN_PLAYERS, &peer);
    assert_non_null(conn);
    return conn;
}

MAYBE_UNUSED static void fixture_send(int client, const char *text)
{
    assert_int_equal(send(client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Reads what has come.  true: the other end is closed. */
MAYBE_UNUSED static bool fixture_receive(int client, struct buf *got)
{
    for (;;) {
        char bytes[65536];
        ssize_t len = recv(client, bytes, sizeof(bytes), 0);

        if (len <= 0) {
            return len == 0;
        }
        buf_append(got, bytes, (size_t)len);
    }
}

MAYBE_UNUSED static bool fixture_contains(const struct buf *got, const char *text)
{
    return got->len >= strlen(text) && memmem(got->data, got->len, text, strlen(text)) != NULL;
}

/* Reads on until the text has come. */
#define fixture_expect(client, got, text)                                                          \
    fixture_wait_for(((void)fixture_receive((client), (got)), fixture_contains((got), (text))))

#define fixture_expect_end(client, got) fixture_wait_for(fixture_receive((client), (got)))

/* Step by step: ThreadSanitizer looks at all that memmem() may read, at every call anew. */
MAYBE_UNUSED static unsigned fixture_count(const struct buf *got, const char *text)
{
    size_t text_len = strlen(text);
    unsigned count = 0;
    size_t at = 0;

    while (at + text_len <= got->len) {
        if (got->data[at] == text[0] && memcmp(got->data + at, text, text_len) == 0) {
            count++;
            at += text_len;
        } else {
            at++;
        }
    }
    return count;
}
