/* SPDX-License-Identifier: MIT */
/* reload.c - read, judge, hand to db, hand to the workers. */
#include "master/reload.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "conf/diag.h"
#include "conf/game.h"
#include "conf/settings_table.h"
#include "master/load.h"
#include "master/master.h"
#include "master/notify.h"
#include "master/options.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "worker/worker.h"

/* ---- judging ----------------------------------------------------------------------------------- */

static void log_diag(const struct diag *diag)
{
    for (uint32_t i = 0; i < diag->count; i++) {
        LOG(diag->is_warning[i] ? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "in the game's files",
            LOG_STR("at", diag->lines[i]));
    }
}

static void warn_about_waiting_settings(const struct game *next)
{
    for (uint32_t i = 0; i < settings_row_count; i++) {
        if (next->settings_wait[i]) {
            LOG(LOG_LEVEL_WARN, "a setting takes effect at a restart",
                LOG_STR("key", settings_rows[i].key));
        }
    }
}

static void refuse(struct master *master, const char *why)
{
    LOG(LOG_LEVEL_ERROR, "reload refused, the game in force stays", LOG_STR("why", why));
    slots_add(METRIC_RELOADS_REFUSED, 1);
    reload_abandon(master);
    master_tell_serving(master, "; the last reload was refused: see the log");
}

/* The new game, judged and compressed; NULL: refused and logged. */
static struct game *judge(struct master *master, struct game_files *ret_files)
{
    struct diag diag = {0};
    struct game *next = NULL;
    enum load_result result =
        load_game(&master->options->source, master->game, &diag, ret_files, &next);

    log_diag(&diag);
    diag_free(&diag);
    if (result != LOAD_OK) {
        refuse(master, "mistakes in the game's files");
        return NULL;
    }
    if (!worker_prepare(next)) {
        refuse(master, "no memory for the new page");
        files_free(ret_files);
        game_unref(next);
        return NULL;
    }
    return next;
}

/* ---- handing on -------------------------------------------------------------------------------- */

static void hand_to(struct reload *reload, struct child *child, uint64_t generation)
{
    child->reload_awaited = child_tell(child, CONTROL_RELOAD, generation, reload->files_fd);
}

static void wait_for_db(struct reload *reload, uint64_t again_us)
{
    reload->step = RELOAD_WAITS_FOR_DB;
    reload->again_us = again_us;
}

static void tell_db(struct master *master, uint64_t now_us)
{
    struct reload *reload = &master->reload;

    reload->step = RELOAD_DB_TAKES_IT;
    reload->deadline_us = now_us + RELOAD_ANSWER_US;
    hand_to(reload, master_db(master), reload->next->generation);
    if (!master_db(master)
             ->reload_awaited) { /* it died before it could be told: its successor is */
        wait_for_db(reload, now_us);
    }
}

/* Without db nobody could take it first. */
static void tell_db_if_it_is_time(struct master *master, uint64_t now_us)
{
    struct reload *reload = &master->reload;

    if (now_us > reload->give_up_us) {
        refuse(master, "db had no time for the new game");
    } else if (now_us >= reload->again_us && master_db(master)->state == CHILD_READY) {
        tell_db(master, now_us);
    }
}

static void begin(struct master *master)
{
    struct reload *reload = &master->reload;
    struct game_files files = {0};

    reload->is_asked = false;
    notify_reloading();
    reload->next = judge(master, &files);
    if (reload->next == NULL) {
        return;
    }
    reload->files_fd = files_seal(&files);
    files_free(&files);
    if (reload->files_fd < 0) {
        refuse(master, log_errno_text(errno));
        return;
    }
    warn_about_waiting_settings(reload->next);
    uint64_t now_us = clock_mono_us(); /* judging took its time */

    reload->give_up_us = now_us + RELOAD_DB_PATIENCE_US;
    reload->db_deaths = 0;
    tell_db(master, now_us);
}

static bool is_awaited(const struct master *master)
{
    for (uint32_t i = 0; i < master->children.count; i++) {
        if (master->children.all[i].reload_awaited) {
            return true;
        }
    }
    return false;
}

static void finish(struct master *master)
{
    struct reload *reload = &master->reload;

    (void)close(reload->files_fd);
    reload->files_fd = -1;
    reload->step = RELOAD_IDLE;
    slots_add(METRIC_RELOADS, 1);
    log_set_level(log_level_of(master->game->settings.log_level));
    LOG(LOG_LEVEL_INFO, "reloaded", LOG_U64("generation", master->game->generation),
        LOG_U64("players", master->game->player_count),
        LOG_U64("challenges", master->game->challenge_count));
    master_tell_serving(master, "");
}

/* db has it: from now on it is the game in force, and what a new child inherits. */
static void go_on_to_workers(struct master *master)
{
    struct reload *reload = &master->reload;
    struct children *children = &master->children;

    game_unref(master->game);
    master->game = reload->next;
    master->heritage.game = master->game;
    reload->next = NULL;
    reload->step = RELOAD_WORKERS_TAKE_IT;
    reload->deadline_us = clock_mono_us() + RELOAD_ANSWER_US;
    for (uint32_t i = 1; i < children->count; i++) {
        if (child_is_alive(&children->all[i])) {
            hand_to(reload, &children->all[i], master->game->generation);
        }
    }
    if (!is_awaited(master)) {
        finish(master);
    }
}

void reload_on_answer(struct master *master, struct child *child, enum control_type answer)
{
    bool has_failed = answer == CONTROL_RELOAD_FAILED;

    if (!child->reload_awaited) {
        return; /* an answer to a reload that was given up */
    }
    child->reload_awaited = false;
    switch (master->reload.step) {
    case RELOAD_IDLE:
    case RELOAD_WAITS_FOR_DB:
        break;
    case RELOAD_DB_TAKES_IT:
        if (answer == CONTROL_RELOAD_LATER) {
            wait_for_db(&master->reload, clock_mono_us() + RELOAD_AGAIN_US);
        } else if (has_failed) {
            refuse(master, "db could not take the new game: its lines in the log say why");
        } else {
            go_on_to_workers(master);
        }
        break;
    case RELOAD_WORKERS_TAKE_IT:
        if (has_failed) {
            LOG(LOG_LEVEL_ERROR, "could not take the new game: forked anew with it",
                LOG_STR("process", child->name));
            child_kill(child);
        }
        if (!is_awaited(master)) {
            finish(master);
        }
        break;
    }
}

void reload_on_death(struct master *master, struct child *child)
{
    struct reload *reload = &master->reload;
    bool is_taking = child->reload_awaited && reload->step == RELOAD_DB_TAKES_IT;

    if (is_taking && ++reload->db_deaths < RELOAD_DB_DEATHS_MAX) {
        child->reload_awaited = false;
        wait_for_db(reload, clock_mono_us());
    } else if (child->reload_awaited) {
        /* db comes back with the old game, so that stays; a worker comes back with the new one. */
        reload_on_answer(master, child,
                         child->role == PROC_DB ? CONTROL_RELOAD_FAILED : CONTROL_RELOADED);
    }
}

static void kill_the_silent(struct master *master)
{
    for (uint32_t i = 0; i < master->children.count; i++) {
        struct child *child = &master->children.all[i];

        if (child->reload_awaited) {
            LOG(LOG_LEVEL_ERROR, "does not answer to a reload: killed",
                LOG_STR("process", child->name));
            child_kill(child); /* its death is its answer */
        }
    }
}

/* ---- asking ------------------------------------------------------------------------------------ */

/* The files are read as they are, instead of watching folders: new ones and moved ones are seen too,
 * and events.db, which may lie among them, is not. */
static void watch_files(struct master *master, uint64_t now_us)
{
    struct reload *reload = &master->reload;
    uint64_t hash = files_hash(&master->options->source);

    reload->watch_due_us = now_us + RELOAD_WATCH_US;
    if (hash == 0) {
        return; /* an editor is between unlink and rename: the next look will tell */
    }
    if (reload->seen_hash != 0 && hash != reload->seen_hash) {
        reload_ask(master);
    }
    reload->seen_hash = hash;
}

void reload_ask(struct master *master)
{
    master->reload.is_asked = true;
}

void reload_tick(struct master *master, uint64_t now_us)
{
    struct reload *reload = &master->reload;

    if (reload->step == RELOAD_WAITS_FOR_DB) {
        tell_db_if_it_is_time(master, now_us);
        return;
    }
    if (reload->step != RELOAD_IDLE) {
        if (now_us > reload->deadline_us) {
            kill_the_silent(master);
        }
        return;
    }
    if (master->phase != MASTER_SERVES) {
        return;
    }
    if (master->game->settings.developer_mode && now_us >= reload->watch_due_us) {
        watch_files(master, now_us);
    }
    /* It is judged when db can take it, so that it is the newest that is judged. */
    if (reload->is_asked && master_db(master)->state == CHILD_READY) {
        begin(master);
    }
}

void reload_abandon(struct master *master)
{
    struct reload *reload = &master->reload;

    for (uint32_t i = 0; i < master->children.count; i++) {
        master->children.all[i].reload_awaited = false;
    }
    game_unref(reload->next);
    reload->next = NULL;
    if (reload->files_fd >= 0) {
        (void)close(reload->files_fd);
    }
    reload->files_fd = -1;
    reload->step = RELOAD_IDLE;
}
