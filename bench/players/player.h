/* SPDX-License-Identifier: MIT */
/*
 * player.h - one emulated player: from the page to the last flag.
 *
 * Page and files, game, login, name, snapshot, stream, challenge list; then challenge by challenge in
 * an order of their own that keeps the requirements, with a few wrong guesses and hints, and the list
 * again whenever a solve opened something.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "bench/players/client.h"
#include "bench/players/plan.h"
#include "bench/players/stream.h"
#include "bench/players/tally.h"
#include "shm/base/buf.h"

/* What all players share; written before the first one starts. */
struct player_setting {
    struct sockaddr_in address;
    const struct plan *plan;
    const struct str *files; /* what the page is made of, besides itself */
    uint32_t file_count;
    uint64_t pause_max_ms; /* before each challenge; 0: none */
    void (*on_done)(void);
};

struct player {
    const struct player_setting *setting;
    uint32_t number;
    struct client client;
    struct stream stream;
    struct buf stream_url; /* of the login */
    uv_timer_t timer;
    enum tally_kind asking; /* what the client's question is */
    uint32_t files_read;
    uint32_t challenge; /* the one that is played now */
    uint32_t solved_count;
    uint32_t wrong_left;
    uint32_t hints_left;
    uint32_t retries;
    int64_t total;
    bool *solved;
    uint32_t *hints_bought;
    bool has_tried; /* a hint or a wrong guess at this challenge */
    bool finished;  /* every challenge is solved */
    bool done;      /* finished, or given up */
};

void player_start(struct player *player, const struct player_setting *setting, uint32_t number,
                  uint64_t delay_ms);
