/* SPDX-License-Identifier: MIT */
/* main.c - which of ctfg's commands is meant, and nothing else. */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/nearest.h"
#include "master/command.h"
#include "master/options.h"
#include "shm/base/proc.h"
#include "shm/base/str.h"

#define ERROR_BYTES 256

static int usage_error(const char *sentence)
{
    (void)fprintf(stderr, "ctfg: %s\n", sentence);
    return EX_USAGE;
}

static int unknown_command(const char *word)
{
    const char *known[COMMANDS_MAX] = {NULL};
    uint32_t count = 0;
    char sentence[ERROR_BYTES];

    for (const struct command *one; (one = command_at(count)) != NULL; count++) {
        known[count] = one->name;
    }
    const char *near = nearest_word(str_from(word), known, count);
    (void)snprintf(sentence, sizeof(sentence),
                   "there is no command or file \"%s\"%s%s%s; `ctfg help` lists the commands", word,
                   near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                   near != NULL ? "\"" : "");
    return usage_error(sentence);
}

/* The first argument may be a command; else it is the game's challenges.json. */
static const struct command *command_take(struct options *options)
{
    const struct command *command =
        options->argument_count > 0 ? command_find(options->arguments[0]) : NULL;

    if (command == NULL) {
        options->command_at = 0;
        return command_at(0);
    }
    options->argument_count--;
    memmove(options->arguments, options->arguments + 1,
            options->argument_count * sizeof(options->arguments[0]));
    return command;
}

/* As "$FILE" is where FILE is not set. */
static bool has_empty_argument(const struct options *options)
{
    for (uint32_t i = 0; i < options->argument_count; i++) {
        if (options->arguments[i][0] == '\0') {
            return true;
        }
    }
    return false;
}

static int dispatch(struct options *options)
{
    char sentence[ERROR_BYTES];
    const struct command *command = command_take(options);

    if (options->wants_version) {
        return cmd_version(options);
    }
    if (options->wants_help) {
        return cmd_help(options);
    }
    bool is_bare_word = options->command_at == 0 && options->argument_count > 0 &&
                        strpbrk(options->arguments[0], "./") == NULL &&
                        access(options->arguments[0], F_OK) != 0;
    if (is_bare_word) {
        return unknown_command(options->arguments[0]);
    }
    const char *foreign = options_foreign_flag(options, command->name);
    if (foreign != NULL) {
        (void)snprintf(sentence, sizeof(sentence),
                       "`ctfg %s` takes no %s; `ctfg help` lists the flags", command->name,
                       foreign);
        return usage_error(sentence);
    }
    if (options->argument_count < command->arguments_least ||
        options->argument_count > command->arguments_most || has_empty_argument(options)) {
        (void)snprintf(sentence, sizeof(sentence), "usage: ctfg %s", command->usage);
        return usage_error(sentence);
    }
    return command->function(options);
}

/* What is opened takes the lowest free number: with standard error closed a socket, or a file that is
 * being written, would get our lines, and a new program takes over no socket below 3. */
static bool standard_streams_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0) {
            return false;
        }
    }
    return true;
}

/* In one piece, since the process title is written over the original.  NULL: no memory. */
static char **arguments_copy(int argc, char **argv)
{
    size_t pointers = (size_t)argc + 1; /* the last stays NULL */
    size_t bytes = pointers * sizeof(char *);

    for (int i = 0; i < argc; i++) {
        bytes += strlen(argv[i]) + 1;
    }
    char **copy = calloc(1, bytes);
    if (copy == NULL) {
        return NULL;
    }
    char *text = (char *)(copy + pointers);
    for (int i = 0; i < argc; i++) {
        size_t len = strlen(argv[i]) + 1;

        copy[i] = memcpy(text, argv[i], len);
        text += len;
    }
    return copy;
}

int main(int argc, char **argv)
{
    struct options options;
    char error[ERROR_BYTES];

    if (!standard_streams_open()) {
        perror("ctfg: /dev/null");
        return EX_OSERR;
    }
    (void)signal(SIGXFSZ, SIG_IGN); /* a file at its limit (ulimit -f) is an error of write(2) */
    char **arguments = arguments_copy(argc, argv);
    if (arguments == NULL) {
        return EX_OSERR;
    }
    proc_title_init(argc, argv);
    proc_set_role(PROC_TOOL); /* until cmd_run() knows better */
    if (!options_parse(argc, arguments, &options, error, sizeof(error))) {
        free(arguments);
        return usage_error(error);
    }
    int status = dispatch(&options);
    options_free(&options);
    free(arguments);
    return status;
}
