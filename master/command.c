/* SPDX-License-Identifier: MIT */
/* command.c - the table of commands. */
#include "master/command.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "shm/base/compiler.h"

/* clang-format off */
static const struct command commands[] = {
    {"run",     "[run] [FLAGS] [challenges.json]",        "serve a game (the default)",                            0, 1, cmd_run},
    {"init",    "init [DIR]",                             "write a game that runs into an empty folder",           0, 1, cmd_init},
    {"check",   "check [FLAGS] [challenges.json]",        "judge the files of a game, and replay its database",    0, 1, cmd_check},
    {"backup",  "backup [FLAGS] FILE [challenges.json]",  "copy the database, also while a server runs",           1, 2, cmd_backup},
    {"restore", "restore [FLAGS] FILE [challenges.json]", "put a backup in the place of the database",             1, 2, cmd_restore},
    {"export",  "export [FLAGS] [challenges.json]",       "write the game's data as CSV or JSON",                  0, 1, cmd_export},
    {"doctor",  "doctor [FLAGS] [challenges.json]",       "look whether this machine is fit for the game",         0, 1, cmd_doctor},
    {"upgrade", "upgrade [FLAGS] [challenges.json]",      "hand a running server over to the new program",         0, 1, cmd_upgrade},
    {"print",   "print TEXT",                             "print settings, manual, settings-manual or completion", 1, 1, cmd_print},
    {"version", "version",                                "print the version",                                     0, 0, cmd_version},
    {"help",    "help",                                   "print this",                                            0, 0, cmd_help},
    {"probe",   "probe [FLAGS] [challenges.json]",        NULL /* what an upgrade asks the new program */,         0, 1, cmd_probe},
};
/* clang-format on */

static_assert(ARRAY_LEN(commands) <= COMMANDS_MAX, "who collects their names has room for all");

const struct command *command_at(uint32_t index)
{
    return index < ARRAY_LEN(commands) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}
