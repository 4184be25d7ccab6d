/* SPDX-License-Identifier: MIT */
/* cmd_restore.c - `ctfg restore FILE`: a backup becomes the database of a server that is stopped. */
#include <stdio.h>

#include "conf/game.h"
#include "db/db.h"
#include "master/command.h"
#include "master/load.h"
#include "master/options.h"

int cmd_restore(struct options *options)
{
    struct game *game = NULL;

    if (options->argument_count == 2) {
        options->source.challenges_path = options->arguments[1];
    }
    int status = load_for_tool(&options->source, &game);
    if (status != 0) {
        return status;
    }
    status = db_restore(game, options->arguments[0], stdout);
    game_unref(game);
    return status;
}
