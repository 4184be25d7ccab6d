/* SPDX-License-Identifier: MIT */
/* solve_answer.c - "already_solved", said by a submit and by an award alike. */
#include "worker/solve_answer.h"

#include <stdio.h>

#include "shm/base/str.h"
#include "worker/response.h"

void solve_answer_already(struct conn *conn, int64_t total_points)
{
    char text[96];
    int len = snprintf(text, sizeof(text), "{\"result\":\"already_solved\",\"total\":%lld}",
                       (long long)total_points);

    response_json(conn, 200, (struct str){text, (size_t)len}, NULL);
}
