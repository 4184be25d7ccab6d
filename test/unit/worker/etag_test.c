/* SPDX-License-Identifier: MIT */
/* etag_test.c - tags and If-None-Match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shm/base/compiler.h"
#include "worker/etag.h"

static void every_form_has_a_tag_of_its_own(void **state)
{
    struct etag plain = etag_make(0x1234, STR(""));
    struct etag gzip = etag_make(0x1234, STR("gzip"));
    struct etag seq = etag_make_seq(77, 0x1234, STR("br"));

    (void)state;
    struct etag longest = etag_make_seq(UINT64_MAX, UINT64_MAX, STR("gzip"));

    assert_true(str_equal(etag_str(&plain), STR("\"0000000000001234\"")));
    assert_true(str_equal(etag_str(&gzip), STR("\"0000000000001234-gzip\"")));
    assert_true(str_equal(etag_str(&seq), STR("\"77-0000000000001234-br\"")));
    assert_true(
        str_equal(etag_str(&longest), STR("\"18446744073709551615-ffffffffffffffff-gzip\"")));
}

static void if_none_match_may_be_a_list_weak_or_a_star(void **state)
{
    static const char *const have[] = {"\"a\"", "W/\"a\"", "\"x\", \"a\"", "\"x\",W/\"a\" , \"y\"",
                                       "*"};
    static const char *const have_not[] = {"", "a", "\"A\"", "\"ab\"", "\"x\", \"y\"", "W/a", ","};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(have); i++) {
        assert_true(etag_matches(str_from(have[i]), STR("\"a\"")));
    }
    for (size_t i = 0; i < ARRAY_LEN(have_not); i++) {
        assert_false(etag_matches(str_from(have_not[i]), STR("\"a\"")));
    }
    assert_false(etag_matches((struct str){0}, STR("\"a\"")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_has_a_tag_of_its_own),
        cmocka_unit_test(if_none_match_may_be_a_list_weak_or_a_star),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
