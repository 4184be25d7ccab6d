/* SPDX-License-Identifier: MIT */
/*
 * dbclient.c - one connection to db at a time, and whatever is asked while there is none.
 *
 * What handlers ask is gathered and written once a turn of the loop.  The listening socket belongs to
 * the master, so a connection made while db is dead waits in its backlog for db's successor.
 */
#include "worker/dbclient.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <uv.h>

#include "conf/game.h"
#include "shm/base/buf.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/overdue.h"
#include "worker/stream.h"
#include "worker/view.h"
#include "worker/waiting.h"

#define READ_BYTES (64u << 10)
#define TOLD_BYTES_MAX (1u << 20) /* wrong guesses are dropped above it */
#define OUT_BYTES_MAX (TOLD_BYTES_MAX + DBCLIENT_WAITING_MAX * WAITING_MESSAGE_BYTES + 4096)

/* One connection, from connect() to its close callback. */
struct link {
    uv_pipe_t pipe; /* first: libuv's callbacks know the link by it */
    struct dbclient *client;
    uv_write_t write;
    bool writing;
    struct buf sending; /* what libuv is writing */
    size_t read_len;
    char read_bytes[READ_BYTES];
};

struct dbclient {
    struct worker *worker;
    struct link *link; /* NULL: there is none */
    struct waiting *waiting;
    struct buf out; /* gathered in this turn, or behind `sending` */
    bool stopped;
    uint64_t tried_us; /* when a connection was last tried */
    uv_timer_t retry;
    uv_prepare_t prepare;
    uv_check_t check;
    struct overdue overdue;
};

static void connect_soon(struct dbclient *client);
static void flush(struct dbclient *client);

/* ---- the connection ---- */

static void on_link_closed(uv_handle_t *handle)
{
    struct link *link = (struct link *)handle;

    buf_free(&link->sending);
    free(link);
}

static void link_lost(struct link *link, const char *why)
{
    struct dbclient *client = link->client;

    if (client->link != link) {
        return; /* is closing already */
    }
    client->link = NULL;
    uv_close((uv_handle_t *)&link->pipe, on_link_closed);
    if (!client->stopped) {
        LOG(LOG_LEVEL_WARN, "lost the connection to db", LOG_STR("why", why),
            LOG_U64("waiting", waiting_count(client->waiting)));
        connect_soon(client);
    }
}

static void on_sent(uv_write_t *request, int status)
{
    struct link *link = (struct link *)request->handle;

    link->writing = false;
    buf_reset(&link->sending);
    if (status < 0) {
        link_lost(link, uv_strerror(status));
    } else if (link->client->link == link) {
        flush(link->client);
    }
}

/* The rest goes when the socket has room; what is gathered meanwhile waits behind it. */
static void send_later(struct link *link, struct buf *out)
{
    struct buf empty = link->sending;

    link->sending = *out;
    *out = empty;
    uv_buf_t piece = uv_buf_init(link->sending.data, (unsigned)link->sending.len);
    int error = uv_write(&link->write, (uv_stream_t *)&link->pipe, &piece, 1, on_sent);
    if (error != 0) {
        link_lost(link, uv_strerror(error));
        return;
    }
    link->writing = true;
}

static void flush(struct dbclient *client)
{
    struct link *link = client->link;
    struct buf *out = &client->out;

    if (link != NULL && out->failed) { /* the next connection begins with all that waits */
        link_lost(link, "there is no memory for what is asked");
        return;
    }
    if (link == NULL || link->writing || out->len == 0) {
        return;
    }
    uv_buf_t piece = uv_buf_init(out->data, (unsigned)out->len);
    int written = uv_try_write((uv_stream_t *)&link->pipe, &piece, 1);
    if (written < 0 && written != UV_EAGAIN) {
        link_lost(link, uv_strerror(written));
        return;
    }
    buf_consume(out, written > 0 ? (size_t)written : 0);
    if (out->len > 0) {
        send_later(link, out);
    }
}

/* ---- what db says ---- */

static struct conn *conn_that_waits(struct worker *worker, uint64_t conn_id)
{
    struct conn *conn = conn_find(worker, conn_id);

    return conn != NULL && conn->state == CONN_WAITING ? conn : NULL;
}

/* Takes the row out first: the answer may ask again. */
static void answer(struct dbclient *client, struct waiting_row *row,
                   const struct wire_result *result)
{
    struct worker *worker = client->worker;
    struct dbclient_context context = row->context;
    dbclient_answer on_answer = row->answer;

    waiting_remove(client->waiting, row);
    slots_set(METRIC_DB_WAITING, waiting_count(client->waiting));
    on_answer(worker, conn_that_waits(worker, context.conn_id), &context, result);
}

static void on_result(struct dbclient *client, const char *bytes)
{
    struct wire_result result;

    memcpy(&result, bytes, sizeof(result));
    struct waiting_row *row = waiting_find(client->waiting, result.head.request_id);
    if (row == NULL) {
        return; /* too late: its client was told 503 */
    }
    slots_observe(HISTOGRAM_DB_REQUEST, client->worker->now_us - row->context.asked_us);
    answer(client, row, &result);
}

static void on_poke(struct dbclient *client, const char *bytes)
{
    struct wire_poke poke;

    memcpy(&poke, bytes, sizeof(poke));
    view_invalidate(client->worker);
    stream_on_news(client->worker, poke.news);
}

/* Every whole message.  Returns bytes used; false: not what db would say. */
static bool handle_messages(struct link *link, size_t *ret_used)
{
    struct dbclient *client = link->client;
    size_t at = 0;

    for (;;) {
        struct wire_head head;
        const char *message = link->read_bytes + at;
        enum wire_verdict verdict = wire_check(message, link->read_len - at, &head);

        if (verdict == WIRE_INCOMPLETE) {
            *ret_used = at;
            return true;
        }
        if (verdict == WIRE_BAD || (head.type != WIRE_RESULT && head.type != WIRE_POKE)) {
            return false;
        }
        if (head.type == WIRE_RESULT) {
            on_result(client, message);
        } else {
            on_poke(client, message);
        }
        at += head.size_bytes;
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct link *link = (struct link *)handle;

    (void)suggested;
    *ret_room =
        uv_buf_init(link->read_bytes + link->read_len, (unsigned)(READ_BYTES - link->read_len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    struct link *link = (struct link *)stream;
    size_t used;

    (void)bytes;
    link->client->worker->now_us = clock_mono_us();
    if (len < 0) {
        link_lost(link, uv_strerror((int)len));
        return;
    }
    link->read_len += (size_t)len;
    if (!handle_messages(link, &used)) {
        link_lost(link, "a message that db does not send");
        return;
    }
    link->read_len -= used;
    memmove(link->read_bytes, link->read_bytes + used, link->read_len);
}

/* ---- connecting ---- */

/* libuv 1.44 knows no abstract addresses; connect(2) on a unix socket never waits. */
static int connect_fd(const struct heritage *heritage)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&heritage->db_address,
                           heritage->db_address_len) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static struct link *link_new(struct dbclient *client)
{
    int fd = connect_fd(client->worker->heritage);
    struct link *link = fd >= 0 ? calloc(1, sizeof(*link)) : NULL;

    if (link == NULL) {
        if (fd >= 0) {
            (void)close(fd);
        }
        return NULL;
    }
    link->client = client;
    link->sending = BUF_INIT(OUT_BYTES_MAX);
    CHECK(uv_pipe_init(&client->worker->loop, &link->pipe, 0) == 0); /* cannot fail without IPC */
    if (uv_pipe_open(&link->pipe, fd) != 0) {
        (void)close(fd);
        uv_close((uv_handle_t *)&link->pipe, on_link_closed);
        return NULL;
    }
    if (uv_read_start((uv_stream_t *)&link->pipe, on_room, on_read) != 0) {
        uv_close((uv_handle_t *)&link->pipe, on_link_closed);
        return NULL;
    }
    return link;
}

/* Who we are, then everything that has no answer yet, in the order it was asked. */
static void greet_and_resend(struct dbclient *client)
{
    struct wire_hello hello = {
        .head = wire_head_make(WIRE_HELLO, 0),
        .worker_number = client->worker->heritage->worker_number,
        .pid = (uint32_t)getpid(),
    };

    buf_reset(&client->out);
    buf_append(&client->out, &hello, sizeof(hello));
    for (struct waiting_row *row = waiting_first(client->waiting); row != NULL;
         row = waiting_next(client->waiting, row)) {
        if (row->sent) {
            slots_add(METRIC_DB_RESENT, 1);
        }
        row->sent = true;
        buf_append(&client->out, row->message, row->message_bytes);
    }
}

static void on_retry(uv_timer_t *timer);

static void try_connect(struct dbclient *client)
{
    client->tried_us = clock_mono_us();
    client->link = link_new(client);
    if (client->link == NULL) {
        (void)uv_timer_start(&client->retry, on_retry, DBCLIENT_RETRY_MS, 0);
        return;
    }
    greet_and_resend(client);
    flush(client);
}

static void on_retry(uv_timer_t *timer)
{
    struct dbclient *client = timer->data;

    if (client->link == NULL && !client->stopped) {
        try_connect(client);
    }
}

/* At once, unless the last attempt has only just been made. */
static void connect_soon(struct dbclient *client)
{
    if (clock_mono_us() - client->tried_us >= DBCLIENT_RETRY_MS * 1000) {
        try_connect(client);
    } else {
        (void)uv_timer_start(&client->retry, on_retry, DBCLIENT_RETRY_MS, 0);
    }
}

/* ---- for the rest of the worker ---- */

static void on_prepare(uv_prepare_t *prepare)
{
    flush(prepare->data);
}

static void on_check(uv_check_t *check)
{
    flush(check->data);
}

/* Whoever has waited too long. */
static bool time_out_some(struct worker *worker, uint64_t ticked_us, uint64_t until_us)
{
    struct dbclient *client = worker->dbclient;
    uint64_t limit_us = (uint64_t)worker->game->settings.db_request_timeout_ms * 1000;
    struct waiting_row *row;

    while ((row = waiting_first(client->waiting)) != NULL &&
           ticked_us >= row->context.asked_us + limit_us) {
        slots_add(METRIC_DB_TIMED_OUT, 1);
        answer(client, row, NULL);
        if (clock_mono_us() >= until_us) {
            return false;
        }
    }
    return true;
}

bool dbclient_start(struct worker *worker)
{
    struct dbclient *client = calloc(1, sizeof(*client));

    if (client == NULL || (client->waiting = waiting_new()) == NULL) {
        free(client);
        return false;
    }
    client->worker = worker;
    client->out = BUF_INIT(OUT_BYTES_MAX);
    client->retry.data = client;
    client->prepare.data = client;
    client->check.data = client;
    /* These only fail on a loop that is no loop. */
    CHECK(uv_timer_init(&worker->loop, &client->retry) == 0);
    CHECK(uv_prepare_init(&worker->loop, &client->prepare) == 0);
    CHECK(uv_check_init(&worker->loop, &client->check) == 0);
    CHECK(uv_prepare_start(&client->prepare, on_prepare) == 0);
    CHECK(uv_check_start(&client->check, on_check) == 0);
    overdue_init(&client->overdue, worker, time_out_some);
    worker->dbclient = client;
    try_connect(client);
    return true;
}

bool dbclient_ask(struct worker *worker, const void *message, uint64_t conn_id, const void *context,
                  size_t context_bytes, dbclient_answer on_answer)
{
    struct dbclient *client = worker->dbclient;
    struct wire_head head;

    memcpy(&head, message, sizeof(head));
    CHECK(head.size_bytes <= WAITING_MESSAGE_BYTES && context_bytes <= DBCLIENT_CONTEXT_BYTES);
    struct waiting_row *row =
        client->stopped ? NULL : waiting_add(client->waiting, head.request_id);
    if (row == NULL) {
        slots_add(METRIC_DB_REFUSED, client->stopped ? 0 : 1);
        return false;
    }
    row->context.conn_id = conn_id;
    row->context.asked_us = worker->now_us;
    if (context_bytes > 0) {
        memcpy(row->context.bytes, context, context_bytes);
    }
    row->answer = on_answer;
    row->message_bytes = head.size_bytes;
    memcpy(row->message, message, head.size_bytes);
    if (client->link != NULL) {
        row->sent = true;
        buf_append(&client->out, message, head.size_bytes);
    }
    slots_set(METRIC_DB_WAITING, waiting_count(client->waiting));
    return true;
}

void dbclient_tell(struct worker *worker, const void *message)
{
    struct dbclient *client = worker->dbclient;
    struct wire_head head;

    memcpy(&head, message, sizeof(head));
    if (client->link == NULL || client->out.len + head.size_bytes > TOLD_BYTES_MAX) {
        slots_add(METRIC_DB_GUESSES_DROPPED, 1);
        return;
    }
    buf_append(&client->out, message, head.size_bytes);
}

bool dbclient_is_connected(const struct worker *worker)
{
    return worker->dbclient->link != NULL;
}

uint32_t dbclient_waiting(const struct worker *worker)
{
    return waiting_count(worker->dbclient->waiting);
}

void dbclient_tick(struct worker *worker, uint64_t now_us)
{
    overdue_tick(&worker->dbclient->overdue, now_us);
}

void dbclient_stop(struct worker *worker)
{
    struct dbclient *client = worker->dbclient;

    client->stopped = true;
    if (client->link != NULL) {
        link_lost(client->link, "stopped");
    }
    (void)uv_timer_stop(&client->retry);
    (void)uv_prepare_stop(&client->prepare);
    (void)uv_check_stop(&client->check);
}
