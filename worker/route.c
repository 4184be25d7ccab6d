/* SPDX-License-Identifier: MIT */
/*
 * route.c - THE table of endpoints, and the one way a request takes through it: find, method, origin,
 * who, limit, handler.
 */
#include "worker/route.h"

#include <string.h>

#include "conf/game.h"
#include "shm/base/buf.h"
#include "shm/slots.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/limit.h"
#include "worker/page.h"
#include "worker/peer.h"
#include "worker/response.h"

/* clang-format off */
static const struct route routes[] = {
    /* method      path                  who may            limit         handler */
    {METHOD_POST, "/api/login",         AUTH_NONE,         LIMIT_NONE,   api_login},
    {METHOD_POST, "/api/logout",        AUTH_PLAYER,       LIMIT_NONE,   api_logout},
    {METHOD_GET,  "/api/me",            AUTH_OPTIONAL,     LIMIT_NONE,   api_me},
    {METHOD_POST, "/api/set-name",      AUTH_PLAYER,       LIMIT_NAME,   api_name},
    {METHOD_GET,  "/api/challenges",    AUTH_PLAYER,       LIMIT_NONE,   api_challenges},
    {METHOD_POST, "/api/submit",        AUTH_PLAYER,       LIMIT_SUBMIT, api_submit},
    {METHOD_POST, "/api/hint",          AUTH_PLAYER,       LIMIT_HINT,   api_hint},
    {METHOD_POST, "/api/award",         AUTH_API_TOKEN,    LIMIT_AWARD,  api_award},
    {METHOD_GET,  "/api/scoreboard",    AUTH_BOARD,        LIMIT_NONE,   api_scoreboard},
    {METHOD_GET,  "/api/graph",         AUTH_BOARD,        LIMIT_NONE,   api_graph},
    {METHOD_GET,  "/api/events",        AUTH_BOARD,        LIMIT_API,    api_events},
    {METHOD_GET,  "/api/player",        AUTH_BOARD,        LIMIT_API,    api_player},
    {METHOD_GET,  "/api/solves",        AUTH_BOARD,        LIMIT_API,    api_solves},
    {METHOD_GET,  "/api/game",          AUTH_NONE,         LIMIT_NONE,   api_game},
    {METHOD_GET,  "/api/display",       AUTH_BOARD,        LIMIT_NONE,   api_display},
    {METHOD_GET,  "/scorestream",       AUTH_NONE,         LIMIT_NONE,   api_stream},
    {METHOD_GET,  "/reset",             AUTH_NONE,         LIMIT_NONE,   api_reset_form},
    {METHOD_POST, "/admin/reset",       AUTH_NONE,         LIMIT_NONE,   api_reset},
    {METHOD_POST, "/admin/logout",      AUTH_ADMIN_TOKEN,  LIMIT_NONE,   api_admin_logout},
    /* Everything else a GET may name; the last row, so that it has counters of its own. */
    {METHOD_GET,  "page",               AUTH_NONE,         LIMIT_NONE,   api_page},
};

static const struct route operator_routes[] = {
    {METHOD_GET,  "/metrics",           AUTH_NONE,         LIMIT_NONE,   api_metrics},
    {METHOD_GET,  "/healthz",           AUTH_NONE,         LIMIT_NONE,   api_healthz},
    {METHOD_GET,  "/readyz",            AUTH_NONE,         LIMIT_NONE,   api_readyz},
};
/* clang-format on */

#define ROUTES ARRAY_LEN(routes)
#define PAGE_ROUTE (ROUTES - 1)
static_assert(ROUTES + ARRAY_LEN(operator_routes) <= SLOT_ROUTES_MAX, "each row has counters");

uint32_t route_count(void)
{
    return (uint32_t)(ROUTES + ARRAY_LEN(operator_routes));
}

const char *route_name(uint32_t row, const char **ret_method)
{
    if (row >= route_count()) {
        return NULL;
    }
    const struct route *route = row < ROUTES ? &routes[row] : &operator_routes[row - ROUTES];
    *ret_method = route->method == METHOD_POST ? "POST" : "GET";
    return route->path;
}

/* Whatever may be got may be asked for its head alone, but for an upgrade: that has none to show. */
static bool has_head(const struct route *route)
{
    return route->method == METHOD_GET && route->handler != api_stream;
}

static bool method_fits(const struct route *route, enum method method)
{
    return route->method == method || (method == METHOD_HEAD && has_head(route));
}

static struct str methods_of(const struct route *route)
{
    if (route->method == METHOD_POST) {
        return STR("POST");
    }
    return has_head(route) ? STR("GET, HEAD") : STR("GET");
}

/* The bearer's token, or the header's whole value: older tools send it bare. */
static struct str authorization_token(const struct request *request)
{
    struct str value = str_trim(request->authorization);

    if (str_starts_with_nocase(value, STR("Bearer "))) {
        value.data += 7;
        value.len -= 7;
        value = str_trim(value);
    }
    return value;
}

enum route_verdict route_judge_token(struct exchange *exchange, struct str given,
                                     struct str expected)
{
    struct worker *worker = exchange->worker;
    struct peer_address address;
    uint64_t retry_us;

    if (given.len == 0 || expected.len == 0) {
        return ROUTE_MAY_NOT;
    }
    peer_client_address(exchange->conn, exchange->request, &address);
    struct str key = peer_address_key(&address);
    /* Taken before: whoever has none left must not learn which token is right. */
    if (!limit_take_key(worker, LIMIT_LOGIN_ADDRESS, key, &retry_us)) {
        response_limited(exchange->conn, retry_us);
        return ROUTE_MAY_WAIT;
    }
    if (!str_equal_secret(given, expected)) {
        return ROUTE_MAY_NOT;
    }
    limit_refund_key(worker, LIMIT_LOGIN_ADDRESS, key);
    return ROUTE_MAY;
}

static enum route_verdict judge_header(struct exchange *exchange, struct str expected)
{
    return route_judge_token(exchange, authorization_token(exchange->request), expected);
}

/* Fills in the session, if there is a good one. */
static bool find_session(struct exchange *exchange)
{
    if (!session_verify_cookie(exchange->worker, exchange->request->cookie, &exchange->session)) {
        exchange->session = (struct session){.player = SHM_NONE};
        return false;
    }
    exchange->who = game_player_at(exchange->worker->game, exchange->session.player);
    return exchange->who != NULL;
}

static enum route_verdict who_may(const struct route *route, struct exchange *exchange)
{
    const struct game *game = exchange->worker->game;

    switch (route->auth) {
    case AUTH_NONE:
        return ROUTE_MAY;
    case AUTH_OPTIONAL:
        (void)find_session(exchange);
        return ROUTE_MAY;
    case AUTH_PLAYER:
        return find_session(exchange) ? ROUTE_MAY : ROUTE_MAY_NOT;
    case AUTH_BOARD:
        return find_session(exchange) || game->settings.board_public
                   ? ROUTE_MAY
                   : judge_header(exchange, game->display_token);
    case AUTH_API_TOKEN:
        return judge_header(exchange, game->api_token);
    case AUTH_ADMIN_TOKEN:
        return judge_header(exchange, game->admin_token);
    }
    return ROUTE_MAY_NOT;
}

bool route_take_limit(struct exchange *exchange, enum limit_kind kind)
{
    struct worker *worker = exchange->worker;
    uint64_t retry_us;
    bool taken;

    if (kind == LIMIT_NONE) {
        return true;
    }
    if (exchange->who != NULL) {
        taken = limit_take_player(worker, kind, exchange->session.player, &retry_us);
    } else if (kind == LIMIT_AWARD) {
        taken = limit_take_key(worker, kind, worker->game->api_token, &retry_us);
    } else {
        struct peer_address address;

        peer_client_address(exchange->conn, exchange->request, &address);
        taken = limit_take_key(worker, kind, peer_address_key(&address), &retry_us);
    }
    if (!taken) {
        response_limited(exchange->conn, retry_us);
    }
    return taken;
}

/* false: the answer is given. */
static bool admit(const struct route *route, struct exchange *exchange)
{
    enum route_verdict verdict = who_may(route, exchange);

    if (verdict == ROUTE_MAY_NOT) {
        response_error(exchange->conn, 401, "unauthorized");
    }
    return verdict == ROUTE_MAY;
}

/* What a player gets may be long, and a copy for each who asks.  false: the answer is given. */
static bool admit_to_more(const struct route *route, struct exchange *exchange)
{
    if (route->method != METHOD_GET || exchange->who == NULL ||
        conn_is_for_player(exchange->conn, exchange->session.player)) {
        return true;
    }
    response_error(exchange->conn, 503, "unavailable");
    return false;
}

static void run(const struct route *route, uint32_t row, struct exchange *exchange)
{
    struct conn *conn = exchange->conn;

    conn->route = row;
    slots_enter_route(row);
    if (route->method == METHOD_POST && !peer_origin_is_allowed(conn, exchange->request)) {
        response_error(conn, 403, "foreign_origin");
    } else if (admit(route, exchange) && admit_to_more(route, exchange) &&
               route_take_limit(exchange, route->limit)) {
        route->handler(exchange);
    }
    slots_enter_route(SHM_NONE);
}

/* true: a row has this path; the request is answered or on its way. */
static bool try_table(const struct route *table, size_t rows, uint32_t first_row,
                      struct exchange *exchange)
{
    const struct request *request = exchange->request;
    const struct route *other_method = NULL;

    for (size_t i = 0; i < rows; i++) {
        if (!str_equal(request->path, str_from(table[i].path))) {
            continue;
        }
        if (method_fits(&table[i], request->method)) {
            run(&table[i], first_row + (uint32_t)i, exchange);
            return true;
        }
        other_method = &table[i];
    }
    if (other_method == NULL) {
        return false;
    }
    exchange->conn->route = first_row + (uint32_t)(other_method - table);
    response_method_not_allowed(exchange->conn, methods_of(other_method));
    return true;
}

void route_dispatch(struct conn *conn, const struct request *request)
{
    struct exchange exchange = {
        .worker = conn->worker,
        .conn = conn,
        .request = request,
        .session = {.player = SHM_NONE},
    };

    if (conn->side == CONN_OPERATORS) {
        if (!try_table(operator_routes, ARRAY_LEN(operator_routes), ROUTES, &exchange)) {
            response_error(conn, 404, "not_found");
        }
        return;
    }
    if (try_table(routes, PAGE_ROUTE, 0, &exchange)) {
        return;
    }
    conn->route = PAGE_ROUTE;
    slots_enter_route(PAGE_ROUTE);
    page_respond(&exchange);
    slots_enter_route(SHM_NONE);
}
