/* SPDX-License-Identifier: MIT */
/*
 * turn.c - what is done when something has happened to a connection: handle, write, decide.
 *
 * Handling is a loop, not a recursion: an answer given within run() returns to it, a later one
 * enters it anew by resume().  Whatever happens, turn_settle() comes last.
 */
#include "worker/turn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/slots.h"
#include "worker/blob_file.h"
#include "worker/conn_table.h"
#include "worker/context.h"
#include "worker/http.h"
#include "worker/out.h"
#include "worker/owed.h"
#include "worker/peer.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/stream.h"

#define PIECES_MAX 32 /* of one writev */

/* ---- bytes on their way out ---- */

static void count_as_slow(struct conn *conn)
{
    if (conn->player < GAME_PLAYERS_MAX) {
        conn->slow_player = conn->player;
        conn->worker->conns->slow[conn->slow_player]++;
    }
}

static void count_as_slow_no_more(struct conn *conn)
{
    if (conn->slow_player != SHM_NONE) {
        conn->worker->conns->slow[conn->slow_player]--;
        conn->slow_player = SHM_NONE;
    }
}

static void on_written(uv_write_t *request, int status)
{
    struct conn *conn = (struct conn *)request->handle;
    size_t written = (size_t)(uintptr_t)request->data;

    conn->write_pending = false;
    count_as_slow_no_more(conn);
    if (conn->state == CONN_CLOSED) {
        return;
    }
    conn->worker->now_us = clock_mono_us();
    if (status < 0) {
        conn_end(conn);
        return;
    }
    slots_add(METRIC_RESPONSE_BYTES, written);
    out_consume(conn->out, written);
    turn_go_on(conn);
    if (conn->state == CONN_STREAM && !conn->write_pending) {
        stream_on_drained(conn);
    }
}

static void write_later(struct conn *conn, const uv_buf_t *pieces, unsigned count)
{
    uv_write_t *request = out_request(conn->out);
    size_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        len += pieces[i].len;
    }
    request->data = (void *)(uintptr_t)len;
    *out_progress(conn->out) = len;
    if (uv_write(request, &conn->uv.stream, pieces, count, on_written) != 0) {
        conn_end(conn);
        return;
    }
    conn->write_pending = true;
    count_as_slow(conn);
}

/* A large answer that has a file goes from there, as far as the socket takes it; what is left of it
 * goes from memory, once the client has read. */
static int try_write(struct conn *conn, const uv_buf_t *pieces, unsigned count)
{
    struct out_file file;
    uv_os_fd_t fd;

    if (conn->uv.handle.type == UV_TCP && out_file_is_next(conn->out, &file) &&
        uv_fileno(&conn->uv.handle, &fd) == 0) {
        size_t sent = blob_file_send(file.file, fd, file.head, file.from, file.len);

        if (sent > 0) {
            return (int)sent;
        }
    }
    return uv_try_write(&conn->uv.stream, pieces, count);
}

static void write_queue(struct conn *conn)
{
    uv_buf_t pieces[PIECES_MAX];

    while (conn->out != NULL && !conn->write_pending && conn->state != CONN_CLOSED) {
        unsigned count = out_gather(conn->out, pieces, PIECES_MAX);

        if (count == 0) {
            out_free(conn->out);
            conn->out = NULL;
            return;
        }
        int written = try_write(conn, pieces, count);
        if (written == UV_EAGAIN) {
            write_later(conn, pieces, count);
        } else if (written < 0) {
            conn_end(conn);
        } else {
            slots_add(METRIC_RESPONSE_BYTES, (uint64_t)written);
            out_consume(conn->out, (size_t)written);
        }
    }
}

/* Everything is written: the end, or a while to let a refusal arrive. */
static void after_last_word(struct conn *conn)
{
    uv_os_fd_t fd;

    if (conn->linger && !conn->saw_eof && uv_fileno(&conn->uv.handle, &fd) == 0 &&
        shutdown(fd, SHUT_WR) == 0) {
        conn->state = CONN_LINGERING;
    } else {
        conn_end(conn);
    }
}

/* ---- bytes on their way in ---- */

/* Without room libuv does not read, and says so to on_read(). */
static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_room)
{
    struct conn *conn = (struct conn *)handle;
    /* libuv goes on as long as it fills buffers.  After a full one the others have their turn. */
    bool later = conn->sated || owed_turn_is_full(conn->worker);

    (void)suggested;
    *ret_room = uv_buf_init(conn->worker->conns->read_bytes, later ? 0 : CONN_READ_BYTES);
    conn->sated = false;
}

/* Until what is before it is answered. */
static void keep(struct conn *conn, const char *bytes, size_t len)
{
    struct conn_table *table = conn->worker->conns;
    struct conn_kept *kept =
        table->kept_bytes + len > CONN_KEPT_BYTES_MAX ? NULL : malloc(sizeof(*kept) + len);

    if (kept == NULL) {
        conn_end(conn);
        return;
    }
    CHECK(conn->kept == NULL); /* reading stops as soon as something is kept */
    kept->from = 0;
    kept->len = len;
    memcpy(kept->bytes, bytes, len);
    table->kept_bytes += len;
    conn->kept = kept;
}

/* Its texts are gone when a late answer is logged. */
static void note_client(struct conn *conn, const struct request *request)
{
    struct peer_address address;

    peer_client_address(conn, request, &address);
    memcpy(conn->client_address, address.bytes, sizeof(conn->client_address));
}

void turn_refuse(struct conn *conn, unsigned status, const char *code)
{
    slots_add(METRIC_REQUESTS_BAD, 1);
    conn->route = SHM_NONE;
    conn->close_after_answer = true;
    conn->linger = true;
    conn->asked_us = conn->worker->now_us;
    note_client(conn, &(struct request){0}); /* no head to be believed */
    response_error(conn, status, code);
}

static void dispatch(struct conn *conn)
{
    const struct request *request = http_request(conn->http);

    conn->state = CONN_WAITING;
    conn->route = SHM_NONE;
    if (conn->out == NULL) {
        conn->player = SHM_NONE; /* else what is queued is still that player's */
    }
    conn->asked_us = conn->worker->now_us;
    if (!request->keep_alive || conn->worker->draining) {
        conn->close_after_answer = true;
    }
    note_client(conn, request);
    route_dispatch(conn, request);
    if (conn->state == CONN_WAITING) {
        http_forget_texts(conn->http); /* the bytes that they lie in are the next client's */
    }
}

static bool begin_message(struct conn *conn)
{
    if (conn->http == NULL) {
        conn->http = http_new(&conn->worker->game->settings);
        if (conn->http == NULL) {
            conn_end(conn);
            return false;
        }
    }
    http_stamp(conn->http, worker_next_request_id(conn->worker), conn->worker->now_us);
    conn->state = CONN_READING;
    return true;
}

/* Feeds until one request is whole, or the bytes are used up.  Returns bytes used. */
static size_t feed(struct conn *conn, const char *bytes, size_t len)
{
    size_t used;
    enum http_status status = http_feed(conn->http, bytes, len, &used);

    switch (status) {
    case HTTP_MORE:
        break;
    case HTTP_CONTINUE:
        conn_put(conn, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        break;
    case HTTP_WHOLE:
        conn->turn_left--;
        dispatch(conn);
        break;
    case HTTP_BAD:
        turn_refuse(conn, 400, "bad_request");
        break;
    case HTTP_HEAD_LONG:
        turn_refuse(conn, 431, "head_too_large");
        break;
    case HTTP_BODY_LONG:
        turn_refuse(conn, 413, "body_too_large");
        break;
    case HTTP_VERSION:
        turn_refuse(conn, 505, "version_not_supported");
        break;
    }
    return used;
}

static bool has_room(const struct conn *conn)
{
    return conn_queued_bytes(conn) <=
           (conn->state == CONN_STREAM ? CONN_STREAM_BYTES_MAX : CONN_OUT_BYTES_MAX);
}

static bool may_handle(const struct conn *conn)
{
    return (conn->state == CONN_IDLE || conn->state == CONN_READING) && has_room(conn) &&
           conn->turn_left > 0;
}

/* Handles one message after the other.  Returns bytes used; the rest has to wait, or is nobody's. */
static size_t run(struct conn *conn, const char *bytes, size_t len)
{
    size_t at = 0;

    conn->handling = true;
    while (at < len && may_handle(conn)) {
        if (conn->state == CONN_IDLE && !begin_message(conn)) {
            break;
        }
        at += feed(conn, bytes + at, len - at);
    }
    conn->handling = false;
    if (at < len && conn->state == CONN_STREAM) {
        stream_on_bytes(conn, bytes + at, len - at);
        at = len;
    }
    return at;
}

/* Is there anything to be done with bytes that cannot be handled now? */
static bool may_keep(const struct conn *conn)
{
    return conn->state == CONN_IDLE || conn->state == CONN_READING || conn->state == CONN_WAITING;
}

static void take(struct conn *conn, const char *bytes, size_t len)
{
    if (conn->state == CONN_STREAM) {
        stream_on_bytes(conn, bytes, len);
        return;
    }
    size_t used = run(conn, bytes, len);
    if (used < len && may_keep(conn)) {
        keep(conn, bytes + used, len - used);
    } else if (used < len) {
        conn->linger = true; /* a client that sends on behind its last request */
    }
}

/* Goes on with what was kept. */
static void resume(struct conn *conn)
{
    struct conn_kept *kept = conn->kept;

    if (kept == NULL || !may_handle(conn)) {
        return;
    }
    conn->kept = NULL;
    size_t used = run(conn, kept->bytes + kept->from, kept->len);
    kept->from += used;
    kept->len -= used;
    conn->worker->conns->kept_bytes -= used;
    conn->kept = kept;
    if (kept->len == 0 || !may_keep(conn)) {
        conn_free_kept(conn);
    }
}

static void on_end_of_bytes(struct conn *conn, bool in_order)
{
    conn->saw_eof = true;
    conn->reading = false; /* libuv has stopped by itself */
    if (!in_order) {
        conn_end(conn);
        return;
    }
    switch ((enum conn_state)conn->state) {
    case CONN_WAITING:
    case CONN_LAST_WORD:
        conn->close_after_answer = true; /* a client may end its side and still wait for answers */
        break;
    case CONN_IDLE:
    case CONN_READING: /* half a request is none; what was asked before it is still answered */
        conn->state = CONN_LAST_WORD;
        break;
    case CONN_STREAM:
    case CONN_LINGERING:
    case CONN_CLOSED:
        conn_end(conn);
        return;
    }
    turn_settle(conn);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes);

static bool wants_bytes(const struct conn *conn)
{
    /* It may be refused, for what it has sent before, while it is owed a turn: that never comes then. */
    bool has_its_turn = !conn->is_owed || conn->state == CONN_LINGERING;

    return !conn->saw_eof && has_its_turn && conn->kept == NULL && conn->state != CONN_LAST_WORD &&
           has_room(conn);
}

static void settle_reading(struct conn *conn)
{
    bool wanted = wants_bytes(conn);

    if (wanted == conn->reading) {
        return;
    }
    conn->reading = wanted;
    if (!wanted) {
        (void)uv_read_stop(&conn->uv.stream);
    } else if (uv_read_start(&conn->uv.stream, on_room, on_read) != 0) {
        conn_end(conn);
    }
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *bytes)
{
    struct conn *conn = (struct conn *)stream;

    if (len == UV_ENOBUFS || len == 0) {
        return; /* put off: it stays readable, so a later turn comes here again */
    }
    if (len < 0) { /* now_us is of on_room(), one read ago */
        on_end_of_bytes(conn, len == UV_EOF);
        return;
    }
    conn->sated = len == CONN_READ_BYTES;
    slots_add(METRIC_REQUEST_BYTES, (uint64_t)len);
    conn->turn_left = OWED_REQUESTS_A_TURN;
    take(conn, bytes->base, (size_t)len);
    turn_settle(conn);
}

/* ---- what comes next ---- */

static enum deadline deadline_now(const struct conn *conn)
{
    if (conn->write_pending) {
        return DEADLINE_WRITE;
    }
    switch ((enum conn_state)conn->state) {
    case CONN_IDLE:
        return conn->asked_us == 0 ? DEADLINE_HEAD : DEADLINE_IDLE;
    case CONN_READING:
        return http_in_body(conn->http) ? DEADLINE_BODY : DEADLINE_HEAD;
    case CONN_LINGERING:
        return DEADLINE_LINGER;
    case CONN_WAITING:
    case CONN_STREAM:
    case CONN_LAST_WORD:
    case CONN_CLOSED:
        break;
    }
    return DEADLINE_NONE;
}

static void settle_deadline(struct conn *conn)
{
    struct deadlines *deadlines = &conn->worker->conns->deadlines;
    enum deadline kind = deadline_now(conn);
    /* The same kind again: a new limit if a request was answered since the old one began. */
    bool renew = (kind == DEADLINE_IDLE || kind == DEADLINE_HEAD || kind == DEADLINE_BODY) &&
                 conn->asked_us > conn->since_us;

    if (kind != conn->deadline || renew) {
        deadline_leave(deadlines, conn);
        deadline_enter(deadlines, conn, kind, conn->worker->now_us);
    }
}

void turn_settle(struct conn *conn)
{
    if (conn->handling || conn->state == CONN_CLOSED) {
        return; /* run() is under way and will come here itself */
    }
    do {
        resume(conn);
        write_queue(conn);
    } while (conn->kept != NULL && may_handle(conn));
    if (conn->state == CONN_IDLE && conn->kept != NULL && conn->turn_left == 0 && !owed_add(conn)) {
        conn_end(conn);
    }
    if (conn->state == CONN_IDLE && conn->saw_eof && conn->kept == NULL) {
        conn->state = CONN_LAST_WORD;
    }
    if (conn->state == CONN_LAST_WORD && conn->out == NULL) {
        after_last_word(conn);
    }
    if (conn->state == CONN_CLOSED) {
        return;
    }
    if (conn->http != NULL && conn->state != CONN_READING && conn->state != CONN_WAITING) {
        http_free(conn->http);
        conn->http = NULL;
    }
    settle_reading(conn);
    if (conn->state != CONN_CLOSED) {
        settle_deadline(conn);
    }
}

void turn_go_on(struct conn *conn)
{
    conn->turn_left = OWED_REQUESTS_A_TURN;
    turn_settle(conn);
}

/* What libuv would do, at once: by way of the loop it might be put off for ever. */
static void read_now(struct conn *conn)
{
    uv_buf_t room = uv_buf_init(conn->worker->conns->read_bytes, CONN_READ_BYTES);
    uv_os_fd_t fd;
    ssize_t len;

    if (uv_fileno(&conn->uv.handle, &fd) != 0) {
        conn_end(conn);
        return;
    }
    do {
        len = recv(fd, room.base, room.len, MSG_DONTWAIT);
    } while (len < 0 && errno == EINTR);
    if (len < 0) {
        len = errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
    } else if (len == 0) {
        len = UV_EOF;
    }
    on_read(&conn->uv.stream, len, &room);
}

void turn_catch_up(struct conn *conn)
{
    if (wants_bytes(conn)) {
        read_now(conn); /* with a share of its own: none on top of it */
        turn_settle(conn);
    } else {
        turn_go_on(conn);
    }
}
