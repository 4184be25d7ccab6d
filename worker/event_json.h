/* SPDX-License-Identifier: MIT */
/*
 * event_json.h - one event as clients see it: the one place that knows a stream event's fields.
 *
 * Used by stream.c, history.c, api_events.c and api_player.c.  Names are those of now.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/json_out.h"
#include "shm/event.h"

struct worker;

enum event_form {
    EVENT_LIVE,   /* a hint is a "hint"; an award says "reload" */
    EVENT_REPLAY, /* what a client missed: a hint is a "score" below zero */
    EVENT_PAST,   /* what was before the client came: the same, and nothing to reload */
};

/* More than the longest event takes: a title of 200 bytes, each escaped to six. */
#define EVENT_JSON_BYTES_MAX 2048

/* Is it for clients at all?  Not an event of a user without a slot, or of a later version's type. */
bool event_is_shown(const struct event *event);
void event_json_write(struct json_out *json, const struct worker *worker, const struct event *event,
                      enum event_form form);
/* {"type":"system","event":"<name>",...}: resync, behind whose `seq` the stream goes on, or reset, which
 * logs out. */
void event_json_resync(struct json_out *json, uint64_t seq);
void event_json_reset(struct json_out *json);
