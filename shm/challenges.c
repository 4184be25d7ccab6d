/* SPDX-License-Identifier: MIT */
/* challenges.c - reads a challenge's counts out of a bank, and puts a challenge in. */
#include "shm/challenges.h"

#include "shm/bank_word.h"
#include "shm/base/check.h"

bool challenges_read(const struct bank *bank, uint32_t challenge, struct challenge_view *ret_view)
{
    if (challenge >= bank->challenges_max) {
        return false;
    }
    const struct shm_challenge *row = &bank->challenges[challenge];
    uint32_t id = bank_load_u32(&row->id);

    if (id == 0) { /* ids of a game are above 0: nothing was put here */
        return false;
    }
    *ret_view = (struct challenge_view){
        .id = id,
        .solves = bank_load_u32(&row->solves),
        .first_player = bank_load_u32(&row->first_player),
        .value_points = bank_load_u32(&row->value_points),
        .first_seq = bank_load_u64(&row->first_seq),
        .last_seq = bank_load_u64(&row->last_seq),
    };
    return true;
}

void challenges_put(struct bank *spare, uint32_t challenge, uint32_t id, uint32_t value_points)
{
    CHECK(challenge < spare->challenges_max && id != 0);
    bank_store_u32(&spare->challenges[challenge].id, id);
    bank_store_u32(&spare->challenges[challenge].value_points, value_points);
}
