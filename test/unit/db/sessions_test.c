/* SPDX-License-Identifier: MIT */
/* sessions_test.c - how sessions end in db, and that they do not end by themselves. */

#include "test/unit/db/fixture_db.h"

static void ended_sessions_stay_ended(void **state)
{
    struct fixture *fixture = *state;
    struct wire_revoke session = {.head = wire_head_make(WIRE_REVOKE, 1),
                                  .player = ALICE,
                                  .session_id = 0xabcdef,
                                  .expires_s = clock_real_us() / 1000000 + 3600};
    struct wire_revoke player = {.head = wire_head_make(WIRE_REVOKE, 2), .player = BOB};
    struct wire_revoke everyone = {.head = wire_head_make(WIRE_REVOKE, 3), .player = SHM_NONE};
    struct player_view view;
    struct revoked revoked;
    uint32_t news = 0;

    fixture_start(fixture);
    revoked_attach(&fixture->segment, &revoked);
    int fd = fixture_connect(fixture);

    fixture_send(fd, &session, sizeof(session));
    assert_int_equal(fixture_result_with_news(fd, &news).status, WIRE_OK);
    assert_int_equal(news, WIRE_NEWS_AUTH);
    assert_true(revoked_test(&revoked, 0xabcdef));
    fixture_send(fd, &player, sizeof(player));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    fixture_send(fd, &everyone, sizeof(everyone));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    uint64_t epoch = state_auth_epoch(board_live(&fixture->board));

    assert_int_equal(epoch, 1);
    (void)close(fd);
    fixture_kill(fixture);
    segment_destroy(&fixture->segment); /* as after a restart of everything */
    (void)close(fixture->listener_fd);
    fixture->segment = (struct segment){0};
    fixture_start(fixture);
    revoked_attach(&fixture->segment, &revoked);
    assert_true(revoked_test(&revoked, 0xabcdef));
    assert_true(players_read(board_live(&fixture->board), BOB, &view));
    assert_int_equal(view.auth_epoch, 1);
    assert_int_equal(state_auth_epoch(board_live(&fixture->board)), epoch);
}

/* Tabs that log out at once: the first one's is on disk, those of the others share a batch. */
static void a_session_may_end_again_twice_in_one_batch(void **state)
{
    struct fixture *fixture = *state;
    struct wire_revoke again[3];
    struct revoked revoked;

    for (uint32_t i = 0; i < 3; i++) {
        again[i] = (struct wire_revoke){.head = wire_head_make(WIRE_REVOKE, 1 + i),
                                        .player = ALICE,
                                        .session_id = 0xabcdef,
                                        .expires_s = clock_real_us() / 1000000 + 3600};
    }
    fixture_start(fixture);
    revoked_attach(&fixture->segment, &revoked);
    int fd = fixture_connect(fixture);

    fixture_send(fd, &again[0], sizeof(again[0]));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    fixture_send(fd, &again[1], 2 * sizeof(again[1]));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    assert_true(revoked_test(&revoked, 0xabcdef));
    (void)close(fd);
}

/* A logout is never refused: without a place for this one session all of its player's end. */
static void a_logout_without_a_place_ends_all_of_the_players(void **state)
{
    struct fixture *fixture = *state;
    struct wire_revoke session = {.head = wire_head_make(WIRE_REVOKE, 1),
                                  .player = BOB,
                                  .session_id = 0xabcdef,
                                  .expires_s = clock_real_us() / 1000000 + 3600};
    struct player_view view;
    struct revoked revoked;

    fixture_start(fixture);
    revoked_attach(&fixture->segment, &revoked);
    for (uint32_t slot = 0; slot < revoked.slot_count; slot++) { /* taken by others */
        atomic_store(&revoked.slots[slot].expires_s, session.expires_s);
        atomic_store(&revoked.slots[slot].session_id, UINT64_C(1) << 32 | slot);
    }
    int fd = fixture_connect(fixture);

    fixture_send(fd, &session, sizeof(session));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    assert_false(revoked_test(&revoked, 0xabcdef));
    assert_true(players_read(board_live(&fixture->board), BOB, &view));
    assert_int_equal(view.auth_epoch, 1);
    (void)close(fd);
}

static void sessions_outlive_a_restart(void **state)
{
    struct fixture *fixture = *state;
    uint8_t before[32];
    uint8_t after[32];
    static const uint8_t none[32];

    fixture_start(fixture);
    board_session_key(&fixture->board, before);
    assert_memory_not_equal(before, none, sizeof(none));
    assert_int_equal(fixture_drain(fixture), 0);
    segment_destroy(&fixture->segment);
    (void)close(fixture->listener_fd);
    fixture->segment = (struct segment){0};
    fixture_start(fixture);
    board_session_key(&fixture->board, after);
    assert_memory_equal(before, after, sizeof(before));
}

int main(void)
{
#define SESSION_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        SESSION_TEST(ended_sessions_stay_ended),
        SESSION_TEST(a_session_may_end_again_twice_in_one_batch),
        SESSION_TEST(a_logout_without_a_place_ends_all_of_the_players),
        SESSION_TEST(sessions_outlive_a_restart),
    };

    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
