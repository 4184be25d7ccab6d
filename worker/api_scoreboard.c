/* SPDX-License-Identifier: MIT */
/* api_scoreboard.c - GET /api/scoreboard and GET /api/graph: the ready bytes of their views. */
#include "worker/api.h"
#include "worker/view.h"

void api_scoreboard(struct exchange *exchange)
{
    view_respond(exchange, VIEW_SCOREBOARD);
}

void api_graph(struct exchange *exchange)
{
    view_respond(exchange, VIEW_GRAPH);
}
