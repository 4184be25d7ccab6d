/* SPDX-License-Identifier: MIT */
/* mirror_test.c - the private copy equals the board, whatever has happened to it meanwhile. */
#include "test/unit/worker/board_fixture.h"

#include "shm/state.h"

#define PLAYERS 300

static enum mirror_status refresh(const struct board_fixture *fixture)
{
    return mirror_refresh(fixture->worker.mirror, MIRROR_NO_LIMIT);
}

static void assert_same(const struct board_fixture *fixture)
{
    const struct mirror *mirror = fixture->worker.mirror;
    const struct bank *bank = board_live(&fixture->worker.board);
    struct rank_line lines[PLAYERS];

    assert_int_equal(mirror->seq, state_committed_seq(bank));
    assert_int_equal(mirror->player_count, rank_copy_lines(bank, 0, PLAYERS, lines));
    for (uint32_t place = 0; place < mirror->player_count; place++) {
        struct player_view view;

        assert_int_equal(mirror->order[place], lines[place].player);
        assert_true(players_read(bank, lines[place].player, &view));
        assert_memory_equal(&mirror->players[lines[place].player], &view, sizeof(view));
    }
}

static void it_follows_events(void **state)
{
    struct board_fixture fixture;
    uint64_t dice = 7;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 1024);
    for (int round = 0; round < 200; round++) {
        for (uint32_t i = fixture_roll(&dice, 12); i > 0; i--) {
            board_fixture_solve(&fixture, fixture_roll(&dice, PLAYERS), fixture_roll(&dice, 130),
                                (int32_t)fixture_roll(&dice, 50));
        }
        assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
        assert_same(&fixture);
    }
    board_fixture_end(&fixture);
}

static void it_finds_events_that_the_ring_has_lapped(void **state)
{
    struct board_fixture fixture;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    for (uint32_t i = 0; i < 200; i++) {
        board_fixture_solve(&fixture, i, 0, 10);
    }
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    assert_same(&fixture);
    board_fixture_end(&fixture);
}

static void it_sees_a_name_that_no_event_told_of(void **state)
{
    struct board_fixture fixture;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    players_set_name(board_write_begin(&fixture.shm.board), 17, "Seventeen");
    board_write_end(&fixture.shm.board);
    board_fixture_solve(&fixture, 3, 0, 10);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    assert_string_equal(fixture.worker.mirror->players[17].name, "Seventeen");
    assert_same(&fixture);
    board_fixture_end(&fixture);
}

static void a_copy_out_of_time_goes_on_where_it_was(void **state)
{
    struct board_fixture fixture;
    int slices = 0;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    /* No time at all: one cut of rows a call.  What happens meanwhile is seen in the end. */
    while (mirror_refresh(fixture.worker.mirror, 0) == MIRROR_COPYING) {
        board_fixture_solve(&fixture, (uint32_t)slices, 0, 10);
        slices++;
        assert_true(slices < PLAYERS);
    }
    assert_true(slices >= 3);
    assert_same(&fixture);
    board_fixture_end(&fixture);
}

static void it_follows_a_reset(void **state)
{
    struct board_fixture fixture;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    board_fixture_solve(&fixture, 3, 0, 10);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    for (int resets = 1; resets <= 2; resets++) { /* twice: the first bank is live again */
        struct bank *spare = fixture_fill_spare(&fixture.shm, PLAYERS);

        state_set_floor(spare, fixture.seq, 0);
        rank_rebuild(spare);
        board_publish(&fixture.shm.board);
        ring_reset(&fixture.worker.ring, fixture.seq);
    }
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    assert_int_equal(fixture.worker.mirror->players[3].score_points, 0);
    board_fixture_end(&fixture);
}

static void an_event_that_is_not_yet_in_the_ring_makes_it_wait(void **state)
{
    struct board_fixture fixture;
    struct event event = fixture_solve(1, 3, 0, 10);

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    assert_true(fixture_apply(&fixture.shm, &event));
    assert_int_equal(refresh(&fixture), MIRROR_TORN);
    ring_append(&fixture.worker.ring, &event);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    assert_same(&fixture);
    board_fixture_end(&fixture);
}

static void a_db_that_died_inside_an_event_gives_no_cut(void **state)
{
    struct board_fixture fixture;

    (void)state;
    board_fixture_make(&fixture, PLAYERS, 64);
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    (void)board_write_begin(&fixture.shm.board);
    assert_int_equal(refresh(&fixture), MIRROR_TORN);
    fixture_publish(&fixture.shm, PLAYERS); /* its successor */
    assert_int_equal(refresh(&fixture), MIRROR_WHOLE);
    assert_same(&fixture);
    board_fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_follows_events),
        cmocka_unit_test(it_finds_events_that_the_ring_has_lapped),
        cmocka_unit_test(it_sees_a_name_that_no_event_told_of),
        cmocka_unit_test(a_copy_out_of_time_goes_on_where_it_was),
        cmocka_unit_test(it_follows_a_reset),
        cmocka_unit_test(an_event_that_is_not_yet_in_the_ring_makes_it_wait),
        cmocka_unit_test(a_db_that_died_inside_an_event_gives_no_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
