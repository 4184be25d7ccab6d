/* SPDX-License-Identifier: MIT */
/*
 * challenges.h - challenges.json: every challenge, checked, with the line of every mistake.
 *
 * Loading goes on after a mistake, so that an organiser sees all of them at once; only JSON that
 * does not parse ends it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/arena.h"
#include "conf/diag.h"
#include "conf/game.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* The arrays are in the arena; the flags are not: challenges_release(). */
struct challenges {
    uint32_t count;
    uint32_t hint_count;
    /* In the order of the file.  Slots, `hints` and `requirement_slots` are game.c's to fill, from: */
    struct game_challenge *list;
    struct game_hint **hints; /* of each challenge */
    uint32_t **requirements;  /* of each challenge: positions in list[] */
};

/* *ret_challenges is written in any case and must be released; it is whole only with true. */
MUST_USE bool challenges_load(struct str bytes, const char *file, struct arena *arena,
                              struct diag *diag, struct challenges *ret_challenges);
void challenges_release(struct challenges *challenges);
