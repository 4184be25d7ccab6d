/* SPDX-License-Identifier: MIT */
/*
 * load.h - the files of a game, read and judged: what run, check, backup and a reload begin with.
 *
 * Process  master, tools.  Logs and prints nothing: the caller decides what becomes of the diag.
 */
#pragma once

#include "conf/files.h"
#include "shm/base/compiler.h"

struct diag;
struct game;

enum load_result {
    LOAD_OK,         /* *ret_files and *ret_game are the caller's; diag may hold warnings */
    LOAD_UNREADABLE, /* a file cannot be read: diag says which */
    LOAD_MISTAKES,   /* diag says which */
};

/* previous: the game whose slots are kept; NULL at start. */
MUST_USE enum load_result load_game(const struct files_source *source, const struct game *previous,
                                    struct diag *diag, struct game_files *ret_files,
                                    struct game **ret_game);

/* For tools: loads, prints the diag on standard error, keeps no files.  0, or the exit status. */
MUST_USE int load_for_tool(const struct files_source *source, struct game **ret_game);
