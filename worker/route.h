/* SPDX-License-Identifier: MIT */
/*
 * route.h - THE table: method, path, who may, limit, handler.  One row an endpoint.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "shm/layout.h"
#include "worker/conn.h"
#include "worker/http.h"
#include "worker/session.h"

struct game_player;

enum auth {
    AUTH_NONE,
    AUTH_OPTIONAL,    /* a session is looked for; the handler decides */
    AUTH_PLAYER,      /* a valid session */
    AUTH_BOARD,       /* a session, or board_public, or the display token */
    AUTH_API_TOKEN,   /* CTFG_API_TOKEN, bare or Bearer */
    AUTH_ADMIN_TOKEN, /* CTFG_ADMIN_TOKEN, Bearer */
};

/* One request on its way: valid until the answer or the handler's return, whichever is first. */
struct exchange {
    struct worker *worker;
    struct conn *conn;
    const struct request *request;
    const struct game_player *who; /* NULL: no session */
    struct session session;        /* session.player == SHM_NONE: no session */
};

typedef void (*route_handler)(struct exchange *exchange);

struct route {
    enum method method;
    const char *path;
    enum auth auth;
    enum limit_kind limit; /* taken per player, or per token */
    route_handler handler;
};

/* What becomes of who shows a token, or of a request as a whole. */
enum route_verdict {
    ROUTE_MAY,
    ROUTE_MAY_NOT,  /* to be answered 401 */
    ROUTE_MAY_WAIT, /* 429 is answered, whether the token was right or not */
};

/*
 * Is this the token?  THE way to compare one: a wrong one costs a try of the address's login limit,
 * past which nothing is compared, so that none can be guessed at speed.  A right one costs nothing,
 * nor does an empty one or one for what is switched off: there is nothing to guess.
 */
MUST_USE enum route_verdict route_judge_token(struct exchange *exchange, struct str given,
                                              struct str expected);
/* Takes one token of a kind for this exchange's player.  false: the answer (429) is given. */
MUST_USE bool route_take_limit(struct exchange *exchange, enum limit_kind kind);
/* Finds, checks method, origin of state-changing calls, session and limit, then calls the handler. */
void route_dispatch(struct conn *conn, const struct request *request);
/* "POST /api/submit", for /metrics and for naming the dead; NULL past the last row. */
const char *route_name(uint32_t row, const char **ret_method);
uint32_t route_count(void);
