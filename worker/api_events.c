/* SPDX-License-Identifier: MIT */
/* api_events.c - GET /api/events?after=ID&limit=N: the event log in pages, oldest first. */
#include "shm/base/json_out.h"
#include "shm/ring.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/event_json.h"
#include "worker/query.h"
#include "worker/response.h"
#include "worker/route.h"

#define EVENTS_LIMIT_MAX 1000
#define EVENTS_LIMIT_DEFAULT 500
#define EVENTS_ANSWER_BYTES_MAX (EVENTS_LIMIT_MAX * EVENT_JSON_BYTES_MAX + 256)

/* What one page saw: where it stopped, and whether there is more. */
struct page_end {
    uint64_t last_seq; /* everything up to it was looked at */
    bool more;
};

static struct page_end write_events(struct json_out *json, const struct worker *worker,
                                    uint64_t after, uint64_t newest, uint64_t limit)
{
    uint64_t oldest = ring_oldest_seq(&worker->ring);
    uint64_t seq = after + 1 < oldest ? oldest : after + 1;
    struct page_end end = {.last_seq = after};

    for (; seq <= newest && limit > 0; seq++) {
        struct event event;

        end.last_seq = seq;
        if (ring_read_event(&worker->ring, seq, &event) == RING_OK && event_is_shown(&event)) {
            event_json_write(json, worker, &event, EVENT_LIVE);
            limit--;
        }
    }
    end.more = end.last_seq < newest && limit == 0;
    return end;
}

void api_events(struct exchange *exchange)
{
    const struct worker *worker = exchange->worker;
    struct buf body = BUF_INIT(EVENTS_ANSWER_BYTES_MAX);
    struct json_out json = JSON_OUT(&body);
    uint64_t newest = ring_newest_seq(&worker->ring);
    uint64_t after = 0;
    uint64_t limit = EVENTS_LIMIT_DEFAULT;

    if (!query_number(exchange->request->query, "after", 0, INT64_MAX, &after) ||
        !query_number(exchange->request->query, "limit", 1, EVENTS_LIMIT_MAX, &limit)) {
        response_error(exchange->conn, 400, "invalid_parameters");
        return;
    }
    json_object_begin(&json);
    json_key(&json, "events");
    json_array_begin(&json);
    struct page_end end = write_events(&json, worker, after, newest, limit);
    json_array_end(&json);
    if (end.more) {
        json_key_u64(&json, "next", end.last_seq);
    } else {
        json_key_null(&json, "next");
    }
    json_key_u64(&json, "oldest", ring_oldest_seq(&worker->ring));
    json_key_u64(&json, "seq", newest);
    json_object_end(&json);
    if (body.failed) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_json(exchange->conn, 200, buf_str(&body), NULL);
    }
    buf_free(&body);
}
