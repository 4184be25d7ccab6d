/* SPDX-License-Identifier: MIT */
/* solve_answer.h - the answer that submits and awards share. */
#pragma once

#include <stdint.h>

struct conn;

/* 200 {"result":"already_solved","total":n} */
void solve_answer_already(struct conn *conn, int64_t total_points);
