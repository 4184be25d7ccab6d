/* SPDX-License-Identifier: MIT */
/* batch.c - one batch, from the queue to the answers; read batch_run() first. */

#include "db/batch.h"

#include <stdlib.h>

#include "conf/game.h"
#include "db/process.h"
#include "shm/apply.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "shm/state.h"

#define BATCH_NONE UINT32_MAX

void batch_init(struct batch *batch, uint32_t requests_max)
{
    *batch = (struct batch){.items = calloc(requests_max, sizeof(struct batch_item)),
                            .max = requests_max};
    CHECK(batch->items != NULL);
    overlay_init(&batch->overlay, requests_max);
}

void batch_free(struct batch *batch)
{
    free(batch->items);
    overlay_free(&batch->overlay);
    *batch = (struct batch){0};
}

bool batch_is_due(const struct db *db)
{
    const struct inbox *inbox = &db->inbox;

    return db->batch.count > 0 || inbox->queue_count > 0 ||
           inbox->guess_count >= BATCH_GUESSES_READY ||
           (inbox->guess_count > 0 &&
            clock_mono_us() - inbox->guess_since_us >= BATCH_GUESS_WAIT_MS * 1000);
}

/* ---- gather ----------------------------------------------------------------------------------- */

/* false: nothing to do, or a reset stands first and has begun. */
static bool gather(struct db *db)
{
    struct batch *batch = &db->batch;
    const struct request *request;

    while (batch->count < batch->max && (request = inbox_peek(&db->inbox)) != NULL) {
        if (request->head.type == WIRE_RESET) {
            if (batch->count > 0) {
                break; /* what came before it is committed first */
            }
            struct request reset = *request;

            inbox_pop(&db->inbox);
            job_start_reset(db, &reset);
            return false;
        }
        batch->items[batch->count++] = (struct batch_item){
            .request = *request,
            .result = {.head = wire_head_make(WIRE_RESULT, request->head.request_id)},
            .same_as = BATCH_NONE,
        };
        inbox_pop(&db->inbox);
    }
    batch->guesses = db->inbox.guess_count < batch->max ? db->inbox.guess_count : batch->max;
    overlay_clear(&batch->overlay);
    batch->meta = db->meta;
    batch->meta_changed = false;
    batch->last_ts_us = db->last_ts_us;
    slots_set(METRIC_DB_QUEUE, db->inbox.queue_count + batch->count);
    return batch->count > 0 || batch->guesses > 0;
}

/* ---- decide ----------------------------------------------------------------------------------- */

static void answer_from_receipt(struct batch_item *item, const struct receipt *receipt)
{
    item->result.status = WIRE_OK;
    item->result.seq = receipt->seq;
    item->result.ts_us = receipt->ts_us;
    item->result.points = receipt->points;
    item->result.total_points = receipt->total_points;
    item->result.place = receipt->place;
    slots_add(METRIC_DB_REPEATED, 1);
}

/* A request that was answered before, in this batch or an earlier one, has no second effect. */
static bool is_repeated(struct db *db, struct batch_item *item)
{
    uint64_t request_id = item->request.head.request_id;
    struct receipt receipt;

    if (recent_find(&db->recent, request_id, &receipt)) {
        answer_from_receipt(item, &receipt);
        return true;
    }
    if (overlay_find_request(&db->batch.overlay, request_id, &item->same_as)) {
        slots_add(METRIC_DB_REPEATED, 1);
        return true;
    }
    return false;
}

/*
 * Of before a reset: it may have counted there already, and nobody remembers.  A worker that lost its
 * db sends again what had no answer, and another worker's reset may come before it.
 */
static bool is_stale(const struct db *db, const struct request *request)
{
    uint32_t epoch = (uint32_t)db->meta.auth_epoch;

    return (request->head.type == WIRE_SUBMIT && request->submit.epoch != epoch) ||
           (request->head.type == WIRE_HINT && request->hint.epoch != epoch) ||
           (request->head.type == WIRE_NAME && request->name.epoch != epoch);
}

static void decide(struct db *db, struct batch_item *item)
{
    const struct request *request = &item->request;
    struct decide_view view = {
        .game = db->game,
        .bank = board_live(&db->board),
        .roster = &db->roster,
        .overlay = &db->batch.overlay,
    };

    CHECK(request->head.type < WIRE_TYPES);
    if (is_stale(db, request)) {
        item->decision = (struct decision){.status = WIRE_STALE};
        item->result.status = WIRE_STALE;
        return;
    }
    switch ((enum wire_type)request->head.type) {
    case WIRE_SUBMIT:
        item->decision = decide_submit(&view, &request->submit);
        break;
    case WIRE_HINT:
        item->decision = decide_hint(&view, &request->hint);
        break;
    case WIRE_NAME:
        item->decision = decide_name(&view, &request->name);
        break;
    case WIRE_REVOKE:
        item->decision = decide_revoke(&view, &request->revoke);
        if (item->decision.effect == DECIDE_SESSION &&
            !revoked_hold(&db->revoked, request->revoke.session_id, clock_real_us() / 1000000,
                          &item->revoked_slot)) {
            item->decision = decide_player_epoch(&view, item->decision.user);
        }
        break;
    case WIRE_HELLO:
    case WIRE_GUESS:
    case WIRE_RESET: /* stands alone: gather() */
    case WIRE_RESULT:
    case WIRE_POKE:
    case WIRE_TYPES:
        check_failed("the inbox queues no such message", __FILE__, __LINE__);
    }
    item->result.status = item->decision.status;
    item->result.total_points = item->decision.total_points;
}

/* It is there already, says the board: by this very request, which recent.h has forgotten? */
static enum store_status ask_row(struct db *db, struct batch_item *item)
{
    const struct request *request = &item->request;
    bool is_hint = request->head.type == WIRE_HINT;
    uint32_t slot = is_hint ? request->hint.challenge : request->submit.challenge;
    const struct game_challenge *challenge = game_challenge_at(db->game, slot);
    struct store_event row;

    if (challenge == NULL || item->decision.user == NULL) {
        return STORE_OK;
    }
    enum store_status status = store_find_event(db->store, item->decision.user->id, challenge->id,
                                                is_hint ? request->hint.hint_id : 0, &row);

    if (status == STORE_OK && row.id != 0 && row.request_id != 0 &&
        row.request_id == request->head.request_id) {
        answer_from_receipt(item, &(struct receipt){
                                      .seq = row.id,
                                      .ts_us = row.ts_us,
                                      .points = (int32_t)row.points,
                                      .total_points = item->decision.total_points,
                                  });
    }
    return status;
}

/* ---- insert ----------------------------------------------------------------------------------- */

static enum store_status insert_event(struct db *db, struct batch_item *item, uint32_t at)
{
    struct batch *batch = &db->batch;
    struct event *event = &item->decision.event;
    uint64_t now_us = clock_real_us();

    event->ts_us = now_us > batch->last_ts_us ? now_us : batch->last_ts_us;
    struct store_event row = {
        .ts_us = event->ts_us,
        .request_id = item->request.head.request_id,
        .user_id = event->user_id,
        .challenge_id = event->challenge_id,
        .points = event->points,
        .hint_id = event->hint_id,
        .flags = event->flags,
        .type = event->type,
    };
    enum store_status status = store_insert_event(db->store, &row, &event->seq);

    if (status == STORE_DUPLICATE) {
        /* The unique index has the last word.  Board and log disagree: `ctfg check` says where. */
        LOG(LOG_LEVEL_ERROR, "the store already has an event that the board does not show",
            LOG_HEX("request", row.request_id), LOG_I64("user", row.user_id),
            LOG_I64("challenge", row.challenge_id));
        item->decision.effect = DECIDE_NOTHING;
        item->result.status = WIRE_ALREADY;
        item->result.total_points -= event->points;
        return STORE_OK;
    }
    if (status == STORE_OK) {
        batch->last_ts_us = event->ts_us;
        overlay_note_event(&batch->overlay, event);
        overlay_note_request(&batch->overlay, row.request_id, at);
    }
    return status;
}

static enum store_status insert_effect(struct db *db, struct batch_item *item, uint32_t at)
{
    struct batch *batch = &db->batch;
    const struct decision *decision = &item->decision;
    const struct wire_revoke *revoke = &item->request.revoke;

    switch (decision->effect) {
    case DECIDE_NOTHING:
        return STORE_OK;
    case DECIDE_EVENT:
        return insert_event(db, item, at);
    case DECIDE_NAME:
        overlay_note_name(&batch->overlay, decision->old_name_key, decision->name_key,
                          decision->user->slot);
        return store_set_display_name(db->store, decision->user->id,
                                      str_from(item->request.name.name));
    case DECIDE_SESSION:
        return store_insert_revocation(
            db->store, &(struct store_revocation){revoke->session_id, revoke->expires_s},
            clock_real_us() / 1000000);
    case DECIDE_PLAYER_EPOCH:
        overlay_note_logout(&batch->overlay, decision->user->slot);
        return store_set_auth_epoch(db->store, decision->user->id, decision->auth_epoch);
    case DECIDE_GAME_EPOCH:
        batch->meta.auth_epoch++;
        batch->meta_changed = true;
        return STORE_OK;
    }
    return STORE_FAILED;
}

static enum store_status insert_guesses(struct db *db)
{
    enum store_status status = STORE_OK;
    const struct inbox *inbox = &db->inbox;

    for (uint32_t i = 0; i < db->batch.guesses && status == STORE_OK; i++) {
        const struct wire_guess *guess =
            &inbox->guesses[(inbox->guess_first + i) % inbox->queue_max];
        const struct roster_user *user = roster_at_slot(&db->roster, guess->player);
        const struct game_challenge *challenge = game_challenge_at(db->game, guess->challenge);

        if (user != NULL && challenge != NULL) {
            status = store_insert_guess(db->store, clock_real_us(), user->id, challenge->id,
                                        (struct str){guess->guess, guess->guess_bytes});
        }
    }
    return status;
}

static enum store_status decide_and_insert(struct db *db)
{
    struct batch *batch = &db->batch;
    enum store_status status = STORE_OK;

    for (uint32_t i = 0; i < batch->count && status == STORE_OK; i++) {
        struct batch_item *item = &batch->items[i];

        item->same_as = BATCH_NONE;
        item->decision = (struct decision){0};
        if (is_repeated(db, item)) {
            continue;
        }
        decide(db, item);
        if (item->decision.status == WIRE_ALREADY) {
            status = ask_row(db, item);
        } else {
            status = insert_effect(db, item, i);
        }
    }
    if (status == STORE_OK) {
        status = insert_guesses(db);
    }
    if (status == STORE_OK && batch->meta_changed) {
        status = store_write_meta(db->store, &batch->meta);
    }
    return status;
}

/* ---- apply, ring ------------------------------------------------------------------------------ */

static uint32_t apply_one_event(struct db *db, struct batch_item *item)
{
    struct event *event = &item->decision.event;
    struct bank *bank = board_write_begin(&db->board);

    (void)apply_event(bank, event, true);
    board_write_end(&db->board);
    ring_append(&db->ring, event);

    struct receipt receipt = {
        .request_id = item->request.head.request_id,
        .seq = event->seq,
        .ts_us = event->ts_us,
        .total_points = players_score(bank, event->player),
        .points = event->points,
        .place = event->place,
    };

    recent_add(&db->recent, &receipt);
    item->result.seq = receipt.seq;
    item->result.ts_us = receipt.ts_us;
    item->result.points = receipt.points;
    item->result.place = receipt.place;
    item->result.total_points = receipt.total_points;
    rebuild_count_event(event);
    return WIRE_NEWS_EVENTS;
}

/* Returns what is new: enum wire_news. */
static uint32_t apply_one(struct db *db, struct batch_item *item)
{
    const struct decision *decision = &item->decision;

    switch (decision->effect) {
    case DECIDE_NOTHING:
        return 0;
    case DECIDE_EVENT:
        return apply_one_event(db, item);
    case DECIDE_NAME:
        roster_rename(&db->roster, decision->user, item->request.name.name);
        players_set_name(board_write_begin(&db->board), decision->user->slot, decision->user->name);
        board_write_end(&db->board);
        return WIRE_NEWS_NAMES;
    case DECIDE_SESSION:
        revoked_put(&db->revoked, item->revoked_slot, item->request.revoke.session_id,
                    item->request.revoke.expires_s);
        return WIRE_NEWS_AUTH;
    case DECIDE_PLAYER_EPOCH:
        decision->user->auth_epoch = decision->auth_epoch;
        players_set_auth_epoch(board_write_begin(&db->board), decision->user->slot,
                               decision->auth_epoch);
        board_write_end(&db->board);
        return WIRE_NEWS_AUTH;
    case DECIDE_GAME_EPOCH:
        state_set_auth_epoch(board_write_begin(&db->board), db->batch.meta.auth_epoch);
        board_write_end(&db->board);
        return WIRE_NEWS_AUTH;
    }
    return 0;
}

static uint32_t apply_and_ring(struct db *db)
{
    uint32_t news = 0;

    db->meta = db->batch.meta;
    db->last_ts_us = db->batch.last_ts_us;
    for (uint32_t i = 0; i < db->batch.count; i++) {
        news |= apply_one(db, &db->batch.items[i]);
    }
    return news;
}

/* ---- wake, answer ----------------------------------------------------------------------------- */

static void answer(struct db *db)
{
    struct batch *batch = &db->batch;

    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_item *item = &batch->items[i];

        if (item->same_as != BATCH_NONE) {
            item->result = batch->items[item->same_as].result;
        }
        inbox_answer(&db->inbox, item->request.conn_id, &item->result);
    }
    inbox_flush(&db->inbox);
}

static void forget(struct db *db, bool stored)
{
    struct batch *batch = &db->batch;

    for (uint32_t i = 0; i < batch->guesses; i++) {
        inbox_pop_guess(&db->inbox);
    }
    slots_add(stored ? METRIC_DB_GUESSES_STORED : METRIC_DB_GUESSES_DROPPED, batch->guesses);
    if (stored) {
        db->untrimmed_guesses += batch->guesses;
    }
    batch->count = 0;
    batch->guesses = 0;
    batch->busy_tries = 0;
    db->last_batch_us = clock_mono_us();
    slots_set(METRIC_DB_QUEUE, db->inbox.queue_count);
}

/* For the operator. */
static const char *why(const struct db *db, enum store_status status)
{
    if (status == STORE_LOG_FULL) {
        return "the write-ahead log cannot shrink: another process holds an old snapshot of "
               "events.db open (a backup, a shell); end it";
    }
    return db->store == NULL ? "it cannot be opened" : store_error(db->store);
}

static void refuse(struct db *db, enum store_status status)
{
    struct batch *batch = &db->batch;

    db_note_store(db, status, why(db, status));
    if (db->store != NULL) {
        store_rollback(db->store);
    }
    slots_add(METRIC_DB_STORE_ERRORS, 1);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct batch_item *item = &batch->items[i];

        if (item->decision.effect == DECIDE_SESSION) {
            revoked_give_back(&db->revoked, item->revoked_slot);
        }
        item->same_as = BATCH_NONE;
        item->result = (struct wire_result){
            .head = item->result.head,
            .status = WIRE_STORE_FAILED,
        };
    }
    answer(db);
    forget(db, false);
}

static enum store_status begin(struct db *db)
{
    if (db->store == NULL) {
        return STORE_FAILED;
    }
    if (checkpoint_is_blocked(&db->checkpoint, db->store)) {
        return STORE_LOG_FULL;
    }
    return store_begin(db->store);
}

/* A batch of refusals and repetitions commits on a full disk too, and shows nothing. */
static bool has_written(const struct batch *batch)
{
    bool has_effect = batch->guesses > 0 || batch->meta_changed;

    for (uint32_t i = 0; i < batch->count && !has_effect; i++) {
        has_effect = batch->items[i].decision.effect != DECIDE_NOTHING;
    }
    return has_effect;
}

/* Another process has the lock, for a moment as a rule: true while it is worth trying again. */
static bool waits_for_lock(struct db *db, enum store_status status)
{
    return status == STORE_BUSY && ++db->batch.busy_tries < BATCH_BUSY_TRIES;
}

static enum store_status commit(struct db *db)
{
    uint64_t begun_us = clock_mono_us();
    enum store_status status = store_commit(db->store);

    slots_observe(HISTOGRAM_DB_FSYNC, clock_mono_us() - begun_us);
    return status;
}

void batch_run(struct db *db)
{
    if (!gather(db)) {
        return;
    }
    uint64_t begun_us = clock_mono_us();
    enum store_status status = begin(db);

    if (waits_for_lock(db, status)) {
        return;
    }
    if (status == STORE_OK) {
        status = decide_and_insert(db);
    }
    if (status == STORE_OK) {
        status = commit(db);
    }
    if (status != STORE_OK) {
        refuse(db, status);
        return;
    }
    if (has_written(&db->batch)) {
        db_note_store(db, STORE_OK, "");
    }
    slots_observe(HISTOGRAM_DB_COMMIT, clock_mono_us() - begun_us);
    slots_observe(HISTOGRAM_DB_BATCH, db->batch.count);
    slots_add(METRIC_DB_BATCHES, 1);
    uint32_t news = apply_and_ring(db);

    if (news != 0) {
        inbox_poke_all(&db->inbox, news, ring_newest_seq(&db->ring));
    }
    answer(db);
    forget(db, true);
}
