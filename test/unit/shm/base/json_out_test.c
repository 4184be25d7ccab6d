/* SPDX-License-Identifier: MIT */
/* json_out_test.c - commas, nesting, escaping, the bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/base/json_out.h"

static void assert_json(struct str value, const char *wanted)
{
    struct buf buf = BUF_INIT(4096);
    struct json_out json = JSON_OUT(&buf);

    json_str(&json, value);
    buf_append_char(&buf, '\0');
    assert_false(buf.failed);
    assert_string_equal(buf.data, wanted);
    buf_free(&buf);
}

static void commas_stand_between_values_only(void **state)
{
    struct buf buf = BUF_INIT(4096);
    struct json_out json = JSON_OUT(&buf);

    (void)state;
    json_object_begin(&json);
    json_key_str(&json, "a", STR("x"));
    json_key(&json, "b");
    json_array_begin(&json);
    json_u64(&json, 1);
    json_i64(&json, -2);
    json_array_begin(&json);
    json_array_end(&json);
    json_object_begin(&json);
    json_object_end(&json);
    json_null(&json);
    json_raw(&json, STR("{\"r\":0}"));
    json_array_end(&json);
    json_key_bool(&json, "c", true);
    json_key_bool(&json, "d", false);
    json_key_null(&json, "e");
    json_key_u64(&json, "f", UINT64_MAX);
    json_key_i64(&json, "g", INT64_MIN);
    json_object_end(&json);
    buf_append_char(&buf, '\0');
    assert_string_equal(buf.data,
                        "{\"a\":\"x\",\"b\":[1,-2,[],{},null,{\"r\":0}],\"c\":true,\"d\":false,"
                        "\"e\":null,\"f\":18446744073709551615,\"g\":-9223372036854775808}");
    buf_free(&buf);
}

static void what_json_forbids_is_escaped(void **state)
{
    (void)state;
    assert_json(STR(""), "\"\"");
    assert_json(STR("\"\\/"), "\"\\\"\\\\/\"");
    assert_json(STR("\n\r\t\b\f"), "\"\\n\\r\\t\\u0008\\u000c\"");
    assert_json(STR("\0\x1f\x7f"), "\"\\u0000\\u001f\\u007f\"");
}

static void an_answer_may_stand_inside_a_page(void **state)
{
    (void)state;
    assert_json(STR("</script><!--"), "\"\\u003c/script>\\u003c!--\"");
    assert_json(STR("\xE2\x80\xA8\xE2\x80\xA9"), "\"\\u2028\\u2029\"");
    assert_json(STR("\xE2\x80\xA7\xE2\x80\xAA"), "\"\xE2\x80\xA7\xE2\x80\xAA\"");
}

static void characters_pass_and_broken_ones_are_replaced(void **state)
{
    (void)state;
    assert_json(STR("gr\xC3\xBC\xC3\x9F \xF0\x9F\x9A\xA9"),
                "\"gr\xC3\xBC\xC3\x9F \xF0\x9F\x9A\xA9\"");
    assert_json(STR("a\xFF"
                    "b"),
                "\"a\xEF\xBF\xBD"
                "b\"");
    assert_json(STR("\xC3"), "\"\xEF\xBF\xBD\"");
    assert_json(STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_json(STR("\xC3<"), "\"\xEF\xBF\xBD\\u003c\"");
}

static void the_bound_of_the_buffer_is_seen(void **state)
{
    struct buf buf = BUF_INIT(8);
    struct json_out json = JSON_OUT(&buf);

    (void)state;
    json_array_begin(&json);
    json_str(&json, STR("much too long"));
    json_array_end(&json);
    assert_true(buf.failed);
    assert_true(buf.len <= 8);
    buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_stand_between_values_only),
        cmocka_unit_test(what_json_forbids_is_escaped),
        cmocka_unit_test(an_answer_may_stand_inside_a_page),
        cmocka_unit_test(characters_pass_and_broken_ones_are_replaced),
        cmocka_unit_test(the_bound_of_the_buffer_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
