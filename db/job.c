/* SPDX-License-Identifier: MIT */
/* job.c - a reset and a reload: the slow part on the pool, the switch in the loop. */

#include "db/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/diag.h"
#include "conf/files.h"
#include "conf/game.h"
#include "db/copies.h"
#include "db/process.h"
#include "shm/base/check.h"
#include "shm/base/log.h"
#include "shm/control.h"
#include "shm/heritage.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "shm/state.h"

static struct db *db_of(struct job *job)
{
    return job->work.data; /* set by job_start() */
}

static bool job_rebuild(struct job *job, const struct game *game)
{
    struct db *db = db_of(job);

    job->rebuild = (struct rebuild){
        .store = db->store,
        .game = game,
        .board = &db->board,
        .ring_slots = db->ring.slot_count,
        .add_missing = true,
    };
    job->store_status = rebuild_run(&job->rebuild);
    if (job->store_status != STORE_OK) {
        (void)snprintf(job->error, sizeof(job->error), "%s", store_error(db->store));
    }
    return job->store_status == STORE_OK;
}

static void job_start(struct db *db, uv_work_cb on_pool, uv_after_work_cb on_done)
{
    struct job *job = &db->job;

    job->work.data = db;
    job->on_pool = on_pool;
    job->on_done = on_done;
    job_go_on(db);
}

void job_go_on(struct db *db)
{
    struct job *job = &db->job;
    uv_work_cb on_pool = job->on_pool;

    if (on_pool != NULL && !db->checkpoint.is_running) {
        job->on_pool = NULL;
        CHECK(uv_queue_work(&db->loop, &job->work, on_pool, job->on_done) == 0);
    }
}

/* ---- reset ------------------------------------------------------------------------------------ */

static bool back_up_before_reset(struct job *job)
{
    static const char prefix[] = "events-before-reset-";
    struct db *db = db_of(job);
    char path[STORE_PATH_BYTES + 64];

    if (!copies_path(db->dir, prefix, path, sizeof(path))) {
        (void)snprintf(job->error, sizeof(job->error), "the path of a copy is too long");
        job->store_status = STORE_FAILED;
        return false;
    }
    job->store_status = store_keep_copy(db->store, path, job->error, sizeof(job->error));
    if (job->store_status != STORE_OK) {
        return false;
    }
    uint32_t deleted = copies_prune(db->dir, prefix, db->game->settings.backups_kept_max, path);

    LOG(LOG_LEVEL_INFO, "a copy of the database is kept before the reset", LOG_STR("copy", path),
        LOG_U64("older_copies_deleted", deleted));
    return true;
}

static enum store_status clear_game(struct job *job)
{
    struct db *db = db_of(job);
    struct store_meta meta = db->meta;
    enum store_status status = store_begin(db->store);

    meta.floor_seq = job->floor_seq;
    meta.last_ts_us = db->last_ts_us;
    meta.auth_epoch++;
    meta.last_reset_request = job->request.head.request_id;
    if (status == STORE_OK) {
        status = store_clear_game(db->store);
    }
    if (status == STORE_OK) {
        status = store_write_meta(db->store, &meta);
    }
    if (status == STORE_OK) {
        status = store_commit(db->store);
    }
    if (status != STORE_OK) {
        (void)snprintf(job->error, sizeof(job->error), "%s", store_error(db->store));
        store_rollback(db->store);
    }
    return status;
}

static void reset_on_pool(uv_work_t *work)
{
    struct db *db = work->data;
    struct job *job = &db->job;

    job->ok = false;
    if (!back_up_before_reset(job)) {
        return;
    }
    job->store_status = clear_game(job);
    if (job->store_status != STORE_OK) {
        return;
    }
    /* It is cleared: a board that cannot be built from an empty log cannot be served at all. */
    CHECK(job_rebuild(job, db->game));
    job->ok = true;
}

static void answer_reset(struct db *db, enum wire_status status)
{
    const struct request *request = &db->job.request;
    struct wire_result result = {
        .head = wire_head_make(WIRE_RESULT, request->head.request_id),
        .seq = state_committed_seq(board_live(&db->board)),
        .ts_us = db->last_ts_us,
        .status = status,
    };

    inbox_answer(&db->inbox, request->conn_id, &result);
    inbox_flush(&db->inbox);
}

/* Once, by the process that says so to its asker: who did it may have died before it could. */
static void log_reset(struct db *db)
{
    struct job *job = &db->job;
    uint64_t request_id = job->request.head.request_id;

    if (request_id == 0 || request_id != job->logged_reset) {
        LOG(LOG_LEVEL_WARN, "the game was reset", LOG_HEX("request", request_id),
            LOG_U64("floor", db->meta.floor_seq));
    }
    job->logged_reset = request_id;
}

static void on_reset_done(uv_work_t *work, int status)
{
    struct db *db = work->data;
    struct job *job = &db->job;

    job->kind = JOB_NONE;
    if (status != 0 || !job->ok) {
        LOG(LOG_LEVEL_ERROR, "the reset failed, nothing was cleared",
            LOG_HEX("request", job->request.head.request_id), LOG_STR("why", job->error));
        slots_add(METRIC_DB_STORE_ERRORS, 1);
        answer_reset(db, WIRE_STORE_FAILED);
        return;
    }
    db_adopt(db, &job->rebuild);
    log_reset(db);
    inbox_poke_all(&db->inbox, WIRE_NEWS_RESET | WIRE_NEWS_AUTH | WIRE_NEWS_NAMES | WIRE_NEWS_BANK,
                   ring_newest_seq(&db->ring));
    answer_reset(db, WIRE_OK);
}

void job_start_reset(struct db *db, const struct request *request)
{
    struct job *job = &db->job;

    job->request = *request;
    if (db->store == NULL) {
        answer_reset(db, WIRE_STORE_FAILED);
        return;
    }
    if (request->head.request_id != 0 && request->head.request_id == db->meta.last_reset_request) {
        slots_add(METRIC_DB_REPEATED, 1);
        log_reset(db);
        answer_reset(db, WIRE_OK);
        return;
    }
    job->kind = JOB_RESET;
    job->floor_seq = state_committed_seq(board_live(&db->board));
    job->error[0] = '\0';
    job_start(db, reset_on_pool, on_reset_done);
}

/* ---- reload ----------------------------------------------------------------------------------- */

static bool load_new_game(struct job *job)
{
    struct db *db = db_of(job);
    struct game_files files;
    struct diag diag = {0};

    if (!files_map(job->files_fd, &files)) {
        (void)snprintf(job->error, sizeof(job->error), "the files cannot be mapped");
        return false;
    }
    bool ok = game_load(&files, db->game, &diag, &job->new_game);

    if (!ok) {
        (void)snprintf(job->error, sizeof(job->error), "%s",
                       diag.count > 0 ? diag.lines[0] : "the files are not a game");
    }
    diag_free(&diag);
    files_free(&files);
    return ok;
}

static void reload_on_pool(uv_work_t *work)
{
    struct db *db = work->data;
    struct job *job = &db->job;

    job->ok = load_new_game(job) && job_rebuild(job, job->new_game);
}

static void tell_master(struct db *db, enum control_type type, uint64_t value)
{
    if (!control_send(db->heritage->control_fd, type, value, HERITAGE_FD_NONE)) {
        LOG(LOG_LEVEL_WARN, "the master does not take a message");
    }
}

/* A game that is no longer in force. */
struct farewell {
    uv_work_t work;
    struct game *game;
};

static void free_on_pool(uv_work_t *work)
{
    struct farewell *farewell = work->data;

    game_unref(farewell->game); /* the only reference: nobody else counts */
}

static void on_freed(uv_work_t *work, int status)
{
    (void)status;
    free(work->data);
}

/* Thousands of compiled patterns: to free them takes longer than the loop may stand still. */
static void let_go(struct db *db, struct game *game)
{
    struct farewell *farewell = malloc(sizeof(*farewell));

    CHECK(farewell != NULL);
    *farewell = (struct farewell){.work = {.data = farewell}, .game = game};
    CHECK(uv_queue_work(&db->loop, &farewell->work, free_on_pool, on_freed) == 0);
}

static void on_reload_done(uv_work_t *work, int status)
{
    struct db *db = work->data;
    struct job *job = &db->job;

    job->kind = JOB_NONE;
    if (status != 0 || !job->ok) {
        LOG(LOG_LEVEL_ERROR, "the reload failed, the old game stays", LOG_STR("why", job->error));
        game_unref(job->new_game);
        job->new_game = NULL;
        tell_master(db, CONTROL_RELOAD_FAILED, job->generation);
        return;
    }
    let_go(db, db->game);
    db->game = job->new_game;
    job->new_game = NULL;
    log_set_level(log_level_of(db->game->settings.log_level));
    db_adopt(db, &job->rebuild);
    inbox_poke_all(&db->inbox, WIRE_NEWS_BANK | WIRE_NEWS_NAMES, ring_newest_seq(&db->ring));
    inbox_flush(&db->inbox);
    tell_master(db, CONTROL_RELOADED, job->generation);
}

void job_start_reload(struct db *db, int files_fd, uint64_t generation)
{
    struct job *job = &db->job;

    if (files_fd < 0) {
        LOG(LOG_LEVEL_ERROR, "a reload came without its files");
        tell_master(db, CONTROL_RELOAD_FAILED, generation);
        return;
    }
    if (job_is_running(job) || db->store == NULL) { /* a reset, or a store to be opened anew */
        (void)close(files_fd);
        tell_master(db, CONTROL_RELOAD_LATER, generation);
        return;
    }
    job->kind = JOB_RELOAD;
    job->files_fd = files_fd;
    job->generation = generation;
    job->error[0] = '\0';
    job_start(db, reload_on_pool, on_reload_done);
}
