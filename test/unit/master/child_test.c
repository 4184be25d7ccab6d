/* SPDX-License-Identifier: MIT */
/* child_test.c - how long a successor waits, and when a child is overdue. */
#include "master/child.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "shm/segment.h"
#include "shm/slots.h"

static struct segment segment;

static int make_segment(void **state)
{
    struct shm_sizes sizes = segment_sizes_for(1, 1, 1, 1024, 2);

    (void)state;
    return segment_create(&sizes, &segment) ? 0 : -1;
}

static int drop_segment(void **state)
{
    (void)state;
    segment_destroy(&segment);
    return 0;
}

static void beat_at(const struct child *child, uint64_t beat_us)
{
    atomic_store_explicit(&slots_at(&segment, child->slot)->heartbeat_us, beat_us,
                          memory_order_relaxed);
}

static void the_first_successor_comes_at_once_and_later_ones_ever_later(void **state)
{
    (void)state;
    assert_int_equal(child_backoff_us(0), 0);
    assert_int_equal(child_backoff_us(1), 50000);
    assert_int_equal(child_backoff_us(2), 100000);
    assert_int_equal(child_backoff_us(3), 200000);
    assert_int_equal(child_backoff_us(8), 5000000);
    assert_int_equal(child_backoff_us(UINT32_MAX), 5000000);
}

static void db_comes_first_and_every_child_has_its_row(void **state)
{
    (void)state;
    struct children children;

    children_init(&children, 2);
    assert_int_equal(children.count, 3);
    assert_string_equal(children.all[0].name, "db");
    assert_int_equal(children.all[0].slot, SLOT_DB);
    assert_string_equal(children.all[2].name, "worker 2");
    assert_int_equal(children.all[2].slot, SLOT_WORKER(2));
    assert_string_equal(child_state_word(children.all[2].state), "unborn");
}

static void a_ready_child_hangs_when_its_heart_stops(void **state)
{
    (void)state;
    struct children children;
    children_init(&children, 1);
    struct child *child = &children.all[1];

    child->state = CHILD_READY;
    child->forked_us = 1000;
    beat_at(child, 5000);
    assert_null(child_overdue(child, &segment, 5000 + CHILD_STUCK_US));
    assert_string_equal(child_overdue(child, &segment, 5001 + CHILD_STUCK_US), "hangs");
    assert_false(child_is_silent(child, &segment, 5000 + CHILD_SILENT_US));
    assert_true(child_is_silent(child, &segment, 5001 + CHILD_SILENT_US));
    child->state = CHILD_DEAD;
    assert_false(child_is_silent(child, &segment, 5001 + CHILD_SILENT_US));
}

static void a_successor_is_not_blamed_for_the_silence_of_the_dead(void **state)
{
    (void)state;
    struct children children;
    children_init(&children, 1);
    struct child *child = &children.all[1];

    child->state = CHILD_READY;
    child->forked_us = 90000000;
    beat_at(child, 5000);
    assert_null(child_overdue(child, &segment, 90000000 + CHILD_STUCK_US));
}

static void db_may_take_longer_to_start_than_a_worker(void **state)
{
    (void)state;
    struct children children;
    children_init(&children, 1);

    for (uint32_t i = 0; i < children.count; i++) {
        children.all[i].state = CHILD_STARTING;
    }
    assert_null(child_overdue(&children.all[0], &segment, CHILD_START_WORKER_US + 1));
    assert_non_null(child_overdue(&children.all[1], &segment, CHILD_START_WORKER_US + 1));
    assert_non_null(child_overdue(&children.all[0], &segment, CHILD_START_DB_US + 1));
}

static void who_is_told_to_leave_has_a_deadline(void **state)
{
    (void)state;
    struct child child = {.state = CHILD_LEAVING, .kill_at_us = 700};

    assert_null(child_overdue(&child, &segment, 700));
    assert_non_null(child_overdue(&child, &segment, 701));
    child.state = CHILD_LEFT;
    assert_null(child_overdue(&child, &segment, 701));
}

/* Its predecessor was in row 0 of the routes, where a row that nobody has taken is, too. */
static void who_dies_before_it_took_its_row_was_in_no_route(void **state)
{
    struct children children;
    char line[512];
    int ends[2];

    (void)state;
    children_init(&children, 1);
    struct child *child = &children.all[1];
    child->state = CHILD_STARTING;
    assert_int_equal(pipe(ends), 0);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_fd(ends[1]);
    child->pid = fork();
    if (child->pid == 0) {
        _exit(3);
    }
    while (child_bury_next(&children, &segment, 1) == NULL) {
    }
    log_set_fd(STDERR_FILENO);
    ssize_t len = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    assert_true(len > 0);
    line[len] = '\0';
    assert_non_null(strstr(line, "how=\"exit 3\""));
    assert_non_null(strstr(line, " route=none "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_successor_comes_at_once_and_later_ones_ever_later),
        cmocka_unit_test(db_comes_first_and_every_child_has_its_row),
        cmocka_unit_test(a_ready_child_hangs_when_its_heart_stops),
        cmocka_unit_test(a_successor_is_not_blamed_for_the_silence_of_the_dead),
        cmocka_unit_test(db_may_take_longer_to_start_than_a_worker),
        cmocka_unit_test(who_is_told_to_leave_has_a_deadline),
        cmocka_unit_test(who_dies_before_it_took_its_row_was_in_no_route),
    };

    proc_set_role(PROC_TEST);
    return cmocka_run_group_tests(tests, make_segment, drop_segment);
}
