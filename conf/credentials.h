/* SPDX-License-Identifier: MIT */
/*
 * credentials.h - credentials.csv: who plays, and with which password.
 *
 *     username,password        an optional first line; any that starts with username is one
 *     alice,correct horse
 *     bob,"a ""quoted"" one, with a comma"
 *     carol,$argon2id$v=19$m=19456,t=2,p=1$...$...
 *
 * Blanks round an unquoted value are taken off.  No message holds a password, or any part of a line
 * but a username.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/arena.h"
#include "conf/diag.h"
#include "conf/game.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* ret_players: in the order of the file, without slots yet, in the arena.  false: diag says why. */
MUST_USE bool credentials_load(struct str bytes, const char *file, uint64_t hash_seed,
                               struct arena *arena, struct diag *diag,
                               struct game_player **ret_players, uint32_t *ret_count);
