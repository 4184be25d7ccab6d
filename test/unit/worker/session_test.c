/* SPDX-License-Identifier: MIT */
/* session_test.c - a cookie is good for its player, its kind and its time, and for nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/proc.h"
#include "shm/players.h"
#include "shm/state.h"
#include "test/unit/fixture_game.h"
#include "worker/context.h"
#include "worker/session.h"

struct fixture {
    struct segment segment;
    struct game *game;
    struct worker worker;
};

/* As a start with other files does: slots follow the order in credentials.csv. */
static void put_players(struct fixture *fixture, const char *credentials)
{
    game_unref(fixture->game);
    fixture->game = fixture_game("[{\"id\":1,\"title\":\"t\",\"category\":\"c\","
                                 "\"difficulty\":\"d\",\"points\":1,\"description\":\"d\","
                                 "\"flag\":\"^f$\"}]",
                                 credentials);
    assert_non_null(fixture->game);
    fixture->worker.game = fixture->game;
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct shm_sizes sizes = segment_sizes_for(2, 1, 0, 16, 1);
    uint8_t key[32];

    assert_non_null(fixture);
    proc_set_role(PROC_TEST);
    memset(key, 7, sizeof(key));
    assert_true(segment_create(&sizes, &fixture->segment));
    board_attach(&fixture->segment, &fixture->worker.board);
    revoked_attach(&fixture->segment, &fixture->worker.revoked);
    struct bank *spare = board_spare_clear(&fixture->worker.board);
    players_put(spare, 0, 101, 0, SHM_PLAYER_IN_GAME, "");
    players_put(spare, 1, 102, 0, SHM_PLAYER_IN_GAME, "");
    board_set_session_key(&fixture->worker.board, key);
    board_publish(&fixture->worker.board);
    put_players(fixture, "alice,a\nbob,b\n");
    assert_true(session_start(&fixture->worker));
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->worker.keys);
    game_unref(fixture->game);
    segment_destroy(&fixture->segment);
    free(fixture);
    return 0;
}

static void a_cookie_comes_back_as_its_player(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 1, 55, 60, text);
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
    assert_int_equal(session.player, 1);
    assert_int_equal(session.session_id, 55);
    assert_true(session_still_good(&fixture->worker, &session));
}

/* The key alone keeps strangers out: claims are no secret. */
static void another_servers_cookie_is_a_strangers(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;
    uint8_t key[32] = {0};

    session_make(&fixture->worker, SESSION_COOKIE, 1, 55, 60, text);
    for (size_t i = 0; i < sizeof(key); i += sizeof(key) - 1) { /* either end of it counts */
        memset(key, 7, sizeof(key));
        key[i] = 8;
        free(fixture->worker.keys);
        assert_true(session_start(&fixture->worker));
        board_set_session_key(&fixture->worker.board, key);
        assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
    }
}

static void every_flipped_bit_is_noticed(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 1, 55, 60, text);
    /* A second time, when the right one has been seen and is remembered. */
    for (int seen = 0; seen < 2; seen++) {
        for (size_t i = 0; i < strlen(text); i++) {
            char was = text[i];

            text[i] = was == 'A' ? 'B' : 'A';
            assert_false(
                session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
            text[i] = was;
            assert_false(
                session_verify(&fixture->worker, SESSION_COOKIE, (struct str){text, i}, &session));
        }
        assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
    }
}

static void of_several_cookies_the_first_good_one_counts(void **state)
{
    struct fixture *fixture = *state;
    char old[SESSION_TEXT_BYTES_MAX];
    char text[SESSION_TEXT_BYTES_MAX];
    char header[1024];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 0, 55, 0, old);
    session_make(&fixture->worker, SESSION_COOKIE, 1, 56, 60, text);
    (void)snprintf(header, sizeof(header), "ctfg_session=bad; ctfg_session=%s; ctfg_session=%s",
                   old, text);
    assert_true(session_verify_cookie(&fixture->worker, str_from(header), &session));
    assert_int_equal(session.session_id, 56);
    /* Each costs a MAC: no header makes us compute hundreds. */
    int len = 0;
    for (int i = 0; i < 8; i++) {
        len += snprintf(header + len, sizeof(header) - (size_t)len, "ctfg_session=bad; ");
    }
    (void)snprintf(header + len, sizeof(header) - (size_t)len, "ctfg_session=%s", text);
    assert_false(session_verify_cookie(&fixture->worker, str_from(header), &session));
    assert_false(session_verify_cookie(&fixture->worker, (struct str){0}, &session));
}

static void a_stream_token_is_no_cookie_and_the_other_way_round(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_STREAM_TOKEN, 0, 55, 60, text);
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
    assert_true(session_verify(&fixture->worker, SESSION_STREAM_TOKEN, str_from(text), &session));
    session_make(&fixture->worker, SESSION_DISPLAY_TOKEN, SHM_NONE, 56, 60, text);
    assert_false(session_verify(&fixture->worker, SESSION_STREAM_TOKEN, str_from(text), &session));
    assert_true(session_verify(&fixture->worker, SESSION_DISPLAY_TOKEN, str_from(text), &session));
    assert_int_equal(session.player, SHM_NONE);
}

static void an_expired_one_is_dead(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 1, 55, 0, text);
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
}

static void epochs_and_revocation_end_sessions(void **state)
{
    struct fixture *fixture = *state;
    struct board *board = &fixture->worker.board;
    char mine[SESSION_TEXT_BYTES_MAX];
    char other[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 0, 55, 60, mine);
    session_make(&fixture->worker, SESSION_COOKIE, 1, 56, 60, other);
    players_set_auth_epoch(board_write_begin(board), 0, 1);
    board_write_end(board);
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(mine), &session));
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(other), &session));

    assert_true(revoked_add(&fixture->worker.revoked, 56, UINT64_MAX, 1));
    assert_false(session_still_good(&fixture->worker, &session));
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(other), &session));

    session_make(&fixture->worker, SESSION_COOKIE, 1, 57, 60, other);
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(other), &session));
    state_set_auth_epoch(board_write_begin(board), 9);
    board_write_end(board);
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(other), &session));
}

static void a_cookie_survives_a_change_of_slots(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 1, 55, 60, text);
    struct bank *spare = board_spare_clear(&fixture->worker.board);
    players_put(spare, 0, 102, 0, SHM_PLAYER_IN_GAME, "");
    players_put(spare, 1, 101, 0, SHM_PLAYER_IN_GAME, "");
    board_publish(&fixture->worker.board);
    put_players(fixture, "bob,b\nalice,a\n");
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
    assert_int_equal(session.player, 0);
}

static void another_password_ends_the_sessions_of_its_player_alone(void **state)
{
    struct fixture *fixture = *state;
    char mine[SESSION_TEXT_BYTES_MAX];
    char token[SESSION_TEXT_BYTES_MAX];
    char other[SESSION_TEXT_BYTES_MAX];
    struct session stream;
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 0, 55, 60, mine);
    session_make(&fixture->worker, SESSION_STREAM_TOKEN, 0, 55, 60, token);
    session_make(&fixture->worker, SESSION_COOKIE, 1, 56, 60, other);
    assert_true(session_verify(&fixture->worker, SESSION_STREAM_TOKEN, str_from(token), &stream));
    put_players(fixture, "alice,another\nbob,b\n");
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(mine), &session));
    assert_false(session_verify(&fixture->worker, SESSION_STREAM_TOKEN, str_from(token), &session));
    assert_false(session_still_good(&fixture->worker, &stream));
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(other), &session));
    put_players(fixture, "alice,a\nbob,b\n"); /* the old one again: it was never revoked */
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(mine), &session));
}

static void a_public_board_lets_no_old_password_in(void **state)
{
    struct fixture *fixture = *state;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 0, 55, 60, text);
    put_players(fixture, "alice,another\nbob,b\n");
    fixture->game->settings.board_public = true;
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(text), &session));
}

static void a_screen_sees_the_board_by_the_present_token_or_a_public_board(void **state)
{
    struct fixture *fixture = *state;
    struct game *game = fixture->game;
    struct worker *worker = &fixture->worker;
    char text[SESSION_TEXT_BYTES_MAX];
    struct session screen;
    struct session session;
    const struct str was = game->display_token;
    const struct str others[] = {STR("second"), STR("third"), STR("fourth"), STR("fifth"), {0}};

    game->settings.board_public = false;
    game->display_token = STR("first");
    session_make(worker, SESSION_DISPLAY_TOKEN, SHM_NONE, 56, 60, text);
    assert_true(session_verify(worker, SESSION_DISPLAY_TOKEN, str_from(text), &screen));
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        game->display_token = others[i];
        assert_false(session_verify(worker, SESSION_DISPLAY_TOKEN, str_from(text), &session));
        assert_false(session_still_good(worker, &screen));
    }
    game->settings.board_public = true;
    assert_true(session_verify(worker, SESSION_DISPLAY_TOKEN, str_from(text), &session));
    assert_true(session_still_good(worker, &screen));
    game->display_token = was;
}

static void who_is_not_in_the_game_has_no_session(void **state)
{
    struct fixture *fixture = *state;
    char mine[SESSION_TEXT_BYTES_MAX];
    char other[SESSION_TEXT_BYTES_MAX] = "what was there before";
    struct session bob;
    struct session session;

    session_make(&fixture->worker, SESSION_COOKIE, 2, 55, 60, other);
    assert_string_equal(other, "");
    session_make(&fixture->worker, SESSION_COOKIE, 1, 55, 60, mine);
    assert_true(session_verify(&fixture->worker, SESSION_COOKIE, str_from(mine), &bob));
    put_players(fixture, "alice,a\n");
    assert_false(session_verify(&fixture->worker, SESSION_COOKIE, str_from(mine), &session));
    assert_false(session_still_good(&fixture->worker, &bob));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cookie_comes_back_as_its_player),
        TEST(another_servers_cookie_is_a_strangers),
        TEST(every_flipped_bit_is_noticed),
        TEST(of_several_cookies_the_first_good_one_counts),
        TEST(a_stream_token_is_no_cookie_and_the_other_way_round),
        TEST(an_expired_one_is_dead),
        TEST(epochs_and_revocation_end_sessions),
        TEST(a_cookie_survives_a_change_of_slots),
        TEST(another_password_ends_the_sessions_of_its_player_alone),
        TEST(a_public_board_lets_no_old_password_in),
        TEST(a_screen_sees_the_board_by_the_present_token_or_a_public_board),
        TEST(who_is_not_in_the_game_has_no_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
