/* SPDX-License-Identifier: MIT */
/*
 * view.c - keeps the public views' ready bytes, and builds them anew a slice at a time.
 *
 * With 20,000 players the scoreboard is 1.8 MB of JSON in some 80 blocks.  A first build takes about
 * 18 ms of CPU (10 to copy the rows, 3 to write, 5 to deflate), one that follows a few solves about
 * 1.  No turn of the loop builds much longer than SLICE_US: whoever asks meanwhile is answered with
 * what there is while that is young, else waits (by id of the connection) until the build is done.
 */
#include "worker/view.h"

#include <stdlib.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/hash.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "shm/state.h"
#include "worker/blob.h"
#include "worker/blob_file.h"
#include "worker/compress.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/etag.h"
#include "worker/mirror.h"
#include "worker/response.h"
#include "worker/route.h"
#include "worker/view_parts.h"
#include "worker/wish.h"

#define SLICE_US 2000
/* How old an answer may be while its successor is built.  Without it everyone who asks in these
 * milliseconds is answered in one burst, which costs half as much again and fills their sockets. */
#define STALE_US 30000
#define PART_BYTES_MAX (4u << 20)
#define VIEW_BYTES_MAX (64u << 20)
/* Up to it brotli costs a millisecond and saves a fifth; above it, joined pieces win. */
#define BROTLI_BYTES_MAX (64u << 10)

struct part {
    uint64_t key;
    bool comma_before;
    bool is_written;
    bool is_deflated;
    uint32_t crc;
    struct buf plain;
    struct buf deflated;
};

struct part_list {
    uint32_t count;
    struct part *parts;
};

struct view {
    const struct view_maker *maker;
    struct view_snapshot snapshot;

    /* What requests are answered with. */
    struct part_list ready;
    bool is_ready;
    bool ready_is_deflated;
    uint64_t ready_version; /* of the board */
    uint64_t ready_generation;
    uint64_t ready_us; /* when its snapshot was taken */
    uint64_t ready_seq;
    uint64_t ready_floor;
    uint64_t ready_hash;
    size_t ready_bytes;
    struct blob *blobs[WISH_FORMS]; /* made when first asked for */
    struct blob_file files[WISH_FORMS];

    /* What is being built. */
    struct part_list next;
    bool is_building;
    bool is_taken; /* the snapshot, and next is its plan */
    uint32_t next_at;
    uint64_t next_us;
    uint64_t next_version;
    uint64_t next_generation;
    uint64_t next_floor;
    bool gzip_wanted; /* somebody has asked for it: builds include it from then on */

    struct wish_list waiters; /* connections that wait for it */
};

struct view_table {
    struct worker *worker;
    struct deflater *deflater;
    uv_idle_t slice; /* active while something is being built or somebody waits */
    bool slice_active;
    struct view views[VIEW_COUNT];
};

bool view_plan_part(struct view_snapshot *snapshot, uint64_t key, bool comma_before)
{
    if (snapshot->part_count == snapshot->part_max) {
        uint32_t max = snapshot->part_max * 2 + 16;
        struct view_part_plan *parts = realloc(snapshot->parts, max * sizeof(*parts));

        if (parts == NULL) {
            return false;
        }
        snapshot->parts = parts;
        snapshot->part_max = max;
    }
    snapshot->parts[snapshot->part_count++] = (struct view_part_plan){key, comma_before};
    return true;
}

static void parts_free(struct part_list *list)
{
    for (uint32_t i = 0; i < list->count; i++) {
        buf_free(&list->parts[i].plain);
        buf_free(&list->parts[i].deflated);
    }
    free(list->parts);
    *list = (struct part_list){0};
}

/* ---- building ---- */

/* Moves an old part with this key over.  Parts keep their order mostly: *hint makes that O(1). */
static void take_over(struct part_list *old, uint32_t *hint, struct part *part)
{
    for (uint32_t i = 0; i < old->count; i++) {
        struct part *candidate = &old->parts[(*hint + i) % old->count];

        if (candidate->is_written && candidate->key == part->key) {
            bool comma_before = part->comma_before;

            *part = *candidate;
            part->comma_before = comma_before;
            *candidate =
                (struct part){0}; /* given away: a key that stands twice is written twice */
            *hint = (*hint + i + 1) % old->count;
            return;
        }
    }
}

static void build_begin(struct view *view)
{
    view->is_building = true;
    view->is_taken = false;
}

/* The plan of a build from a snapshot that has just been taken.  false: no memory. */
static bool build_plan(const struct worker *worker, struct view *view)
{
    uint32_t count = view->snapshot.part_count;

    view->next.parts = calloc(count, sizeof(*view->next.parts));
    if (view->next.parts == NULL) {
        return false;
    }
    view->next.count = count;
    view->next_at = 0;
    view->next_version = worker->mirror->version;
    view->next_floor = worker->mirror->floor_seq;
    view->next_generation = worker->game->generation;
    for (uint32_t i = 0; i < count; i++) {
        view->next.parts[i] = (struct part){
            .key = view->snapshot.parts[i].key,
            .comma_before = view->snapshot.parts[i].comma_before,
            .plain = BUF_INIT(PART_BYTES_MAX),
            .deflated = BUF_INIT(PART_BYTES_MAX),
        };
    }
    return true;
}

/* The first step.  A build that gets no snapshot ends here: what was ready stays so. */
static void build_take(const struct view_table *table, struct view *view, uint64_t until_us)
{
    view->snapshot.part_count = 0;
    /* Before the snapshot, so that it is never older than we believe: a busy machine may let us wait
     * in the middle of it. */
    view->next_us = clock_mono_us();
    enum view_taken taken = view->maker->take(table->worker, &view->snapshot, until_us);

    view->is_taken = taken == VIEW_TAKEN && build_plan(table->worker, view);
    view->is_building = view->is_taken || taken == VIEW_TAKING;
}

/* Written parts of the last build go over one by one, just before they would be written anew, so the
 * answers made of them stay whole: those are blobs of their own. */
static bool build_part(struct view_table *table, struct view *view, uint32_t *hint)
{
    struct part *part = &view->next.parts[view->next_at];

    if (!part->is_written) {
        take_over(&view->ready, hint, part);
    }
    if (!part->is_written) {
        view->maker->write(&view->snapshot, view->next_at, &part->plain);
        part->is_written = !part->plain.failed;
    }
    if (part->is_written && view->gzip_wanted && !part->is_deflated) {
        part->is_deflated =
            deflater_piece(table->deflater, buf_str(&part->plain), &part->deflated, &part->crc);
        return part->is_deflated;
    }
    return part->is_written;
}

static void blobs_free(struct view *view)
{
    for (int form = 0; form < WISH_FORMS; form++) {
        blob_unref(view->blobs[form]);
        view->blobs[form] = NULL;
    }
}

static void build_finish(struct view *view)
{
    parts_free(&view->ready);
    blobs_free(view);
    view->ready = view->next;
    view->next = (struct part_list){0};
    view->is_building = false;
    view->is_ready = true;
    view->ready_is_deflated = view->gzip_wanted;
    view->ready_version = view->next_version;
    view->ready_generation = view->next_generation;
    view->ready_floor = view->next_floor;
    view->ready_us = view->next_us;
    view->ready_seq = view->snapshot.seq;
    view->ready_hash = 0;
    view->ready_bytes = 0;
    for (uint32_t i = 0; i < view->ready.count; i++) {
        const struct part *part = &view->ready.parts[i];

        view->ready_hash = hash_bytes(&part->key, sizeof(part->key), view->ready_hash);
        view->ready_bytes += part->plain.len + part->comma_before;
    }
    slots_add(METRIC_VIEW_BUILDS, 1);
}

/* Nothing of it can be used: no memory, or a part past its bound. */
static void build_abandon(struct view *view)
{
    parts_free(&view->next);
    parts_free(&view->ready); /* some of its parts have gone over already */
    blobs_free(view);
    view->is_building = false;
    view->is_ready = false;
}

/* A board may be a tick old, but nobody sees one of before a reset after it. */
static bool is_of_before_reset(const struct worker *worker, const struct view *view)
{
    return view->is_ready && board_is_ready(&worker->board) &&
           view->ready_floor != state_floor_seq(board_live(&worker->board));
}

/* Until the time is up or the build is done. */
static void build_slice(struct view_table *table, struct view *view, uint64_t until_us)
{
    if (!view->is_taken) {
        build_take(table, view, until_us);
    }
    uint32_t hint = view->next_at;

    while (view->is_building && view->is_taken) {
        if (view->next_at == view->next.count) {
            build_finish(view);
            if (is_of_before_reset(table->worker, view)) {
                build_begin(view);
            }
        } else if (!build_part(table, view, &hint)) {
            build_abandon(view);
        } else {
            view->next_at++;
            if (clock_mono_us() >= until_us) {
                return;
            }
        }
    }
}

/* ---- ready forms ---- */

static struct blob *join_plain(const struct view *view)
{
    struct buf out = BUF_INIT(VIEW_BYTES_MAX);

    for (uint32_t i = 0; i < view->ready.count && buf_reserve(&out, view->ready_bytes - out.len);
         i++) {
        const struct part *part = &view->ready.parts[i];

        if (part->comma_before) {
            buf_append_char(&out, ',');
        }
        buf_append_str(&out, buf_str(&part->plain));
    }
    struct blob *blob = blob_from_buf(&out);

    buf_free(&out);
    return blob;
}

static struct blob *join_gzip(const struct view *view)
{
    struct buf out = BUF_INIT(VIEW_BYTES_MAX);
    struct compress_join join;
    size_t bytes = COMPRESS_JOIN_BYTES;

    for (uint32_t i = 0; i < view->ready.count; i++) {
        bytes += view->ready.parts[i].deflated.len + COMPRESS_JOIN_BYTE_BYTES;
    }
    bool has_room = buf_reserve(&out, bytes); /* at once: growing would copy it again and again */

    compress_join_begin(&join, &out);
    for (uint32_t i = 0; has_room && i < view->ready.count; i++) {
        const struct part *part = &view->ready.parts[i];

        if (part->comma_before) {
            compress_join_byte(&join, ',');
        }
        compress_join_piece(&join, buf_str(&part->deflated), part->crc, part->plain.len);
    }
    compress_join_end(&join);
    struct blob *blob = blob_from_buf(&out);

    buf_free(&out);
    return blob;
}

static void join(struct view *view, enum wish_form form);

static struct blob *blob_of(struct view *view, enum wish_form form)
{
    if (view->blobs[form] == NULL) {
        join(view, form);
        if (view->blobs[form] != NULL) {
            blob_file_fill(&view->files[form], view->blobs[form]);
        }
    }
    return view->blobs[form];
}

static void join(struct view *view, enum wish_form form)
{
    switch (form) {
    case WISH_PLAIN:
    case WISH_FORMS:
        view->blobs[form] = join_plain(view);
        break;
    case WISH_GZIP:
        view->blobs[form] = join_gzip(view);
        break;
    case WISH_BR: {
        const struct blob *plain = blob_of(view, WISH_PLAIN);
        struct buf out = BUF_INIT(2 * BROTLI_BYTES_MAX);

        if (plain != NULL &&
            compress_brotli((struct str){plain->bytes, plain->len}, COMPRESS_FAST, &out)) {
            view->blobs[form] = blob_from_buf(&out);
        }
        buf_free(&out);
        break;
    }
    }
}

/* ---- answering ---- */

/* Of what is ready.  How large the next one will be nobody knows: so a wish has both. */
static enum wish_form form_now(const struct view *view, const struct wish *wish)
{
    return view->ready_bytes <= BROTLI_BYTES_MAX ? wish->form : wish->large_form;
}

static void answer_ready(struct conn *conn, const struct wish *wish, struct view *view)
{
    enum wish_form form = form_now(view, wish);

    if (form == WISH_GZIP && !view->ready_is_deflated) {
        form = WISH_PLAIN; /* the next build has it */
    }
    struct etag etag = etag_make_seq(view->ready_seq, view->ready_hash, wish_encoding(form));
    struct response_extra extra = {
        .content_encoding = wish_encoding(form),
        .cache_control = STR("private, no-cache"),
        .etag = etag_str(&etag),
        .vary_encoding = true,
    };

    if (etag_matches(wish_tags(wish), extra.etag)) {
        response_empty(conn, 304, &extra);
        return;
    }
    struct blob *blob = blob_of(view, form);

    if (blob == NULL) {
        response_error(conn, 503, "unavailable");
    } else {
        response_blob(conn, 200, blob, &extra);
    }
}

static uint64_t tick_us(const struct worker *worker)
{
    return (uint64_t)worker->game->settings.stream_tick_ms * 1000;
}

static bool is_current(const struct worker *worker, const struct view *view)
{
    struct board_cut cut;

    /* No cut: db has just died in the middle of an event, or does not get on with it. */
    if (!board_read_begin(&worker->board, &cut)) {
        return state_committed_seq(board_live(&worker->board)) <= view->ready_seq;
    }
    return cut.version == view->ready_version && view->ready_generation == worker->game->generation;
}

/* As old as it may be when it was asked for (docs/decisions/0005), or the newest there is. */
static bool is_answer_to(const struct worker *worker, const struct view *view,
                         const struct wish *wish)
{
    return view->is_ready && !is_of_before_reset(worker, view) &&
           (wish->asked_us < view->ready_us + tick_us(worker) + STALE_US ||
            is_current(worker, view));
}

static void answer_waiters(struct worker *worker, struct view *view, uint64_t until_us)
{
    struct wish wish;

    /* The next request of the last one may begin a build: who comes then waits for that. */
    while (!view->is_building && clock_mono_us() < until_us &&
           wish_list_take(&view->waiters, &wish)) {
        struct conn *conn = conn_find(worker, wish.conn_id);

        if (conn == NULL || conn->state != CONN_WAITING) {
            continue;
        }
        if (is_answer_to(worker, view, &wish)) {
            answer_ready(conn, &wish, view);
        } else if (wish.asked_us > view->next_us && wish_list_add(&view->waiters, &wish)) {
            build_begin(view); /* they came when the last snapshot was too old already */
        } else {
            response_error(conn, 503, "unavailable"); /* none was to be had */
        }
    }
}

/* Looked at when the slice is over: who was answered may have asked for any other view. */
static bool has_more(const struct view_table *table)
{
    for (int i = 0; i < VIEW_COUNT; i++) {
        const struct view *view = &table->views[i];

        if (view->is_building || wish_list_count(&view->waiters) > 0) {
            return true;
        }
    }
    return false;
}

static void on_slice(uv_idle_t *handle)
{
    struct view_table *table = handle->data;

    for (int i = 0; i < VIEW_COUNT; i++) {
        struct view *view = &table->views[i];
        uint64_t until_us = clock_mono_us() + SLICE_US;

        if (!view->is_building && wish_list_count(&view->waiters) > 0 &&
            is_of_before_reset(table->worker, view)) {
            build_begin(view); /* what they have waited for is of no use any more */
        }
        build_slice(table, view, until_us);
        if (!view->is_building) {
            answer_waiters(table->worker, view, until_us);
        }
    }
    if (!has_more(table)) {
        (void)uv_idle_stop(&table->slice);
        table->slice_active = false;
    }
}

static void slice_start(struct view_table *table)
{
    if (!table->slice_active) {
        table->slice_active = uv_idle_start(&table->slice, on_slice) == 0;
        CHECK(table->slice_active); /* only a handle that was never initialised fails */
    }
}

/* Does this request need a build that has not begun yet? */
static bool wants_build(const struct worker *worker, const struct view *view, bool wants_gzip)
{
    if (view->is_building) {
        return false;
    }
    if (is_of_before_reset(worker, view)) {
        return true; /* they would be shown it, too */
    }
    if (wish_list_count(&view->waiters) > 0) {
        return false;
    }
    if (!view->is_ready || (wants_gzip && !view->ready_is_deflated)) {
        return true;
    }
    return !is_current(worker, view) && clock_mono_us() - view->ready_us >= tick_us(worker);
}

/* While a successor is built, parts go over to it: only what is joined already can be sent. */
static bool may_answer_stale(const struct worker *worker, const struct view *view,
                             enum wish_form form)
{
    return view->is_ready && view->blobs[form] != NULL && !is_of_before_reset(worker, view) &&
           clock_mono_us() - view->ready_us < STALE_US;
}

void view_respond(struct exchange *exchange, enum view_id id)
{
    struct worker *worker = exchange->worker;
    struct view_table *table = worker->views;
    struct view *view = &table->views[id];
    struct wish wish = wish_make(exchange->conn->id, exchange->request);
    enum wish_form form = form_now(view, &wish);
    bool wants_gzip = form == WISH_GZIP || !view->is_ready;
    uint64_t until_us = clock_mono_us() + SLICE_US;

    view->gzip_wanted = view->gzip_wanted || (wants_gzip && !view->is_building);
    if (wants_build(worker, view, wants_gzip)) {
        build_begin(view);
        build_slice(table, view, until_us);
    }
    if (view->is_building) {
        slice_start(table);
    }
    bool others_wait = view->is_building || wish_list_count(&view->waiters) > 0;

    if (view->is_building ? may_answer_stale(worker, view, form)
                          : is_answer_to(worker, view, &wish)) {
        answer_ready(exchange->conn, &wish, view);
    } else if (!others_wait || !wish_list_add(&view->waiters, &wish)) {
        response_error(exchange->conn, 503, "unavailable");
    }
}

void view_invalidate(struct worker *worker)
{
    for (int i = 0; i < VIEW_COUNT; i++) {
        worker->views->views[i].ready_version = 0; /* no cut has it: the next tick builds */
    }
}

bool view_start(struct worker *worker)
{
    static const struct view_maker *const makers[VIEW_COUNT] = {
        [VIEW_SCOREBOARD] = &view_scoreboard,
        [VIEW_GRAPH] = &view_graph,
    };
    struct view_table *table = calloc(1, sizeof(*table));

    if (table == NULL) {
        return false;
    }
    table->worker = worker;
    table->deflater = deflater_new();
    worker->mirror = mirror_new(&worker->board, &worker->ring);
    if (table->deflater == NULL || worker->mirror == NULL ||
        uv_idle_init(&worker->loop, &table->slice) != 0) {
        deflater_free(table->deflater);
        mirror_free(worker->mirror);
        free(table);
        return false;
    }
    if (board_is_ready(&worker->board) &&
        mirror_refresh(worker->mirror, MIRROR_NO_LIMIT) != MIRROR_WHOLE) {
        LOG(LOG_LEVEL_DEBUG, "the board moves: its first copy is made with the first view");
    }
    table->slice.data = table;
    for (int i = 0; i < VIEW_COUNT; i++) {
        table->views[i].maker = makers[i];
        for (int form = 0; form < WISH_FORMS; form++) {
            blob_file_open(&table->views[i].files[form]);
        }
    }
    worker->views = table;
    return true;
}
