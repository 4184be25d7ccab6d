/* SPDX-License-Identifier: MIT */
/* load.c - reads the files once and lets conf/ judge them. */
#include "master/load.h"

#include "conf/diag.h"
#include "conf/game.h"
#include "master/command.h"

enum load_result load_game(const struct files_source *source, const struct game *previous,
                           struct diag *diag, struct game_files *ret_files, struct game **ret_game)
{
    struct game_files files = {0};

    if (!files_read(source, diag, &files)) {
        return LOAD_UNREADABLE;
    }
    if (!game_load(&files, previous, diag, ret_game)) {
        files_free(&files);
        return LOAD_MISTAKES;
    }
    *ret_files = files;
    return LOAD_OK;
}

int load_for_tool(const struct files_source *source, struct game **ret_game)
{
    struct diag diag = {0};
    struct game_files files = {0};
    enum load_result result = load_game(source, NULL, &diag, &files, ret_game);

    if (diag.errors + diag.warnings > 0) {
        diag_print(&diag);
    }
    diag_free(&diag);
    if (result != LOAD_OK) {
        return EXIT_UNUSABLE;
    }
    files_free(&files);
    return 0;
}
