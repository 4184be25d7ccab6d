/* SPDX-License-Identifier: MIT */
/* api_hint.c - POST /api/hint: buys the next hint of a challenge, once, in order. */
#include <string.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "shm/players.h"
#include "shm/score.h"
#include "shm/solved.h"
#include "shm/wire.h"
#include "worker/api.h"
#include "worker/body.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/rules.h"

#define HINT_ANSWER_BYTES_MAX (GAME_TEXT_BYTES_MAX * 6 + 1024) /* six bytes a character, escaped */

struct hint_context {
    uint32_t challenge_id;
    uint32_t hint_id;
};

static void answer_bought(struct worker *worker, struct conn *conn,
                          const struct hint_context *asked, const struct wire_result *result)
{
    const struct game_challenge *challenge = game_find_challenge(worker->game, asked->challenge_id);
    const struct game_hint *hint =
        challenge != NULL ? game_find_hint(challenge, asked->hint_id) : NULL;
    struct buf body = BUF_INIT(HINT_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);

    json_object_begin(&json);
    json_key_str(&json, "result", STR("ok"));
    if (hint != NULL) { /* else a reload has just taken it away: it is bought all the same */
        json_key_str(&json, "text", hint->text);
    }
    json_key_i64(&json, "total", result->total_points);
    json_key_u64(&json, "seq", result->seq);
    json_object_end(&json);
    if (body.failed) {
        response_error(conn, 503, "unavailable");
    } else {
        response_json(conn, 200, buf_str(&body), NULL);
    }
    buf_free(&body);
}

static void hint_on_committed(struct worker *worker, struct conn *conn,
                              const struct dbclient_context *context,
                              const struct wire_result *result)
{
    struct hint_context asked;

    if (conn == NULL) {
        return;
    }
    memcpy(&asked, context->bytes, sizeof(asked));
    if (result == NULL) {
        response_error(conn, 503, "unavailable");
    } else {
        switch ((enum wire_status)result->status) {
        case WIRE_OK:
            answer_bought(worker, conn, &asked, result);
            break;
        case WIRE_ALREADY:
            response_error(conn, 400, "already_purchased");
            break;
        case WIRE_UNKNOWN:
            response_error(conn, 400, "unknown_hint");
            break;
        case WIRE_LOCKED:
            response_error(conn, 403, "locked");
            break;
        case WIRE_INSUFFICIENT:
            response_error(conn, 402, "insufficient_points");
            break;
        case WIRE_NAME_TAKEN:
        case WIRE_STALE:
        case WIRE_BUSY:
        case WIRE_STORE_FAILED:
        case WIRE_STATUSES:
            response_error(conn, 503, "unavailable");
            break;
        }
    }
    conn_flush(conn);
}

static void ask_for_hint(struct exchange *exchange, const struct game_challenge *challenge,
                         const struct game_hint *hint)
{
    struct hint_context asked = {.challenge_id = challenge->id, .hint_id = hint->id};
    struct wire_hint message = {
        .head = wire_head_make(WIRE_HINT, exchange->request->id),
        .at_us = clock_real_us(),
        .player = exchange->session.player,
        .challenge = challenge->slot,
        .hint_id = hint->id,
        .epoch = exchange->session.auth_epoch,
    };

    if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, &asked, sizeof(asked),
                      hint_on_committed)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}

static void judge(struct exchange *exchange, const struct game_challenge *challenge,
                  int64_t hint_id)
{
    const struct bank *bank = board_live(&exchange->worker->board);
    uint32_t player = exchange->session.player;
    const struct game_hint *hint = NULL;

    if (hint_id > 0 && hint_id <= GAME_HINTS_PER_CHALLENGE_MAX) {
        hint = game_find_hint(challenge, (uint32_t)hint_id);
    }
    if (hint == NULL) {
        response_error(exchange->conn, 400, "unknown_hint");
    } else if (solved_hint_bought(bank, player, hint->slot)) {
        response_error(exchange->conn, 400, "already_purchased");
    } else if (!rules_is_open(bank, player, challenge) ||
               hint->id != rules_hints_bought(bank, player, challenge) + 1) {
        response_error(exchange->conn, 403, "locked");
    } else if (!score_can_buy(players_score(bank, player), hint->cost_points)) {
        response_error(exchange->conn, 402, "insufficient_points");
    } else {
        ask_for_hint(exchange, challenge, hint);
    }
}

void api_hint(struct exchange *exchange)
{
    struct body_field fields[] = {
        {.name = "id", .kind = BODY_INT},
        {.name = "hint_id", .kind = BODY_INT},
    };
    struct body *body;
    enum body_verdict verdict =
        body_parse(exchange->request->body, fields, ARRAY_LEN(fields), &body);

    if (verdict != BODY_OK) {
        response_error(exchange->conn, 400, body_verdict_code(verdict));
        return;
    }
    body_free(body); /* only numbers, which are copied out */
    const struct game_challenge *challenge =
        rules_find_challenge(exchange->worker->game, fields[0].number);
    if (challenge == NULL) {
        response_error(exchange->conn, 400, "unknown_challenge");
    } else {
        judge(exchange, challenge, fields[1].number);
    }
}
