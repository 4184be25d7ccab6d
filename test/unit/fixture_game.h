/* SPDX-License-Identifier: MIT */
/* fixture_game.h - a game from texts in a test, through a folder of its own that is gone after. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/diag.h"
#include "conf/files.h"
#include "conf/game.h"

static inline void fixture_write(const char *dir, const char *name, const char *text)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0) {
        abort();
    }
}

/* NULL: the texts are no game; what is wrong stands on standard error. */
static inline struct game *fixture_game(const char *challenges, const char *credentials)
{
    char dir[] = "/tmp/ctfg-unit-XXXXXX";
    char path[256];
    struct files_source source = {.game_dir = dir, .overrides = ""};
    struct game_files files = {0};
    struct diag diag = {0};
    struct game *game = NULL;

    if (mkdtemp(dir) == NULL) {
        abort();
    }
    fixture_write(dir, "challenges.json", challenges);
    fixture_write(dir, "credentials.csv", credentials);
    if (!files_read(&source, &diag, &files) || !game_load(&files, NULL, &diag, &game)) {
        diag_print(&diag);
        game = NULL;
    }
    files_free(&files);
    diag_free(&diag);
    static const char *const names[] = {"challenges.json", "credentials.csv"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
    return game;
}
