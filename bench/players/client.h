/* SPDX-License-Identifier: MIT */
/*
 * client.h - one keep-alive HTTP connection that asks one thing at a time.
 *
 * Connects when it is first asked something, and again after the server closed it in peace.
 * Born in client_init(); lives as long as the program, inside its player.
 */
#pragma once

#include <llhttp.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"

struct client;
struct client_link;

/* What came back.  status 0: no answer (refused, reset, closed), `body` then says why.  elapsed_us
 * includes the connect, if one was needed. */
typedef void client_done(struct client *client, unsigned status, struct str body,
                         uint64_t elapsed_us);

enum client_state { CLIENT_CLOSED, CLIENT_CONNECTING, CLIENT_OPEN };

struct client {
    const struct sockaddr_in *address;
    enum client_state state;
    bool asking;
    bool reading_cookie;
    struct client_link *link; /* the connection of now; NULL: closed */
    llhttp_t parser;
    struct buf out;    /* the request */
    struct buf body;   /* of the answer; may be cut: only its begin is looked at */
    struct buf field;  /* the name of the header that is read now */
    struct buf cookie; /* of the login, once there was one */
    uint64_t asked_us;
    client_done *done;
};

void client_init(struct client *client, const struct sockaddr_in *address, client_done *done);
/* body.data == NULL: a GET. */
void client_ask(struct client *client, struct str path, struct str body);
/* Closes it; nothing is reported any more. */
void client_close(struct client *client);
