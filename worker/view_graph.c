/* SPDX-License-Identifier: MIT */
/* view_graph.c - GET /api/graph: the score over time of those who lead. */
#include <stdlib.h>

#include "shm/base/hash.h"
#include "shm/base/json_out.h"
#include "worker/context.h"
#include "worker/mirror.h"
#include "worker/view_parts.h"

#define GRAPH_PLAYERS 10
/* A line of the graph is at most some hundred pixels long. */
#define GRAPH_POINTS_MAX 500

struct point {
    uint64_t ts_us;
    int64_t total_points;
};

struct curve {
    uint32_t user_id;
    char name[PLAYER_NAME_BYTES];
    uint32_t count; /* newest first, as the chain gives them */
    struct point points[GRAPH_POINTS_MAX];
};

struct graph {
    uint64_t seq;
    uint32_t count;
    struct curve curves[GRAPH_PLAYERS];
};

/* Back along the player's chain through the ring, from the total they have now. */
static void take_curve(struct curve *curve, const struct ring *ring, const struct player_view *view)
{
    int64_t total = view->score_points;
    uint64_t seq = view->last_seq;

    curve->user_id = view->user_id;
    curve->count = 0;
    (void)str_copy(str_from(view->name), curve->name, sizeof(curve->name));
    while (seq != 0 && curve->count < GRAPH_POINTS_MAX) {
        struct event event;

        if (ring_read_event(ring, seq, &event) != RING_OK) {
            break;
        }
        curve->points[curve->count++] = (struct point){event.ts_us, total};
        total -= event.points;
        seq = event.prev_player_seq;
    }
}

static uint64_t curve_key(const struct curve *curve)
{
    uint64_t key = hash_str(str_from(curve->name), curve->user_id);

    return hash_bytes(curve->points, curve->count * sizeof(curve->points[0]), key);
}

/* Part 0 is the head, then one a curve, then the tail. */
static bool plan(struct view_snapshot *snapshot)
{
    const struct graph *graph = snapshot->own;
    bool ok = view_plan_part(snapshot, hash_bytes(&graph->seq, sizeof(graph->seq), 1), false);

    for (uint32_t i = 0; ok && i < graph->count; i++) {
        ok = view_plan_part(snapshot, curve_key(&graph->curves[i]), i > 0);
    }
    return ok && view_plan_part(snapshot, 2, false);
}

static enum view_taken graph_take(struct worker *worker, struct view_snapshot *snapshot,
                                  uint64_t until_us)
{
    const struct mirror *mirror = worker->mirror;

    if (snapshot->own == NULL) {
        snapshot->own = calloc(1, sizeof(struct graph));
    }
    struct graph *graph = snapshot->own;

    enum mirror_status status = mirror_refresh(worker->mirror, until_us);

    if (graph == NULL || status != MIRROR_WHOLE) {
        return status == MIRROR_COPYING ? VIEW_TAKING : VIEW_NOT_TAKEN;
    }
    graph->seq = mirror->seq;
    graph->count = 0;
    snapshot->seq = mirror->seq;
    for (uint32_t i = 0; i < mirror->player_count && graph->count < GRAPH_PLAYERS; i++) {
        uint32_t player = mirror->order[i];

        if (player < mirror->players_max && mirror_is_listed(&mirror->players[player])) {
            take_curve(&graph->curves[graph->count++], &worker->ring, &mirror->players[player]);
        }
    }
    return plan(snapshot) ? VIEW_TAKEN : VIEW_NOT_TAKEN;
}

static void write_curve(struct json_out *json, const struct curve *curve)
{
    json_object_begin(json);
    json_key_u64(json, "user_id", curve->user_id);
    json_key_str(json, "displayname", str_from(curve->name));
    json_key(json, "points");
    json_array_begin(json);
    for (uint32_t i = curve->count; i > 0; i--) {
        json_array_begin(json);
        json_u64(json, curve->points[i - 1].ts_us / 1000);
        json_i64(json, curve->points[i - 1].total_points);
        json_array_end(json);
    }
    json_array_end(json);
    json_object_end(json);
}

static void graph_write(const struct view_snapshot *snapshot, uint32_t part, struct buf *out)
{
    const struct graph *graph = snapshot->own;
    struct json_out json = JSON_OUT(out);

    if (part == 0) {
        buf_append_str(out, STR("{\"seq\":"));
        buf_append_u64(out, graph->seq);
        buf_append_str(out, STR(",\"players\":["));
    } else if (part <= graph->count) {
        write_curve(&json, &graph->curves[part - 1]);
    } else {
        buf_append_str(out, STR("]}"));
    }
}

const struct view_maker view_graph = {
    .take = graph_take,
    .write = graph_write,
    .free_own = free,
};
