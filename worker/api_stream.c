/* SPDX-License-Identifier: MIT */
/*
 * api_stream.c - GET /scorestream: everything that can be refused is refused before the upgrade.
 *
 * The order: method (the route table's), origin, token, handshake (RFC 6455, 4.2.1), since: whoever
 * has no token learns nothing else, whether they ask as a WebSocket or not.  What is refused is
 * answered as short JSON, like any call.
 */
#include "shm/board.h"
#include "shm/slots.h"
#include "worker/api.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/http.h"
#include "worker/peer.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/session.h"
#include "worker/stream.h"
#include "worker/ws.h"

static bool has_token(struct str list, struct str wanted)
{
    struct str token;

    while (str_split(&list, ',', &token)) {
        if (str_equal_nocase(str_trim(token), wanted)) {
            return true;
        }
    }
    return false;
}

static void refuse_version(struct exchange *exchange)
{
    const struct response_extra extra = {.websocket_version = STR("13")};

    response_json(exchange->conn, 426, STR("{\"error\":\"websocket_version\"}"), &extra);
}

/* Answers and returns false, or true and *ret_accept. */
static bool check_handshake(struct exchange *exchange, char ret_accept[WS_ACCEPT_BYTES])
{
    const struct request *request = exchange->request;

    if (!request->connection_upgrade || !has_token(request->upgrade, STR("websocket"))) {
        refuse_version(exchange);
        return false;
    }
    if (!str_equal(str_trim(request->ws_version), STR("13"))) {
        refuse_version(exchange);
        return false;
    }
    if (request->http_1_0 || !ws_accept_key(request->ws_key, ret_accept)) {
        response_error(exchange->conn, 400, "bad_handshake");
        return false;
    }
    return true;
}

static bool check_token(struct exchange *exchange, struct session *ret_session)
{
    struct str token;

    return http_query_value(exchange->request->query, "token", &token) &&
           (session_verify(exchange->worker, SESSION_STREAM_TOKEN, token, ret_session) ||
            session_verify(exchange->worker, SESSION_DISPLAY_TOKEN, token, ret_session));
}

/* Absent is fine; anything but a number is not. */
static bool read_since(const struct request *request, bool *ret_has, uint64_t *ret_since)
{
    struct str text;

    *ret_since = 0;
    *ret_has = http_query_value(request->query, "since", &text);
    return !*ret_has || str_to_u64(text, 0, INT64_MAX, ret_since);
}

void api_stream(struct exchange *exchange)
{
    struct conn *conn = exchange->conn;
    struct session session;
    char accept_key[WS_ACCEPT_BYTES];
    bool has_since;
    uint64_t since;

    if (!peer_origin_is_allowed(conn, exchange->request)) {
        slots_add(METRIC_STREAMS_REFUSED, 1);
        response_error(conn, 403, "foreign_origin");
        return;
    }
    if (!check_token(exchange, &session)) {
        slots_add(METRIC_STREAMS_REFUSED, 1);
        response_error(conn, 401, "unauthorized");
        return;
    }
    if (!check_handshake(exchange, accept_key)) {
        return;
    }
    if (!read_since(exchange->request, &has_since, &since)) {
        response_error(conn, 400, "invalid_parameters");
        return;
    }
    bool is_leaving = exchange->worker->draining && !exchange->worker->upgrading;

    if (is_leaving || !board_is_ready(&exchange->worker->board)) {
        response_error(conn, 503, "unavailable");
        return;
    }
    response_switching_protocols(conn, str_from(accept_key));
    if (!stream_join(exchange->worker, conn, &session, has_since, since)) {
        conn_close(conn, false);
    }
}
