/* SPDX-License-Identifier: MIT */
/*
 * api_admin.c - GET /reset, POST /admin/reset, POST /admin/logout: for who knows CTFG_ADMIN_TOKEN.
 *
 * The form works without script; its token comes in the body, where the route table does not look.
 */
#include <string.h>

#include "conf/game.h"
#include "shm/base/log.h"
#include "shm/wire.h"
#include "worker/api.h"
#include "worker/body.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/response.h"
#include "worker/route.h"

#define TOKEN_BYTES_MAX 512

#define HTML_HEAD                                                                                  \
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"                              \
    "<meta name=\"viewport\" content=\"width=device-width\"><title>Reset the game</title></head>"  \
    "<body><h1>Reset the game</h1>"
#define HTML_FORM                                                                                  \
    "<form method=\"post\" action=\"/admin/reset\"><p><label>Admin token "                         \
    "<input type=\"password\" name=\"token\" required autocomplete=\"off\"></label></p>"           \
    "<p><label><input type=\"checkbox\" name=\"confirm\" value=\"yes\" required> "                 \
    "Delete all solves, hints and display names, and end every session</label></p>"                \
    "<p><button>Reset</button></p></form>"
#define HTML_FOOT "</body></html>\n"

static const struct str form_csp =
    STR_INIT("default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'");

struct reset_context {
    bool wants_html;
};

static void answer_html(struct conn *conn, unsigned status, struct str html)
{
    struct response_extra extra = {
        .content_type = STR("text/html; charset=utf-8"),
        .content_security_policy = form_csp,
    };

    response_json(conn, status, html, &extra);
}

void api_reset_form(struct exchange *exchange)
{
    answer_html(exchange->conn, 200, STR(HTML_HEAD HTML_FORM HTML_FOOT));
}

/* One way to say it, as a page or as JSON. */
static void answer(struct conn *conn, bool wants_html, unsigned status, const char *code,
                   struct str html)
{
    if (wants_html) {
        answer_html(conn, status, html);
    } else if (status == 200) {
        response_json(conn, 200, STR("{\"result\":\"ok\"}"), NULL);
    } else {
        response_error(conn, status, code);
    }
}

static void reset_on_committed(struct worker *worker, struct conn *conn,
                               const struct dbclient_context *context,
                               const struct wire_result *result)
{
    struct reset_context asked;

    (void)worker;
    if (conn == NULL) {
        return;
    }
    memcpy(&asked, context->bytes, sizeof(asked));
    if (result != NULL && result->status == WIRE_OK) {
        answer(conn, asked.wants_html, 200, "",
               STR(HTML_HEAD "<p>The game has been reset. A backup of the database was taken "
                             "first.</p>" HTML_FOOT));
    } else if (result == NULL) {
        answer(conn, asked.wants_html, 503, "unavailable",
               STR(HTML_HEAD
                   "<p>The database has <strong>not answered yet</strong>: to copy a large "
                   "one takes a while. The log says when the game is reset.</p>" HTML_FOOT));
    } else {
        answer(conn, asked.wants_html, 503, "unavailable",
               STR(HTML_HEAD "<p>The game was <strong>not</strong> reset: the database could not "
                             "be written. The log says why.</p>" HTML_FOOT));
    }
    conn_flush(conn);
}

static void ask_for_reset(struct exchange *exchange, bool wants_html)
{
    struct wire_reset message = {.head = wire_head_make(WIRE_RESET, exchange->request->id)};
    struct reset_context asked = {.wants_html = wants_html};

    LOG(LOG_LEVEL_WARN, "reset of the game asked for", LOG_HEX("request", exchange->request->id));
    if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, &asked, sizeof(asked),
                      reset_on_committed)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}

/* A JSON body needs no confirm: a tool does not click by accident. */
static bool read_json(struct str text, char ret_token[TOKEN_BYTES_MAX])
{
    struct body_field fields[] = {{.name = "token", .kind = BODY_STR}};
    struct body *body;

    ret_token[0] = '\0';
    if (body_parse(text, fields, ARRAY_LEN(fields), &body) != BODY_OK) {
        return false;
    }
    if (fields[0].str.len < TOKEN_BYTES_MAX) {
        (void)str_copy(fields[0].str, ret_token, TOKEN_BYTES_MAX);
    }
    body_free(body);
    return true;
}

/* Whatever the type says (curl -d says it is a form): no form begins like that. */
static bool is_json(const struct request *request)
{
    return str_starts_with_nocase(str_trim(request->content_type), STR("application/json")) ||
           str_starts_with(str_trim(request->body), STR("{"));
}

void api_reset(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    bool wants_html = !is_json(exchange->request);
    char token[TOKEN_BYTES_MAX] = "";
    char confirm[8] = "";

    if (!wants_html && !read_json(exchange->request->body, token)) {
        response_error(conn, 400, "missing_parameters");
        return;
    }
    bool has_form =
        wants_html && body_form_value(exchange->request->body, "token", token, sizeof(token));
    bool confirmed = !wants_html || (has_form &&
                                     body_form_value(exchange->request->body, "confirm", confirm,
                                                     sizeof(confirm)) &&
                                     strcmp(confirm, "yes") == 0);

    enum route_verdict verdict =
        route_judge_token(exchange, str_from(token), exchange->worker->game->admin_token);
    if (verdict == ROUTE_MAY_WAIT) {
        return;
    }
    if (verdict == ROUTE_MAY_NOT) {
        answer(conn, wants_html, 401, "unauthorized",
               STR(HTML_HEAD "<p>That is not the admin token.</p>" HTML_FORM HTML_FOOT));
    } else if (!confirmed) {
        answer(conn, wants_html, 400, "missing_parameters",
               STR(HTML_HEAD "<p>Tick the box to confirm.</p>" HTML_FORM HTML_FOOT));
    } else {
        ask_for_reset(exchange, wants_html);
    }
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
        response_json(conn, 200, STR("{\"result\":\"ok\"}"), NULL);
    }
    conn_flush(conn);
}

/* Ends every session of one player, or of everyone. */
void api_admin_logout(struct exchange *exchange)
{
    struct body_field fields[] = {{.name = "username", .kind = BODY_STR, .optional = true}};
    struct wire_revoke message = {
        .head = wire_head_make(WIRE_REVOKE, exchange->request->id),
        .player = SHM_NONE,
    };
    struct body *body;
    enum body_verdict verdict =
        body_parse(exchange->request->body, fields, ARRAY_LEN(fields), &body);

    if (verdict != BODY_OK) {
        response_error(exchange->conn, 400, body_verdict_code(verdict));
        return;
    }
    const struct game_player *player = NULL;
    if (fields[0].present) {
        player = game_find_player(exchange->worker->game, str_trim(fields[0].str));
        message.player = player != NULL ? player->slot : SHM_NONE;
    }
    bool unknown = fields[0].present && player == NULL;
    /* A script's null or mistyped key must not throw everybody out: that takes a plain {}. */
    bool missing = !fields[0].present && !body_is_empty(body);
    body_free(body);
    if (missing) {
        response_error(exchange->conn, 400, "missing_parameters");
    } else if (unknown) {
        response_error(exchange->conn, 400, "unknown_user");
    } else if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, NULL, 0,
                             logout_on_committed)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}
