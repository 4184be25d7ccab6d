/* SPDX-License-Identifier: MIT */
/* backup.c - `ctfg backup FILE`: a copy, opened again and replayed before it gets its name. */

#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/replay.h"
#include "db/store.h"

enum outcome { BACKUP_DONE = 0, BACKUP_FAILED = 1, BACKUP_IMPOSSIBLE = 2 };

/* Opens the copy as a stranger would, and folds it. */
static bool copy_adds_up(const char *path, const struct game *game, FILE *out, uint64_t *ret_events)
{
    char folder[STORE_PATH_BYTES];
    char error[512];
    const char *slash = strrchr(path, '/');
    struct store *store = NULL;
    uint64_t ts_us;

    (void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    struct store_options options = {
        .dir = folder, .file = slash == NULL ? path : slash + 1, .read_only = true};

    if (store_open(&options, &store, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "The copy cannot be opened: %s\n", error);
        return false;
    }
    struct replay replay = {.store = store, .game = game, .out = out};
    bool ok = store_verify(store, false, error, sizeof(error)) == STORE_OK;

    if (!ok) {
        (void)fprintf(out, "The copy is damaged: %s\n", error);
    } else {
        ok = store_newest(store, &replay.up_to, &ts_us) == STORE_OK && replay_run(&replay) &&
             replay.findings == 0;
        *ret_events = replay.events;
    }
    replay_free(&replay);
    store_close(store);
    return ok;
}

static enum outcome back_up(struct store *store, const struct game *game, const char *target_path,
                            FILE *out)
{
    char partial[STORE_PATH_BYTES];
    char error[512];
    uint64_t events = 0;
    int len = snprintf(partial, sizeof(partial), "%s.partial", target_path);

    if (len < 0 || (size_t)len >= sizeof(partial)) {
        (void)fprintf(out, "The path of the backup is too long.\n");
        return BACKUP_IMPOSSIBLE;
    }
    (void)unlink(partial); /* of a backup that was interrupted */
    if (store_backup(store, partial, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "The backup failed: %s\n", error);
        return BACKUP_FAILED;
    }
    if (!copy_adds_up(partial, game, out, &events)) {
        (void)fprintf(out,
                      "The backup failed: %s does not hold what it should and was kept to look "
                      "at.\n",
                      partial);
        return BACKUP_FAILED;
    }
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, target_path, RENAME_NOREPLACE) != 0) {
        (void)fprintf(out, "The backup is in %s, it cannot be called %s: %s\n", partial,
                      target_path, strerror(errno));
        return BACKUP_FAILED;
    }
    (void)fprintf(out, "%s holds %" PRIu64 " events; it was opened again and its replay adds up.\n",
                  target_path, events);
    return BACKUP_DONE;
}

int db_backup(const struct game *game, const char *target_path, FILE *out)
{
    char dir[STORE_PATH_BYTES];
    char error[512];
    struct store *store = NULL;

    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    if (access(target_path, F_OK) == 0) {
        (void)fprintf(out, "%s is there already and is not overwritten: choose another name.\n",
                      target_path);
        return BACKUP_IMPOSSIBLE;
    }
    struct store_options options = {.dir = dir, .read_only = true};

    if (store_open(&options, &store, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "The database cannot be opened: %s\n", error);
        return BACKUP_IMPOSSIBLE;
    }
    enum outcome outcome = back_up(store, game, target_path, out);

    store_close(store);
    return (int)outcome;
}
