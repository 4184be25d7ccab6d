/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line and the environment, as what the commands work with.
 *
 * Flags of settings come from conf's table (conf/settings_table.h) and become "key=value" lines over
 * ctfg.yaml; only -C/--game, --config, --help, --version and the flags of single commands are known here.  A flag's value stands
 * behind a blank or behind '='; "--" ends the flags.
 *
 * Process  master and tools; only main.c parses.
 * Owner    the caller: options_free().  Borrows argv, which must outlive it: main() hands a copy,
 *          since the process title is written over the original.
 * Errors   false and one sentence for people.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/files.h"
#include "shm/base/buf.h"
#include "shm/base/compiler.h"

/* A command line longer than that is a mistake of a script. */
#define OPTIONS_ARGUMENTS_MAX 8
#define OPTIONS_OVERRIDES_BYTES_MAX 65536

/* Flags of one command; `ctfg help` lists them behind those of all. */
enum options_special {
    OPTION_FORMAT,   /* export */
    OPTION_WHAT,     /* export */
    OPTION_OUTPUT,   /* export */
    OPTION_DEADLINE, /* upgrade */
    OPTION_SPECIALS,
};

struct settings_row; /* conf/settings_table.h */

struct options {
    int argc;
    char **argv;
    int command_at; /* place of the command's word in argv; 0: none was given */

    const char *arguments[OPTIONS_ARGUMENTS_MAX]; /* what is no flag, the command's word first */
    uint32_t argument_count;

    bool wants_help;
    bool wants_version;

    const char *special[OPTION_SPECIALS]; /* NULL: not given */

    struct files_source source; /* challenges_path is set by the command, from its arguments */
    struct buf overrides;       /* what source.overrides points into */
};

MUST_USE bool options_parse(int argc, char **argv, struct options *ret_options, char *ret_error,
                            size_t error_bytes);
/* The first flag given that belongs to another command than this one; NULL: there is none. */
const char *options_foreign_flag(const struct options *options, const char *command);
void options_free(struct options *options);

/* Every flag, those of no setting first: what --help, the manual and the completion are written from.
 * NULL: past the last. */
const struct settings_row *options_flag_at(uint32_t index);

/* A flag that belongs to one command; all of them take a value. */
struct options_special_row {
    const char *name; /* with its dashes */
    const char *command;
    const char *argument;
    const char *sentence;
};

/* NULL: past the last. */
const struct options_special_row *options_special_at(uint32_t index);
