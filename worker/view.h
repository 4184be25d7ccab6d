/* SPDX-License-Identifier: MIT */
/*
 * view.h - a public view's ready bytes: plain, gzip, brotli, ETag; rebuilt at most once a tick.
 *
 * A view is a function from shared memory to JSON.  The table of views is in view.c, one file a view
 * (view_scoreboard.c, view_graph.c).  A request in between is one write of a ready buffer.  Forms are
 * made when first asked for.  Large views are compressed in blocks, so that no build stalls the loop.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"

struct exchange;
struct worker;

enum view_id { VIEW_SCOREBOARD, VIEW_GRAPH, VIEW_COUNT };

MUST_USE bool view_start(struct worker *worker);
/* Answers with the view: right encoding, ETag, 304.  Builds it anew when the board has moved on and
 * the last build is at least one tick old. */
void view_respond(struct exchange *exchange, enum view_id view);
/* db has told of news, or the game was reloaded: what was built is stale. */
void view_invalidate(struct worker *worker);
