/* SPDX-License-Identifier: MIT */
/* checkpoint_test.c - when the write-ahead log is moved, and what becomes of its file. */

#include "test/unit/db/fixture_db.h"

#include "db/checkpoint.h"

#define LOG_BYTES_MAX (4u << 20)
#define LOG_BYTES_LARGE (LOG_BYTES_MAX / 4 * 3)
#define EVENTS_A_COMMIT 100

struct moved {
    uv_loop_t loop;
    struct store *store;
    struct checkpoint checkpoint;
    int64_t users; /* each event is another user's */
};

static int set_up(void **state)
{
    struct db_facts facts;
    int result = fixture_set_up(state);

    fixture_prepare(*state, &facts);
    return result;
}

static struct moved open_moved(const struct fixture *fixture)
{
    struct moved moved = {0};
    struct store_options options = {.dir = fixture->dir, .log_bytes_max = LOG_BYTES_MAX};
    char error[512] = "";

    if (store_open(&options, &moved.store, error, sizeof(error)) != STORE_OK) {
        fail_msg("store_open: %s", error);
    }
    return moved;
}

static void commit_some(struct moved *moved)
{
    assert_int_equal(store_begin(moved->store), STORE_OK);
    for (int i = 0; i < EVENTS_A_COMMIT; i++) {
        int64_t user_id = ++moved->users;
        uint64_t id;
        struct store_event event = {.ts_us = 1000,
                                    .request_id = (uint64_t)user_id,
                                    .user_id = user_id,
                                    .challenge_id = 11,
                                    .points = 100,
                                    .type = EVENT_SOLVE};

        assert_int_equal(store_insert_event(moved->store, &event, &id), STORE_OK);
    }
    assert_int_equal(store_commit(moved->store), STORE_OK);
}

static void commit_until(struct moved *moved, uint64_t pending_bytes)
{
    while (store_log_pending_bytes(moved->store) < pending_bytes) {
        commit_some(moved);
    }
}

static void begin(struct moved *moved)
{
    assert_int_equal(uv_loop_init(&moved->loop), 0);
    checkpoint_init(&moved->checkpoint, &moved->loop, LOG_BYTES_MAX);
}

static void move_all(struct moved *moved)
{
    checkpoint_consider(&moved->checkpoint, moved->store, 0);
    assert_true(moved->checkpoint.is_running);
    assert_int_equal(uv_run(&moved->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(store_log_pending_bytes(moved->store), 0);
}

static void end(struct moved *moved)
{
    assert_int_equal(uv_loop_close(&moved->loop), 0);
    store_close(moved->store);
}

static void under_load_the_file_is_written_over(void **state)
{
    struct moved moved = open_moved(*state);

    begin(&moved);
    commit_until(&moved, LOG_BYTES_LARGE);
    uint64_t bytes = store_log_bytes(moved.store);

    for (int round = 0; round < 3; round++) {
        move_all(&moved);
        assert_int_equal(store_log_bytes(moved.store), bytes);
        commit_some(&moved);
        assert_int_equal(store_log_bytes(moved.store), bytes);
        commit_until(&moved, LOG_BYTES_LARGE);
        bytes = store_log_bytes(moved.store); /* a frame more or less */
        assert_true(bytes < LOG_BYTES_MAX);
    }
    end(&moved);
}

static void a_long_lull_gives_the_room_back(void **state)
{
    struct moved moved = open_moved(*state);

    begin(&moved);
    commit_until(&moved, LOG_BYTES_LARGE);
    move_all(&moved);
    assert_true(store_log_bytes(moved.store) > LOG_BYTES_MAX / 2);
    checkpoint_consider(&moved.checkpoint, moved.store, CHECKPOINT_EMPTY_MS * 1000 - 1);
    assert_false(moved.checkpoint.is_running); /* nothing is left to move */
    checkpoint_consider(&moved.checkpoint, moved.store, CHECKPOINT_EMPTY_MS * 1000);
    assert_true(moved.checkpoint.is_running);
    assert_int_equal(uv_run(&moved.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(store_log_bytes(moved.store), 0);
    commit_until(&moved, LOG_BYTES_LARGE); /* and under load it is kept again */
    move_all(&moved);
    assert_true(store_log_bytes(moved.store) > LOG_BYTES_MAX / 2);
    end(&moved);
}

static void a_file_beyond_the_limit_is_emptied(void **state)
{
    struct moved moved = open_moved(*state);

    begin(&moved);
    commit_until(&moved, LOG_BYTES_MAX + 1);
    move_all(&moved);
    assert_int_equal(store_log_bytes(moved.store), 0);
    end(&moved);
}

/* A large file takes the kernel longer than the loop may stand. */
static void the_pool_empties_the_file_and_commits_wait(void **state)
{
    struct moved moved = open_moved(*state);

    begin(&moved);
    commit_until(&moved, LOG_BYTES_MAX + 1);
    checkpoint_consider(&moved.checkpoint, moved.store, 0);
    assert_false(checkpoint_is_behind(&moved.checkpoint, moved.store));
    while (moved.checkpoint.is_running && !moved.checkpoint.is_emptying) {
        (void)uv_run(&moved.loop, UV_RUN_ONCE);
    }
    assert_true(moved.checkpoint.is_emptying);
    assert_true(checkpoint_is_behind(&moved.checkpoint, moved.store));
    assert_int_equal(uv_run(&moved.loop, UV_RUN_DEFAULT), 0);
    assert_false(checkpoint_is_behind(&moved.checkpoint, moved.store));
    assert_int_equal(store_log_bytes(moved.store), 0);
    commit_some(&moved);
    end(&moved);
}

static void little_is_left_alone_until_a_lull(void **state)
{
    struct moved moved = open_moved(*state);

    begin(&moved);
    commit_until(&moved, CHECKPOINT_SMALL_BYTES + 1);
    checkpoint_consider(&moved.checkpoint, moved.store, CHECKPOINT_LULL_MS * 1000 - 1);
    assert_false(moved.checkpoint.is_running);
    checkpoint_consider(&moved.checkpoint, moved.store, CHECKPOINT_LULL_MS * 1000);
    assert_true(moved.checkpoint.is_running);
    assert_int_equal(uv_run(&moved.loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(store_log_pending_bytes(moved.store), 0);
    end(&moved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(under_load_the_file_is_written_over, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_long_lull_gives_the_room_back, set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_file_beyond_the_limit_is_emptied, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(the_pool_empties_the_file_and_commits_wait, set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(little_is_left_alone_until_a_lull, set_up,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
