/* SPDX-License-Identifier: MIT */
/* score.c - what things are worth, and who stands before whom. */
#include "shm/score.h"

uint32_t score_value(uint32_t points, uint32_t solves_before)
{
    (void)solves_before; /* a challenge keeps its value, however often it is solved */
    return points;
}

bool score_can_buy(int64_t total_points, uint32_t cost_points)
{
    return total_points >= (int64_t)cost_points;
}

int score_compare(const struct score_key *a, const struct score_key *b)
{
    if (a->score_points != b->score_points) {
        return a->score_points > b->score_points ? -1 : 1;
    }
    if (a->raised_seq != b->raised_seq) {
        /* 0 minus 1 is the largest number there is: never raised comes last */
        return a->raised_seq - 1 < b->raised_seq - 1 ? -1 : 1;
    }
    return a->player < b->player ? -1 : a->player > b->player;
}
