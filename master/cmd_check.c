/* SPDX-License-Identifier: MIT */
/* cmd_check.c - `ctfg check` judges files and database; `ctfg probe` the files only. */
#include <stdio.h>
#include <sys/stat.h>

#include "conf/game.h"
#include "db/db.h"
#include "master/command.h"
#include "master/load.h"
#include "master/options.h"

/* The argument may be the game's folder, as for people, or its challenges file, as for `ctfg`. */
static int load(struct options *options, struct game **ret_game)
{
    struct stat found;

    if (options->argument_count == 1) {
        if (stat(options->arguments[0], &found) == 0 && S_ISDIR(found.st_mode)) {
            options->source.game_dir = options->arguments[0];
        } else {
            options->source.challenges_path = options->arguments[0];
        }
    }
    return load_for_tool(&options->source, ret_game);
}

int cmd_check(struct options *options)
{
    struct game *game = NULL;
    int status = load(options, &game);

    if (status != 0) {
        return status;
    }
    (void)printf("The game's files are fine: %u challenge%s, %u player%s.\n", game->challenge_count,
                 game->challenge_count == 1 ? "" : "s", game->player_count,
                 game->player_count == 1 ? "" : "s");
    status = db_check(game, stdout);
    game_unref(game);
    return status;
}

int cmd_probe(struct options *options)
{
    struct game *game = NULL;
    int status = load(options, &game);

    game_unref(game);
    return status;
}
