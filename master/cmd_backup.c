/* SPDX-License-Identifier: MIT */
/* cmd_backup.c - `ctfg backup FILE`: a copy of the database that opens, also while a server runs. */
#include <stdio.h>

#include "conf/game.h"
#include "db/db.h"
#include "master/command.h"
#include "master/load.h"
#include "master/options.h"

int cmd_backup(struct options *options)
{
    struct game *game = NULL;

    if (options->argument_count == 2) {
        options->source.challenges_path = options->arguments[1];
    }
    int status = load_for_tool(&options->source, &game);
    if (status != 0) {
        return status;
    }
    status = db_backup(game, options->arguments[0], stdout);
    game_unref(game);
    return status;
}
