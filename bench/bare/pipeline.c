/* SPDX-License-Identifier: MIT */
/*
 * pipeline.c - the least a durable submit can be: libuv and llhttp, a socket, SQLite with group commit.
 *
 *     pipeline DATABASE SQL_FILE...     listens on a free port of 127.0.0.1, says which on standard error
 *
 * The yardstick of bench/groups/flags.mjs.  Two processes: the front takes POSTs and knows from the body
 * whether a row of `events` is wanted ("right" or "hint_id" in it: answered after the commit) or one of
 * `guesses` (answered at once); the store commits whatever has arrived with one fsync.  The SQL files
 * are ctfg's migrations, so tables and indexes are the same.  No game, no session, no limit, no board.
 */
#include <llhttp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "bench/bare/store.h"
#include "shm/base/buf.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"

#define PEERS_MAX 4096
#define BACKLOG 4096
#define QUEUE_BYTES_MAX (64u << 20)

struct note {
    uint64_t at_us;
    uint64_t request;
    uint32_t peer;
    uint32_t kind;
};

struct peer {
    uv_tcp_t tcp;
    llhttp_t parser;
    uint32_t index;
    bool closed;
    bool is_event;
    bool is_hint;
};

static struct {
    uv_tcp_t listener;
    uv_pipe_t store;
    uv_check_t flush;
    llhttp_settings_t settings;
    struct peer *peers[PEERS_MAX]; /* never freed: a late answer finds somebody */
    uint32_t peer_count;
    uint64_t requests;
    struct buf notes;   /* since the last flush */
    struct buf answers; /* part of one that has come */
    char input[65536];
} front;

/* ---- the store: one process, one transaction for all that has arrived ---- */

static void write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t done = write(fd, at, len);

        if (done < 0) {
            exit(0); /* the front has gone */
        }
        at += done;
        len -= (size_t)done;
    }
}

static _Noreturn void run_store(int fd, const char *path, char **sql_files)
{
    static struct note batch[4096];
    static uint32_t answers[4096];
    struct store store = store_open(path, sql_files);
    size_t held = 0;
    ssize_t got;

    while ((got = read(fd, (char *)batch + held, sizeof(batch) - held)) > 0) {
        size_t bytes = held + (size_t)got;
        size_t count = bytes / sizeof(batch[0]);
        size_t answered = 0;

        store_run(store.begin);
        for (size_t i = 0; i < count; i++) {
            store_insert(&store, batch[i].kind, batch[i].at_us, batch[i].request);
            if (batch[i].kind != ROW_GUESS) {
                answers[answered++] = batch[i].peer;
            }
        }
        store_run(store.commit);
        write_all(fd, answers, answered * sizeof(answers[0]));
        held = bytes - count * sizeof(batch[0]);
        memmove(batch, batch + count, held);
    }
    exit(0);
}

/* ---- the front ---- */

static void answer(struct peer *peer, const char *body)
{
    char text[256];
    int len = snprintf(text, sizeof(text),
                       "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
                       "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(body), body);
    uv_buf_t buf = uv_buf_init(text, (unsigned)len);

    if (!peer->closed) {
        (void)uv_try_write((uv_stream_t *)&peer->tcp, &buf, 1); /* who has gone is seen by read */
    }
}

static int on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct peer *peer = parser->data;

    peer->is_hint = memmem(at, len, "\"hint_id\"", 9) != NULL;
    peer->is_event = peer->is_hint || memmem(at, len, "right", 5) != NULL;
    return HPE_OK;
}

static int on_message_complete(llhttp_t *parser)
{
    struct peer *peer = parser->data;
    struct note note = {
        .at_us = clock_real_us(),
        .request = ++front.requests,
        .peer = peer->index,
        .kind = peer->is_hint    ? ROW_HINT
                : peer->is_event ? ROW_SOLVE
                                 : ROW_GUESS,
    };

    buf_append(&front.notes, &note, sizeof(note));
    if (!peer->is_event) {
        answer(peer, "{\"result\":\"incorrect\"}");
    }
    return HPE_OK;
}

static int on_piece(llhttp_t *parser, const char *at, size_t len)
{
    (void)parser;
    (void)at;
    (void)len;
    return HPE_OK;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(front.input, sizeof(front.input));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct peer *peer = stream->data;

    if (got < 0 || (got > 0 && llhttp_execute(&peer->parser, buf->base, (size_t)got) != HPE_OK)) {
        peer->closed = true;
        uv_close((uv_handle_t *)&peer->tcp, NULL);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    CHECK(status == 0 && peer != NULL && front.peer_count < PEERS_MAX);
    CHECK(uv_tcp_init(listener->loop, &peer->tcp) == 0);
    peer->tcp.data = peer;
    peer->index = front.peer_count;
    front.peers[front.peer_count++] = peer;
    llhttp_init(&peer->parser, HTTP_REQUEST, &front.settings);
    peer->parser.data = peer;
    CHECK(uv_accept(listener, (uv_stream_t *)&peer->tcp) == 0);
    (void)uv_tcp_nodelay(&peer->tcp, 1);
    CHECK(uv_read_start((uv_stream_t *)&peer->tcp, on_alloc, on_read) == 0);
}

static void on_answers(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    uint32_t peer;
    size_t at = 0;

    (void)stream;
    CHECK(got >= 0);
    buf_append(&front.answers, buf->base, (size_t)got);
    for (; front.answers.len - at >= sizeof(peer); at += sizeof(peer)) {
        memcpy(&peer, front.answers.data + at, sizeof(peer));
        answer(front.peers[peer], "{\"result\":\"correct\",\"points\":100,\"total\":100}");
    }
    buf_consume(&front.answers, at);
}

static void on_flush(uv_check_t *check)
{
    uv_buf_t buf = uv_buf_init(front.notes.data, (unsigned)front.notes.len);

    (void)check;
    if (front.notes.len > 0) {
        int sent = uv_try_write((uv_stream_t *)&front.store, &buf, 1);

        CHECK(sent >= 0 || sent == UV_EAGAIN);
        buf_consume(&front.notes, sent > 0 ? (size_t)sent : 0);
    }
}

static void run_front(int store_fd)
{
    struct sockaddr_in address;
    int len = sizeof(address);
    uv_loop_t *loop = uv_default_loop();

    front.notes = BUF_INIT(QUEUE_BYTES_MAX);
    front.answers = BUF_INIT(QUEUE_BYTES_MAX);
    llhttp_settings_init(&front.settings);
    front.settings.on_url = on_piece;
    front.settings.on_header_field = on_piece;
    front.settings.on_header_value = on_piece;
    front.settings.on_body = on_body;
    front.settings.on_message_complete = on_message_complete;
    CHECK(uv_pipe_init(loop, &front.store, 0) == 0);
    CHECK(uv_pipe_open(&front.store, store_fd) == 0);
    CHECK(uv_read_start((uv_stream_t *)&front.store, on_alloc, on_answers) == 0);
    CHECK(uv_check_init(loop, &front.flush) == 0);
    CHECK(uv_check_start(&front.flush, on_flush) == 0);
    CHECK(uv_ip4_addr("127.0.0.1", 0, &address) == 0);
    CHECK(uv_tcp_init(loop, &front.listener) == 0);
    CHECK(uv_tcp_bind(&front.listener, (const struct sockaddr *)&address, 0) == 0);
    CHECK(uv_listen((uv_stream_t *)&front.listener, BACKLOG, on_connection) == 0);
    CHECK(uv_tcp_getsockname(&front.listener, (struct sockaddr *)&address, &len) == 0);
    fprintf(stderr, "bare: listening on http://127.0.0.1:%u\n", ntohs(address.sin_port));
    (void)uv_run(loop, UV_RUN_DEFAULT);
}

int main(int argc, char **argv)
{
    int pair[2];

    if (argc < 3) {
        fprintf(stderr, "usage: pipeline DATABASE SQL_FILE...\n");
        return 2;
    }
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        (void)close(pair[0]);
        CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
        run_store(pair[1], argv[1], argv + 2);
    }
    (void)close(pair[1]);
    run_front(pair[0]);
    return 0;
}
