/* SPDX-License-Identifier: MIT */
/* api_name.c - POST /api/set-name: a display name that keeps the rules and is nobody else's. */
#include <string.h>

#include "conf/game.h"
#include "conf/names.h"
#include "shm/base/json_out.h"
#include "shm/wire.h"
#include "worker/api.h"
#include "worker/body.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/response.h"
#include "worker/route.h"

#define NAME_ANSWER_BYTES_MAX 512

static_assert(NAME_FIELD_BYTES == WIRE_NAME_BYTES, "a checked name fits the message");

struct name_context {
    char name[NAME_FIELD_BYTES];
};

static void name_on_committed(struct worker *worker, struct conn *conn,
                              const struct dbclient_context *context,
                              const struct wire_result *result)
{
    struct name_context asked;

    (void)worker;
    if (conn == NULL) {
        return;
    }
    memcpy(&asked, context->bytes, sizeof(asked));
    if (result != NULL && result->status == WIRE_OK) {
        struct buf body = BUF_INIT(NAME_ANSWER_BYTES_MAX);
        struct json_out json = JSON_OUT(&body);

        json_object_begin(&json);
        json_key_str(&json, "result", STR("ok"));
        json_key_str(&json, "displayname", str_from(asked.name));
        json_object_end(&json);
        response_json(conn, 200, buf_str(&body), NULL);
        buf_free(&body);
    } else if (result != NULL && result->status == WIRE_NAME_TAKEN) {
        response_error(conn, 409, "name_taken");
    } else {
        response_error(conn, 503, "unavailable");
    }
    conn_flush(conn);
}

static void ask_for_name(struct exchange *exchange, struct str wanted)
{
    struct name_context asked = {0};
    const char *refusal =
        name_check(wanted, &exchange->worker->game->settings.blocked_names, asked.name);

    if (refusal != NULL) {
        response_error(exchange->conn, 400, refusal);
        return;
    }
    struct wire_name message = {
        .head = wire_head_make(WIRE_NAME, exchange->request->id),
        .player = exchange->session.player,
        .epoch = exchange->session.auth_epoch,
    };
    (void)str_copy(str_from(asked.name), message.name, sizeof(message.name));
    if (!dbclient_ask(exchange->worker, &message, exchange->conn->id, &asked, sizeof(asked),
                      name_on_committed)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}

void api_name(struct exchange *exchange)
{
    struct body_field fields[] = {{.name = "name", .kind = BODY_STR}};
    struct body *body;
    enum body_verdict verdict =
        body_parse(exchange->request->body, fields, ARRAY_LEN(fields), &body);

    if (verdict != BODY_OK) {
        response_error(exchange->conn, 400, body_verdict_code(verdict));
        return;
    }
    ask_for_name(exchange, fields[0].str);
    body_free(body);
}
