/* SPDX-License-Identifier: MIT */
/* waiting_test.c - the table of unanswered requests against a plain list. */
#include "worker/waiting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define STEPS 20000
#define MODEL_MAX 300

static struct model {
    uint64_t ids[MODEL_MAX]; /* in the order of asking */
    unsigned count;
} model;

/* The same numbers every time: a failure can be looked at. */
static uint32_t draw(void)
{
    static uint32_t state = 12345;

    state = state * 1664525u + 1013904223u;
    return state >> 8;
}

static void model_remove(unsigned i)
{
    memmove(&model.ids[i], &model.ids[i + 1], (model.count - i - 1) * sizeof(model.ids[0]));
    model.count--;
}

static void assert_same(struct waiting *waiting)
{
    unsigned i = 0;

    assert_int_equal(waiting_count(waiting), model.count);
    for (const struct waiting_row *row = waiting_first(waiting); row != NULL;
         row = waiting_next(waiting, row)) {
        assert_true(i < model.count);
        assert_int_equal(row->context.request_id, model.ids[i++]);
    }
    assert_int_equal(i, model.count);
}

static void rows_are_found_by_id_and_kept_in_order_whatever_goes(void **state)
{
    struct waiting *waiting = waiting_new();

    (void)state;
    assert_non_null(waiting);
    for (uint64_t step = 1; step <= STEPS; step++) {
        bool add = model.count == 0 || (model.count < MODEL_MAX && draw() % 2 == 0);

        if (add) {
            uint64_t id = step << 16; /* many in one bucket */

            assert_non_null(waiting_add(waiting, id));
            model.ids[model.count++] = id;
        } else {
            /* The first, the last, or any: db answers in order, mostly. */
            unsigned where[] = {0, model.count - 1, draw() % model.count};
            unsigned i = where[draw() % 3];
            struct waiting_row *row = waiting_find(waiting, model.ids[i]);

            assert_non_null(row);
            waiting_remove(waiting, row);
            assert_null(waiting_find(waiting, model.ids[i]));
            model_remove(i);
        }
        if (step % 16 == 0 || model.count < 4) {
            assert_same(waiting);
        }
    }
    waiting_free(waiting);
}

static void a_full_table_says_so_and_has_room_again(void **state)
{
    struct waiting *waiting = waiting_new();

    (void)state;
    assert_non_null(waiting);
    for (uint64_t id = 1; id <= DBCLIENT_WAITING_MAX; id++) {
        assert_non_null(waiting_add(waiting, id));
    }
    assert_null(waiting_add(waiting, 999999));
    waiting_remove(waiting, waiting_find(waiting, 77));
    assert_non_null(waiting_add(waiting, 999999));
    assert_null(waiting_find(waiting, 77));
    assert_int_equal(waiting_first(waiting)->context.request_id, 1);
    waiting_free(waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_found_by_id_and_kept_in_order_whatever_goes),
        cmocka_unit_test(a_full_table_says_so_and_has_room_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
