/* SPDX-License-Identifier: MIT */
/*
 * cmd_backup.c - `ctfg backup FILE`: a copy of the database that opens, also while a server runs; and
 * `ctfg restore FILE`: it becomes the database of a server that is stopped.
 */
#include <stdio.h>

#include "conf/game.h"
#include "db/db.h"
#include "master/command.h"
#include "master/load.h"
#include "master/options.h"

static int with_copy(struct options *options,
                     int (*work)(const struct game *game, const char *path, FILE *out))
{
    struct game *game = NULL;

    if (options->argument_count == 2) {
        options->source.challenges_path = options->arguments[1];
    }
    int status = load_for_tool(&options->source, &game);
    if (status != 0) {
        return status;
    }
    status = work(game, options->arguments[0], stdout);
    game_unref(game);
    return status;
}

int cmd_backup(struct options *options)
{
    return with_copy(options, db_backup);
}

int cmd_restore(struct options *options)
{
    return with_copy(options, db_restore);
}
