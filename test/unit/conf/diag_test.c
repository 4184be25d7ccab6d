/* SPDX-License-Identifier: MIT */
/* diag_test.c - the list of mistakes stays bounded and printable. */
#include "conf/diag.h"

#include "conf/nearest.h"
#include "test/unit/conf/folder.h"

static void an_entry_is_file_line_sentence(void **state)
{
    (void)state;
    struct diag diag = {0};

    diag_error(&diag, "a.json", 41, "the id %d is used twice", 7);
    diag_warning(&diag, "b.csv", 0, "odd");
    assert_string_equal(diag.lines[0], "a.json:41: the id 7 is used twice");
    assert_string_equal(diag.lines[1], "b.csv: odd");
    assert_false(diag.is_warning[0]);
    assert_true(diag.is_warning[1]);
    assert_int_equal(diag.errors, 1);
    assert_int_equal(diag.warnings, 1);
    diag_free(&diag);
    assert_int_equal(diag.count, 0);
    diag_free(&diag);
}

static void beyond_its_bound_it_only_counts(void **state)
{
    (void)state;
    struct diag diag = {0};

    for (uint32_t i = 0; i < DIAG_MAX + 50; i++) {
        diag_error(&diag, "x", i, "y");
    }
    assert_int_equal(diag.count, DIAG_MAX);
    assert_int_equal(diag.errors, DIAG_MAX + 50);
    diag_free(&diag);
}

static void an_entry_is_one_printable_line_of_bounded_length(void **state)
{
    (void)state;
    struct diag diag = {0};
    static char name[5000];

    memset(name, 'x', sizeof(name) - 1);
    diag_error(&diag, name, 1, "%s", name);
    assert_true(strlen(diag.lines[0]) < 700);
    diag_error(&diag, "f\n", 1, "%s", "a\nb\x1b[31m");
    assert_string_equal(diag.lines[1], "f?:1: a?b?[31m");
    diag_free(&diag);
}

static void the_nearest_word_is_a_slip_away(void **state)
{
    (void)state;
    static const char *const known[] = {"port", "backlog", "address"};

    assert_string_equal(nearest_word(STR("prot"), known, 3), "port");
    assert_string_equal(nearest_word(STR("back_log"), known, 3), "backlog");
    assert_string_equal(nearest_word(STR("adress"), known, 3), "address");
    assert_null(nearest_word(STR("zzzz"), known, 3));
    assert_null(nearest_word(STR(""), known, 3));
    assert_null(nearest_word(
        STR("0123456789012345678901234567890123456789012345678901234567890123"), known, 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_file_line_sentence),
        cmocka_unit_test(beyond_its_bound_it_only_counts),
        cmocka_unit_test(an_entry_is_one_printable_line_of_bounded_length),
        cmocka_unit_test(the_nearest_word_is_a_slip_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
