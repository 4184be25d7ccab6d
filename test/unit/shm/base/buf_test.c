/* SPDX-License-Identifier: MIT */
/* buf_test.c - the bound, the failure that is remembered, numbers, consuming. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shm/base/buf.h"

static void a_buffer_fills_up_to_its_bound_and_no_further(void **state)
{
    struct buf buf = BUF_INIT(1000);

    (void)state;
    for (int i = 0; i < 1000; i++) {
        buf_append_char(&buf, 'x');
    }
    assert_false(buf.failed);
    assert_int_equal(buf.len, 1000);
    assert_true(buf.cap_bytes <= 1000);
    buf_append(&buf, "", 0);
    assert_false(buf.failed);
    buf_append_char(&buf, 'x');
    assert_true(buf.failed);
    assert_int_equal(buf.len, 1000);
    buf_free(&buf);
}

static void after_a_failure_nothing_is_added(void **state)
{
    struct buf buf = BUF_INIT(8);

    (void)state;
    buf_append_str(&buf, STR("12345"));
    buf_append_str(&buf, STR("too long"));
    buf_append_str(&buf, STR("6")); /* would fit, and would be an end without its middle */
    assert_true(buf.failed);
    assert_true(str_equal(buf_str(&buf), STR("12345")));
    buf_reset(&buf);
    assert_false(buf.failed);
    buf_append_str(&buf, STR("12345678"));
    assert_true(str_equal(buf_str(&buf), STR("12345678")));
    buf_free(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.max_bytes, 8);
}

static void an_array_is_its_own_bound(void **state)
{
    struct {
        char text[8];
        char behind[4];
    } room = {.behind = "..."};
    struct buf buf = BUF_IN(room.text);

    (void)state;
    buf_append_str(&buf, STR("123456"));
    buf_append_u64(&buf, 78);
    assert_false(buf.failed);
    buf_append_char(&buf, '9');
    assert_true(buf.failed);
    assert_memory_equal(room.text, "12345678", 8);
    assert_string_equal(room.behind, "...");
    assert_ptr_equal(buf.data, room.text);
}

static void a_huge_length_is_refused_without_overflow(void **state)
{
    struct buf buf = BUF_INIT(100);

    (void)state;
    buf_append_str(&buf, STR("a"));
    assert_false(buf_reserve(&buf, SIZE_MAX));
    assert_true(buf.failed);
    buf_free(&buf);

    struct buf boundless = BUF_INIT(SIZE_MAX);
    buf_append_str(&boundless, STR("a"));
    assert_false(buf_reserve(&boundless, SIZE_MAX - 1));
    assert_int_equal(boundless.len, 1);
    buf_free(&boundless);
}

static void numbers_are_written_to_their_last_digit(void **state)
{
    struct buf buf = BUF_INIT(200);

    (void)state;
    buf_append_u64(&buf, 0);
    buf_append_char(&buf, ' ');
    buf_append_u64(&buf, UINT64_MAX);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, INT64_MIN);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, INT64_MAX);
    buf_append_char(&buf, ' ');
    buf_append_i64(&buf, -1);
    assert_true(str_equal(buf_str(&buf), STR("0 18446744073709551615 -9223372036854775808 "
                                             "9223372036854775807 -1")));
    buf_free(&buf);
}

static void printf_fits_to_the_last_byte_or_adds_nothing(void **state)
{
    struct buf buf = BUF_INIT(10);

    (void)state;
    buf_printf(&buf, "%s-%d", "abcd", 12345);
    assert_false(buf.failed);
    assert_true(str_equal(buf_str(&buf), STR("abcd-12345")));
    buf_reset(&buf);
    buf_printf(&buf, "%s-%d", "abcde", 12345);
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
    buf_reset(&buf);
    buf_printf(&buf, "%s", "");
    assert_false(buf.failed);
    buf_free(&buf);
}

static void consuming_drops_from_the_front(void **state)
{
    struct buf buf = BUF_INIT(10);

    (void)state;
    buf_consume(&buf, 0);
    buf_append_str(&buf, STR("0123456789"));
    buf_consume(&buf, 4);
    assert_true(str_equal(buf_str(&buf), STR("456789")));
    buf_append_str(&buf, STR("abcd"));
    assert_false(buf.failed);
    buf_consume(&buf, 10);
    assert_int_equal(buf.len, 0);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_fills_up_to_its_bound_and_no_further),
        cmocka_unit_test(after_a_failure_nothing_is_added),
        cmocka_unit_test(an_array_is_its_own_bound),
        cmocka_unit_test(a_huge_length_is_refused_without_overflow),
        cmocka_unit_test(numbers_are_written_to_their_last_digit),
        cmocka_unit_test(printf_fits_to_the_last_byte_or_adds_nothing),
        cmocka_unit_test(consuming_drops_from_the_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
