/* SPDX-License-Identifier: MIT */
/* rules.c - requirements and hint order, read from the bits in shared memory. */
#include "worker/rules.h"

#include "conf/game.h"
#include "shm/solved.h"

const struct game_challenge *rules_find_challenge(const struct game *game, int64_t id)
{
    return id > 0 && id <= GAME_ID_MAX ? game_find_challenge(game, (uint32_t)id) : NULL;
}

bool rules_is_open(const struct bank *bank, uint32_t player, const struct game_challenge *challenge)
{
    for (uint32_t i = 0; i < challenge->requirement_count; i++) {
        if (!solved_test(bank, player, challenge->requirement_slots[i])) {
            return false;
        }
    }
    return true;
}

uint32_t rules_hints_bought(const struct bank *bank, uint32_t player,
                            const struct game_challenge *challenge)
{
    uint32_t bought = 0;

    while (bought < challenge->hint_count &&
           solved_hint_bought(bank, player, challenge->hints[bought].slot)) {
        bought++;
    }
    return bought;
}
