/* SPDX-License-Identifier: MIT */
/*
 * history.c - folds the game into one bounded frame, a slice at a time.
 *
 * With 20,000 players the frame is 3 MB and takes 20 to 30 ms of CPU, so it is built over several
 * turns of the loop: the mirror is brought up to date, everything is taken from it (5 to 10 ms), then
 * it is written.
 */
#include "worker/history.h"

#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "worker/blob.h"
#include "worker/context.h"
#include "worker/event_json.h"
#include "worker/mirror.h"
#include "worker/ws.h"

/* 50,000 players of 200 bytes are far below it. */
#define HISTORY_BYTES_MAX (64u << 20)
/* In a rush building takes at most a twentieth of the time... */
#define REUSE_COSTS 20
/* ... but what costs less than this is always built, so that small games see everything at once. */
#define REUSE_COST_MIN_US 1000
/* Events written between two looks at the clock. */
#define EVENTS_A_LOOK 64

/* A player's events before the window, as one. */
struct fold {
    uint64_t id;       /* of the newest one folded */
    uint64_t time_seq; /* the same if known, else 0: where the ring may tell the time */
    uint64_t or_ts_us; /* the time, if the ring does not tell */
    int64_t points;
    uint32_t user_id;
    char name[PLAYER_NAME_BYTES];
};

struct history_build {
    uint64_t begun_us;
    uint64_t seq;
    uint64_t version;
    struct event *window; /* newest first */
    uint32_t window_left; /* not yet written; taken from the end */
    struct fold *folds;   /* by id */
    uint32_t fold_count;
    uint32_t fold_at; /* next to be written */
    struct buf out;   /* room for a frame's head, then the payload */
    struct json_out json;
};

static void build_free(struct history_build *build)
{
    if (build != NULL) {
        free(build->window);
        free(build->folds);
        buf_free(&build->out);
        free(build);
    }
}

/* ---- taking: of the mirror's cut, private afterwards ---- */

/* What the window holds of each player, by slot. */
struct tally {
    int64_t points;
    uint64_t before; /* the player's event before their oldest one in the window */
    bool is_in_window;
};

/* The newest events up to the mirror's sequence, back from there.  Returns the oldest one's time. */
static uint64_t take_window(struct history_build *build, const struct worker *worker,
                            struct tally *tallies)
{
    const struct mirror *mirror = worker->mirror;
    uint64_t oldest = ring_oldest_seq(&worker->ring);
    uint64_t oldest_ts_us = mirror->last_ts_us;
    uint32_t max = worker->game->settings.history_events;

    for (uint64_t seq = mirror->seq; seq >= oldest && build->window_left < max; seq--) {
        struct event event;
        enum ring_read status = ring_read_event(&worker->ring, seq, &event);

        if (status == RING_LAPPED) {
            break;
        }
        if (status != RING_OK || !event_is_shown(&event) || event.player >= mirror->players_max) {
            continue;
        }
        build->window[build->window_left++] = event;
        tallies[event.player].points += event.points;
        tallies[event.player].before = event.prev_player_seq;
        tallies[event.player].is_in_window = true;
        oldest_ts_us = event.ts_us;
    }
    return oldest_ts_us;
}

static void fold_players(struct history_build *build, const struct mirror *mirror,
                         const struct tally *tallies, uint64_t window_ts_us)
{
    for (uint32_t player = bank_span_next(&mirror->span, 0); player < mirror->players_max;
         player = bank_span_next(&mirror->span, player + 1)) {
        const struct player_view *view = &mirror->players[player];
        const struct tally *tally = &tallies[player];
        uint64_t last = tally->is_in_window ? tally->before : view->last_seq;
        int64_t points = view->score_points - tally->points;

        if (last == 0 && points == 0) {
            continue;
        }
        struct fold *fold = &build->folds[build->fold_count++];

        *fold = (struct fold){
            .id = last,
            .time_seq = last,
            .or_ts_us = view->raised_seq == last ? view->raised_ts_us : window_ts_us,
            .points = points,
            .user_id = view->user_id,
        };
        memcpy(fold->name, view->name, sizeof(fold->name));
    }
}

static int compare_folds(const void *a, const void *b)
{
    const struct fold *left = a;
    const struct fold *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

/* Every id once, growing: an unknown one gets one that no event of this frame has, below the rest. */
static void order_folds(struct history_build *build)
{
    uint64_t unknown = 0;

    qsort(build->folds, build->fold_count, sizeof(struct fold), compare_folds);
    while (unknown < build->fold_count && build->folds[unknown].id == 0) {
        unknown++;
    }
    uint64_t above = unknown < build->fold_count ? build->folds[unknown].id : build->seq + 1;

    for (uint64_t i = 0; i < unknown; i++) {
        build->folds[i].id = above > unknown ? above - unknown + i : i + 1;
    }
}

static bool take(struct history_build *build, struct worker *worker)
{
    const struct mirror *mirror = worker->mirror;
    struct tally *tallies = calloc((size_t)mirror->players_max + 1, sizeof(*tallies));

    build->window =
        malloc(((size_t)worker->game->settings.history_events + 1) * sizeof(*build->window));
    build->folds = malloc(((size_t)mirror->players_max + 1) * sizeof(*build->folds));
    bool ok = tallies != NULL && build->window != NULL && build->folds != NULL;

    if (ok) {
        build->seq = mirror->seq;
        build->version = mirror->version;
        uint64_t window_ts_us = take_window(build, worker, tallies);

        fold_players(build, mirror, tallies, window_ts_us);
        order_folds(build);
    }
    free(tallies);
    return ok;
}

static struct history_build *build_begin(struct worker *worker)
{
    static const char room[WS_HEAD_BYTES_MAX];
    struct history_build *build = calloc(1, sizeof(*build));

    if (build == NULL) {
        return NULL;
    }
    build->begun_us = clock_mono_us();
    build->out = BUF_INIT(HISTORY_BYTES_MAX);
    build->json = JSON_OUT(&build->out);
    if (!take(build, worker)) {
        build_free(build);
        return NULL;
    }
    buf_append(&build->out, room, sizeof(room));
    json_array_begin(&build->json);
    return build;
}

/* ---- writing ---- */

static uint64_t time_of(const struct fold *fold, const struct ring *ring)
{
    struct event event;
    bool known = fold->time_seq != 0 && ring_read_event(ring, fold->time_seq, &event) == RING_OK;

    return known ? event.ts_us : fold->or_ts_us;
}

static void write_fold(struct json_out *json, const struct fold *fold, const struct ring *ring)
{
    json_object_begin(json);
    json_key_u64(json, "id", fold->id);
    json_key_str(json, "type", STR("score"));
    json_key_str(json, "displayname", str_from(fold->name));
    json_key_u64(json, "user_id", fold->user_id);
    json_key_u64(json, "ts", time_of(fold, ring) / 1000);
    json_key_u64(json, "challenge_id", 0);
    json_key_str(json, "challenge", STR("Earlier"));
    json_key_i64(json, "points", fold->points);
    json_object_end(json);
}

/* The next by id, of the folds and the window.  false: all are written. */
static bool write_next(struct history_build *build, const struct worker *worker)
{
    bool has_fold = build->fold_at < build->fold_count;
    bool has_event = build->window_left > 0;

    if (has_fold && (!has_event ||
                     build->folds[build->fold_at].id < build->window[build->window_left - 1].seq)) {
        write_fold(&build->json, &build->folds[build->fold_at++], &worker->ring);
    } else if (has_event) {
        event_json_write(&build->json, worker, &build->window[--build->window_left], EVENT_PAST);
    }
    return has_fold || has_event;
}

/* false: the time is up. */
static bool write_until(struct history_build *build, const struct worker *worker, uint64_t until_us)
{
    for (;;) {
        for (int i = 0; i < EVENTS_A_LOOK; i++) {
            if (!write_next(build, worker)) {
                return true;
            }
        }
        if (clock_mono_us() >= until_us) {
            return false;
        }
    }
}

/* The head goes into the room in front; a short one leaves a gap, which is closed. */
static struct blob *finish_frame(struct history_build *build)
{
    struct buf *out = &build->out;
    char head[WS_HEAD_BYTES_MAX];

    json_array_end(&build->json);
    if (out->failed) {
        return NULL;
    }
    size_t len = ws_head(WS_TEXT, out->len - WS_HEAD_BYTES_MAX, head);

    buf_consume(out, len < WS_HEAD_BYTES_MAX ? WS_HEAD_BYTES_MAX - len : 0);
    memcpy(out->data, head, len);
    return blob_from_buf(out);
}

/* ---- keeping ---- */

static bool is_fresh(const struct history *history, const struct worker *worker)
{
    struct board_cut cut;

    if (history->frame == NULL) {
        return false;
    }
    if (board_read_begin(&worker->board, &cut) && cut.version == history->version) {
        return true;
    }
    return history->cost_us >= REUSE_COST_MIN_US &&
           clock_mono_us() - history->built_us < history->cost_us * REUSE_COSTS;
}

static bool put_in_force(struct history *history)
{
    struct history_build *build = history->build;
    struct blob *frame = finish_frame(build);
    uint64_t now_us = clock_mono_us();

    if (frame != NULL) {
        blob_unref(history->frame);
        *history = (struct history){
            .frame = frame,
            .seq = build->seq,
            .version = build->version,
            .built_us = now_us,
            .cost_us = now_us - build->begun_us,
        };
    }
    history->build = NULL;
    build_free(build);
    return frame != NULL;
}

enum history_status history_advance(struct history *history, struct worker *worker,
                                    uint64_t until_us)
{
    if (history->build == NULL && is_fresh(history, worker)) {
        return HISTORY_READY;
    }
    if (history->build == NULL) {
        enum mirror_status status = mirror_refresh(worker->mirror, until_us);

        if (status == MIRROR_COPYING) {
            return HISTORY_BUILDING;
        }
        history->build = status == MIRROR_WHOLE ? build_begin(worker) : NULL;
    }
    if (history->build != NULL) {
        if (!write_until(history->build, worker, until_us)) {
            return HISTORY_BUILDING;
        }
        if (put_in_force(history)) {
            return HISTORY_READY;
        }
    }
    return history->frame != NULL ? HISTORY_READY : HISTORY_FAILED; /* older, and true still */
}

void history_forget(struct history *history)
{
    blob_unref(history->frame);
    build_free(history->build);
    *history = (struct history){0};
}
