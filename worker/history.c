/* SPDX-License-Identifier: MIT */
/*
 * history.c - folds the game into one bounded frame.
 *
 * Cost: with 20,000 players and 1000 events one build takes about 8 ms, of which the JSON is most;
 * it stays below the 20 ms no loop may stall for, so it is done in one go.
 */
#include "worker/history.h"

#include <stdlib.h>

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

/* A player's events before the window, as one. */
struct fold {
    uint64_t id; /* of the newest one folded; 0: unknown */
    uint64_t ts_us;
    int64_t points;
    uint32_t player;
};

struct folding {
    const struct mirror *mirror;
    const struct ring *ring;
    struct event *window; /* newest first */
    uint32_t window_count;
    uint64_t window_oldest_ts_us;
    struct fold *folds;
    uint32_t fold_count;
    int64_t *window_points; /* by player: what the window holds of them */
    uint64_t *before;       /* by player: the event before their oldest one in the window */
    bool *in_window;
};

static bool folding_make(struct folding *folding, const struct worker *worker)
{
    size_t players = worker->mirror->players_max + 1;
    size_t window = worker->game->settings.history_events + 1;

    *folding = (struct folding){
        .mirror = worker->mirror,
        .ring = &worker->ring,
        .window = malloc(window * sizeof(struct event)),
        .folds = malloc(players * sizeof(struct fold)),
        .window_points = calloc(players, sizeof(int64_t)),
        .before = calloc(players, sizeof(uint64_t)),
        .in_window = calloc(players, sizeof(bool)),
    };
    return folding->window != NULL && folding->folds != NULL && folding->window_points != NULL &&
           folding->before != NULL && folding->in_window != NULL;
}

static void folding_free(struct folding *folding)
{
    free(folding->window);
    free(folding->folds);
    free(folding->window_points);
    free(folding->before);
    free(folding->in_window);
}

/* The newest events up to the mirror's sequence, back from there. */
static void take_window(struct folding *folding, uint32_t max)
{
    uint64_t oldest = ring_oldest_seq(folding->ring);

    for (uint64_t seq = folding->mirror->seq; seq >= oldest && folding->window_count < max; seq--) {
        struct event event;
        enum ring_read status = ring_read_event(folding->ring, seq, &event);

        if (status == RING_LAPPED) {
            break;
        }
        if (status != RING_OK || !event_is_shown(&event) ||
            event.player >= folding->mirror->players_max) {
            continue;
        }
        folding->window[folding->window_count++] = event;
        folding->window_points[event.player] += event.points;
        folding->before[event.player] = event.prev_player_seq;
        folding->in_window[event.player] = true;
        folding->window_oldest_ts_us = event.ts_us;
    }
}

/* When was it?  The ring says, or it is older than all that the ring says. */
static uint64_t time_of(const struct folding *folding, const struct player_view *view, uint64_t seq)
{
    struct event event;

    if (seq != 0 && ring_read_event(folding->ring, seq, &event) == RING_OK) {
        return event.ts_us;
    }
    if (seq != 0 && view->raised_seq == seq) {
        return view->raised_ts_us;
    }
    return folding->window_oldest_ts_us != 0 ? folding->window_oldest_ts_us
                                             : folding->mirror->last_ts_us;
}

static void fold_players(struct folding *folding)
{
    const struct mirror *mirror = folding->mirror;

    for (uint32_t player = 0; player < mirror->players_max; player++) {
        const struct player_view *view = &mirror->players[player];
        uint64_t last = folding->in_window[player] ? folding->before[player] : view->last_seq;
        int64_t points = view->score_points - folding->window_points[player];

        if (last == 0 && points == 0) {
            continue;
        }
        folding->folds[folding->fold_count++] = (struct fold){
            .id = last,
            .ts_us = time_of(folding, view, last),
            .points = points,
            .player = player,
        };
    }
}

static int compare_folds(const void *a, const void *b)
{
    const struct fold *left = a;
    const struct fold *right = b;

    return left->id < right->id ? -1 : left->id > right->id;
}

/* Every id once, growing: an unknown one gets one that no event of this frame has, below the rest. */
static void order_folds(struct folding *folding)
{
    uint64_t unknown = 0;

    qsort(folding->folds, folding->fold_count, sizeof(struct fold), compare_folds);
    while (unknown < folding->fold_count && folding->folds[unknown].id == 0) {
        unknown++;
    }
    uint64_t above =
        unknown < folding->fold_count ? folding->folds[unknown].id : folding->mirror->seq + 1;

    for (uint64_t i = 0; i < unknown; i++) {
        folding->folds[i].id = above > unknown ? above - unknown + i : i + 1;
    }
}

static void write_fold(struct json_out *json, const struct folding *folding,
                       const struct fold *fold)
{
    const struct player_view *view = &folding->mirror->players[fold->player];

    json_object_begin(json);
    json_key_u64(json, "id", fold->id);
    json_key_str(json, "type", STR("score"));
    json_key_str(json, "displayname", str_from(view->name));
    json_key_u64(json, "user_id", view->user_id);
    json_key_u64(json, "ts", fold->ts_us / 1000);
    json_key_u64(json, "challenge_id", 0);
    json_key_str(json, "challenge", STR("Earlier"));
    json_key_i64(json, "points", fold->points);
    json_object_end(json);
}

/* Folded events and the window as one array, by id.  Of one player the fold is always the older. */
static void write_all(struct json_out *json, const struct folding *folding,
                      const struct worker *worker)
{
    uint32_t fold = 0;
    uint32_t left = folding->window_count;

    json_array_begin(json);
    while (fold < folding->fold_count || left > 0) {
        bool fold_is_next = left == 0 || (fold < folding->fold_count &&
                                          folding->folds[fold].id < folding->window[left - 1].seq);

        if (fold_is_next) {
            write_fold(json, folding, &folding->folds[fold++]);
        } else {
            event_json_write(json, worker, &folding->window[--left], EVENT_PAST);
        }
    }
    json_array_end(json);
}

/* Head and payload in one piece: the head's length is known when the payload is. */
static struct blob *encode(const struct folding *folding, const struct worker *worker)
{
    struct buf out = BUF_INIT(HISTORY_BYTES_MAX);
    struct json_out json = JSON_OUT(&out);
    char head[WS_HEAD_BYTES_MAX];
    struct blob *blob = NULL;

    write_all(&json, folding, worker);
    if (!out.failed) {
        size_t len = ws_head(WS_TEXT, out.len, head);
        struct buf frame = BUF_INIT(HISTORY_BYTES_MAX + WS_HEAD_BYTES_MAX);

        if (buf_reserve(&frame, len + out.len)) {
            buf_append(&frame, head, len);
            buf_append_str(&frame, buf_str(&out));
            blob = blob_from_buf(&frame);
        }
        buf_free(&frame);
    }
    buf_free(&out);
    return blob;
}

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

bool history_refresh(struct history *history, struct worker *worker)
{
    uint64_t begun_us = clock_mono_us();
    struct folding folding = {0};
    struct blob *frame = NULL;

    if (is_fresh(history, worker)) {
        return true;
    }
    if (mirror_refresh(worker->mirror) && folding_make(&folding, worker)) {
        take_window(&folding, worker->game->settings.history_events);
        fold_players(&folding);
        order_folds(&folding);
        frame = encode(&folding, worker);
    }
    folding_free(&folding);
    if (frame == NULL) {
        return history->frame != NULL; /* the last one is true still, only older */
    }
    history_forget(history);
    *history = (struct history){
        .frame = frame,
        .seq = worker->mirror->seq,
        .version = worker->mirror->version,
        .built_us = clock_mono_us(),
    };
    history->cost_us = history->built_us - begun_us;
    return true;
}

void history_forget(struct history *history)
{
    blob_unref(history->frame);
    *history = (struct history){0};
}
