/* SPDX-License-Identifier: MIT */
/*
 * board_fixture.h - a worker without a loop on a board of its own: for tests of what reads the board.
 *
 * The test plays db: board_fixture_commit() applies an event and appends it to the ring.
 */
#pragma once

#include "test/unit/shm/fixture.h"

#include <jansson.h>

#include "conf/game.h"
#include "shm/ring.h"
#include "test/unit/fixture_game.h"
#include "worker/blob.h"
#include "worker/context.h"
#include "worker/mirror.h"

struct board_fixture {
    struct fixture shm;
    struct worker worker;
    uint64_t seq;
};

static MAYBE_UNUSED struct shm_sizes board_fixture_sizes(uint32_t players, uint32_t ring_slots)
{
    struct shm_sizes sizes = fixture_sizes;

    sizes.players_max = players;
    sizes.ring_slots = ring_slots;
    return sizes;
}

static MAYBE_UNUSED void board_fixture_make(struct board_fixture *fixture, uint32_t players,
                                            uint32_t ring_slots)
{
    struct shm_sizes sizes = board_fixture_sizes(players, ring_slots);

    *fixture = (struct board_fixture){0};
    fixture_make(&fixture->shm, &sizes);
    fixture_publish(&fixture->shm, players);
    fixture->worker.board = fixture->shm.board;
    ring_attach(&fixture->shm.segment, &fixture->worker.ring);
    fixture->worker.game = fixture_game(
        "[{\"id\":1,\"title\":\"One <b>\",\"category\":\"c\",\"difficulty\":\"d\",\"points\":10,"
        "\"description\":\"\",\"flag\":\"^a$\"},"
        "{\"id\":2,\"title\":\"Two\",\"category\":\"c\",\"difficulty\":\"d\",\"points\":20,"
        "\"description\":\"\",\"flag\":\"^b$\"}]",
        "u,p\n");
    assert_non_null(fixture->worker.game);
    fixture->worker.mirror = mirror_new(&fixture->worker.board, &fixture->worker.ring);
    assert_non_null(fixture->worker.mirror);
}

static MAYBE_UNUSED void board_fixture_end(struct board_fixture *fixture)
{
    mirror_free(fixture->worker.mirror);
    game_unref(fixture->worker.game);
    fixture_end(&fixture->shm);
}

/* seq is the next one. */
static MAYBE_UNUSED void board_fixture_commit(struct board_fixture *fixture, struct event event)
{
    (void)fixture_apply(&fixture->shm, &event);
    ring_append(&fixture->worker.ring, &event);
    fixture->seq = event.seq;
}

static MAYBE_UNUSED void board_fixture_solve(struct board_fixture *fixture, uint32_t player,
                                             uint32_t challenge, int32_t points)
{
    board_fixture_commit(fixture, fixture_solve(fixture->seq + 1, player, challenge, points));
}

/* A frame's payload as JSON; checks the frame's head on the way. */
static MAYBE_UNUSED json_t *frame_json(const struct blob *blob)
{
    const unsigned char *bytes = (const unsigned char *)blob->bytes;
    size_t head = bytes[1] < 126 ? 2 : bytes[1] == 126 ? 4 : 10;
    size_t len = bytes[1] < 126 ? bytes[1] : 0;
    json_error_t error;

    for (size_t i = 2; i < head; i++) {
        len = len << 8 | bytes[i];
    }
    assert_int_equal(bytes[0], 0x81);
    assert_int_equal(head + len, blob->len);
    json_t *json = json_loadb(blob->bytes + head, len, 0, &error);

    if (json == NULL) {
        fail_msg("%s", error.text);
    }
    return json;
}

static MAYBE_UNUSED json_int_t json_number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}
