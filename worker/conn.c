/* SPDX-License-Identifier: MIT */
/* conn.c - birth, death and whereabouts of connections; what happens in between is turn.c. */
#include "worker/conn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "conf/game.h"
#include "conf/network.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "worker/conn_table.h"
#include "worker/context.h"
#include "worker/http.h"
#include "worker/out.h"
#include "worker/owed.h"
#include "worker/peer.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/stream.h"
#include "worker/turn.h"

#define BUCKETS_LEAST 1024
#define DRAIN_GRACE_US 100000 /* what has reached the socket by now is read by then */
/* At an upgrade nobody is to notice.  Between two requests: who has one on its way has sent it by then; */
#define UPGRADE_GRACE_US 300000
/* connected, and nothing said: nobody connects for nothing, but it may be a slow network. */
#define UPGRADE_FRESH_GRACE_US 1000000

static_assert(offsetof(struct conn, uv) == 0, "libuv's handle is the conn");
static_assert(sizeof(struct conn) <= 432, "20,000 of them are a few megabytes");

/* ---- life ---- */

static bool expire_some(struct worker *worker, uint64_t ticked_us, uint64_t until_us);

bool conn_start(struct worker *worker)
{
    struct conn_table *table = calloc(1, sizeof(*table));
    uint64_t buckets = BUCKETS_LEAST;

    while (buckets < worker->game->settings.conns_per_worker_max) {
        buckets *= 2;
    }
    if (table == NULL || (table->buckets = calloc(buckets, sizeof(struct conn *))) == NULL) {
        free(table);
        return false;
    }
    table->bucket_mask = buckets - 1;
    overdue_init(&table->overdue, worker, expire_some);
    worker->conns = table;
    return owed_start(worker);
}

uint32_t conn_count(const struct worker *worker)
{
    return worker->conns->count;
}

static struct conn **bucket_of(struct conn_table *table, uint64_t id)
{
    return &table->buckets[id & table->bucket_mask];
}

struct conn *conn_find(struct worker *worker, uint64_t id)
{
    struct conn *conn = *bucket_of(worker->conns, id);

    while (conn != NULL && conn->id != id) {
        conn = conn->hash_next;
    }
    /* Who has said the last word takes no answer any more. */
    return conn == NULL || conn->state >= CONN_LAST_WORD ? NULL : conn;
}

static void take_out_of_table(struct conn *conn)
{
    struct conn_table *table = conn->worker->conns;
    struct conn **link = bucket_of(table, conn->id);

    while (*link != conn) {
        link = &(*link)->hash_next;
    }
    *link = conn->hash_next;
    deadline_leave(&table->deadlines, conn);
}

void conn_free_kept(struct conn *conn)
{
    if (conn->kept != NULL) {
        conn->worker->conns->kept_bytes -= conn->kept->len;
        free(conn->kept);
        conn->kept = NULL;
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct conn *conn = (struct conn *)handle;
    struct worker *worker = conn->worker;

    if (conn->client != NULL) {
        stream_on_closed(conn);
    }
    out_free(conn->out);
    http_free(conn->http);
    free(conn);
    worker->conns->count--;
    slots_set(METRIC_CONNS_OPEN, worker->conns->count);
}

void conn_end(struct conn *conn)
{
    if (conn->state == CONN_CLOSED) {
        return;
    }
    if (conn->state == CONN_WAITING) {
        slots_count_request(conn->route, 0, clock_mono_us() - conn->asked_us);
    }
    conn->state = CONN_CLOSED;
    conn_free_kept(conn);
    take_out_of_table(conn);
    uv_close(&conn->uv.handle, on_closed);
}

/* ---- bytes on their way out ---- */

size_t conn_queued_bytes(const struct conn *conn)
{
    return conn->out != NULL ? out_bytes(conn->out) : 0;
}

static bool has_out(struct conn *conn)
{
    if (conn->state == CONN_CLOSED) {
        return false;
    }
    if (conn->out == NULL) {
        conn->out = out_new();
    }
    return conn->out != NULL;
}

void conn_put(struct conn *conn, struct str bytes)
{
    if (!has_out(conn) || !out_put(conn->out, bytes)) {
        conn_end(conn); /* no memory: an answer with a hole in it helps nobody */
    }
}

void conn_put_blob(struct conn *conn, struct blob *blob, size_t from, size_t len)
{
    if (!has_out(conn) || !out_put_blob(conn->out, blob, from, len)) {
        conn_end(conn);
    }
}

/* ---- what others ask for ---- */

bool conn_is_for_player(struct conn *conn, uint32_t player)
{
    conn->player = player;
    return player >= GAME_PLAYERS_MAX || conn->worker->conns->slow[player] < CONN_SLOW_A_PLAYER_MAX;
}

static void write_access_log(struct conn *conn, unsigned status, uint64_t took_us)
{
    struct conn_table *table = conn->worker->conns;
    uint32_t every = conn->worker->game->settings.access_log_every;
    const char *method = "";

    if (every == 0 || ++table->since_access_log < every) {
        return;
    }
    table->since_access_log = 0;
    const char *path = route_name(conn->route, &method);
    struct peer_address address;
    char client[INET6_ADDRSTRLEN];
    memcpy(address.bytes, conn->client_address, sizeof(address.bytes));
    peer_address_text(&address, client);
    LOG(LOG_LEVEL_INFO, "request", LOG_STR("method", method),
        LOG_STR("route", path != NULL ? path : "none"), LOG_U64("status", status),
        LOG_U64("took_us", took_us), LOG_STR("client", client),
        LOG_HEX("request", http_request(conn->http)->id));
}

void conn_answered(struct conn *conn, unsigned status)
{
    if (conn->state == CONN_CLOSED) {
        return;
    }
    CHECK(conn->state == CONN_WAITING || conn->state == CONN_READING);
    uint64_t took_us = clock_mono_us() - conn->asked_us;
    slots_count_request(conn->route, status, took_us);
    write_access_log(conn, status, took_us);
    if (conn->close_after_answer) {
        conn->state = CONN_LAST_WORD;
    } else {
        conn->state = CONN_IDLE;
        http_next(conn->http);
    }
    if (conn->handling) {
        return; /* run() goes on by itself */
    }
    turn_go_on(conn);
}

void conn_become_stream(struct conn *conn, struct stream_client *client)
{
    conn->client = client;
    if (conn->state == CONN_CLOSED) {
        return;
    }
    uint64_t took_us = clock_mono_us() - conn->asked_us;
    slots_count_request(conn->route, 101, took_us);
    write_access_log(conn, 101, took_us);
    conn->state = CONN_STREAM;
    conn->player = SHM_NONE; /* frames are everybody's */
}

void conn_flush(struct conn *conn)
{
    turn_settle(conn);
}

void conn_close(struct conn *conn, bool flush_first)
{
    if (conn->state == CONN_CLOSED) {
        return;
    }
    if (!flush_first) {
        conn_end(conn);
        return;
    }
    conn->state = CONN_LAST_WORD;
    turn_settle(conn);
}

void conn_refuse(struct conn *conn)
{
    conn->linger = true;
    conn_put(conn, response_busy());
    conn_close(conn, true);
}

static void remember_peer(struct conn *conn, const struct sockaddr *peer)
{
    struct peer_address address = {0};

    if (peer->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, peer, sizeof(v4));
        network_address_from_v4(&v4.sin_addr, address.bytes);
    } else if (peer->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;

        memcpy(&v6, peer, sizeof(v6));
        memcpy(address.bytes, &v6.sin6_addr, 16);
    }
    if (peer->sa_family == AF_INET || peer->sa_family == AF_INET6) {
        memcpy(conn->peer_address, address.bytes, 16);
        conn->peer_address_len = 16;
    }
}

static bool open_handle(struct conn *conn, int fd, int family)
{
    uv_loop_t *loop = &conn->worker->loop;

    if (family == AF_UNIX) {
        return uv_pipe_init(loop, &conn->uv.pipe, 0) == 0 && uv_pipe_open(&conn->uv.pipe, fd) == 0;
    }
    return uv_tcp_init(loop, &conn->uv.tcp) == 0 && uv_tcp_open(&conn->uv.tcp, fd) == 0;
}

struct conn *conn_accept(struct worker *worker, int fd, enum conn_side side,
                         const struct sockaddr *peer)
{
    struct conn_table *table = worker->conns;
    struct conn *conn = calloc(1, sizeof(*conn));

    if (conn == NULL) {
        (void)close(fd);
        return NULL;
    }
    conn->worker = worker;
    conn->id = ++worker->next_conn_id;
    conn->side = (uint8_t)side;
    conn->route = SHM_NONE;
    conn->player = SHM_NONE;
    conn->slow_player = SHM_NONE;
    remember_peer(conn, peer);
    conn->hash_next = *bucket_of(table, conn->id);
    *bucket_of(table, conn->id) = conn;
    deadline_enter(&table->deadlines, conn, DEADLINE_HEAD, worker->now_us);
    table->count++;
    slots_set(METRIC_CONNS_OPEN, table->count);
    if (!open_handle(conn, fd, peer->sa_family)) {
        (void)close(fd);
        conn_end(conn);
        return NULL;
    }
    turn_settle(conn);
    return conn->state != CONN_CLOSED ? conn : NULL;
}

/* ---- time ---- */

/* Between two messages, but the next one lies in the socket: a worker that was kept from its loop has
 * not read it yet.  An end now would reset it, and its sender could not know whether it was done. */
static bool has_spoken(const struct conn *conn)
{
    uv_os_fd_t fd;
    char first;

    return conn->state == CONN_IDLE && uv_fileno(&conn->uv.handle, &fd) == 0 &&
           recv(fd, &first, sizeof(first), MSG_PEEK | MSG_DONTWAIT) > 0;
}

static void begin_deadline_anew(struct conn *conn)
{
    struct deadlines *deadlines = &conn->worker->conns->deadlines;
    enum deadline kind = (enum deadline)conn->deadline;

    deadline_leave(deadlines, conn);
    deadline_enter(deadlines, conn, kind, conn->worker->now_us);
}

static void expire(struct conn *conn)
{
    if (conn->deadline == DEADLINE_WRITE) {
        size_t left = uv_stream_get_write_queue_size(&conn->uv.stream);

        if (left < *out_progress(conn->out)) {
            *out_progress(conn->out) = left;
            begin_deadline_anew(conn);
            return;
        }
    } else if (has_spoken(conn)) {
        begin_deadline_anew(conn); /* it is read in this turn of the loop, or the next */
        return;
    }
    if (conn->deadline != DEADLINE_LINGER) {
        slots_add(METRIC_CONNS_TIMED_OUT, 1);
    }
    if (conn->state == CONN_READING && conn->deadline != DEADLINE_WRITE) {
        turn_refuse(conn, 408, "request_timeout");
    } else {
        conn_end(conn);
    }
}

/* Whoever is between two messages, or has not begun the first.  false: there may be more. */
static bool end_the_idle(struct conn_table *table, enum deadline kind, uint64_t until_us)
{
    struct conn *next;

    for (struct conn *conn = table->deadlines.first[kind]; conn != NULL; conn = next) {
        next = conn->list_next;
        if (conn->state == CONN_IDLE && conn->kept == NULL) {
            if (!has_spoken(conn)) {
                conn_end(conn);
            }
            if (clock_mono_us() >= until_us) {
                return false;
            }
        }
    }
    return true;
}

/* Whoever a drain no longer waits for. */
static bool drain_some(struct worker *worker, uint64_t ticked_us, uint64_t until_us)
{
    struct conn_table *table = worker->conns;
    uint64_t drained_us = table->drain_began_us != 0 && ticked_us > table->drain_began_us
                              ? ticked_us - table->drain_began_us
                              : 0;

    if (drained_us > (worker->upgrading ? UPGRADE_GRACE_US : DRAIN_GRACE_US) &&
        !end_the_idle(table, DEADLINE_IDLE, until_us)) {
        return false;
    }
    return drained_us <= (worker->upgrading ? UPGRADE_FRESH_GRACE_US : DRAIN_GRACE_US) ||
           end_the_idle(table, DEADLINE_HEAD, until_us);
}

/* Whoever is past a deadline, or must go for the worker to go. */
static bool expire_some(struct worker *worker, uint64_t ticked_us, uint64_t until_us)
{
    struct conn_table *table = worker->conns;
    const struct settings *settings = &worker->game->settings;
    struct conn *conn;

    for (int kind = 0; kind < DEADLINE_NONE; kind++) {
        while ((conn = deadline_overdue(&table->deadlines, (enum deadline)kind, settings,
                                        ticked_us)) != NULL) {
            expire(conn);
            if (clock_mono_us() >= until_us) {
                return false;
            }
        }
    }
    return drain_some(worker, ticked_us, until_us);
}

void conn_tick(struct worker *worker, uint64_t now_us)
{
    worker->now_us = now_us;
    overdue_tick(&worker->conns->overdue, now_us);
}

void conn_drain_all(struct worker *worker)
{
    struct deadlines *deadlines = &worker->conns->deadlines;

    worker->conns->drain_began_us = clock_mono_us();
    for (int kind = 0; kind < DEADLINE_KINDS; kind++) {
        for (struct conn *conn = deadlines->first[kind]; conn != NULL; conn = conn->list_next) {
            conn->close_after_answer = true;
        }
    }
}
