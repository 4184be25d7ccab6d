/* SPDX-License-Identifier: MIT */
/* reload.c - files -> game and page on a pool thread, then one switch on the loop. */
#include "worker/reload.h"

#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

#include "conf/diag.h"
#include "conf/files.h"
#include "conf/game.h"
#include "shm/base/log.h"
#include "shm/control.h"
#include "shm/wire.h"
#include "worker/context.h"
#include "worker/page.h"
#include "worker/stream.h"
#include "worker/view.h"

/* A game that is no longer in force, and its page, of which somebody may still be sending a file. */
struct old_game {
    struct game *game;
    struct page *page;
    struct old_game *next;
};

/* One reload, from the order to the answer. */
struct reload {
    uv_work_t work;
    struct worker *worker;
    struct game_files files;
    struct game *previous;            /* held: its slots are taken over */
    const struct page *previous_page; /* stays: only another reload would put it away */
    uint64_t generation;              /* that the master expects */
    struct game *game;                /* made on the pool thread; NULL: it failed */
    struct page *page;
    uint32_t mistakes;
    struct old_game *old; /* room to put the old ones, so that the switch cannot fail */
};

static void answer(struct worker *worker, enum control_type type)
{
    if (!control_send(worker->heritage->control_fd, type, worker->game->generation, -1)) {
        LOG(LOG_LEVEL_ERROR, "the master cannot be told how a reload went");
    }
}

/* On a pool thread: touches nothing but *reload; the previous game and page are immutable. */
static void build(uv_work_t *work)
{
    struct reload *reload = work->data;
    struct diag diag = {0};

    if (game_load(&reload->files, reload->previous, &diag, &reload->game)) {
        reload->page = page_build(reload->game, reload->previous_page);
    }
    reload->mistakes = diag.errors;
    diag_free(&diag);
}

static void switch_over(struct worker *worker, struct reload *reload)
{
    *reload->old =
        (struct old_game){.game = worker->game, .page = worker->page, .next = worker->old_games};
    worker->old_games = reload->old;
    worker->game = reload->game;
    worker->page = reload->page;
    reload->old = NULL;
    reload->game = NULL;
    reload->page = NULL;
    view_invalidate(worker);
    /* Whoever is no longer a player has to go, and so has what was made with titles of before. */
    stream_on_news(worker, WIRE_NEWS_AUTH | WIRE_NEWS_NAMES);
    reload_free_old(worker);
}

static void reload_free(struct reload *reload)
{
    files_free(&reload->files);
    page_free(reload->page);
    game_unref(reload->game);
    game_unref(reload->previous);
    free(reload->old);
    free(reload);
}

static void on_built(uv_work_t *work, int status)
{
    struct reload *reload = work->data;
    struct worker *worker = reload->worker;

    worker->reloading = false;
    if (status == 0 && reload->game != NULL && reload->page != NULL &&
        reload->game->generation == reload->generation) {
        switch_over(worker, reload);
        log_set_level(log_level_of(worker->game->settings.log_level));
        LOG(LOG_LEVEL_INFO, "the new game is in force",
            LOG_U64("generation", worker->game->generation));
        answer(worker, CONTROL_RELOADED);
    } else {
        LOG(LOG_LEVEL_ERROR, "the new game cannot be taken over",
            LOG_U64("mistakes", reload->mistakes));
        answer(worker, CONTROL_RELOAD_FAILED);
    }
    reload_free(reload);
}

void reload_begin(struct worker *worker, int files_fd, uint64_t generation)
{
    struct reload *reload = calloc(1, sizeof(*reload));
    struct old_game *old = calloc(1, sizeof(*old));
    struct game_files files = {0};

    if (!files_map(files_fd, &files) || reload == NULL || old == NULL || worker->reloading) {
        LOG(LOG_LEVEL_ERROR, "a reload cannot begin");
        files_free(&files);
        free(reload);
        free(old);
        answer(worker, CONTROL_RELOAD_FAILED);
        return;
    }
    *reload = (struct reload){
        .work = {.data = reload},
        .worker = worker,
        .files = files,
        .previous = game_ref(worker->game),
        .previous_page = worker->page,
        .generation = generation,
        .old = old,
    };
    worker->reloading = uv_queue_work(&worker->loop, &reload->work, build, on_built) == 0;
    if (!worker->reloading) {
        reload_free(reload);
        answer(worker, CONTROL_RELOAD_FAILED);
    }
}

void reload_free_old(struct worker *worker)
{
    struct old_game **link = &worker->old_games;

    while (*link != NULL) {
        struct old_game *old = *link;

        if (page_is_in_use(old->page)) {
            link = &old->next;
            continue;
        }
        *link = old->next;
        page_free(old->page);
        game_unref(old->game);
        free(old);
    }
}
