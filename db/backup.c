/* SPDX-License-Identifier: MIT */
/* backup.c - `ctfg backup FILE`: a copy, opened again and replayed before it gets its name. */

#include "db/db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/copies.h"
#include "db/store.h"
#include "db/verify.h"

enum outcome { BACKUP_DONE = 0, BACKUP_FAILED = 1, BACKUP_IMPOSSIBLE = 2 };

static enum outcome back_up(struct store *store, const struct game *game, const char *target_path,
                            FILE *out)
{
    char partial[STORE_PATH_BYTES];
    char error[512];
    uint64_t events = 0;
    int len = snprintf(partial, sizeof(partial), "%s" COPIES_PARTIAL, target_path);

    if (len < 0 || (size_t)len >= sizeof(partial)) {
        (void)fprintf(out, "The path of the backup is too long.\n");
        return BACKUP_IMPOSSIBLE;
    }
    (void)unlink(partial); /* of a backup that was interrupted */
    if (store_backup(store, partial, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "The backup failed: %s\n", error);
        return BACKUP_FAILED;
    }
    if (!verify_file(partial, game, out, &events)) {
        (void)fprintf(out,
                      "The backup failed: %s does not hold what it should and was kept to look "
                      "at.\n",
                      partial);
        return BACKUP_FAILED;
    }
    if (!copies_give_name(partial, target_path)) {
        (void)fprintf(out, "The backup is in %s, it cannot be called %s: %s\n", partial,
                      target_path, strerror(errno));
        return BACKUP_FAILED;
    }
    (void)fprintf(out, "%s holds ", target_path);
    verify_print_events(out, events);
    (void)fprintf(out, "; it was opened again and its replay adds up.\n");
    return BACKUP_DONE;
}

int db_backup(const struct game *game, const char *target_path, FILE *out)
{
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    char error[512];
    struct store *store = NULL;

    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
    if (access(target_path, F_OK) == 0) {
        (void)fprintf(out, "%s is there already and is not overwritten: choose another name.\n",
                      target_path);
        return BACKUP_IMPOSSIBLE;
    }
    if (verify_is_absent(path)) {
        (void)fprintf(out, "There is no database in %s yet: name its folder with --dbdir.\n", dir);
        return BACKUP_IMPOSSIBLE;
    }
    struct store_options options = {.dir = dir, .read_only = true};

    if (store_open(&options, &store, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "%s\n", error);
        return BACKUP_IMPOSSIBLE;
    }
    enum outcome outcome = back_up(store, game, target_path, out);

    store_close(store);
    return (int)outcome;
}
