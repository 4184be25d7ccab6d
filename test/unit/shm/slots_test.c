/* SPDX-License-Identifier: MIT */
/* slots_test.c - a process's row: counters that survive it, gauges that do not, buckets. */
#include "test/unit/shm/fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "shm/base/log.h"
#include "shm/slots.h"

static uint64_t read_u64(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* Runs first: this process owns no row yet. */
static void without_a_row_nothing_is_counted(void **state)
{
    (void)state;
    slots_add(METRIC_SOLVES, 1);
    slots_sub(METRIC_CONNS_OPEN, 1);
    slots_set(METRIC_BACKLOG, 1);
    slots_observe(HISTOGRAM_DB_COMMIT, 1);
    slots_count_request(0, 200, 1);
    slots_set_state(SLOT_READY);
    slots_beat(1);
    slots_enter_route(1);
}

static void every_metric_has_a_name_of_its_own_and_a_sentence(void **state)
{
    (void)state;
    for (int a = 0; a < METRIC_COUNT; a++) {
        const struct slot_metric_row *row = &slot_metric_table[a];

        assert_non_null(row->name);
        assert_true(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_") == strlen(row->name));
        assert_true(strlen(row->help) > 10);
        assert_int_equal(row->help[strlen(row->help) - 1], '.');
        if (row->label[0] != '\0' && a > 0 && strcmp(row[-1].name, row->name) == 0) {
            assert_string_equal(row[-1].help, row->help); /* one family, one help */
            assert_int_equal(row[-1].kind, row->kind);
        }
        for (int b = a + 1; b < METRIC_COUNT; b++) {
            const struct slot_metric_row *other = &slot_metric_table[b];

            assert_false(strcmp(row->name, other->name) == 0 &&
                         strcmp(row->label, other->label) == 0);
        }
        for (int b = 0; b < HISTOGRAM_COUNT; b++) {
            assert_string_not_equal(row->name, slot_histogram_table[b].name);
        }
    }
    for (int a = 0; a < HISTOGRAM_COUNT; a++) {
        for (int b = a + 1; b < HISTOGRAM_COUNT; b++) {
            assert_string_not_equal(slot_histogram_table[a].name, slot_histogram_table[b].name);
        }
    }
}

static void rows_end_with_the_last_process(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    assert_int_equal(slots_count(&fixture.segment), 4);
    assert_non_null(slots_at(&fixture.segment, SLOT_WORKER(2)));
    assert_null(slots_at(&fixture.segment, 4));
    assert_null(slots_at(&fixture.segment, SHM_NONE));
    fixture_end(&fixture);
}

static void a_process_counts_in_its_own_row(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    slots_own(&fixture.segment, SLOT_DB);
    slots_add(METRIC_SOLVES, 2);
    slots_add(METRIC_SOLVES, 3);
    slots_add(METRIC_CONNS_OPEN, 5);
    slots_sub(METRIC_CONNS_OPEN, 2);
    slots_set(METRIC_BACKLOG, 128);
    slots_set_state(SLOT_READY);
    slots_beat(12345);
    slots_enter_route(7);
    struct shm_slot *row = slots_at(&fixture.segment, SLOT_DB);
    assert_int_equal(slots_read(row, METRIC_SOLVES), 5);
    assert_int_equal(slots_read(row, METRIC_CONNS_OPEN), 3);
    assert_int_equal(slots_read(row, METRIC_BACKLOG), 128);
    assert_int_equal(atomic_load_explicit(&row->pid, memory_order_relaxed), getpid());
    assert_int_equal(atomic_load_explicit(&row->state, memory_order_relaxed), SLOT_READY);
    assert_int_equal(atomic_load_explicit(&row->route, memory_order_relaxed), 7);
    assert_int_equal(read_u64(&row->heartbeat_us), 12345);
    assert_int_equal(slots_read(slots_at(&fixture.segment, SLOT_MASTER), METRIC_SOLVES), 0);
    fixture_end(&fixture);
}

static void twice_a_second_a_process_notes_what_it_uses(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t beat_us = 1000000;

    fixture_make(&fixture, &fixture_sizes);
    LOG(LOG_LEVEL_ERROR, "of the parent, before the fork");
    slots_own(&fixture.segment, SLOT_DB);
    struct shm_slot *row = slots_at(&fixture.segment, SLOT_DB);
    slots_beat(beat_us);
    assert_true(slots_read(row, METRIC_MEMORY) > 1 << 16);
    assert_true(slots_read(row, METRIC_CPU) > 0);
    assert_int_equal(slots_read(row, METRIC_LOG_ERROR), 0);
    LOG(LOG_LEVEL_ERROR, "of its own");
    slots_beat(beat_us + 1);
    assert_int_equal(slots_read(row, METRIC_LOG_ERROR), 0); /* not yet */
    slots_beat(beat_us + SLOT_HEARTBEAT_MS * 1000);
    assert_int_equal(slots_read(row, METRIC_LOG_ERROR), 1);
    assert_int_equal(slots_read(row, METRIC_LOG_WARN), 0);
    fixture_end(&fixture);
}

static void a_successor_goes_on_counting_but_holds_nothing_open(void **state)
{
    (void)state;
    struct fixture fixture;
    int status = 1;

    fixture_make(&fixture, &fixture_sizes);
    pid_t child = fork();
    if (child == 0) {
        slots_own(&fixture.segment, SLOT_WORKER(1));
        slots_add(METRIC_CONNS_ACCEPTED, 4);
        slots_add(METRIC_CONNS_OPEN, 4);
        slots_enter_route(3);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct shm_slot *row = slots_at(&fixture.segment, SLOT_WORKER(1));
    assert_int_equal(atomic_load_explicit(&row->route, memory_order_relaxed), 3); /* its last */
    slots_own(&fixture.segment, SLOT_WORKER(1));
    slots_add(METRIC_CONNS_ACCEPTED, 1);
    assert_int_equal(slots_read(row, METRIC_CONNS_ACCEPTED), 5);
    assert_int_equal(slots_read(row, METRIC_CONNS_OPEN), 0);
    assert_int_equal(atomic_load_explicit(&row->route, memory_order_relaxed), SHM_NONE);
    assert_int_equal(atomic_load_explicit(&row->state, memory_order_relaxed), SLOT_STARTING);
    fixture_end(&fixture);
}

static void a_value_falls_into_the_first_bucket_that_bounds_it(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t sum = 0;

    fixture_make(&fixture, &fixture_sizes);
    slots_own(&fixture.segment, SLOT_DB);
    const struct shm_histogram *histogram =
        &slots_at(&fixture.segment, SLOT_DB)->histograms[HISTOGRAM_DB_COMMIT];
    for (uint32_t bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
        uint64_t bound = (uint64_t)HISTOGRAM_FIRST_US << bucket;

        slots_observe(HISTOGRAM_DB_COMMIT, bound); /* a bound belongs to its bucket, */
        assert_int_equal(read_u64(&histogram->buckets[bucket]), bucket == 0 ? 1 : 2);
        slots_observe(HISTOGRAM_DB_COMMIT, bound + 1); /* what is above it to the next */
        assert_int_equal(read_u64(&histogram->buckets[bucket + 1]), 1);
        sum += 2 * bound + 1;
    }
    slots_observe(HISTOGRAM_DB_COMMIT, 0);
    slots_observe(HISTOGRAM_DB_COMMIT, UINT64_C(1) << 62);
    assert_int_equal(read_u64(&histogram->buckets[0]), 2);
    assert_int_equal(read_u64(&histogram->buckets[HISTOGRAM_BUCKETS - 1]), 2);
    assert_int_equal(read_u64(&histogram->sum_us), sum + (UINT64_C(1) << 62));
    fixture_end(&fixture);
}

/* Batches of a quiet game hold one request or two: they must be told apart. */
static void counts_have_buckets_from_one_on(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    slots_own(&fixture.segment, SLOT_DB);
    const struct shm_histogram *histogram =
        &slots_at(&fixture.segment, SLOT_DB)->histograms[HISTOGRAM_DB_BATCH];
    for (uint32_t bucket = 0; bucket + 1 < HISTOGRAM_BUCKETS; bucket++) {
        slots_observe(HISTOGRAM_DB_BATCH, UINT64_C(1) << bucket);
        assert_int_equal(read_u64(&histogram->buckets[bucket]), 1);
    }
    slots_observe(HISTOGRAM_DB_BATCH, 3);
    assert_int_equal(read_u64(&histogram->buckets[2]), 2);
    fixture_end(&fixture);
}

static void the_longest_turn_is_remembered(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    slots_own(&fixture.segment, SLOT_DB);
    slots_observe_turn(700);
    slots_observe_turn(9000);
    slots_observe_turn(100);
    const struct shm_slot *slot = slots_at(&fixture.segment, SLOT_DB);
    assert_int_equal(slots_read(slot, METRIC_LOOP_LONGEST), 9000);
    assert_int_equal(read_u64(&slot->histograms[HISTOGRAM_LOOP_STALL].sum_us), 9800);
    fixture_end(&fixture);
}

static void requests_are_counted_by_route_and_status(void **state)
{
    (void)state;
    struct fixture fixture;
    const uint32_t statuses[] = {200, 204, 200, 429, 404, 505, 0, 999, 201};
    const uint64_t wanted[SLOT_STATUS_COUNT] = {
        [SLOT_STATUS_LOST] = 1, [SLOT_STATUS_200] = 2, [SLOT_STATUS_204] = 1,
        [SLOT_STATUS_404] = 1,  [SLOT_STATUS_429] = 1, [SLOT_STATUS_505] = 1,
        [SLOT_STATUS_OTHER] = 2};

    fixture_make(&fixture, &fixture_sizes);
    slots_own(&fixture.segment, SLOT_WORKER(1));
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        slots_count_request(SLOT_ROUTES_MAX - 1, statuses[i], 100);
    }
    slots_count_request(SLOT_ROUTES_MAX, 200, 100); /* no such route: not counted */
    const struct shm_slot *row = slots_at(&fixture.segment, SLOT_WORKER(1));
    for (int cell = 0; cell < SLOT_STATUS_COUNT; cell++) {
        assert_int_equal(read_u64(&row->routes[SLOT_ROUTES_MAX - 1].by_status[cell]), wanted[cell]);
    }
    assert_int_equal(read_u64(&row->routes[SLOT_ROUTES_MAX - 1].latency.buckets[1]),
                     ARRAY_LEN(statuses));
    assert_int_equal(read_u64(&row->routes[SLOT_ROUTES_MAX - 1].latency.sum_us),
                     ARRAY_LEN(statuses) * 100);
    fixture_end(&fixture);
}

static void each_status_is_named_by_its_number(void **state)
{
    (void)state;
    assert_string_equal(slot_status_names[SLOT_STATUS_LOST], "lost");
    assert_string_equal(slot_status_names[SLOT_STATUS_304], "304");
    assert_string_equal(slot_status_names[SLOT_STATUS_OTHER], "other");
    for (int cell = SLOT_STATUS_LOST + 2; cell < SLOT_STATUS_OTHER; cell++) {
        assert_true(strcmp(slot_status_names[cell - 1], slot_status_names[cell]) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_row_nothing_is_counted),
        cmocka_unit_test(every_metric_has_a_name_of_its_own_and_a_sentence),
        cmocka_unit_test(rows_end_with_the_last_process),
        cmocka_unit_test(a_process_counts_in_its_own_row),
        cmocka_unit_test(twice_a_second_a_process_notes_what_it_uses),
        cmocka_unit_test(a_successor_goes_on_counting_but_holds_nothing_open),
        cmocka_unit_test(a_value_falls_into_the_first_bucket_that_bounds_it),
        cmocka_unit_test(counts_have_buckets_from_one_on),
        cmocka_unit_test(the_longest_turn_is_remembered),
        cmocka_unit_test(requests_are_counted_by_route_and_status),
        cmocka_unit_test(each_status_is_named_by_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
