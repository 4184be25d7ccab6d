/* SPDX-License-Identifier: MIT */
/* master_test.c - how long the master's cycle rests. */
#include "master/master.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW_US UINT64_C(1000000)

static void the_next_death_or_birth_that_is_due_ends_its_rest(void **state)
{
    static struct master master;
    struct child *child = &master.children.all[1];

    (void)state;
    children_init(&master.children, 1);
    assert_int_equal(wait_ms(&master, NOW_US), SLOT_HEARTBEAT_MS + 1);
    child->state = CHILD_DEAD;
    child->born_again_us = NOW_US + 50000;
    assert_int_equal(wait_ms(&master, NOW_US), 51);
    child->state = CHILD_LEAVING;
    child->kill_at_us = NOW_US + 20000;
    assert_int_equal(wait_ms(&master, NOW_US), 21);
    assert_int_equal(wait_ms(&master, NOW_US + 20000), 0);
}

/* A disk that hangs holds a process for minutes, killed or not: its death is a signal when it comes. */
static void who_is_killed_and_does_not_die_keeps_nobody_awake(void **state)
{
    static struct master master;
    struct child *child = &master.children.all[0];

    (void)state;
    children_init(&master.children, 1);
    child->state = CHILD_LEAVING;
    child->kill_at_us = NOW_US;
    child->is_killed = true;
    assert_int_equal(wait_ms(&master, NOW_US + 1), SLOT_HEARTBEAT_MS + 1);
}

/* As in a container that was paused: the children are woken a moment after the master. */
static void who_was_as_still_as_the_master_is_not_killed_for_it(void **state)
{
    static struct master master = {.turned_us = NOW_US};
    const uint64_t later_us = NOW_US + 60 * UINT64_C(1000000);
    const struct shm_sizes sizes = segment_sizes_for(1, 1, 1, 1024, 2);
    struct child *db = &master.children.all[0];
    struct child *worker = &master.children.all[1];

    (void)state;
    assert_true(segment_create(&sizes, &master.segment));
    children_init(&master.children, 2);
    db->state = CHILD_READY;
    worker->state = CHILD_STARTING;
    db->forked_us = worker->forked_us = NOW_US;
    master.children.all[2].state = CHILD_LEAVING;
    master.children.all[2].kill_at_us = NOW_US + 30;

    note_turn(&master, later_us);
    for (uint32_t i = 0; i < master.children.count; i++) {
        assert_null(child_overdue(&master.children.all[i], &master.segment, later_us));
        assert_false(child_is_silent(&master.children.all[i], &master.segment, later_us));
    }
    note_turn(&master, later_us + CHILD_SILENT_US); /* in time: no excuse */
    assert_non_null(
        child_overdue(db, &master.segment, later_us + CHILD_STUCK_US + 1)); /* it does hang */
    assert_non_null(child_overdue(worker, &master.segment, later_us + CHILD_START_WORKER_US + 1));
    assert_non_null(child_overdue(&master.children.all[2], &master.segment, later_us + 31));
    segment_destroy(&master.segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_death_or_birth_that_is_due_ends_its_rest),
        cmocka_unit_test(who_is_killed_and_does_not_die_keeps_nobody_awake),
        cmocka_unit_test(who_was_as_still_as_the_master_is_not_killed_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
