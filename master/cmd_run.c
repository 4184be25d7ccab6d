/* SPDX-License-Identifier: MIT */
/* cmd_run.c - `ctfg`: everything that can go wrong goes wrong here, before the first fork. */
#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/diag.h"
#include "conf/game.h"
#include "master/command.h"
#include "master/doctor.h"
#include "master/load.h"
#include "master/log_file.h"
#include "master/master.h"
#include "master/options.h"
#include "master/prepare.h"
#include "master/title.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "worker/worker.h"

#define ERROR_BYTES 512

/* One connection is one descriptor: the soft limit of 1024 is for programs that use select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* below the hard limit it cannot fail */
    }
}

/* Step 1: files.  Mistakes are printed as a list for people, not as log lines. */
static bool load_files(struct master *master, const struct options *options)
{
    struct diag diag = {0};
    struct game_files files = {0};
    bool ok = load_game(&options->source, NULL, &diag, &files, &master->game) == LOAD_OK;

    if (diag.errors + diag.warnings > 0) {
        diag_print(&diag);
    }
    diag_free(&diag);
    files_free(&files);
    return ok;
}

/* For the largest game a reload may bring (conf/game.h), beside whom the database knows already. */
static bool create_segment(struct master *master, uint32_t workers)
{
    struct shm_sizes sizes =
        segment_sizes_for(GAME_PLAYERS_MAX + master->facts.users_outside_game, GAME_CHALLENGES_MAX,
                          GAME_HINTS_MAX, master->game->settings.ring_events, workers);

    return segment_create(&sizes, &master->segment);
}

static void fill_heritage(struct master *master, uint32_t workers)
{
    const struct listeners *listeners = &master->listeners;

    master->heritage = (struct heritage){
        .segment = &master->segment,
        .game = master->game,
        .worker_count = workers,
        .listener_count = listeners->player_count,
        .metrics_fd = listeners->metrics_fd,
        .db_listener_fd = listeners->db_fd,
        .db_address = listeners->db_address,
        .db_address_len = listeners->db_address_len,
        .backlog_effective = listeners->backlog_effective,
        .port = listeners->port,
    };
    for (uint32_t i = 0; i < listeners->player_count; i++) {
        master->heritage.listener_fds[i] = listeners->player_fds[i];
    }
}

/* Step 2: the database, the sockets, shared memory.  EX_OK, or the exit status and a sentence;
 * EX_TEMPFAIL stands for "stop was asked for" and has none. */
static int open_everything(struct master *master, char *ret_error, size_t error_bytes)
{
    const struct settings *settings = &master->game->settings;
    uint32_t workers = children_workers(settings->workers);

    if (!user_find(settings->user, &master->user, ret_error, error_bytes)) {
        return EX_NOUSER;
    }
    if (!worker_prepare(master->game)) {
        (void)snprintf(ret_error, error_bytes, "no memory for the page");
        return EX_OSERR;
    }
    switch (prepare_database(master->game, &master->user, master->signal_fd, &master->facts,
                             ret_error, error_bytes)) {
    case PREPARE_OK:
        break;
    case PREPARE_FAILED:
        return EXIT_UNUSABLE;
    case PREPARE_STOPPED:
        return EX_TEMPFAIL;
    }
    if (!listen_open(settings, &master->listeners, ret_error, error_bytes)) {
        return EX_UNAVAILABLE;
    }
    if (!create_segment(master, workers)) {
        (void)snprintf(ret_error, error_bytes, "cannot make the shared memory: %s",
                       log_errno_text(errno));
        return EX_OSERR;
    }
    children_init(&master->children, workers);
    fill_heritage(master, workers);
    return EX_OK;
}

int cmd_run(struct options *options)
{
    static struct master master;
    char error[ERROR_BYTES] = "";

    proc_set_role(PROC_MASTER);
    if (options->argument_count == 1) {
        options->source.challenges_path = options->arguments[0];
    }
    master.options = options;
    master.reload.files_fd = -1;
    upgrade_init(&master.upgrade);
    raise_descriptor_limit();
    master.signal_fd = signals_open();
    if (master.signal_fd < 0) {
        perror("ctfg: signalfd");
        return EX_OSERR;
    }
    if (!load_files(&master, options)) {
        return EXIT_UNUSABLE;
    }
    title_refresh(&master);
    int status = log_file_start(&master.game->settings, error, sizeof(error))
                     ? open_everything(&master, error, sizeof(error))
                     : EX_UNAVAILABLE;
    if (status == EX_OK) {
        doctor_warn(master.game, &options->source);
        status = master_run(&master);
    } else if (status == EX_TEMPFAIL) {
        status = EX_OK;
    } else {
        LOG(LOG_LEVEL_ERROR, "cannot start", LOG_STR("why", error));
    }
    listen_close(&master.listeners);
    segment_destroy(&master.segment);
    reload_abandon(&master);
    game_unref(master.game);
    return status;
}
