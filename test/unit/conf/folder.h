/* SPDX-License-Identifier: MIT */
/* folder.h - a game folder for one test, and looks at what its loading had to say. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ftw.h>

#include <cmocka.h>

#include "conf/diag.h"
#include "conf/files.h"
#include "conf/game.h"
#include "shm/base/compiler.h"

struct folder {
    char path[128];
};

#define ONE_CHALLENGE                                                                              \
    "[{\"id\":1,\"title\":\"One\",\"category\":\"c\",\"difficulty\":\"d\",\"points\":5,"           \
    "\"description\":\"\",\"flag\":\"^a$\"}]"

MAYBE_UNUSED static struct folder folder_begin(void)
{
    const char *parent = getenv("TMPDIR");
    struct folder folder;

    (void)snprintf(folder.path, sizeof(folder.path), "%s/ctfg-conf-XXXXXX",
                   parent != NULL && strlen(parent) < 90 ? parent : "/tmp");
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

MAYBE_UNUSED static void folder_path(const struct folder *folder, const char *name, char *ret_path,
                                     size_t size_bytes)
{
    (void)snprintf(ret_path, size_bytes, "%s/%s", folder->path, name);
}

MAYBE_UNUSED static void folder_write_bytes(const struct folder *folder, const char *name,
                                            const void *bytes, size_t len)
{
    char path[512];

    folder_path(folder, name, path, sizeof(path));
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

MAYBE_UNUSED static void folder_write(const struct folder *folder, const char *name,
                                      const char *text)
{
    folder_write_bytes(folder, name, text, strlen(text));
}

MAYBE_UNUSED static void folder_mkdir(const struct folder *folder, const char *name)
{
    char path[512];

    folder_path(folder, name, path, sizeof(path));
    assert_int_equal(mkdir(path, 0700), 0);
}

MAYBE_UNUSED static int folder_remove_entry(const char *path, const struct stat *info, int type,
                                            struct FTW *walk)
{
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

MAYBE_UNUSED static void folder_end(const struct folder *folder)
{
    assert_int_equal(nftw(folder->path, folder_remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A folder that loads: one challenge, two players. */
MAYBE_UNUSED static struct folder folder_with_game(void)
{
    struct folder folder = folder_begin();

    folder_write(&folder, "challenges.json", ONE_CHALLENGE);
    folder_write(&folder, "credentials.csv", "alice,a\nbob,b\n");
    return folder;
}

MAYBE_UNUSED static bool folder_load(const struct folder *folder, const char *overrides,
                                     const struct game *previous, struct diag *diag,
                                     struct game **ret_game)
{
    struct files_source source = {.game_dir = folder->path, .overrides = overrides};
    struct game_files files;

    if (!files_read(&source, diag, &files)) {
        return false;
    }
    bool ok = game_load(&files, previous, diag, ret_game);

    files_free(&files);
    return ok;
}

/* Is there an entry with both texts in it? */
MAYBE_UNUSED static bool diag_has(const struct diag *diag, const char *where, const char *what)
{
    for (uint32_t i = 0; i < diag->count; i++) {
        if (strstr(diag->lines[i], where) != NULL && strstr(diag->lines[i], what) != NULL) {
            return true;
        }
    }
    return false;
}

#define assert_said(diag, where, what)                                                             \
    do {                                                                                           \
        if (!diag_has((diag), (where), (what))) {                                                  \
            diag_print(diag);                                                                      \
            fail_msg("nothing says \"%s\" at \"%s\"", (what), (where));                            \
        }                                                                                          \
    } while (0)

/* No entry holds this text. */
#define assert_not_said(diag, what)                                                                \
    do {                                                                                           \
        if (diag_has((diag), "", (what))) {                                                        \
            diag_print(diag);                                                                      \
            fail_msg("something says \"%s\"", (what));                                             \
        }                                                                                          \
    } while (0)
