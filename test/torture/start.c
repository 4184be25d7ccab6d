/* SPDX-License-Identifier: MIT */
/* start.c - store_open(), store_verify(), both folds and the sums, then the model of what is there. */

#include "test/torture/start.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "db/replay.h"
#include "shm/base/check.h"
#include "shm/base/str.h"

void start_make_folder(char ret_path[START_DIR_BYTES])
{
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

    (void)snprintf(ret_path, START_DIR_BYTES, "%s/ctfg-torture-XXXXXX", where);
    CHECK(mkdtemp(ret_path) != NULL);
}

void start_empty_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;

    CHECK(folder != NULL);
    int fd = dirfd(folder);
    CHECK(fd >= 0);
    while ((entry = readdir(folder)) != NULL) {
        (void)unlinkat(fd, entry->d_name, 0);
    }
    (void)closedir(folder);
}

void start_remove_folder(const char *path)
{
    start_empty_folder(path);
    (void)rmdir(path);
}

bool start_from(const char *dir, const struct game *game, struct model *ret_found, FILE *out)
{
    struct store_options options = {.dir = dir, .create = true, .log_bytes_max = 1u << 20};
    struct replay replay = {.game = game, .out = out};
    struct store *store = NULL;
    char error[512];
    uint64_t ts_us;

    if (store_open(&options, &store, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(out, "  it does not open: %s\n", error);
        return false;
    }
    replay.store = store;
    bool ok = store_verify(store, false, error, sizeof(error)) == STORE_OK;

    if (!ok) {
        (void)fprintf(out, "  it is damaged: %s\n", error);
    }
    ok = ok && store_newest(store, &replay.up_to, &ts_us) == STORE_OK && replay_run(&replay) &&
         replay.findings == 0 && model_read(store, ret_found) == STORE_OK;
    replay_free(&replay);
    store_close(store);
    return ok;
}

uint64_t start_number_option(const char *text, uint64_t max)
{
    uint64_t value;

    if (!str_to_u64(str_from(text), 0, max, &value)) {
        (void)fprintf(stderr, "%s: %s: a number from 0 to %" PRIu64 " is wanted\n",
                      program_invocation_short_name, text, max);
        exit(2);
    }
    return value;
}
