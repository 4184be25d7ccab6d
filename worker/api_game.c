/* SPDX-License-Identifier: MIT */
/* api_game.c - GET /api/game: what the page shows before anyone logs in; GET /api/display. */
#include "conf/game.h"
#include "conf/names.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "shm/base/version.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/peer.h"
#include "worker/response.h"
#include "worker/route.h"

#define GAME_ANSWER_BYTES_MAX (256u << 10)
#define DISPLAY_ANSWER_BYTES_MAX 1024

static bool has_file(const struct game *game, struct str path)
{
    for (uint32_t i = 0; i < game->page_file_count; i++) {
        if (str_equal(game->page_files[i].path, path)) {
            return true;
        }
    }
    return false;
}

/* images/banner.jpg, else images/banner.png (docs/page.md). */
static struct str banner_path(const struct game *game)
{
    static const struct str paths[] = {STR_INIT("/images/banner.jpg"),
                                       STR_INIT("/images/banner.png")};

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (has_file(game, paths[i])) {
            return paths[i];
        }
    }
    return (struct str){0};
}

static void key_or_null(struct json_out *json, const char *key, struct str value)
{
    if (value.len > 0) {
        json_key_str(json, key, value);
    } else {
        json_key_null(json, key);
    }
}

static void write_logo(struct json_out *json, const struct game *game)
{
    struct buf path = BUF_INIT(GAME_ANSWER_BYTES_MAX);

    if (game->settings.game_logo.len > 0) {
        buf_append_str(&path, STR("/images/"));
        buf_append_str(&path, game->settings.game_logo);
    }
    key_or_null(json, "logo", buf_str(&path));
    buf_free(&path);
}

static void moment_or_null(struct json_out *json, const char *key, uint64_t ms)
{
    if (ms > 0) {
        json_key_u64(json, key, ms);
    } else {
        json_key_null(json, key);
    }
}

void api_game(struct exchange *exchange)
{
    const struct game *game = exchange->worker->game;
    const struct settings *settings = &game->settings;
    struct buf body = BUF_INIT(GAME_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);

    json_object_begin(&json);
    json_key_str(&json, "name", settings->game_name);
    write_logo(&json, game);
    key_or_null(&json, "banner", banner_path(game));
    json_key_str(&json, "welcome", settings->game_welcome);
    key_or_null(&json, "accent", settings->accent_colour);
    key_or_null(&json, "language", settings->page_language);
    json_key_bool(&json, "board_public", settings->board_public);
    moment_or_null(&json, "starts_ts", settings->starts_ms);
    moment_or_null(&json, "ends_ts", settings->ends_ms);
    json_key_u64(&json, "server_ts", clock_real_us() / 1000);
    json_key_str(&json, "version", STR(CTFG_VERSION));
    json_key(&json, "name_rules");
    json_object_begin(&json);
    json_key_u64(&json, "min", NAME_CHARS_MIN);
    json_key_u64(&json, "max", NAME_CHARS_MAX);
    json_key(&json, "blocked");
    json_array_begin(&json);
    for (uint32_t i = 0; i < settings->blocked_names.count; i++) {
        json_str(&json, settings->blocked_names.items[i]);
    }
    json_array_end(&json);
    json_object_end(&json);
    json_object_end(&json);
    if (body.failed) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_json(exchange->conn, 200, buf_str(&body), NULL);
    }
    buf_free(&body);
}

/*
 * The token of a screen: without a player, so that it outlives every session.  Whom nothing but a
 * session lets see the board gets that session's: it must not show the game after a logout.
 */
static void make_token(const struct exchange *exchange, char ret_token[SESSION_TEXT_BYTES_MAX])
{
    const struct settings *settings = &exchange->worker->game->settings;
    bool is_player = exchange->who != NULL && !settings->board_public;

    session_make(exchange->worker, is_player ? SESSION_STREAM_TOKEN : SESSION_DISPLAY_TOKEN,
                 is_player ? exchange->session.player : SHM_NONE,
                 is_player ? exchange->session.session_id : session_draw_id(),
                 settings->stream_token_ttl_s, ret_token);
}

/* The room's screen. */
void api_display(struct exchange *exchange)
{
    struct buf url = BUF_INIT(WEBSOCKET_URL_BYTES_MAX);
    struct buf body = BUF_INIT(DISPLAY_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);
    char token[SESSION_TEXT_BYTES_MAX];

    make_token(exchange, token);
    peer_append_websocket_url(&url, exchange->conn, exchange->request, token);
    json_object_begin(&json);
    json_key_str(&json, "websocket_url", buf_str(&url));
    json_object_end(&json);
    if (url.failed) {
        response_error(exchange->conn, 400, "bad_request"); /* a Host that makes no URL */
    } else if (body.failed) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_json(exchange->conn, 200, buf_str(&body), NULL);
    }
    buf_free(&url);
    buf_free(&body);
}
