/* SPDX-License-Identifier: MIT */
/*
 * command.h - the subcommands of ctfg: one function each, which returns an exit status.  One table
 * (command.c) names them; --help, the manual and the completion are written from it.
 *
 * Exit statuses: 0 all is well; 1 what was asked for failed; 2 the game's files or its database
 * cannot be used; 64 (EX_USAGE) the command line is wrong.
 */
#pragma once

#include <stdint.h>

struct options;

#define EXIT_FAILED 1
#define EXIT_UNUSABLE 2

struct command {
    const char *name;
    const char *usage;    /* behind "ctfg " */
    const char *sentence; /* NULL: `ctfg help` does not name it */
    uint32_t arguments_least;
    uint32_t arguments_most;
    int (*function)(struct options *options); /* arguments[] is without the command's word */
};

#define COMMANDS_MAX 16

/* The table's rows, the default command first; NULL: past the last. */
const struct command *command_at(uint32_t index);
/* NULL: no command is called so. */
const struct command *command_find(const char *name);

int cmd_run(struct options *options);
int cmd_init(struct options *options);
int cmd_check(struct options *options);
int cmd_probe(struct options *options);
int cmd_backup(struct options *options);
int cmd_restore(struct options *options);
int cmd_export(struct options *options);
int cmd_upgrade(struct options *options);
int cmd_doctor(struct options *options);
int cmd_print(struct options *options);
int cmd_version(struct options *options);
int cmd_help(struct options *options);
