/* SPDX-License-Identifier: MIT */
/*
 * check.c - `ctfg check`: is the file sound, does a replay add up, and is it what a running server
 * shows?
 */

#include "db/db.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/lock.h"
#include "db/replay.h"
#include "db/store.h"
#include "db/verify.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/players.h"
#include "shm/state.h"

/* Cuts that are tried on a busy server's board: one takes well below a millisecond. */
#define CUT_TRIES 1000
/* From the commit of a reset to the board that shows it: some 50 ms, and db may have died between. */
#define SAME_GAME_WAIT_US 5000000
#define SAME_GAME_LOOK_US 5000

enum verdict { CHECK_WELL = 0, CHECK_WRONG = 1, CHECK_IMPOSSIBLE = 2 };

/* What a running server shows, copied in one cut. */
struct shown {
    pid_t db_pid;  /* 0: no server runs */
    bool is_known; /* its board could be read */
    uint64_t seq;
    uint64_t floor_seq; /* the last reset */
    struct player_view *players;
    uint32_t count;
};

static bool copy_cut(const struct board *board, struct shown *shown)
{
    struct board_cut cut;

    if (!board_read_begin(board, &cut)) {
        return false;
    }
    struct bank_span span = bank_span(cut.bank);

    shown->count = 0;
    shown->seq = state_committed_seq(cut.bank);
    shown->floor_seq = state_floor_seq(cut.bank);
    for (uint32_t slot = bank_span_next(&span, 0); slot < cut.bank->players_max;
         slot = bank_span_next(&span, slot + 1)) {
        if (players_read(cut.bank, slot, &shown->players[shown->count])) {
            shown->count++;
        }
    }
    return board_read_done(board, &cut);
}

/* Takes the descriptor. */
static void copy_board(int fd, struct shown *shown)
{
    struct segment segment;
    struct board board;

    if (!segment_open(fd, &segment)) {
        (void)close(fd);
        return;
    }
    board_attach(&segment, &board);
    shown->players = calloc(board.banks[0].players_max, sizeof(*shown->players));
    CHECK(shown->players != NULL);
    for (int attempt = 0; attempt < CUT_TRIES && !shown->is_known; attempt++) {
        shown->is_known = copy_cut(&board, shown);
    }
    segment_destroy(&segment);
}

/* The segment is a memfd that has no path: it is found among the descriptors of the server's db. */
static void find_board(struct shown *shown)
{
    char folder[64];
    char target[128];
    struct dirent *entry;

    (void)snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)shown->db_pid);
    DIR *fds = opendir(folder);

    while (fds != NULL && !shown->is_known && (entry = readdir(fds)) != NULL) {
        ssize_t len = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

        if (len > 0 &&
            str_starts_with((struct str){target, (size_t)len}, STR("/memfd:ctfg-board"))) {
            int fd = openat(dirfd(fds), entry->d_name, O_RDWR | O_CLOEXEC);

            if (fd >= 0) {
                copy_board(fd, shown);
            }
        }
    }
    if (fds != NULL) {
        (void)closedir(fds);
    }
}

static void look_at_server(const char *dir, struct shown *shown)
{
    free(shown->players);
    *shown = (struct shown){.db_pid = lock_holder(dir)};
    if (shown->db_pid != 0) {
        find_board(shown);
    }
}

/*
 * One moment of the file that all which follows is read from: players and a reset come while we look.
 * The board is looked at before it, so that the file has every event which the board shows; the same
 * game it is when both know of the same reset, which the file does first.
 */
static enum store_status hold_moment(struct store *store, const char *dir, struct shown *shown)
{
    uint64_t until_us = clock_mono_us() + SAME_GAME_WAIT_US;

    for (;;) {
        struct store_meta meta = {0};

        look_at_server(dir, shown);
        enum store_status status = store_hold(store);

        if (status == STORE_OK) {
            status = store_read_meta(store, &meta);
        }
        if (status != STORE_OK || !shown->is_known || meta.floor_seq == shown->floor_seq ||
            clock_mono_us() >= until_us) {
            return status;
        }
        store_rollback(store);
        (void)usleep(SAME_GAME_LOOK_US);
    }
}

static void compare_shown(struct replay *replay, const struct shown *shown)
{
    const struct bank *bank = board_live(&replay->board);

    for (uint32_t i = 0; i < shown->count; i++) {
        const struct player_view *server = &shown->players[i];
        struct player_view view = {0};
        uint64_t at;

        if (map_get(&replay->roster.by_id, server->user_id, &at)) {
            (void)players_read(bank, replay->roster.users[at].slot, &view);
        }
        if (view.score_points != server->score_points || view.solves != server->solves ||
            view.raised_seq != server->raised_seq) {
            replay_finding(replay,
                           "user %" PRIu32 " has %" PRId64 " points, %" PRIu32
                           " solves in the replay, %" PRId64 ", %" PRIu32 " on the server's board",
                           server->user_id, view.score_points, view.solves, server->score_points,
                           server->solves);
        }
    }
}

static void report(const struct replay *replay, const struct shown *shown)
{
    FILE *out = replay->out;

    if (replay->findings > 0) {
        (void)fprintf(out, "The replay does not add up: %" PRIu32 " findings.\n", replay->findings);
        return;
    }
    (void)fprintf(out,
                  "The replay adds up: %" PRIu64 " event%s, folded by two routes and summed by the "
                  "database, give the same scores, solves, first solvers and places.\n",
                  replay->events, replay->events == 1 ? "" : "s");
    if (shown->is_known) {
        (void)fprintf(
            out, "The running server (db is process %d) shows the same at event %" PRIu64 ".\n",
            (int)shown->db_pid, shown->seq);
    } else if (shown->db_pid != 0) {
        (void)fprintf(out,
                      "A server runs (db is process %d); its board could not be read, so it was "
                      "not compared.\n",
                      (int)shown->db_pid);
    }
}

static enum verdict check_replay(struct store *store, const struct game *game, const char *dir,
                                 FILE *out)
{
    struct shown shown = {0};
    struct replay replay = {.store = store, .game = game, .out = out};
    uint64_t ts_us;
    enum verdict verdict = CHECK_WELL;

    if (hold_moment(store, dir, &shown) != STORE_OK ||
        store_newest(store, &replay.up_to, &ts_us) != STORE_OK) {
        (void)fprintf(out, "The events cannot be read: %s\n", store_error(store));
        free(shown.players);
        return CHECK_IMPOSSIBLE;
    }
    if (shown.is_known) {
        replay.up_to = shown.seq;
    }
    if (!replay_run(&replay)) {
        verdict = CHECK_IMPOSSIBLE;
    } else {
        if (shown.is_known) {
            compare_shown(&replay, &shown);
        }
        report(&replay, &shown);
        verdict = replay.findings == 0 ? CHECK_WELL : CHECK_WRONG;
    }
    replay_free(&replay);
    free(shown.players);
    return verdict;
}

static enum verdict check_file(struct store *store, const char *path, FILE *out)
{
    char finding[512];
    uint64_t aside = 0;
    enum store_status status = store_verify(store, false, finding, sizeof(finding));

    if (status != STORE_OK) {
        (void)fprintf(out, "%s is damaged: %s\n", path, finding);
        return status == STORE_CORRUPT ? CHECK_WRONG : CHECK_IMPOSSIBLE;
    }
    (void)fprintf(out, "%s is sound.\n", path);
    if (store_count_moved_aside(store, &aside) == STORE_OK && aside > 0) {
        (void)fprintf(out,
                      "%" PRIu64 " event%s of an older file could not count: look at its table "
                      "moved_aside, with a reason each.\n",
                      aside, aside == 1 ? "" : "s");
    }
    return CHECK_WELL;
}

/* A start makes the database, not its folder. */
static enum verdict tell_none(const char *dir, FILE *out)
{
    struct stat found;

    if (stat(dir, &found) != 0) {
        (void)fprintf(out,
                      "There is no folder %s for the database: make it before the first start, "
                      "unless the service's unit does.\n",
                      dir);
    } else if (!S_ISDIR(found.st_mode)) {
        (void)fprintf(out, "%s is a file: --dbdir wants a folder.\n", dir);
        return CHECK_IMPOSSIBLE;
    } else {
        (void)fprintf(out, "There is no database in %s yet: the first start makes one.\n", dir);
    }
    return CHECK_WELL;
}

int db_check(const struct game *game, FILE *out)
{
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    char error[512];
    struct store *store = NULL;

    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
    if (verify_is_absent(path)) {
        return (int)tell_none(dir, out);
    }
    struct store_options options = {.dir = dir, .read_only = true};

    if (store_open(&options, &store, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "%s\n", error);
        return CHECK_IMPOSSIBLE;
    }
    enum verdict verdict = check_file(store, path, out);

    if (verdict == CHECK_WELL) {
        verdict = check_replay(store, game, dir, out);
    }
    store_close(store);
    return (int)verdict;
}
