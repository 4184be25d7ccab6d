/* SPDX-License-Identifier: MIT */
/*
 * listen.h - every listening socket: players', /metrics', and the one db takes workers' requests at.
 *
 * Players' sockets come from one of three places: systemd (socket activation), the program that ran
 * before an upgrade (LISTEN_UPGRADE_VARIABLE), or bind(2).  All workers share them: a herd then
 * waits in one queue that any worker empties, where SO_REUSEPORT would leave half of it behind a
 * worker that is stuck.
 *
 * Process  master, before the first fork.
 * Owner    the master: listen_close_players() at a drain, listen_close() at the end.
 * Errors   false and one sentence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "master/socket.h"
#include "shm/base/compiler.h"
#include "shm/heritage.h"

struct settings;

/* "players=3,4;metrics=5": sockets an upgrade hands to the program that follows. */
#define LISTEN_UPGRADE_VARIABLE "CTFG_UPGRADE_FDS"
#define LISTEN_UPGRADE_BYTES 256

struct listeners {
    uint32_t player_count;
    int player_fds[HERITAGE_LISTENERS_MAX];
    int metrics_fd; /* HERITAGE_FD_NONE: off */
    int db_fd;
    struct sockaddr_un db_address;
    socklen_t db_address_len;
    uint32_t backlog_effective;
    uint32_t port;                      /* of the first player socket; 0: unix */
    char url[SOCKET_URL_BYTES];         /* what to type into a browser */
    char metrics_url[SOCKET_URL_BYTES]; /* empty: off */
    bool unlink_at_end;                 /* the socket file is ours, not systemd's */
};

/* Opens all of them.  Warnings (a clamped backlog, no metrics) are logged here: serving goes on. */
MUST_USE bool listen_open(const struct settings *settings, struct listeners *ret_listeners,
                          char *ret_error, size_t error_bytes);
/* Takes no more players; who is in the queue is the workers' until they leave. */
void listen_close_players(struct listeners *listeners);
void listen_close(struct listeners *listeners);

/* For execve(2): clears close-on-exec of what is handed on, and writes the variable's value. */
MUST_USE bool listen_hand_on(const struct listeners *listeners,
                             char ret_value[LISTEN_UPGRADE_BYTES]);
/* The way back, when execve(2) failed. */
void listen_keep(const struct listeners *listeners);

/* net.core.somaxconn; 0: the kernel does not say. */
uint32_t listen_somaxconn(void);
/* What the kernel makes of a wanted backlog, given net.core.somaxconn (0: unknown). */
uint32_t listen_clamp(uint32_t wanted, uint32_t somaxconn);
/* Reads what listen_hand_on() wrote.  false: another form, or something that does not listen. */
MUST_USE bool listen_parse_handed(const char *value, struct listeners *listeners);
