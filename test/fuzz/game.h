/* SPDX-License-Identifier: MIT */
/* game.h - a small game for targets that need one: two players, requirements, hints. */
#pragma once

#include "test/fuzz/fuzz.h"
#include "test/unit/fixture_game.h"

#define FUZZ_CHALLENGES                                                                            \
    "[{\"id\":11,\"title\":\"a\",\"category\":\"c\",\"difficulty\":\"e\",\"points\":100,"          \
    "\"description\":\"d @USERNAME@\",\"flag\":\"^one$\",\"hints\":["                              \
    "{\"id\":1,\"text\":\"t\",\"cost\":60},{\"id\":2,\"text\":\"t\",\"cost\":30}]},"               \
    "{\"id\":12,\"title\":\"b\",\"category\":\"c\",\"difficulty\":\"e\",\"points\":200,"           \
    "\"description\":\"d\",\"flag\":\"^two$\",\"requirements\":[11]}]"
#define FUZZ_CREDENTIALS "alice,pw\nbob,pw\n"

static inline struct game *fuzz_game(void)
{
    struct game *game = fixture_game(FUZZ_CHALLENGES, FUZZ_CREDENTIALS);

    CHECK(game != NULL);
    return game;
}
