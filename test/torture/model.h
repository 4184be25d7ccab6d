/* SPDX-License-Identifier: MIT */
/*
 * model.h - what a database must hold, as whoever read the answers would write it down: every
 * acknowledged change once, and nothing else.  And what a database does hold, in the same form.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "db/inbox.h"
#include "db/store.h"
#include "shm/base/compiler.h"
#include "shm/players.h"

#define MODEL_PLAYERS 6
#define MODEL_EVENTS_MAX 256
#define MODEL_REVOCATIONS_MAX 128

struct model_event {
    uint64_t id;
    uint64_t ts_us;
    uint64_t request_id;
    int64_t user_id;
    int64_t challenge_id;
    int64_t points;
    uint32_t hint_id;
};

struct model {
    struct model_event events[MODEL_EVENTS_MAX]; /* by id */
    uint32_t event_count;
    struct store_revocation revocations[MODEL_REVOCATIONS_MAX]; /* by session */
    uint32_t revocation_count;
    char names[MODEL_PLAYERS][PLAYER_NAME_BYTES]; /* by slot */
    uint32_t epochs[MODEL_PLAYERS];
    uint64_t auth_epoch;
    uint64_t floor_seq;
};

struct game;

/* Takes in one answered request.  false: an answer that can never be right; said on out. */
MUST_USE bool model_take(struct model *model, const struct game *game,
                         const struct request *request, const struct wire_result *result,
                         FILE *out);
/* What a reset that was answered leaves. */
void model_reset(struct model *model, uint64_t floor_seq);
int64_t model_score(const struct model *model, int64_t user_id);
/* STORE_OK: *ret_model is what the store holds.  user ids are slots + 1: a new database's. */
MUST_USE enum store_status model_read(struct store *store, struct model *ret_model);
/* Each difference is a line on out (NULL: none is written). */
MUST_USE bool model_equals(const struct model *expected, const struct model *found, FILE *out);
