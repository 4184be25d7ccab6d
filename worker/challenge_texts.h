/* SPDX-License-Identifier: MIT */
/*
 * challenge_texts.h - the challenges as JSON fragments, made once a game.
 *
 * Of a player's challenge list only a few bits are theirs: solved or not, which hints are bought, and
 * the placeholders in some texts.  The rest is the same for all and is copied.
 *
 * Owner   the worker, one for each game: challenge_texts_free().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"

struct bank;
struct challenge_texts;
struct game;
struct placeholder_values;

/* NULL: no memory. */
MUST_USE struct challenge_texts *challenge_texts_build(const struct game *game);
void challenge_texts_free(struct challenge_texts *texts); /* takes NULL */

/* The whole array for one player; with_locked: also what is not open yet, by title only. */
void challenge_texts_append(const struct challenge_texts *texts, const struct game *game,
                            const struct bank *bank, uint32_t player,
                            const struct placeholder_values *values, bool with_locked,
                            struct buf *out);
