/* SPDX-License-Identifier: MIT */
/* api_award.c - POST /api/award: an organiser's tool gives a solve; requirements do not matter. */
#include <string.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "shm/players.h"
#include "shm/event.h"
#include "shm/solved.h"
#include "shm/state.h"
#include "shm/wire.h"
#include "worker/api.h"
#include "worker/body.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/rules.h"
#include "worker/solve_answer.h"

static void award_on_committed(struct worker *worker, struct conn *conn,
                               const struct dbclient_context *context,
                               const struct wire_result *result)
{
    (void)worker;
    (void)context;
    if (conn == NULL) {
        return;
    }
    if (result == NULL) {
        response_error(conn, 503, "unavailable");
    } else if (result->status == WIRE_OK) {
        char text[128];
        struct buf body = BUF_IN(text);
        struct json_out json = JSON_OUT(&body);

        json_object_begin(&json);
        json_key_str(&json, "result", STR("ok"));
        json_key_i64(&json, "total", result->total_points);
        json_key_u64(&json, "seq", result->seq);
        json_object_end(&json);
        response_json(conn, 200, buf_str(&body), NULL);
    } else if (result->status == WIRE_ALREADY) {
        solve_answer_already(conn, result->total_points);
    } else if (result->status == WIRE_UNKNOWN) {
        response_error(conn, 400, "unknown_id");
    } else {
        response_error(conn, 503, "unavailable");
    }
    conn_flush(conn);
}

static void give(struct exchange *exchange, const struct game_player *player,
                 const struct game_challenge *challenge)
{
    const struct bank *bank = board_live(&exchange->worker->board);
    struct wire_submit message = {
        .head = wire_head_make(WIRE_SUBMIT, exchange->request->id),
        .at_us = clock_real_us(),
        .player = player->slot,
        .challenge = challenge->slot,
        .flags = EVENT_FROM_AWARD,
        .epoch = (uint32_t)state_auth_epoch(bank),
    };

    if (solved_test(bank, player->slot, challenge->slot)) {
        solve_answer_already(exchange->conn, players_score(bank, player->slot));
    } else if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, NULL, 0,
                             award_on_committed)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}

void api_award(struct exchange *exchange)
{
    const struct game *game = exchange->worker->game;
    struct body_field fields[] = {
        {.name = "username", .kind = BODY_STR},
        {.name = "id", .kind = BODY_INT},
    };
    struct body *body;
    enum body_verdict verdict =
        body_parse(exchange->request->body, fields, ARRAY_LEN(fields), &body);

    if (verdict != BODY_OK) {
        response_error(exchange->conn, 400, body_verdict_code(verdict));
        return;
    }
    const struct game_player *player = game_find_player(game, str_trim(fields[0].str));
    const struct game_challenge *challenge = rules_find_challenge(game, fields[1].number);
    if (player == NULL) {
        response_error(exchange->conn, 400, "unknown_user");
    } else if (challenge == NULL) {
        response_error(exchange->conn, 400, "unknown_id");
    } else {
        give(exchange, player, challenge);
    }
    body_free(body);
}
