/* SPDX-License-Identifier: MIT */
/* players_test.c - names and numbers of players, challenges' rows, solve bits, the bank's head. */
#include "test/unit/shm/fixture.h"

static void start(struct fixture *fixture, uint32_t players)
{
    fixture_make(fixture, &fixture_sizes);
    fixture_publish(fixture, players);
}

static void a_player_without_a_name_is_anonymous_with_their_number(void **state)
{
    (void)state;
    struct fixture fixture;
    struct player_view view;

    start(&fixture, 3);
    assert_true(players_read(board_live(&fixture.board), 1, &view));
    assert_string_equal(view.name, "Anonymous-1001");
    assert_int_equal(view.flags & SHM_PLAYER_NAMED, 0);
    fixture_end(&fixture);
}

static void the_largest_number_fits_an_anonymous_name(void **state)
{
    (void)state;
    struct fixture fixture;
    struct player_view view;

    fixture_make(&fixture, &fixture_sizes);
    struct bank *spare = board_spare_clear(&fixture.board);
    players_put(spare, 0, UINT32_MAX, 7, 0, "");
    assert_true(players_read(spare, 0, &view));
    assert_string_equal(view.name, "Anonymous-4294967295");
    assert_int_equal(view.auth_epoch, 7);
    fixture_end(&fixture);
}

static void a_name_is_kept_changed_and_taken_away(void **state)
{
    (void)state;
    struct fixture fixture;
    struct player_view view;

    start(&fixture, 3);
    struct bank *live = board_write_begin(&fixture.board);
    players_set_name(live, 2, "CryptoCats and a long tail here");
    assert_true(players_read(live, 2, &view));
    assert_string_equal(view.name, "CryptoCats and a long tail here"); /* 31 bytes: all there is */
    players_set_name(live, 2, "Cat");
    assert_true(players_read(live, 2, &view));
    assert_string_equal(view.name, "Cat");
    assert_int_not_equal(view.flags & SHM_PLAYER_NAMED, 0);
    players_set_name(live, 2, NULL);
    assert_true(players_read(live, 2, &view));
    assert_string_equal(view.name, "Anonymous-1002");
    assert_int_equal(view.flags, SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME);
    board_write_end(&fixture.board);
    fixture_end(&fixture);
}

static void a_name_that_is_too_long_is_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    struct player_view view;

    fixture_make(&fixture, &fixture_sizes);
    struct bank *spare = board_spare_clear(&fixture.board);
    players_put(spare, 0, 1, 0, 0, "0123456789012345678901234567890123456789");
    assert_true(players_read(spare, 0, &view));
    assert_string_equal(view.name, "0123456789012345678901234567890");
    fixture_end(&fixture);
}

static void a_player_put_twice_counts_once(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    struct bank *spare = board_spare_clear(&fixture.board);
    players_put(spare, 0, 1, 0, 0, "A");
    players_put(spare, 0, 1, 0, SHM_PLAYER_IN_GAME, "B");
    players_put(spare, 9, 2, 0, 0, NULL);
    assert_int_equal(state_player_count(spare), 2);
    rank_rebuild(spare);
    assert_int_equal(state_player_count(spare), 2);
    fixture_end(&fixture);
}

static void players_are_found_by_user_with_any_hint(void **state)
{
    (void)state;
    struct fixture fixture;

    start(&fixture, 5);
    const struct bank *live = board_live(&fixture.board);
    assert_int_equal(players_find_user(live, 1003, 3), 3);
    assert_int_equal(players_find_user(live, 1003, 0), 3);
    assert_int_equal(players_find_user(live, 1003, SHM_NONE), 3);
    assert_int_equal(players_find_user(live, 1005, 5), SHM_NONE);
    assert_int_equal(players_find_user(live, 0, 6), SHM_NONE); /* an empty slot is nobody's */
    fixture_end(&fixture);
}

/* Players fill the table from below, users outside of the game from above; in between nobody looks. */
static void a_bank_is_in_use_at_both_ends_and_cleared_there(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    struct bank *spare = fixture_fill_spare(&fixture, 3);
    players_put(spare, 69, 2000, 0, 0, NULL);
    players_put(spare, 67, 2001, 0, 0, NULL);
    solved_set(spare, 2, 129);
    solved_set_hint(spare, 67, 69);
    struct bank_span span = bank_span(spare);

    assert_int_equal(span.low_end, 3);
    assert_int_equal(span.high_begin, 67);
    assert_int_equal(bank_span_next(&span, 2), 2);
    assert_int_equal(bank_span_next(&span, 3), 67);
    rank_rebuild(spare);
    assert_int_equal(state_player_count(spare), 5);
    board_publish(&fixture.board);
    assert_int_equal(players_find_user(board_live(&fixture.board), 2001, SHM_NONE), 67);

    fixture_publish(&fixture, 1);
    assert_true(board_spare_clear(&fixture.board) == spare);
    span = bank_span(spare);
    assert_int_equal(bank_span_next(&span, 0), spare->players_max);
    assert_false(solved_test(spare, 2, 129));
    assert_false(solved_hint_bought(spare, 67, 69));
    for (uint32_t player = 0; player < spare->players_max; player++) {
        struct player_view view;

        assert_false(players_read(spare, player, &view));
    }
    fixture_end(&fixture);
}

static void nobody_is_read_outside_the_table(void **state)
{
    (void)state;
    struct fixture fixture;
    struct player_view player;
    struct challenge_view challenge;

    start(&fixture, 5);
    struct bank *live = board_write_begin(&fixture.board);
    solved_set(live, 0, 64); /* the word behind the last player's of the column before */
    solved_set_hint(live, 0, 64);
    board_write_end(&fixture.board);
    assert_false(players_read(live, 5, &player));
    assert_false(players_read(live, 70, &player));
    assert_false(players_read(live, SHM_NONE, &player));
    assert_int_equal(players_score(live, SHM_NONE), 0);
    assert_false(challenges_read(live, 130, &challenge));
    assert_false(challenges_read(live, SHM_NONE, &challenge));
    assert_false(solved_test(live, SHM_NONE, 0));
    assert_false(solved_test(live, 70, 0));
    assert_false(solved_test(live, 0, SHM_NONE));
    assert_false(solved_test(live, 0, 130));
    assert_false(solved_hint_bought(live, 70, 0));
    assert_false(solved_hint_bought(live, 0, 70));
    assert_int_equal(solved_fingerprint(live, 70), 0);
    fixture_end(&fixture);
}

static void each_bit_is_its_own(void **state)
{
    (void)state;
    struct fixture fixture;

    start(&fixture, 70);
    struct bank *live = board_write_begin(&fixture.board);
    for (uint32_t bit = 0; bit < 130; bit++) {
        solved_set(live, 1, bit);
        assert_true(solved_test(live, 1, bit));
        assert_false(solved_test(live, 1, bit + 1));
        assert_false(solved_test(live, 0, bit));
        assert_false(solved_test(live, 2, bit));
    }
    for (uint32_t bit = 0; bit < 70; bit++) {
        solved_set_hint(live, 69, bit);
        assert_true(solved_hint_bought(live, 69, bit));
        assert_false(solved_hint_bought(live, 69, bit + 1));
        assert_false(solved_hint_bought(live, 68, bit));
    }
    board_write_end(&fixture.board);
    fixture_end(&fixture);
}

static void every_bit_changes_the_fingerprint(void **state)
{
    (void)state;
    struct fixture fixture;

    start(&fixture, 3);
    struct bank *live = board_write_begin(&fixture.board);
    uint64_t before = solved_fingerprint(live, 1);
    assert_true(before == solved_fingerprint(live, 2));
    for (uint32_t bit = 0; bit < 70; bit++) {
        solved_set(live, 1, bit);
        assert_true(solved_fingerprint(live, 1) != before);
        before = solved_fingerprint(live, 1);
        solved_set_hint(live, 1, bit);
        assert_true(solved_fingerprint(live, 1) != before);
        before = solved_fingerprint(live, 1);
    }
    assert_true(solved_fingerprint(live, 2) == solved_fingerprint(live, 0));
    board_write_end(&fixture.board);
    fixture_end(&fixture);
}

static void the_head_keeps_what_it_is_told(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    struct bank *spare = board_spare_clear(&fixture.board);
    state_set_auth_epoch(spare, 4);
    state_set_generation(spare, 9);
    state_set_floor(spare, 100, 5000);
    state_set_floor(spare, 50, 1000); /* the sequence and the clock never go back */
    assert_int_equal(state_auth_epoch(spare), 4);
    assert_int_equal(state_generation(spare), 9);
    assert_int_equal(state_committed_seq(spare), 100);
    assert_int_equal(state_last_ts_us(spare), 5000);
    players_put(spare, 0, 1, 2, 0, NULL);
    players_set_auth_epoch(spare, 0, 3);
    struct player_view view;
    assert_true(players_read(spare, 0, &view));
    assert_int_equal(view.auth_epoch, 3);
    fixture_end(&fixture);
}

static void an_unsolved_challenge_has_no_first_player(void **state)
{
    (void)state;
    struct fixture fixture;
    struct challenge_view view;

    start(&fixture, 1);
    assert_true(challenges_read(board_live(&fixture.board), 129, &view));
    assert_int_equal(view.id, 130);
    assert_int_equal(view.first_player, SHM_NONE);
    assert_int_equal(view.value_points, 100);
    assert_int_equal(view.solves, 0);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_player_without_a_name_is_anonymous_with_their_number),
        cmocka_unit_test(the_largest_number_fits_an_anonymous_name),
        cmocka_unit_test(a_name_is_kept_changed_and_taken_away),
        cmocka_unit_test(a_name_that_is_too_long_is_cut),
        cmocka_unit_test(a_player_put_twice_counts_once),
        cmocka_unit_test(players_are_found_by_user_with_any_hint),
        cmocka_unit_test(a_bank_is_in_use_at_both_ends_and_cleared_there),
        cmocka_unit_test(nobody_is_read_outside_the_table),
        cmocka_unit_test(each_bit_is_its_own),
        cmocka_unit_test(every_bit_changes_the_fingerprint),
        cmocka_unit_test(the_head_keeps_what_it_is_told),
        cmocka_unit_test(an_unsolved_challenge_has_no_first_player),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
