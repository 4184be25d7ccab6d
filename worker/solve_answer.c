/* SPDX-License-Identifier: MIT */
/* solve_answer.c - "already_solved", said by a submit and by an award alike. */
#include "worker/solve_answer.h"

#include "shm/base/json_out.h"
#include "worker/response.h"

void solve_answer_already(struct conn *conn, int64_t total_points)
{
    char text[96];
    struct buf body = BUF_IN(text);
    struct json_out json = JSON_OUT(&body);

    json_object_begin(&json);
    json_key_str(&json, "result", STR("already_solved"));
    json_key_i64(&json, "total", total_points);
    json_object_end(&json);
    response_json(conn, 200, buf_str(&body), NULL);
}
