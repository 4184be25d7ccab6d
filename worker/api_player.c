/* SPDX-License-Identifier: MIT */
/*
 * api_player.c - GET /api/player and GET /api/solves: chains of events through the ring.
 *
 * Every event knows its player's event before it, every solve its challenge's solve before it: the
 * newest are found without a search.  Where a chain leaves the ring the answer is not "complete".
 */
#include <stdlib.h>

#include "conf/game.h"
#include "shm/base/json_out.h"
#include "shm/board.h"
#include "shm/challenges.h"
#include "shm/ring.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/event_json.h"
#include "worker/mirror.h"
#include "worker/player.h"
#include "worker/query.h"
#include "worker/response.h"
#include "worker/route.h"

#define CHAIN_EVENTS_MAX 1000
#define CHAIN_ANSWER_BYTES_MAX (CHAIN_EVENTS_MAX * EVENT_JSON_BYTES_MAX + 4096)
/* A chain's head may be on the board a moment before it is in the ring. */
#define CHAIN_TRIES 64

enum chain_kind { CHAIN_PLAYER, CHAIN_CHALLENGE };

struct chain {
    struct event *events; /* newest first; CHAIN_EVENTS_MAX of them have room */
    uint32_t count;
    bool complete;
};

static void walk(struct chain *chain, const struct ring *ring, enum chain_kind kind, uint64_t seq)
{
    chain->count = 0;
    while (seq != 0 && chain->count < CHAIN_EVENTS_MAX) {
        struct event *event = &chain->events[chain->count];
        enum ring_read status = ring_read_event(ring, seq, event);

        for (int attempt = 1; status == RING_FUTURE && attempt < CHAIN_TRIES; attempt++) {
            status = ring_read_event(ring, seq, event);
        }
        if (status != RING_OK) {
            break;
        }
        chain->count++;
        seq = kind == CHAIN_PLAYER ? event->prev_player_seq : event->prev_challenge_seq;
    }
    chain->complete = seq == 0;
}

/* Answers with the body, or 503 if it did not come about. */
static void finish(struct exchange *exchange, struct buf *body)
{
    if (body->failed) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_json(exchange->conn, 200, buf_str(body), NULL);
    }
    buf_free(body);
}

static void write_player(struct json_out *json, const struct worker *worker,
                         const struct player_now *now, const struct chain *chain)
{
    json_object_begin(json);
    json_key_u64(json, "user_id", now->view.user_id);
    json_key_str(json, "displayname", str_from(now->view.name));
    json_key_i64(json, "score", now->view.score_points);
    json_key_u64(json, "solves", now->view.solves);
    if (now->place > 0) {
        json_key_u64(json, "place", now->place);
    } else {
        json_key_null(json, "place");
    }
    json_key_u64(json, "seq", now->seq);
    json_key(json, "events");
    json_array_begin(json);
    for (uint32_t i = chain->count; i > 0; i--) {
        event_json_write(json, worker, &chain->events[i - 1], EVENT_LIVE);
    }
    json_array_end(json);
    json_key_bool(json, "complete", chain->complete);
    json_object_end(json);
}

void api_player(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    struct buf body = BUF_INIT(CHAIN_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);
    struct player_now now;
    uint64_t user_id;

    if (!query_number_needed(exchange->request->query, "user_id", 0, UINT32_MAX, &user_id)) {
        response_error(exchange->conn, 400, "invalid_parameters");
        return;
    }
    uint32_t player = players_find_user(board_live(&worker->board), (uint32_t)user_id, SHM_NONE);

    if (player == SHM_NONE) {
        response_error(exchange->conn, 404, "unknown_user");
        return;
    }
    if (!player_read_now(worker, player, &now)) {
        response_error(exchange->conn, 503, "unavailable");
        return;
    }
    if (!mirror_is_listed(&now.view)) {
        response_error(exchange->conn, 404, "unknown_user"); /* nobody has seen them yet */
        return;
    }
    struct chain chain = {.events = malloc(CHAIN_EVENTS_MAX * sizeof(struct event))};

    if (chain.events == NULL) {
        response_error(exchange->conn, 503, "unavailable");
        return;
    }
    walk(&chain, &worker->ring, CHAIN_PLAYER, now.view.last_seq);
    write_player(&json, worker, &now, &chain);
    free(chain.events);
    finish(exchange, &body);
}

static void write_solve(struct json_out *json, struct worker *worker, const struct event *event)
{
    struct player_view view;

    json_object_begin(json);
    json_key_u64(json, "user_id", event->user_id);
    if (player_read(worker, event->player, BOARD_READ_TRIES, &view)) {
        json_key_str(json, "displayname", str_from(view.name));
    } else {
        json->buf->failed = true; /* db has just died: 503 */
    }
    json_key_u64(json, "ts", event->ts_us / 1000);
    json_key_u64(json, "seq", event->seq);
    json_key_u64(json, "place", event->place);
    json_object_end(json);
}

void api_solves(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    struct buf body = BUF_INIT(CHAIN_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);
    struct challenge_view view = {0};
    uint64_t id;

    if (!query_number_needed(exchange->request->query, "id", 0, GAME_ID_MAX, &id)) {
        response_error(exchange->conn, 400, "invalid_parameters");
        return;
    }
    const struct game_challenge *challenge = game_find_challenge(worker->game, (uint32_t)id);

    if (challenge == NULL) {
        response_error(exchange->conn, 404, "unknown_id");
        return;
    }
    struct chain chain = {.events = malloc(CHAIN_EVENTS_MAX * sizeof(struct event))};

    if (chain.events == NULL) {
        response_error(exchange->conn, 503, "unavailable");
        return;
    }
    if (challenges_read(board_live(&worker->board), challenge->slot, &view)) {
        walk(&chain, &worker->ring, CHAIN_CHALLENGE, view.last_seq);
    } else {
        chain.complete = true; /* of this game's, and db does not know it yet: nobody solved it */
    }
    json_object_begin(&json);
    json_key_u64(&json, "id", id);
    json_key(&json, "solves");
    json_array_begin(&json);
    for (uint32_t i = chain.count; i > 0; i--) {
        write_solve(&json, worker, &chain.events[i - 1]);
    }
    json_array_end(&json);
    json_key_bool(&json, "complete", chain.complete);
    json_object_end(&json);
    free(chain.events);
    finish(exchange, &body);
}
