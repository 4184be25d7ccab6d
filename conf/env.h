/* SPDX-License-Identifier: MIT */
/*
 * env.h - .env: NAME=value lines, and the tokens that come from there, from the environment or from
 * systemd.
 *
 * Blank lines and lines that start with # are skipped; "export " before a name, quotes round a value
 * and a comment behind an unquoted value are taken off.  Nothing is expanded.  The environment that
 * the server was started in wins over the file, and a credential of systemd over both: a file in
 * $CREDENTIALS_DIRECTORY that is called as the variable and holds the token alone.  files_read() puts
 * them beside the game's files, so that every process sees the same ones, also after a reload.  No
 * value ever stands in a message.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/arena.h"
#include "conf/diag.h"
#include "conf/files.h"
#include "conf/game.h"
#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* Shorter tokens can be guessed by somebody with patience. */
#define ENV_TOKEN_BYTES_ADVISED 16

struct env_line {
    struct str name; /* empty: the line is no NAME=value */
    struct str value;
    uint32_t line;
};

struct env_reader {
    struct str rest;
    uint32_t line;
};

struct env_reader env_begin(struct str text);
/* The next line that is not blank and not a comment; false: the end. */
MUST_USE bool env_next(struct env_reader *reader, struct env_line *ret_line);

/* CTFG_API_TOKEN, CTFG_ADMIN_TOKEN and CTFG_DISPLAY_TOKEN of the process's environment, as lines. */
void env_append_tokens(struct buf *lines);
/* Fills the three tokens of *game; says what is wrong with them. */
void env_read_tokens(const struct game_files *files, struct arena *arena, struct diag *diag,
                     struct game *game);
