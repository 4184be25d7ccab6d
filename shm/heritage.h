/* SPDX-License-Identifier: MIT */
/*
 * heritage.h - all that a child is given at fork.  The master fills it; entry points read it.
 *
 * (Varnish's bin/varnishd/common/heritage.h.)  Forward declarations only: it depends on nothing.
 * A child owns the descriptors it is given, and closes those that are not for its role.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct game;
struct segment;

#define HERITAGE_LISTENERS_MAX 16
#define HERITAGE_FD_NONE (-1)

struct heritage {
    struct segment *segment; /* mapped for the master; a child maps it anew for its role */
    struct game *game;       /* the master's current game: a copy of its own after fork */

    uint32_t process_slot;  /* row in shm/slots */
    uint32_t worker_number; /* 1..worker_count in a worker; 0 in db */
    uint32_t worker_count;

    int control_fd; /* this child's end of the control socketpair (shm/control.h) */
    uint32_t listener_count;
    int listener_fds[HERITAGE_LISTENERS_MAX]; /* worker: players come in here */
    int metrics_fd;                           /* worker: /metrics, /healthz, /readyz; or NONE */
    int db_listener_fd;                       /* db: workers come in here */
    struct sockaddr_un db_address;            /* worker: where db_listener_fd listens */
    socklen_t db_address_len;
    uint32_t backlog_effective; /* after the kernel's clamp */
    uint32_t port;              /* bound TCP port of the first listener, 0: unix */
};
