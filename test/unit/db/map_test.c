/* SPDX-License-Identifier: MIT */
/* map_test.c - the table of db's memory against the plainest one there is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "db/map.h"
#include "db/recent.h"

#define KEYS 512

static void it_agrees_with_an_array_through_puts_and_removals(void **state)
{
    struct map map;
    uint64_t values[KEYS] = {0}; /* 0: not there */
    uint32_t random = 7;

    (void)state;
    map_init(&map, 4); /* grows on its way */
    for (uint32_t step = 1; step < 200000; step++) {
        uint64_t value;

        random = random * 1664525 + 1013904223;
        uint64_t key = (random >> 8) % KEYS;

        if ((random >> 30) == 0) {
            map_remove(&map, key * 64);
            values[key] = 0;
        } else if ((random >> 30) == 1) {
            map_put(&map, key * 64, step);
            values[key] = step;
        } else {
            bool found = map_get(&map, key * 64, &value);

            assert_int_equal(found, values[key] != 0);
            assert_true(!found || value == values[key]);
        }
    }
    map_clear(&map);
    for (uint64_t key = 0; key < KEYS; key++) {
        uint64_t value;

        assert_false(map_get(&map, key * 64, &value));
    }
    map_free(&map);
}

static void the_oldest_receipt_is_forgotten(void **state)
{
    struct recent recent;
    struct receipt receipt;

    (void)state;
    recent_init(&recent);
    for (uint64_t id = 1; id <= RECENT_MAX + 1; id++) {
        recent_add(&recent, &(struct receipt){.request_id = id, .seq = id * 2});
    }
    assert_false(recent_find(&recent, 1, &receipt));
    assert_true(recent_find(&recent, 2, &receipt));
    assert_int_equal(receipt.seq, 4);
    assert_true(recent_find(&recent, RECENT_MAX + 1, &receipt));
    assert_false(recent_find(&recent, 0, &receipt));
    recent_free(&recent);
}

static void an_id_that_was_used_twice_is_found_at_its_newer_place(void **state)
{
    (void)state;
    struct recent recent;
    struct receipt receipt;

    recent_init(&recent);
    recent_add(&recent, &(struct receipt){.request_id = 7, .seq = 1});
    recent_add(&recent, &(struct receipt){.request_id = 7, .seq = 2});
    for (uint64_t id = 100; id < 99 + RECENT_MAX; id++) { /* over the older one, not the newer */
        recent_add(&recent, &(struct receipt){.request_id = id});
    }
    assert_true(recent_find(&recent, 7, &receipt));
    assert_int_equal(receipt.seq, 2);
    recent_add(&recent, &(struct receipt){.request_id = 8});
    assert_false(recent_find(&recent, 7, &receipt));
    recent_free(&recent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_agrees_with_an_array_through_puts_and_removals),
        cmocka_unit_test(the_oldest_receipt_is_forgotten),
        cmocka_unit_test(an_id_that_was_used_twice_is_found_at_its_newer_place),
    };

    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
