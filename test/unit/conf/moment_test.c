/* SPDX-License-Identifier: MIT */
/* moment_test.c - dates of organisers: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/moment.h"

static void a_moment_is_the_same_in_every_zone(void **state)
{
    static const char *const same[] = {
        "2026-11-28T09:00:00Z",
        "2026-11-28T10:00:00+01:00",
        "2026-11-28T00:30:00-08:30",
        "2026-11-29T00:00:00+15:00",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        uint64_t ms = 0;

        assert_true(moment_parse(str_from(same[i]), &ms));
        assert_int_equal(ms, 1795856400000); /* date -d 2026-11-28T09:00:00Z +%s */
    }
}

static void a_leap_day_exists_in_leap_years_only(void **state)
{
    uint64_t ms = 0;

    (void)state;
    assert_true(moment_parse(str_from("2028-02-29T12:00:00Z"), &ms));
    assert_false(moment_parse(str_from("2027-02-29T12:00:00Z"), &ms));
}

static void what_is_no_moment_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "tomorrow",
        "2026-11-28",
        "2026-11-28T10:00",
        "2026-11-28T10:00:00",
        "2026-11-28 10:00:00Z",
        " 2026-11-28T10:00:00Z",
        "2026-11-28T10:00:00Z ",
        "2026-11-28T10:00:00.5Z",
        "2026-06-31T10:00:00Z",
        "2026-13-01T10:00:00Z",
        "2026-11-28T25:00:00Z",
        "2026-11-28T10:60:00Z",
        "2026-11-28T10:00:60Z",
        "2026-11-28T10:00:00+1:00",
        "2026-11-28T10:00:00+25:00",
        "1999-11-28T10:00:00Z",
        "2200-11-28T10:00:00Z",
        "2026-11-28T10:00:00+01:00 and more",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        uint64_t ms = 42;

        if (moment_parse(str_from(wrong[i]), &ms)) {
            fail_msg("'%s' was taken", wrong[i]);
        }
        assert_int_equal(ms, 42);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_the_same_in_every_zone),
        cmocka_unit_test(a_leap_day_exists_in_leap_years_only),
        cmocka_unit_test(what_is_no_moment_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
