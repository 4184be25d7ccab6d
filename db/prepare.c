/* SPDX-License-Identifier: MIT */
/* prepare.c - db_prepare(): the database is opened, upgraded and looked over before anything listens. */

#include "db/db.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/lock.h"
#include "db/map.h"
#include "db/store.h"
#include "db/verify.h"
#include "shm/base/log.h"

/* Looking over every page of a larger file would keep a restart waiting for seconds: that is for
 * `ctfg check`. */
#define VERIFY_BYTES_MAX (UINT64_C(256) << 20)
/* After a kill -9 of a master its db notices, finishes and lets go; a real second server waits in vain. */
#define LOCK_WAIT_MS 3000

struct count {
    const struct game *game;
    struct map in_game; /* users.id of players of the game */
    struct db_facts facts;
};

static bool note_user(void *context, const struct store_user *user)
{
    struct count *count = context;

    if (game_find_player(count->game, user->username) != NULL) {
        map_put(&count->in_game, user->id, 1);
    }
    return true;
}

static bool note_sum(void *context, const struct store_sum *sum)
{
    struct count *count = context;
    uint64_t found;

    if (!map_get(&count->in_game, (uint64_t)sum->id, &found)) {
        count->facts.users_outside_game++;
    }
    return true;
}

static enum store_status count_facts(struct store *store, const struct game *game,
                                     struct db_facts *ret_facts)
{
    struct count count = {.game = game};
    uint64_t ts_us;

    map_init(&count.in_game, game->player_count);
    enum store_status status = store_each_user(store, note_user, &count);

    if (status == STORE_OK) {
        status = store_each_user_sum(store, UINT64_MAX, note_sum, &count);
    }
    if (status == STORE_OK) {
        status = store_newest(store, &count.facts.events, &ts_us);
    }
    map_free(&count.in_game);
    *ret_facts = count.facts;
    return status;
}

static bool is_small_enough(const char *dir)
{
    char path[STORE_PATH_BYTES + 16];
    struct stat facts;

    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
    return stat(path, &facts) == 0 && (uint64_t)facts.st_size <= VERIFY_BYTES_MAX;
}

static bool look_over(struct store *store, const char *dir, const struct game *game,
                      struct db_facts *ret_facts, char *ret_error, size_t error_bytes)
{
    char finding[256] = "";
    uint64_t aside = 0;

    if (is_small_enough(dir) && store_verify(store, true, finding, sizeof(finding)) != STORE_OK) {
        (void)snprintf(ret_error, error_bytes,
                       "%s/" STORE_FILE " is damaged (%s): put a backup in its place, or see "
                       "docs/runbook.md on how to save what can be read",
                       dir, finding);
        return false;
    }
    if (count_facts(store, game, ret_facts) != STORE_OK ||
        store_count_moved_aside(store, &aside) != STORE_OK) {
        (void)snprintf(ret_error, error_bytes, "%s/" STORE_FILE " cannot be read: %s", dir,
                       store_error(store));
        return false;
    }
    if (aside > 0) {
        LOG(LOG_LEVEL_INFO, "events that cannot count are kept in the table moved_aside",
            LOG_U64("rows", aside));
    }
    return true;
}

static bool take_lock(const char *dir, int *ret_fd, char *ret_error, size_t error_bytes)
{
    pid_t holder = 0;

    switch (lock_take(dir, LOCK_WAIT_MS, ret_fd, &holder)) {
    case LOCK_TAKEN:
        return true;
    case LOCK_HELD_BY_OTHER:
        (void)snprintf(ret_error, error_bytes,
                       "another ctfg (process %d) uses the database in %s: stop it, or give this "
                       "one a folder of its own with --dbdir",
                       (int)holder, dir);
        return false;
    case LOCK_IMPOSSIBLE:
        (void)snprintf(ret_error, error_bytes,
                       "the database folder %s cannot be written to (%s): make it, or give it to "
                       "the user ctfg runs as",
                       dir, strerror(errno));
        return false;
    }
    return false;
}

pid_t db_holder(const struct game *game)
{
    char dir[STORE_PATH_BYTES];

    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    return lock_holder(dir);
}

void db_look(const struct game *game, struct db_health *ret_health)
{
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    struct stat facts;
    struct store *store = NULL;

    *ret_health = (struct db_health){.holder = db_holder(game)};
    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
    ret_health->has_folder = access(dir, F_OK) == 0;
    if (verify_is_absent(path)) {
        return;
    }
    struct store_options options = {.dir = dir, .read_only = true};

    ret_health->exists = true;
    ret_health->bytes = stat(path, &facts) == 0 ? (uint64_t)facts.st_size : 0;
    ret_health->is_readable =
        store_open(&options, &store, ret_health->finding, sizeof(ret_health->finding)) == STORE_OK;
    ret_health->is_sound =
        ret_health->is_readable &&
        store_verify(store, true, ret_health->finding, sizeof(ret_health->finding)) == STORE_OK;
    store_close(store);
}

bool db_prepare(const struct game *game, struct db_facts *ret_facts, char *ret_error,
                size_t error_bytes)
{
    char dir[STORE_PATH_BYTES];
    char why[512];
    struct store *store = NULL;
    int lock_fd;

    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    struct store_options options = {
        .dir = dir,
        .create = true,
        .log_bytes_max = game->settings.wal_bytes_max,
        .copies_kept_max = game->settings.backups_kept_max,
    };

    if (!take_lock(dir, &lock_fd, ret_error, error_bytes)) {
        return false;
    }
    bool ok = false;

    if (store_open(&options, &store, why, sizeof(why)) != STORE_OK) {
        (void)snprintf(ret_error, error_bytes, "%s", why);
    } else {
        ok = look_over(store, dir, game, ret_facts, ret_error, error_bytes);
    }
    store_close(store);
    (void)close(lock_fd);
    return ok;
}
