/* SPDX-License-Identifier: MIT */
/* inbox.c - connections of workers: libuv pipes, bounded buffers, one ring of requests. */

#include "db/inbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"

/*
 * One worker's connection.
 * Born: on_connection().  Dies: in on_closed(), libuv's close callback; conn_close() only asks.
 */
struct inbox_conn {
    uv_pipe_t pipe;
    uv_write_t write;
    struct inbox *inbox;
    uint64_t id; /* its place in conns[] is id % INBOX_CONNS_MAX */
    uint32_t worker_number;
    uint32_t pid;
    bool has_said_hello;
    bool is_closing;
    bool is_writing;
    uint32_t news; /* enum wire_news, not yet in `out` */
    uint64_t newest_seq;
    struct buf out;     /* answers that wait */
    struct buf sending; /* what libuv is writing */
    size_t in_len;
    char in[INBOX_IN_BYTES];
};

static void on_closed(uv_handle_t *handle)
{
    struct inbox_conn *conn = handle->data;

    if (conn->inbox->conns[conn->id % INBOX_CONNS_MAX] == conn) {
        conn->inbox->conns[conn->id % INBOX_CONNS_MAX] = NULL;
        conn->inbox->conn_count--;
    }
    buf_free(&conn->out);
    buf_free(&conn->sending);
    free(conn);
}

static void conn_close(struct inbox_conn *conn)
{
    if (!conn->is_closing) {
        conn->is_closing = true;
        uv_close((uv_handle_t *)&conn->pipe, on_closed);
    }
}

static void conn_drop(struct inbox_conn *conn, const char *why)
{
    LOG(LOG_LEVEL_ERROR, "a worker's connection is dropped", LOG_STR("why", why),
        LOG_U64("worker", conn->worker_number), LOG_U64("worker_pid", conn->pid));
    conn_close(conn);
}

/* ---- out -------------------------------------------------------------------------------------- */

static void conn_flush(struct inbox_conn *conn);

static void on_written(uv_write_t *write, int status)
{
    struct inbox_conn *conn = write->data;

    conn->is_writing = false;
    buf_reset(&conn->sending);
    if (status < 0) {
        conn_close(conn); /* the worker is gone; it sends again what had no answer */
        return;
    }
    conn_flush(conn);
}

static void put_news(struct inbox_conn *conn)
{
    struct wire_poke poke = {
        .head = wire_head_make(WIRE_POKE, 0),
        .newest_seq = conn->newest_seq,
        .news = conn->news,
    };

    if (conn->news == 0) {
        return;
    }
    conn->news = 0;
    buf_append(&conn->sending, &poke, sizeof(poke));
}

static void conn_flush(struct inbox_conn *conn)
{
    if (conn->is_closing || conn->is_writing || (conn->news == 0 && conn->out.len == 0)) {
        return;
    }
    put_news(conn);
    buf_append(&conn->sending, conn->out.data, conn->out.len);
    buf_reset(&conn->out);
    if (conn->sending.failed) {
        conn_drop(conn, "there is no memory for its answers");
        return;
    }
    uv_buf_t bytes = uv_buf_init(conn->sending.data, (unsigned int)conn->sending.len);
    int sent = uv_try_write((uv_stream_t *)&conn->pipe, &bytes, 1);

    if (sent > 0) {
        buf_consume(&conn->sending, (size_t)sent);
    } else if (sent < 0 && sent != UV_EAGAIN) {
        conn_close(conn);
        return;
    }
    if (conn->sending.len == 0) {
        buf_reset(&conn->sending);
        return;
    }
    bytes = uv_buf_init(conn->sending.data, (unsigned int)conn->sending.len);
    conn->write.data = conn;
    conn->is_writing = true;
    if (uv_write(&conn->write, (uv_stream_t *)&conn->pipe, &bytes, 1, on_written) != 0) {
        conn->is_writing = false;
        conn_close(conn);
    }
}

static struct inbox_conn *conn_find(const struct inbox *inbox, uint64_t conn_id)
{
    struct inbox_conn *conn = inbox->conns[conn_id % INBOX_CONNS_MAX];

    return conn != NULL && conn->id == conn_id && !conn->is_closing ? conn : NULL;
}

void inbox_answer(struct inbox *inbox, uint64_t conn_id, const struct wire_result *result)
{
    struct inbox_conn *conn = conn_find(inbox, conn_id);

    if (conn == NULL) {
        return;
    }
    buf_append(&conn->out, result, sizeof(*result));
    if (conn->out.failed) {
        conn_drop(conn, "it does not take its answers");
    }
}

void inbox_poke_all(struct inbox *inbox, uint32_t news, uint64_t newest_seq)
{
    for (uint32_t i = 0; i < INBOX_CONNS_MAX; i++) {
        struct inbox_conn *conn = inbox->conns[i];

        if (conn != NULL && conn->has_said_hello) {
            conn->news |= news;
            conn->newest_seq = newest_seq;
        }
    }
}

void inbox_flush(struct inbox *inbox)
{
    for (uint32_t i = 0; i < INBOX_CONNS_MAX; i++) {
        if (inbox->conns[i] != NULL) {
            conn_flush(inbox->conns[i]);
        }
    }
}

size_t inbox_unsent_bytes(const struct inbox *inbox)
{
    size_t unsent = 0;

    for (uint32_t i = 0; i < INBOX_CONNS_MAX; i++) {
        if (inbox->conns[i] != NULL && !inbox->conns[i]->is_closing) {
            unsent += inbox->conns[i]->out.len + inbox->conns[i]->sending.len;
        }
    }
    return unsent;
}

/* ---- the queue -------------------------------------------------------------------------------- */

const struct request *inbox_peek(const struct inbox *inbox)
{
    return inbox->queue_count == 0 ? NULL : &inbox->queue[inbox->queue_first];
}

void inbox_pop(struct inbox *inbox)
{
    inbox->queue_first = (inbox->queue_first + 1) % inbox->queue_max;
    inbox->queue_count--;
}

const struct wire_guess *inbox_peek_guess(const struct inbox *inbox)
{
    return inbox->guess_count == 0 ? NULL : &inbox->guesses[inbox->guess_first];
}

void inbox_pop_guess(struct inbox *inbox)
{
    inbox->guess_first = (inbox->guess_first + 1) % inbox->queue_max;
    inbox->guess_count--;
    inbox->guess_since_us = clock_mono_us();
}

static void queue_request(struct inbox_conn *conn, const void *message, size_t len)
{
    struct inbox *inbox = conn->inbox;

    if (inbox->queue_count == inbox->queue_max) {
        struct wire_head head;

        memcpy(&head, message, sizeof(head));
        struct wire_result busy = {
            .head = wire_head_make(WIRE_RESULT, head.request_id),
            .status = WIRE_BUSY,
        };

        slots_add(METRIC_DB_QUEUE_FULL, 1);
        inbox_answer(inbox, conn->id, &busy);
        return;
    }
    struct request *request =
        &inbox->queue[(inbox->queue_first + inbox->queue_count++) % inbox->queue_max];

    *request = (struct request){.conn_id = conn->id};
    memcpy(&request->head, message, len);
}

static void queue_guess(struct inbox *inbox, const void *message)
{
    struct wire_guess *guess;

    if (inbox->guess_count == inbox->queue_max || inbox->queue_count > inbox->queue_max / 2) {
        slots_add(METRIC_DB_GUESSES_DROPPED, 1);
        return;
    }
    if (inbox->guess_count == 0) {
        inbox->guess_since_us = clock_mono_us();
        inbox->guess_first = 0; /* the same memory again and again stays in the cores' caches */
    }
    guess = &inbox->guesses[(inbox->guess_first + inbox->guess_count++) % inbox->queue_max];
    memcpy(guess, message, sizeof(*guess));
}

/* ---- in --------------------------------------------------------------------------------------- */

static const char *take_hello(struct inbox_conn *conn, const void *message)
{
    struct wire_hello hello;

    if (conn->has_said_hello) {
        return "it said hello twice";
    }
    memcpy(&hello, message, sizeof(hello));
    conn->has_said_hello = true;
    conn->worker_number = hello.worker_number;
    conn->pid = hello.pid;
    LOG(LOG_LEVEL_DEBUG, "a worker is connected", LOG_U64("worker", hello.worker_number),
        LOG_U64("worker_pid", hello.pid));
    return NULL;
}

static const char *take_name(struct inbox_conn *conn, const void *message, size_t len)
{
    struct wire_name name;

    memcpy(&name, message, sizeof(name));
    if (name.name[0] == '\0') {
        return "a display name is empty";
    }
    queue_request(conn, message, len);
    return NULL;
}

/* One whole message that wire_check() has passed.  NULL, or why its sender is dropped. */
static const char *take_message(struct inbox_conn *conn, const struct wire_head *head,
                                const void *message)
{
    if (!conn->has_said_hello && head->type != WIRE_HELLO) {
        return "its first message was no hello";
    }
    switch ((enum wire_type)head->type) {
    case WIRE_HELLO:
        return take_hello(conn, message);
    case WIRE_GUESS:
        queue_guess(conn->inbox, message);
        return NULL;
    case WIRE_NAME:
        return take_name(conn, message, head->size_bytes);
    case WIRE_SUBMIT:
    case WIRE_HINT:
    case WIRE_REVOKE:
    case WIRE_RESET:
        queue_request(conn, message, head->size_bytes);
        return NULL;
    case WIRE_RESULT:
    case WIRE_POKE:
    case WIRE_TYPES:
        break;
    }
    return "it sent what only db may send";
}

static void take_messages(struct inbox_conn *conn)
{
    size_t at = 0;

    while (!conn->is_closing) {
        struct wire_head head;
        const char *why = "it sent a bad message";
        enum wire_verdict verdict = wire_check(conn->in + at, conn->in_len - at, &head);

        if (verdict == WIRE_INCOMPLETE) {
            break;
        }
        if (verdict == WIRE_WHOLE) {
            why = take_message(conn, &head, conn->in + at);
            at += head.size_bytes;
        }
        if (why != NULL) {
            conn_drop(conn, why);
        }
    }
    conn->in_len -= at;
    memmove(conn->in, conn->in + at, conn->in_len);
}

static void on_buffer_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct inbox_conn *conn = handle->data;

    (void)suggested;
    /* Never empty: whole messages were taken out, and the rest of one is below 512 bytes. */
    *ret_buf = uv_buf_init(conn->in + conn->in_len, (unsigned int)(INBOX_IN_BYTES - conn->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    struct inbox_conn *conn = stream->data;

    (void)bytes;
    if (len < 0) {
        conn_close(conn);
        return;
    }
    conn->in_len += (size_t)len;
    take_messages(conn);
    conn_flush(conn); /* WIRE_BUSY does not wait for a batch */
}

static bool is_ours(uv_pipe_t *pipe)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    uv_os_fd_t fd;

    return uv_fileno((uv_handle_t *)pipe, &fd) == 0 &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
}

static uint64_t free_conn_id(struct inbox *inbox)
{
    do {
        inbox->next_conn_id++;
    } while (inbox->conns[inbox->next_conn_id % INBOX_CONNS_MAX] != NULL);
    return inbox->next_conn_id;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct inbox *inbox = listener->data;

    if (status < 0) {
        return; /* libuv tries again when a descriptor is free */
    }
    struct inbox_conn *conn = calloc(1, sizeof(*conn));

    CHECK(conn != NULL);
    conn->inbox = inbox;
    conn->out = BUF_INIT(INBOX_OUT_BYTES_MAX);
    conn->sending = BUF_INIT(INBOX_OUT_BYTES_MAX + sizeof(struct wire_poke));
    bool has_room = inbox->conn_count < INBOX_CONNS_MAX;

    if (has_room) {
        conn->id = free_conn_id(inbox);
        inbox->conns[conn->id % INBOX_CONNS_MAX] = conn;
        inbox->conn_count++;
    }
    CHECK(uv_pipe_init(listener->loop, &conn->pipe, 0) == 0);
    conn->pipe.data = conn;
    if (uv_accept(listener, (uv_stream_t *)&conn->pipe) != 0) {
        conn_close(conn);
    } else if (!has_room) {
        conn_drop(conn, "there are too many");
    } else if (!is_ours(&conn->pipe)) {
        conn_drop(conn, "it belongs to another user");
    } else if (uv_read_start((uv_stream_t *)&conn->pipe, on_buffer_wanted, on_read) != 0) {
        conn_close(conn);
    }
}

/* ---- life ------------------------------------------------------------------------------------- */

bool inbox_open(struct inbox *inbox, uv_loop_t *loop, int listener_fd, uint32_t queue_max)
{
    *inbox = (struct inbox){
        .queue = calloc(queue_max, sizeof(struct request)),
        .guesses = calloc(queue_max, sizeof(struct wire_guess)),
        .queue_max = queue_max,
    };
    CHECK(inbox->queue != NULL && inbox->guesses != NULL);
    CHECK(uv_pipe_init(loop, &inbox->listener, 0) == 0);
    inbox->listener.data = inbox;
    return uv_pipe_open(&inbox->listener, listener_fd) == 0 &&
           uv_listen((uv_stream_t *)&inbox->listener, INBOX_CONNS_MAX, on_connection) == 0;
}

void inbox_stop_listening(struct inbox *inbox)
{
    if (!inbox->is_closing) {
        inbox->is_closing = true;
        uv_close((uv_handle_t *)&inbox->listener, NULL);
    }
}

void inbox_free(struct inbox *inbox)
{
    free(inbox->queue);
    free(inbox->guesses);
    *inbox = (struct inbox){0};
}
