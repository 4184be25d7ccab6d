/* SPDX-License-Identifier: MIT */
/*
 * play.h - the db process without its sockets: the same store, batches, checkpoints, resets and
 * rebuilds, driven in one thread by random requests that a seed gives again.
 *
 * The queue is filled by hand and answers are read where batch_run() leaves them; all the rest is
 * db's own code, in the order of db.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "db/process.h"
#include "shm/base/compiler.h"
#include "shm/segment.h"
#include "test/torture/model.h"
#include "test/torture/random.h"

#define PLAY_GHOSTS_MAX 32

struct play {
    struct db db;
    struct game *game;
    struct segment segment;
    struct random random;
    struct model model; /* what has been acknowledged */
    /* What batches that were refused since the last commit would have made of it: their writes may be
     * in the log all the same, for whoever reads it before something is written over them. */
    struct model ghosts[PLAY_GHOSTS_MAX];
    uint32_t ghost_count;
    uint64_t request_id; /* the last one */
    uint64_t asked;      /* requests */
    uint64_t granted;
    uint64_t refused; /* WIRE_STORE_FAILED */
    char dir[256];
};

/* The game all torture plays: MODEL_PLAYERS players.  Ends the program when it cannot be made. */
struct game *play_game(void);
/* Opens (makes, upgrades) the database in dir, builds the board.  false: said in ret_error. */
MUST_USE bool play_open(struct play *play, const char *dir, uint64_t seed, char *ret_error,
                        size_t error_bytes);
/* The same again for a play that was closed, as the next db process would. */
MUST_USE bool play_reopen(struct play *play, char *ret_error, size_t error_bytes);
void play_close(struct play *play);
void play_free(struct play *play);

/* One batch of random requests, or now and then a checkpoint or a reset.  false: an answer that can
 * never be right, or a board that is not what was answered; said on out. */
MUST_USE bool play_step(struct play *play, FILE *out);
/* Is it what one of the refused batches would have left?  NULL: it is not. */
const struct model *play_find_ghost(const struct play *play, const struct model *found);
/* Does the board show what was acknowledged, scores, names and epochs? */
MUST_USE bool play_check_board(const struct play *play, FILE *out);
