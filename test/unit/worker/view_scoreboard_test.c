/* SPDX-License-Identifier: MIT */
/* view_scoreboard_test.c - the parts make one JSON object, and a change touches few of them. */
#include "test/unit/worker/board_fixture.h"

#include "worker/mirror.h"
#include "worker/view_parts.h"

#define PLAYERS 5000

static void take(struct board_fixture *fixture, struct view_snapshot *snapshot)
{
    snapshot->part_count = 0;
    assert_int_equal(view_scoreboard.take(&fixture->worker, snapshot, MIRROR_NO_LIMIT), VIEW_TAKEN);
}

static void let_go(struct view_snapshot *snapshot)
{
    view_scoreboard.free_own(snapshot->own);
    free(snapshot->parts);
}

static struct buf write_whole(const struct view_snapshot *snapshot)
{
    struct buf text = BUF_INIT(64 << 20);

    for (uint32_t i = 0; i < snapshot->part_count; i++) {
        if (snapshot->parts[i].comma_before) {
            buf_append_char(&text, ',');
        }
        view_scoreboard.write(snapshot, i, &text);
    }
    return text;
}

static json_t *read_whole(const struct view_snapshot *snapshot)
{
    struct buf text = write_whole(snapshot);
    json_error_t error;
    json_t *json = json_loadb(text.data, text.len, 0, &error);

    if (json == NULL) {
        fail_msg("%s", error.text);
    }
    buf_free(&text);
    return json;
}

/* Everyone has an event, so everyone is listed; scores are all different. */
static void fill(struct board_fixture *fixture)
{
    board_fixture_make(fixture, PLAYERS, 8192);
    for (uint32_t player = 0; player < PLAYERS; player++) {
        board_fixture_solve(fixture, player, 0, (int32_t)player + 1);
    }
}

static void the_parts_make_one_object_in_rank_order(void **state)
{
    struct board_fixture fixture;
    struct view_snapshot snapshot = {0};

    (void)state;
    fill(&fixture);
    take(&fixture, &snapshot);
    json_t *board = read_whole(&snapshot);
    const json_t *players = json_object_get(board, "players");
    const json_t *challenges = json_object_get(board, "challenges");

    assert_true(snapshot.part_count > 10);
    assert_int_equal(json_number(board, "seq"), PLAYERS);
    assert_int_equal(json_array_size(players), PLAYERS);
    for (uint32_t i = 0; i < PLAYERS; i++) {
        assert_int_equal(json_number(json_array_get(players, i), "score"), PLAYERS - i);
    }
    assert_int_equal(json_array_size(challenges), 2);
    assert_int_equal(json_number(json_array_get(challenges, 0), "solves"), PLAYERS);
    assert_int_equal(json_number(json_array_get(challenges, 0), "first"), FIXTURE_USER_ID(0));
    assert_true(json_is_null(json_object_get(json_array_get(challenges, 1), "first")));
    json_decref(board);
    let_go(&snapshot);
    board_fixture_end(&fixture);
}

static bool has_key(const struct view_part_plan *parts, uint32_t count, uint64_t key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (parts[i].key == key) {
            return true;
        }
    }
    return false;
}

static void who_climbs_from_the_bottom_to_the_top_changes_few_parts(void **state)
{
    struct board_fixture fixture;
    struct view_snapshot snapshot = {0};
    uint32_t changed = 0;

    (void)state;
    fill(&fixture);
    take(&fixture, &snapshot);
    uint32_t before_count = snapshot.part_count;
    struct view_part_plan *before = malloc(before_count * sizeof(*before));

    assert_non_null(before);
    memcpy(before, snapshot.parts, before_count * sizeof(*before));
    board_fixture_solve(&fixture, 0, 1, 100000);
    take(&fixture, &snapshot);
    for (uint32_t i = 0; i < snapshot.part_count; i++) {
        changed += !has_key(before, before_count, snapshot.parts[i].key);
    }
    assert_in_range(changed, 3, 6); /* head, block left, block entered, challenges, their seams */
    free(before);
    let_go(&snapshot);
    board_fixture_end(&fixture);
}

static void who_has_neither_a_name_nor_an_event_is_not_listed(void **state)
{
    struct board_fixture fixture;
    struct view_snapshot snapshot = {0};

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    board_fixture_solve(&fixture, 9, 0, 10);
    players_set_name(board_write_begin(&fixture.shm.board), 7, "Seven");
    board_write_end(&fixture.shm.board);
    take(&fixture, &snapshot);
    json_t *board = read_whole(&snapshot);
    const json_t *players = json_object_get(board, "players");

    assert_int_equal(json_array_size(players), 2);
    assert_string_equal(
        json_string_value(json_object_get(json_array_get(players, 1), "displayname")), "Seven");
    assert_true(json_is_null(json_object_get(json_array_get(players, 1), "ts")));
    json_decref(board);
    let_go(&snapshot);
    board_fixture_end(&fixture);
}

/* What it keeps from build to build is as good as what it would read anew. */
static void a_build_that_follows_others_equals_the_first_of_another(void **state)
{
    struct board_fixture fixture;
    struct view_snapshot kept = {0};
    uint64_t dice = 7;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 8192);
    for (int round = 0; round < 60; round++) {
        struct view_snapshot first = {0};

        for (uint32_t i = fixture_roll(&dice, 30); i > 0; i--) {
            board_fixture_solve(&fixture, fixture_roll(&dice, PLAYERS), fixture_roll(&dice, 130),
                                (int32_t)fixture_roll(&dice, 50));
        }
        if (round % 5 == 0) {
            players_set_name(board_write_begin(&fixture.shm.board), fixture_roll(&dice, PLAYERS),
                             round % 2 == 0 ? "Even" : "Odd");
            board_write_end(&fixture.shm.board);
        }
        /* Another view has looked meanwhile; a name may be one refresh behind. */
        if (round % 5 == 0 || round % 7 == 0) {
            assert_int_equal(mirror_refresh(fixture.worker.mirror, MIRROR_NO_LIMIT), MIRROR_WHOLE);
        }
        take(&fixture, &kept);
        take(&fixture, &first);
        struct buf kept_text = write_whole(&kept);
        struct buf first_text = write_whole(&first);

        assert_int_equal(kept_text.len, first_text.len);
        assert_memory_equal(kept_text.data, first_text.data, first_text.len);
        assert_int_equal(kept.part_count, first.part_count);
        for (uint32_t i = 0; i < first.part_count; i++) {
            assert_true(kept.parts[i].key == first.parts[i].key);
        }
        buf_free(&kept_text);
        buf_free(&first_text);
        let_go(&first);
    }
    let_go(&kept);
    board_fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_parts_make_one_object_in_rank_order),
        cmocka_unit_test(who_climbs_from_the_bottom_to_the_top_changes_few_parts),
        cmocka_unit_test(who_has_neither_a_name_nor_an_event_is_not_listed),
        cmocka_unit_test(a_build_that_follows_others_equals_the_first_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
