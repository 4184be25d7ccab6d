/* SPDX-License-Identifier: MIT */
/* cmd_export.c - `ctfg export`: the game's data as CSV or JSON, also while a server runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/db.h"
#include "master/command.h"
#include "master/load.h"
#include "master/options.h"

static int usage(const char *sentence)
{
    (void)fprintf(stderr, "ctfg: %s\n", sentence);
    return EX_USAGE;
}

static bool is_table(const char *word)
{
    for (uint32_t i = 0; db_export_table(i) != NULL; i++) {
        if (strcmp(db_export_table(i), word) == 0) {
            return true;
        }
    }
    return false;
}

/* EX_OK, or the exit status; *ret_request has format and table. */
static int judge(const struct options *options, struct db_export_request *ret_request)
{
    const char *format = options->special[OPTION_FORMAT];
    const char *what = options->special[OPTION_WHAT];

    if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "json") != 0) {
        return usage("--format must be csv or json");
    }
    if (what != NULL && !is_table(what)) {
        return usage("--what must be players, solves, hints, submissions or scoreboard");
    }
    ret_request->is_csv = format != NULL && strcmp(format, "csv") == 0;
    ret_request->what = what;
    if (ret_request->is_csv && what == NULL) {
        return usage("a CSV file holds one table: add --what players, solves, hints, submissions "
                     "or scoreboard");
    }
    return EX_OK;
}

/* Names and guesses are nobody else's business, and nothing is overwritten. */
static FILE *output_open(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

    if (out == NULL) {
        (void)fprintf(stderr, "ctfg: cannot make %s: %s\n", path,
                      errno == EEXIST ? "it is there already, choose another name"
                                      : strerror(errno));
        if (fd >= 0) {
            (void)close(fd);
        }
    }
    return out;
}

static int export(const struct game *game, struct db_export_request *request, const char *path)
{
    request->out = stdout;
    if (path != NULL) {
        request->out = output_open(path);
        if (request->out == NULL) {
            return EXIT_UNUSABLE;
        }
    }
    int status = db_export(game, request);

    if (path != NULL && fclose(request->out) != 0 && status == EX_OK) {
        (void)fprintf(stderr, "ctfg: %s: %s\n", path, strerror(errno));
        status = EXIT_FAILED;
    }
    if (path != NULL && status != EX_OK) {
        (void)unlink(path); /* half a file is worse than none */
    }
    return status;
}

int cmd_export(struct options *options)
{
    struct db_export_request request = {.errors = stderr};
    struct game *game = NULL;
    int status = judge(options, &request);

    if (status != EX_OK) {
        return status;
    }
    if (options->argument_count == 1) {
        options->source.challenges_path = options->arguments[0];
    }
    status = load_for_tool(&options->source, &game);
    if (status == EX_OK) {
        status = export(game, &request, options->special[OPTION_OUTPUT]);
    }
    game_unref(game);
    return status;
}
