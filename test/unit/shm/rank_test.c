/* SPDX-License-Identifier: MIT */
/* rank_test.c - the order of the scoreboard against a plain sort, ties included. */
#include "test/unit/shm/fixture.h"

#include "shm/score.h"

#define PLAYERS 70

static uint32_t read_all(const struct fixture *fixture, struct rank_line lines[PLAYERS])
{
    uint32_t count = 0;
    uint64_t seq;

    assert_true(rank_read_lines(&fixture->board, 0, PLAYERS, lines, &count, &seq));
    return count;
}

static int compare_keys(const void *a, const void *b)
{
    return score_compare(a, b);
}

/* The order by qsort() from players[] alone must be the one that is kept. */
static void assert_ranked(const struct fixture *fixture, uint32_t players)
{
    const struct bank *bank = board_live(&fixture->board);
    struct score_key keys[PLAYERS];
    struct rank_line lines[PLAYERS];

    for (uint32_t player = 0; player < players; player++) {
        struct player_view view;

        assert_true(players_read(bank, player, &view));
        keys[player] = (struct score_key){view.score_points, view.raised_seq, player};
    }
    qsort(keys, players, sizeof(keys[0]), compare_keys);
    assert_int_equal(read_all(fixture, lines), players);
    for (uint32_t place = 0; place < players; place++) {
        uint32_t found = UINT32_MAX;

        assert_int_equal(lines[place].player, keys[place].player);
        assert_int_equal(lines[place].place, place);
        assert_true(rank_find_place(bank, keys[place].player, &found));
        assert_int_equal(found, place);
    }
}

static void who_reached_a_score_first_stands_first(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rank_line lines[PLAYERS];
    struct event events[] = {
        fixture_solve(1, 4, 0, 100),
        fixture_solve(2, 2, 0, 100),
        fixture_solve(3, 3, 0, 100),
    };

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 5);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        assert_true(fixture_apply(&fixture, &events[i]));
    }
    assert_int_equal(read_all(&fixture, lines), 5);
    const uint32_t wanted[] = {4, 2, 3, 0, 1}; /* never raised: by number, at the end */
    for (uint32_t place = 0; place < 5; place++) {
        assert_int_equal(lines[place].player, wanted[place]);
    }
    fixture_end(&fixture);
}

static void a_hint_costs_points_but_not_the_time_they_were_reached(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rank_line lines[PLAYERS];
    struct event events[] = {
        fixture_solve(1, 1, 0, 110),
        fixture_solve(2, 0, 1, 100),
        fixture_hint(3, 1, 0, 0, 10),
    };

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 2);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        assert_true(fixture_apply(&fixture, &events[i]));
    }
    assert_int_equal(read_all(&fixture, lines), 2);
    assert_int_equal(lines[0].player, 1);
    assert_int_equal(lines[0].score_points, 100);
    assert_int_equal(lines[0].raised_seq, 1);
    assert_int_equal(lines[0].raised_ts_us, 1000);
    fixture_end(&fixture);
}

static void random_games_are_ranked_as_a_plain_sort_would(void **state)
{
    (void)state;
    uint64_t dice = 20240501;

    for (int game = 0; game < 40; game++) {
        struct fixture fixture;
        uint32_t players = 1 + fixture_roll(&dice, PLAYERS);

        fixture_make(&fixture, &fixture_sizes);
        fixture_publish(&fixture, players);
        for (uint64_t seq = 1; seq <= 150; seq++) {
            uint32_t player = fixture_roll(&dice, players);
            int32_t points = (int32_t)fixture_roll(&dice, 3) * 50; /* few values: many ties */
            struct event event = fixture_roll(&dice, 4) == 0
                                     ? fixture_hint(seq, player, 0, SHM_NONE, points)
                                     : fixture_solve(seq, player, SHM_NONE, points);

            assert_true(fixture_apply(&fixture, &event));
            if (seq % 10 == 0) {
                assert_ranked(&fixture, players);
            }
        }
        fixture_end(&fixture);
    }
}

static void a_rebuild_gives_the_order_that_was_kept(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rank_line kept[PLAYERS];
    struct rank_line rebuilt[PLAYERS];
    uint64_t dice = 7;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, PLAYERS);
    for (uint64_t seq = 1; seq <= 500; seq++) {
        struct event event = fixture_solve(seq, fixture_roll(&dice, PLAYERS), SHM_NONE,
                                           (int32_t)fixture_roll(&dice, 4) * 10);

        assert_true(fixture_apply(&fixture, &event));
    }
    assert_int_equal(read_all(&fixture, kept), PLAYERS);
    rank_rebuild(board_write_begin(&fixture.board));
    board_write_end(&fixture.board);
    assert_int_equal(read_all(&fixture, rebuilt), PLAYERS);
    assert_memory_equal(kept, rebuilt, sizeof(kept));
    fixture_end(&fixture);
}

static void a_page_of_lines_ends_where_the_board_ends(void **state)
{
    (void)state;
    struct fixture fixture;
    struct rank_line lines[PLAYERS];
    uint32_t count;
    uint64_t seq;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 10);
    assert_true(rank_read_lines(&fixture.board, 7, 5, lines, &count, &seq));
    assert_int_equal(count, 3);
    assert_int_equal(lines[0].place, 7);
    assert_true(rank_read_lines(&fixture.board, 10, 5, lines, &count, &seq));
    assert_int_equal(count, 0);
    assert_true(rank_read_lines(&fixture.board, UINT32_MAX, 5, lines, &count, &seq));
    assert_int_equal(count, 0);
    assert_true(rank_read_lines(&fixture.board, 0, 0, lines, &count, &seq));
    assert_int_equal(count, 0);
    fixture_end(&fixture);
}

static void nobody_has_no_place(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t place;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 10);
    assert_false(rank_find_place(board_live(&fixture.board), 10, &place));
    assert_false(rank_find_place(board_live(&fixture.board), SHM_NONE, &place));
    fixture_end(&fixture);
}

static void the_board_is_ordered_by_points_then_sequence_then_number(void **state)
{
    (void)state;
    const struct score_key ordered[] = {
        {5, 9, 3}, {5, 0, 0}, {0, 2, 1}, {0, 3, 0}, {0, 0, 1}, {0, 0, 2}, {-5, 1, 0},
    };

    for (size_t a = 0; a < ARRAY_LEN(ordered); a++) {
        for (size_t b = 0; b < ARRAY_LEN(ordered); b++) {
            int compared = score_compare(&ordered[a], &ordered[b]);

            assert_true(a < b ? compared < 0 : a > b ? compared > 0 : compared == 0);
        }
    }
}

static void hints_never_take_a_total_below_zero(void **state)
{
    (void)state;
    assert_true(score_can_buy(10, 10));
    assert_false(score_can_buy(9, 10));
    assert_true(score_can_buy(0, 0));
    assert_false(score_can_buy(-1, 0));
    assert_false(score_can_buy(0, UINT32_MAX));
    assert_int_equal(score_value(250, 0), 250);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_reached_a_score_first_stands_first),
        cmocka_unit_test(a_hint_costs_points_but_not_the_time_they_were_reached),
        cmocka_unit_test(random_games_are_ranked_as_a_plain_sort_would),
        cmocka_unit_test(a_rebuild_gives_the_order_that_was_kept),
        cmocka_unit_test(a_page_of_lines_ends_where_the_board_ends),
        cmocka_unit_test(nobody_has_no_place),
        cmocka_unit_test(the_board_is_ordered_by_points_then_sequence_then_number),
        cmocka_unit_test(hints_never_take_a_total_below_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
