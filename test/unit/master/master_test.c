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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_death_or_birth_that_is_due_ends_its_rest),
        cmocka_unit_test(who_is_killed_and_does_not_die_keeps_nobody_awake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
