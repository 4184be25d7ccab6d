/* SPDX-License-Identifier: MIT */
/* body_test.c - a JSON body becomes typed fields, or says why it is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/body.h"

static enum body_verdict parse(const char *text, struct body_field *fields, size_t count)
{
    struct body *body = NULL;
    enum body_verdict verdict = body_parse(str_from(text), fields, count, &body);

    body_free(body);
    return verdict;
}

static void a_whole_body_gives_its_fields(void **state)
{
    struct body_field fields[] = {{.name = "id", .kind = BODY_INT},
                                  {.name = "flag", .kind = BODY_STR}};
    struct body *body;

    (void)state;
    assert_int_equal(
        body_parse(STR("{\"flag\":\"a\\u00e9\",\"more\":[1],\"id\":-7}"), fields, 2, &body),
        BODY_OK);
    assert_int_equal(fields[0].number, -7);
    assert_true(str_equal(fields[1].str, STR("a\xc3\xa9")));
    body_free(body);
}

static void what_is_no_object_is_invalid_json(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "null",
        "[]",
        "[{\"id\":1}]",
        "\"id\"",
        "{",
        "{\"id\":1",
        "{\"id\"}",
        "{\"id\":1}x",
        "{'id':1}",
        "{\"id\":1,\"id\":2}",
        "\xff",
        "{\"id\":01}",
        "{\"id\":1,}",
        "nan",
        "{\"\\u0000\":1}",
    };
    struct body_field field = {.name = "id", .kind = BODY_INT};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(parse(texts[i], &field, 1), BODY_INVALID);
    }
}

static void a_field_of_another_type_is_missing(void **state)
{
    static const char *const texts[] = {
        "{}",           "{\"id\":\"1\"}", "{\"id\":1.5}", "{\"id\":true}", "{\"id\":null}",
        "{\"id\":[1]}", "{\"ID\":1}",
    };
    struct body_field field = {.name = "id", .kind = BODY_INT};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(parse(texts[i], &field, 1), BODY_MISSING);
    }
}

static void an_optional_field_may_be_absent_but_not_wrong(void **state)
{
    struct body_field field = {.name = "username", .kind = BODY_STR, .optional = true};

    (void)state;
    assert_int_equal(parse("{}", &field, 1), BODY_OK);
    assert_false(field.present);
    assert_int_equal(parse("{\"username\":null}", &field, 1), BODY_OK);
    assert_false(field.present);
    assert_int_equal(parse("{\"username\":5}", &field, 1), BODY_MISSING);
}

static void a_form_value_is_decoded_and_bounded(void **state)
{
    char value[8];

    (void)state;
    assert_true(body_form_value(STR("a=1&token=x%2By+z&b="), "token", value, sizeof(value)));
    assert_string_equal(value, "x+y z");
    assert_true(body_form_value(STR("b="), "b", value, sizeof(value)));
    assert_string_equal(value, "");
    assert_false(body_form_value(STR("token=12345678"), "token", value, sizeof(value)));
    assert_false(body_form_value(STR("token=%zz"), "token", value, sizeof(value)));
    assert_false(body_form_value(STR("mytoken=1"), "token", value, sizeof(value)));
    assert_false(body_form_value(STR(""), "token", value, sizeof(value)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_body_gives_its_fields),
        cmocka_unit_test(what_is_no_object_is_invalid_json),
        cmocka_unit_test(a_field_of_another_type_is_missing),
        cmocka_unit_test(an_optional_field_may_be_absent_but_not_wrong),
        cmocka_unit_test(a_form_value_is_decoded_and_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
