/* SPDX-License-Identifier: MIT */
/*
 * api_submit.c - POST /api/submit: is the guess right, and is it on disk?
 *
 * "correct" is said only after db has committed the solve.  A wrong guess is answered at once; db is
 * told, and nobody waits.
 */
#include <string.h>

#include "conf/flag.h"
#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "shm/players.h"
#include "shm/slots.h"
#include "shm/solved.h"
#include "shm/wire.h"
#include "worker/api.h"
#include "worker/body.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/limit.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/rules.h"
#include "worker/solve_answer.h"

#define SUBMIT_ANSWER_BYTES_MAX 256 /* seven fields of at most 20 digits */

struct submit_context {
    uint32_t player;
};

static void answer_correct(struct conn *conn, const struct wire_result *result)
{
    char text[SUBMIT_ANSWER_BYTES_MAX];
    struct buf body = BUF_IN(text);
    struct json_out json = JSON_OUT(&body);

    json_object_begin(&json);
    json_key_str(&json, "result", STR("correct"));
    json_key_i64(&json, "points", result->points);
    json_key_i64(&json, "total", result->total_points);
    json_key_u64(&json, "seq", result->seq);
    json_key_u64(&json, "ts", result->ts_us / 1000);
    json_key_u64(&json, "place", result->place);
    json_object_end(&json);
    response_json(conn, 200, buf_str(&body), NULL);
}

/* The limit is there against guessing: whoever knows the flag is not, nor is one whom we could not
 * hear (503) and who has to ask again. */
static bool was_right_or_unheard(const struct wire_result *result)
{
    return result == NULL || result->status == WIRE_OK || result->status == WIRE_BUSY ||
           result->status == WIRE_STORE_FAILED || result->status == WIRE_STALE;
}

static void submit_on_committed(struct worker *worker, struct conn *conn,
                                const struct dbclient_context *context,
                                const struct wire_result *result)
{
    struct submit_context asked;

    memcpy(&asked, context->bytes, sizeof(asked));
    if (was_right_or_unheard(result)) {
        limit_refund_player(worker, LIMIT_SUBMIT, asked.player);
    }
    if (conn == NULL) {
        return;
    }
    if (result == NULL) {
        response_error(conn, 503, "unavailable");
    } else {
        switch ((enum wire_status)result->status) {
        case WIRE_OK:
            answer_correct(conn, result);
            break;
        case WIRE_ALREADY:
            solve_answer_already(conn, result->total_points);
            break;
        case WIRE_UNKNOWN:
            response_error(conn, 400, "unknown_id");
            break;
        case WIRE_LOCKED:
            response_error(conn, 403, "locked");
            break;
        case WIRE_INSUFFICIENT:
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

/* What db keeps of a guess: as much as a message holds, and no half of a character. */
static uint32_t kept_bytes(struct str guess)
{
    size_t len = guess.len < WIRE_GUESS_BYTES_MAX ? guess.len : WIRE_GUESS_BYTES_MAX;

    while (len > 0 && len < guess.len && ((unsigned char)guess.data[len] & 0xc0) == 0x80) {
        len--; /* a byte that continues a character (RFC 3629, 3) */
    }
    return (uint32_t)len;
}

static void answer_wrong(struct exchange *exchange, const struct game_challenge *challenge,
                         struct str guess)
{
    struct wire_guess message = {
        .head = wire_head_make(WIRE_GUESS, exchange->request->id),
        .at_us = clock_real_us(),
        .player = exchange->session.player,
        .challenge = challenge->slot,
        .guess_bytes = kept_bytes(guess),
    };
    uint64_t retry_us;
    uint32_t tries =
        limit_left_player(exchange->worker, LIMIT_SUBMIT, exchange->session.player, &retry_us);
    char text[SUBMIT_ANSWER_BYTES_MAX];
    struct buf body = BUF_IN(text);
    struct json_out json = JSON_OUT(&body);

    memcpy(message.guess, guess.data, message.guess_bytes);
    dbclient_tell(exchange->worker, &message);
    slots_add(METRIC_GUESSES_WRONG, 1);
    json_object_begin(&json);
    json_key_str(&json, "result", STR("incorrect"));
    json_key_u64(&json, "tries_left", tries);
    json_key_u64(&json, "retry_after_ms", (retry_us + 999) / 1000);
    json_object_end(&json);
    response_json(exchange->conn, 200, buf_str(&body), NULL);
}

static void judge(struct exchange *exchange, const struct game_challenge *challenge,
                  struct str guess)
{
    const struct bank *bank = board_live(&exchange->worker->board);
    uint32_t player = exchange->session.player;

    if (solved_test(bank, player, challenge->slot)) {
        solve_answer_already(exchange->conn, players_score(bank, player));
    } else if (!rules_is_open(bank, player, challenge)) {
        response_error(exchange->conn, 403, "locked");
    } else if (!flag_matches_once(challenge->flag, guess)) {
        answer_wrong(exchange, challenge, guess);
    } else {
        struct wire_submit message = {
            .head = wire_head_make(WIRE_SUBMIT, exchange->request->id),
            .at_us = clock_real_us(),
            .player = player,
            .challenge = challenge->slot,
            .epoch = exchange->session.auth_epoch,
        };
        struct submit_context asked = {.player = player};

        if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, &asked, sizeof(asked),
                          submit_on_committed)) {
            limit_refund_player(exchange->worker, LIMIT_SUBMIT, player);
            response_error(exchange->conn, 503, "unavailable");
        }
    }
}

void api_submit(struct exchange *exchange)
{
    struct body_field fields[] = {
        {.name = "id", .kind = BODY_INT},
        {.name = "flag", .kind = BODY_STR},
    };
    struct body *body;
    enum body_verdict verdict =
        body_parse(exchange->request->body, fields, ARRAY_LEN(fields), &body);

    if (verdict != BODY_OK) {
        response_error(exchange->conn, 400, body_verdict_code(verdict));
        return;
    }
    const struct game_challenge *challenge =
        rules_find_challenge(exchange->worker->game, fields[0].number);
    if (challenge == NULL) {
        response_error(exchange->conn, 400, "unknown_id");
    } else {
        judge(exchange, challenge, str_trim(fields[1].str));
    }
    body_free(body);
}
