/* SPDX-License-Identifier: MIT */
/* api_me.c - GET /api/me: who am I, what have I, and a fresh stream token. */
#include "conf/game.h"
#include "shm/base/json_out.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/limit.h"
#include "worker/peer.h"
#include "worker/player.h"
#include "worker/response.h"
#include "worker/route.h"

#define ME_ANSWER_BYTES_MAX 4096

/* false: a Host that makes no URL. */
static bool write_me(struct json_out *json, struct exchange *exchange, const struct player_now *now)
{
    struct str name = player_display_name(&now->view);
    struct buf url = BUF_INIT(WEBSOCKET_URL_BYTES_MAX);
    char token[SESSION_TEXT_BYTES_MAX];
    uint64_t retry_us;
    uint32_t tries =
        limit_left_player(exchange->worker, LIMIT_SUBMIT, exchange->session.player, &retry_us);

    session_make(exchange->worker, SESSION_STREAM_TOKEN, exchange->session.player,
                 exchange->session.session_id, exchange->worker->game->settings.stream_token_ttl_s,
                 token);
    peer_append_websocket_url(&url, exchange->conn, exchange->request, token);

    json_object_begin(json);
    json_key_str(json, "username", exchange->who->username);
    if (name.len > 0) {
        json_key_str(json, "displayname", name);
    } else {
        json_key_null(json, "displayname");
    }
    json_key_bool(json, "needs_name", name.len == 0);
    json_key_str(json, "websocket_url", buf_str(&url));
    json_key_u64(json, "user_id", now->view.user_id);
    json_key_i64(json, "score", now->view.score_points);
    if (now->place > 0) {
        json_key_u64(json, "place", now->place);
    } else {
        json_key_null(json, "place");
    }
    json_key_u64(json, "seq", now->seq);
    json_key_u64(json, "submit_tries_left", tries);
    json_key_u64(json, "submit_retry_after_ms", (retry_us + 999) / 1000);
    json_object_end(json);
    bool fits = !url.failed;
    buf_free(&url);
    return fits;
}

void api_me(struct exchange *exchange)
{
    struct buf body = BUF_INIT(ME_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);
    struct player_now now;

    if (exchange->who == NULL) {
        response_error(exchange->conn, 401, "no session");
        return;
    }
    if (!player_read_now(exchange->worker, exchange->session.player, &now)) {
        response_error(exchange->conn, 503, "unavailable");
    } else if (!write_me(&json, exchange, &now)) {
        response_error(exchange->conn, 400, "bad_request");
    } else if (body.failed) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_json(exchange->conn, 200, buf_str(&body), NULL);
    }
    buf_free(&body);
}
