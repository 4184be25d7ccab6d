/* SPDX-License-Identifier: MIT */
/*
 * context.h - the only struct worker: all that lives as long as this process.
 *
 * Each module keeps its own state in a struct it declares; here they hang together.  No other global
 * state.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "shm/board.h"
#include "shm/gcra.h"
#include "shm/heritage.h"
#include "shm/revoked.h"
#include "shm/ring.h"

struct accept_state;    /* accept.c */
struct conn_table;      /* conn.c */
struct dbclient;        /* dbclient.c */
struct game;            /* conf/game.h */
struct old_game;        /* reload.c */
struct mirror;          /* mirror.c */
struct page;            /* page.c */
struct password_pool;   /* password.c */
struct session_keys;    /* session.c */
struct stream_hub;      /* stream.c */
struct view_table;      /* view.c */
struct challenge_texts; /* api_challenges.c: fragments made once a game */

struct worker {
    uv_loop_t loop;
    struct heritage *heritage;
    struct game *game;          /* the present one */
    struct old_game *old_games; /* former ones, while somebody is still sending a file of theirs */
    bool reloading;
    struct board board;
    struct ring ring;
    struct limits limits;
    struct revoked revoked;

    struct accept_state *accept;
    struct conn_table *conns;
    struct dbclient *dbclient;
    struct mirror *mirror; /* made by view_start() */
    struct page *page;
    struct password_pool *passwords;
    struct session_keys *keys;
    struct stream_hub *streams;
    struct view_table *views;
    struct challenge_texts *texts; /* of the game of texts_generation; 0: not made yet */
    uint64_t texts_generation;

    bool draining;
    bool upgrading; /* while draining: streams stay open until all else is done */
    uint64_t next_conn_id;
    uint32_t request_epoch; /* upper part of request ids: slot and start */
    uint32_t next_request;  /* lower part */
    uint64_t now_us;        /* clock_mono_us() of this turn of the loop */
};

/* A request id as wire.h defines it. */
uint64_t worker_next_request_id(struct worker *worker);
