/* SPDX-License-Identifier: MIT */
/*
 * socket.h - one listening socket at an address: made, and named for people.
 *
 * Process  master.  Owner: whoever asked.  Every socket is non-blocking and close-on-exec.
 * Errors   -1 and errno.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* After a kill -9 of the master its workers need a moment to notice and to let go of a port: bind
 * is tried so often before "address in use" is believed. */
#define SOCKET_BIND_TRIES 60
#define SOCKET_BIND_TRIES_HASTY 4
#define SOCKET_BIND_PAUSE_MS 50

#define SOCKET_URL_BYTES 160

/* An IPv6 socket at "::" takes IPv4 as well. */
MUST_USE int socket_listen_tcp(const struct sockaddr *address, socklen_t len, uint32_t backlog,
                               uint32_t bind_tries);
/* A file that nobody listens at any more is replaced.  Whoever may enter the folder may connect. */
MUST_USE int socket_listen_unix(const char *path, uint32_t backlog);
/* An abstract name the kernel chooses: no file is left behind.  "Autobind", unix(7). */
MUST_USE int socket_listen_nameless(uint32_t backlog, struct sockaddr_un *ret_address,
                                    socklen_t *ret_len);

/* The TCP port it is bound to; 0: it is not TCP. */
uint32_t socket_port(int fd);
/* "http://localhost:8080" + path, or "unix:/run/ctfg.sock".  ret_url has SOCKET_URL_BYTES. */
void socket_url(int fd, const char *path, char *ret_url);

/* Takes "nothing", keeps errno, leaves -1. */
void socket_close(int *fd);
