/* SPDX-License-Identifier: MIT */
/* api_login.c - POST /api/login and /api/logout: sessions begin and end here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "shm/board.h"
#include "shm/slots.h"
#include "shm/wire.h"
#include "worker/api.h"
#include "worker/body.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/limit.h"
#include "worker/password.h"
#include "worker/peer.h"
#include "worker/player.h"
#include "worker/response.h"
#include "worker/route.h"

#define LOGIN_ANSWER_BYTES_MAX 2048

/*
 * One login on its way.  It outlives the request's bytes, since a hash is compared in the thread
 * pool: whatever the answer needs of them is worked out before.
 */
struct login {
    uint32_t player;          /* slot; SHM_NONE: the name is nobody's, the hash a decoy */
    uint64_t credential_hash; /* of the password that is compared */
    bool is_https;
    uint64_t session_id;
    struct peer_address address;
    /* The stream's, without its token: that is of the moment of the answer. */
    size_t url_len;
    char url[WEBSOCKET_URL_BYTES_MAX - SESSION_TEXT_LEN];
};

/* As long as there is a request to derive it from.  false: the stream's URL would be too long. */
static bool login_prepare(struct login *login, struct exchange *exchange,
                          const struct game_player *who)
{
    struct buf url = BUF_IN(login->url);

    *login = (struct login){
        .player = who != NULL ? who->slot : SHM_NONE,
        .credential_hash = who != NULL ? who->credential_hash : 0,
        .is_https = peer_is_https(exchange->conn, exchange->request),
        .session_id = session_draw_id(),
    };
    peer_client_address(exchange->conn, exchange->request, &login->address);
    peer_append_websocket_url(&url, exchange->conn, exchange->request, "");
    login->url_len = url.len;
    return !url.failed;
}

static void write_welcome(struct json_out *json, const struct login *login, struct str token,
                          const struct player_view *view)
{
    struct str name = player_display_name(view);
    char room[WEBSOCKET_URL_BYTES_MAX];
    struct buf url = BUF_IN(room);

    buf_append(&url, login->url, login->url_len);
    buf_append_str(&url, token);

    json_object_begin(json);
    if (name.len > 0) {
        json_key_str(json, "displayname", name);
    } else {
        json_key_null(json, "displayname");
    }
    json_key_bool(json, "needs_name", name.len == 0);
    json_key_str(json, "websocket_url", buf_str(&url));
    json_key_u64(json, "user_id", view->user_id);
    json_object_end(json);
}

static void refund_login_limits(struct worker *worker, const struct login *login,
                                struct str username)
{
    limit_refund_key(worker, LIMIT_LOGIN_NAME, username);
    limit_refund_key(worker, LIMIT_LOGIN_ADDRESS, peer_address_key(&login->address));
}

static void answer_welcome(struct worker *worker, struct conn *conn, const struct login *login)
{
    const struct settings *settings = &worker->game->settings;
    char cookie[SESSION_TEXT_BYTES_MAX];
    char token[SESSION_TEXT_BYTES_MAX];
    char header[SESSION_TEXT_BYTES_MAX + 96];
    struct buf body = BUF_INIT(LOGIN_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);
    struct player_view view;

    if (!player_read(worker, login->player, BOARD_READ_TRIES, &view)) {
        response_error(conn, 503, "unavailable");
        return;
    }
    slots_add(METRIC_LOGINS_OK, 1);

    session_make(worker, SESSION_COOKIE, login->player, login->session_id, settings->session_ttl_s,
                 cookie);
    session_make(worker, SESSION_STREAM_TOKEN, login->player, login->session_id,
                 settings->stream_token_ttl_s, token);
    int len = snprintf(header, sizeof(header),
                       SESSION_COOKIE_NAME "=%s; Path=/; Max-Age=%u; HttpOnly; SameSite=Lax%s",
                       cookie, settings->session_ttl_s, login->is_https ? "; Secure" : "");
    write_welcome(&json, login, str_from(token), &view);
    if (body.failed) {
        response_error(conn, 503, "unavailable");
    } else {
        response_json(conn, 200, buf_str(&body),
                      &(struct response_extra){.set_cookie = {header, (size_t)len}});
    }
    buf_free(&body);
}

static void answer_login(struct worker *worker, struct conn *conn, const struct login *login,
                         bool is_right)
{
    const struct game_player *who = game_player_at(worker->game, login->player);

    /* A reload while argon2id worked: right was a password that counts no more. */
    if (is_right && who != NULL && who->credential_hash == login->credential_hash) {
        /* Only failures count: a room that logs in all at once is not an attack. */
        refund_login_limits(worker, login, who->username);
        answer_welcome(worker, conn, login);
    } else {
        slots_add(METRIC_LOGINS_BAD, 1);
        response_error(conn, 401, "invalid_credentials");
    }
}

static void login_on_compared(struct worker *worker, struct conn *conn, const void *context,
                              bool is_right)
{
    struct login *login;

    memcpy(&login, context, sizeof(login));
    if (conn != NULL) {
        answer_login(worker, conn, login, is_right);
        conn_flush(conn);
    }
    free(login);
}

/* Hands the comparison to the pool; the answer comes in login_on_compared().  false: no room there. */
static bool compare_later(struct exchange *exchange, const struct login *login, struct str hash,
                          struct str password)
{
    struct login *kept = malloc(sizeof(*kept));

    if (kept == NULL) {
        return false;
    }
    *kept = *login;
    if (!password_ask_hash(exchange->worker, hash, password, exchange->conn->id, &kept,
                           sizeof(kept), login_on_compared)) {
        free(kept);
        return false;
    }
    return true;
}

static bool take_login_limits(struct exchange *exchange, const struct login *login,
                              struct str username)
{
    uint64_t retry_us;

    if (limit_take_key(exchange->worker, LIMIT_LOGIN_ADDRESS, peer_address_key(&login->address),
                       &retry_us) &&
        limit_take_key(exchange->worker, LIMIT_LOGIN_NAME, username, &retry_us)) {
        return true;
    }
    response_limited(exchange->conn, retry_us);
    return false;
}

static void try_login(struct exchange *exchange, struct str username, struct str password)
{
    struct worker *worker = exchange->worker;
    const struct game_player *who = game_find_player(worker->game, username);
    struct str hash = password_decoy_hash(worker);
    struct login login;

    if (who != NULL) {
        hash = who->password_is_hash ? who->password : (struct str){0};
    }
    if (!login_prepare(&login, exchange, who)) {
        response_error(exchange->conn, 400, "bad_request"); /* a Host that makes no URL */
    } else if (!take_login_limits(exchange, &login, username)) {
        return;
    } else if (hash.len == 0) {
        bool is_right =
            password_equal_plain(who != NULL ? who->password : (struct str){"", 0}, password);

        answer_login(worker, exchange->conn, &login, is_right && who != NULL);
    } else if (!compare_later(exchange, &login, hash, password)) {
        refund_login_limits(worker, &login, username); /* nothing was compared: no failure */
        response_error(exchange->conn, 503, "unavailable");
    }
}

void api_login(struct exchange *exchange)
{
    struct body_field fields[] = {
        {.name = "username", .kind = BODY_STR},
        {.name = "password", .kind = BODY_STR},
    };
    struct body *body;
    enum body_verdict verdict =
        body_parse(exchange->request->body, fields, ARRAY_LEN(fields), &body);

    if (verdict != BODY_OK) {
        response_error(exchange->conn, 400, body_verdict_code(verdict));
        return;
    }
    struct str username = str_trim(fields[0].str);
    struct str password = fields[1].str;
    if (username.len == 0 || username.len > GAME_USERNAME_BYTES_MAX ||
        password.len > GAME_PASSWORD_BYTES_MAX) {
        slots_add(METRIC_LOGINS_BAD, 1);
        response_error(exchange->conn, 401, "invalid_credentials");
    } else {
        try_login(exchange, username, password);
    }
    body_free(body);
}

static void logout_on_committed(struct worker *worker, struct conn *conn,
                                const struct dbclient_context *context,
                                const struct wire_result *result)
{
    (void)worker;
    (void)context;
    if (conn == NULL) {
        return;
    }
    if (result == NULL || result->status != WIRE_OK) {
        response_error(conn, 503, "unavailable");
    } else {
        response_empty(conn, 204,
                       &(struct response_extra){
                           .set_cookie = STR(SESSION_COOKIE_NAME
                                             "=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")});
    }
    conn_flush(conn);
}

/* A stream's token that was made just before the cookie expires lives on: so must its death. */
static uint64_t last_expiry_s(const struct exchange *exchange)
{
    uint64_t token_s =
        clock_real_us() / 1000000 + exchange->worker->game->settings.stream_token_ttl_s;

    return token_s > exchange->session.expires_s ? token_s : exchange->session.expires_s;
}

/* Ends this one session, on disk first: its cookie is dead everywhere, other devices go on. */
void api_logout(struct exchange *exchange)
{
    struct wire_revoke message = {
        .head = wire_head_make(WIRE_REVOKE, exchange->request->id),
        .player = exchange->session.player,
        .session_id = exchange->session.session_id,
        .expires_s = last_expiry_s(exchange),
    };

    if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, NULL, 0,
                      logout_on_committed)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}
