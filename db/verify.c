/* SPDX-License-Identifier: MIT */
/* verify.c - a copy is opened, looked over and replayed before anybody relies on it. */

#include "db/verify.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/replay.h"
#include "db/store.h"

bool verify_file(const char *path, const struct game *game, FILE *out, uint64_t *ret_events)
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
        (void)fprintf(out, "%s\n", error);
        return false;
    }
    struct replay replay = {.store = store, .game = game, .out = out};
    bool ok = store_verify(store, false, error, sizeof(error)) == STORE_OK;

    if (!ok) {
        (void)fprintf(out, "%s is damaged: %s\n", path, error);
    } else if (store_newest(store, &replay.up_to, &ts_us) != STORE_OK) {
        ok = false;
        (void)fprintf(out, "The events of %s cannot be read: %s\n", path, store_error(store));
    } else {
        ok = replay_run(&replay) && replay.findings == 0;
        *ret_events = replay.events;
    }
    replay_free(&replay);
    store_close(store);
    return ok;
}

bool verify_is_absent(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

void verify_print_events(FILE *out, uint64_t events)
{
    (void)fprintf(out, "%" PRIu64 " event%s", events, events == 1 ? "" : "s");
}
