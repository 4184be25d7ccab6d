/* SPDX-License-Identifier: MIT */
/* accept.c - uv_poll on the listening sockets, accept4() of our own: libuv's loop has no bound. */
#include "worker/accept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/response.h"

#define LOG_EVERY_US 10000000 /* of refusals: one line in ten seconds */

struct listener {
    uv_poll_t poll; /* first: the callback knows the listener by it */
    struct accept_state *accept;
    int fd;
    enum conn_side side;
};

struct accept_state {
    struct worker *worker;
    uint32_t count;
    uv_timer_t pause;
    bool paused;
    uint64_t siblings_took; /* when the pause began */
    uint32_t allowed_conns; /* to be taken before the siblings are looked at again */
    uint32_t next_allowed_conns;
    uint64_t logged_us;
    int reserve_fd; /* given up for a moment to take a client that has to be refused */
    struct listener listeners[HERITAGE_LISTENERS_MAX + 1];
};

/* ---- the siblings ---- */

struct siblings {
    uint32_t count; /* alive and accepting */
    uint64_t open;
    uint64_t took;
};

static struct siblings look_at_siblings(const struct worker *worker)
{
    const struct heritage *heritage = worker->heritage;
    struct siblings siblings = {0};

    for (uint32_t number = 1; number <= heritage->worker_count; number++) {
        const struct shm_slot *slot = slots_at(heritage->segment, SLOT_WORKER(number));

        if (number == heritage->worker_number || slot == NULL) {
            continue;
        }
        /* relaxed: a hint, a little old or not */
        uint64_t beat_us = atomic_load_explicit(&slot->heartbeat_us, memory_order_relaxed);
        uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
        if (state == SLOT_READY && beat_us + ACCEPT_STALE_MS * 1000 > worker->now_us) {
            siblings.count++;
            siblings.open += slots_read(slot, METRIC_CONNS_OPEN);
            siblings.took += slots_read(slot, METRIC_CONNS_ACCEPTED);
        }
    }
    return siblings;
}

static void poll_again(struct accept_state *accept);

static void on_pause_over(uv_timer_t *timer)
{
    struct accept_state *accept = timer->data;

    accept->paused = false;
    accept->worker->now_us = clock_mono_us();
    if (look_at_siblings(accept->worker).took != accept->siblings_took) {
        accept->next_allowed_conns = ACCEPT_BITE_CONNS;
    } else {
        accept->allowed_conns = accept->next_allowed_conns;
        if (accept->next_allowed_conns < ACCEPT_ALLOWED_CONNS_MAX) {
            accept->next_allowed_conns *= 2;
        }
    }
    poll_again(accept);
}

static void pause_for(struct accept_state *accept, uint64_t ms)
{
    for (uint32_t i = 0; i < accept->count; i++) {
        (void)uv_poll_stop(&accept->listeners[i].poll);
    }
    accept->paused = uv_timer_start(&accept->pause, on_pause_over, ms, 0) == 0;
    if (!accept->paused) {
        poll_again(accept);
    }
}

/* Far above the others: they go first. */
static bool let_siblings_go_first(struct accept_state *accept)
{
    struct worker *worker = accept->worker;

    if (accept->allowed_conns > 0) {
        return false;
    }
    struct siblings siblings = look_at_siblings(worker);
    if (siblings.count == 0) {
        return false;
    }
    uint64_t average = siblings.open / siblings.count;
    if (conn_count(worker) <= average + average / 4 + ACCEPT_AHEAD_CONNS) {
        return false;
    }
    accept->siblings_took = siblings.took;
    slots_add(METRIC_ACCEPT_PAUSES, 1);
    pause_for(accept, ACCEPT_PAUSE_MS);
    return true;
}

/* ---- who cannot be served ---- */

static void note_refusal(struct accept_state *accept, const char *why)
{
    uint64_t now_us = accept->worker->now_us;

    slots_add(METRIC_CONNS_REFUSED, 1);
    if (accept->logged_us == 0 || now_us - accept->logged_us > LOG_EVERY_US) {
        accept->logged_us = now_us;
        LOG(LOG_LEVEL_WARN, "connections are refused", LOG_STR("why", why),
            LOG_U64("open", conn_count(accept->worker)));
    }
}

/* A 503 without any memory of ours; what the client has sent is read first, or it would be reset. */
static void refuse_at_once(int fd)
{
    struct str text = response_busy();
    char unread[4096];

    (void)!recv(fd, unread, sizeof(unread), MSG_DONTWAIT);
    (void)!send(fd, text.data, text.len, MSG_DONTWAIT | MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    (void)close(fd);
}

static void refuse_for_want_of_fds(struct accept_state *accept, int listener_fd)
{
    note_refusal(accept, "no file descriptors are left");
    (void)close(accept->reserve_fd);
    int fd = accept4(listener_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        refuse_at_once(fd);
    }
    accept->reserve_fd = fcntl(listener_fd, F_DUPFD_CLOEXEC, 0);
}

/* ---- taking them in ---- */

/* Asked anew for each bite: prlimit(1) raises the limit of a worker that runs. */
static uint32_t conns_by_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > UINT32_MAX) {
        return UINT32_MAX;
    }
    return limit.rlim_cur > ACCEPT_SPARE_FILES + ACCEPT_LEAST_CONNS
               ? (uint32_t)limit.rlim_cur - ACCEPT_SPARE_FILES
               : ACCEPT_LEAST_CONNS;
}

uint32_t accept_conns_most(const struct worker *worker)
{
    uint32_t by_setting = worker->game->settings.conns_per_worker_max;
    uint32_t by_files = conns_by_files();

    return by_files < by_setting ? by_files : by_setting;
}

static void take_in(struct listener *listener, int fd, const struct sockaddr *peer,
                    uint32_t by_files)
{
    struct accept_state *accept = listener->accept;
    struct worker *worker = accept->worker;
    uint32_t by_setting = worker->game->settings.conns_per_worker_max;

    slots_add(METRIC_CONNS_ACCEPTED, 1);
    accept->allowed_conns -= accept->allowed_conns > 0 ? 1 : 0;
    if (listener->side == CONN_OPERATORS ||
        (conn_count(worker) < by_setting && conn_count(worker) < by_files)) {
        (void)conn_accept(worker, fd, listener->side, peer);
        return;
    }
    note_refusal(accept, by_files < by_setting ? "the limit of open files is reached"
                                               : "http.connections is reached");
    if (conn_count(worker) >= by_files || conn_count(worker) >= by_setting + ACCEPT_REFUSED_CONNS) {
        refuse_at_once(fd);
        return;
    }
    struct conn *conn = conn_accept(worker, fd, listener->side, peer);
    if (conn != NULL) {
        conn_refuse(conn);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = (struct listener *)poll;
    struct accept_state *accept = listener->accept;

    accept->worker->now_us = clock_mono_us();
    if (status < 0 || (events & UV_READABLE) == 0 ||
        (listener->side == CONN_PLAYERS && let_siblings_go_first(accept))) {
        return;
    }
    uint32_t by_files = conns_by_files();

    for (unsigned i = 0; i < ACCEPT_BITE_CONNS; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t peer_len = sizeof(peer);
        int fd = accept4(listener->fd, (struct sockaddr *)&peer, &peer_len,
                         SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd >= 0) {
            take_in(listener, fd, (const struct sockaddr *)&peer, by_files);
        } else if (errno == EMFILE || errno == ENFILE) {
            refuse_for_want_of_fds(accept, listener->fd);
            return;
        } else if (errno == ENOBUFS || errno == ENOMEM) {
            pause_for(accept, ACCEPT_PAUSE_MS); /* the kernel is short of memory: not at once */
            return;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return; /* nobody is left, or a sibling was quicker */
        }
        /* Anything else is about one client who has gone already (accept(2)). */
    }
}

static void poll_again(struct accept_state *accept)
{
    for (uint32_t i = 0; i < accept->count; i++) {
        if (uv_poll_start(&accept->listeners[i].poll, UV_READABLE, on_readable) != 0) {
            LOG(LOG_LEVEL_ERROR, "a listening socket cannot be watched",
                LOG_U64("fd", accept->listeners[i].fd));
        }
    }
}

/* ---- life ---- */

static bool add_listener(struct accept_state *accept, int fd, enum conn_side side)
{
    struct listener *listener = &accept->listeners[accept->count];
    int on = 1;

    /* Answers are written in one piece, so there is nothing for Nagle's algorithm to gather; the
     * sockets accepted here inherit it.  A unix socket has no such option. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    *listener = (struct listener){.accept = accept, .fd = fd, .side = side};
    int error = uv_poll_init(&accept->worker->loop, &listener->poll, fd);
    if (error != 0) {
        errno = -error;
        return false;
    }
    accept->count++;
    return true;
}

bool accept_start(struct worker *worker)
{
    const struct heritage *heritage = worker->heritage;
    struct accept_state *accept = calloc(1, sizeof(*accept));

    if (accept == NULL) {
        return false;
    }
    worker->accept = accept;
    accept->worker = worker;
    accept->next_allowed_conns = ACCEPT_BITE_CONNS;
    for (uint32_t i = 0; i < heritage->listener_count; i++) {
        if (!add_listener(accept, heritage->listener_fds[i], CONN_PLAYERS)) {
            return false;
        }
    }
    if (heritage->metrics_fd != HERITAGE_FD_NONE &&
        !add_listener(accept, heritage->metrics_fd, CONN_OPERATORS)) {
        return false;
    }
    accept->reserve_fd = fcntl(heritage->control_fd, F_DUPFD_CLOEXEC, 0);
    accept->pause.data = accept;
    if (accept->reserve_fd < 0 || uv_timer_init(&worker->loop, &accept->pause) != 0) {
        return false;
    }
    poll_again(accept);
    return true;
}

static void on_listener_closed(uv_handle_t *handle)
{
    (void)close(((struct listener *)handle)->fd);
}

void accept_stop(struct worker *worker)
{
    struct accept_state *accept = worker->accept;

    for (uint32_t i = 0; i < accept->count; i++) {
        uv_close((uv_handle_t *)&accept->listeners[i].poll, on_listener_closed);
    }
    (void)uv_timer_stop(&accept->pause);
    accept->count = 0;
}
