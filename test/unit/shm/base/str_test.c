/* SPDX-License-Identifier: MIT */
/* str_test.c - slices, strict numbers, UTF-8 and base64url. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/base/str.h"

static void nothing_is_equal_to_nothing(void **state)
{
    (void)state;
    assert_true(str_equal(str_from(NULL), STR("")));
    assert_true(str_equal_nocase(str_from(NULL), STR("")));
    assert_true(str_equal_secret(str_from(NULL), STR("")));
    assert_true(str_starts_with(str_from(NULL), STR("")));
    assert_false(str_starts_with(STR("a"), STR("ab")));
}

static void case_folds_in_ascii_only(void **state)
{
    (void)state;
    assert_true(str_equal_nocase(STR("Content-LENGTH"), STR("content-length")));
    assert_false(str_equal_nocase(STR("@"), STR("`")));
    assert_false(str_equal_nocase(STR("["), STR("{")));
    assert_false(str_equal_nocase(STR("\xC4"), STR("\xE4")));
    assert_true(str_starts_with_nocase(STR("Bearer x"), STR("bearer ")));
}

static void a_secret_that_differs_in_any_byte_differs(void **state)
{
    (void)state;
    assert_true(str_equal_secret(STR("tok\0en"), STR("tok\0en")));
    assert_false(str_equal_secret(STR("token"), STR("Token")));
    assert_false(str_equal_secret(STR("token"), STR("tokeN")));
    assert_false(str_equal_secret(STR("token"), STR("toke")));
    assert_false(str_equal_secret(STR("\x01\x02"), STR("\x02\x01")));
}

static void trim_takes_blanks_from_both_ends(void **state)
{
    (void)state;
    assert_true(str_equal(str_trim(STR(" \t\r\na b\n")), STR("a b")));
    assert_int_equal(str_trim(STR(" \n ")).len, 0);
    assert_true(str_equal(str_trim(STR("\v")), STR("\v")));
}

static void split_gives_empty_parts_too_and_then_ends(void **state)
{
    struct str rest = STR(",a,,b,");
    struct str part;
    const char *wanted[] = {"", "a", "", "b", ""};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        assert_true(str_split(&rest, ',', &part));
        assert_true(str_equal(part, str_from(wanted[i])));
    }
    assert_null(rest.data);
    assert_false(str_split(&rest, ',', &part));
}

static void numbers_are_digits_within_their_range(void **state)
{
    static const char *const refused[] = {"",
                                          "+1",
                                          "-1",
                                          " 1",
                                          "1 ",
                                          "0x1",
                                          "1e",
                                          "1.0",
                                          "301",
                                          "9",
                                          "18446744073709551616",
                                          "\xD9\xA1",
                                          "99999999999999999999999999"};
    uint64_t value = 77;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_false(str_to_u64(str_from(refused[i]), 10, 300, &value));
    }
    assert_false(str_to_u64((struct str){.data = "1\0", .len = 2}, 0, 300, &value));
    assert_int_equal(value, 77); /* untouched by refusals */
    assert_true(str_to_u64(STR("10"), 10, 300, &value));
    assert_int_equal(value, 10);
    assert_true(str_to_u64(STR("000300"), 10, 300, &value));
    assert_int_equal(value, 300);
    assert_true(str_to_u64(STR("18446744073709551615"), 0, UINT64_MAX, &value));
    assert_true(value == UINT64_MAX);
}

static void signed_numbers_reach_both_ends(void **state)
{
    int64_t value = 5;

    (void)state;
    assert_true(str_to_i64(STR("-9223372036854775808"), INT64_MIN, INT64_MAX, &value));
    assert_true(value == INT64_MIN);
    assert_true(str_to_i64(STR("9223372036854775807"), INT64_MIN, INT64_MAX, &value));
    assert_true(value == INT64_MAX);
    assert_true(str_to_i64(STR("-0"), -1, 1, &value));
    assert_int_equal(value, 0);
    assert_false(str_to_i64(STR("-9223372036854775809"), INT64_MIN, INT64_MAX, &value));
    assert_false(str_to_i64(STR("9223372036854775808"), INT64_MIN, INT64_MAX, &value));
    assert_false(str_to_i64(STR("-"), -1, 1, &value));
    assert_false(str_to_i64(STR("--1"), -1, 1, &value));
    assert_false(str_to_i64(STR("-2"), -1, 1, &value));
    assert_int_equal(value, 0);
}

static void numbers_are_printed_to_their_ends(void **state)
{
    static const struct {
        uint64_t value;
        const char *decimal;
        const char *hex;
    } cases[] = {
        {0, "0", "0000000000000000"},
        {9, "9", "0000000000000009"},
        {10, "10", "000000000000000a"},
        {0xfedcba9876543210, "18364758544493064720", "fedcba9876543210"},
        {UINT64_MAX, "18446744073709551615", "ffffffffffffffff"},
    };
    char digits[STR_U64_DIGITS_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        size_t len = str_print_u64(cases[i].value, digits);

        assert_true(str_equal((struct str){digits, len}, str_from(cases[i].decimal)));
        str_print_hex64(cases[i].value, digits);
        assert_true(str_equal((struct str){digits, STR_HEX64_DIGITS}, str_from(cases[i].hex)));
    }
}

static void utf8_is_what_rfc_3629_says(void **state)
{
    static const char *const valid[] = {"",
                                        "a",
                                        "\xC2\x80",
                                        "\xDF\xBF",
                                        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",
                                        "\xEE\x80\x80",
                                        "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80",
                                        "\xF4\x8F\xBF\xBF",
                                        "gr\xC3\xBC\xC3\x9F"};
    static const char *const invalid[] = {
        "\x80", /* no first byte */
        "\xC0\x80",
        "\xC1\xBF", /* overlong */
        "\xE0\x9F\xBF",
        "\xF0\x8F\xBF\xBF", /* overlong */
        "\xED\xA0\x80",
        "\xED\xBF\xBF", /* surrogates */
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xFF", /* above U+10FFFF */
        "\xC3",
        "\xE2\x82",
        "\xF0\x9F\x98", /* cut short */
        "\xC3(",
        "\xE2(\xA1",
        "\xE2\x82(",
        "\xF0\x9F\x98(",
        "a\xC3",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(valid); i++) {
        assert_true(str_is_utf8(str_from(valid[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(invalid); i++) {
        assert_false(str_is_utf8(str_from(invalid[i])));
    }
    assert_true(str_is_utf8(STR("a\0b")));
    assert_int_equal(str_utf8_len("\xE2\x82\xAC", 3), 3);
    assert_int_equal(str_utf8_len("\xE2\x82\xAC", 2), 0);
    assert_int_equal(str_utf8_len("a", 0), 0);
}

static void base64url_gives_back_what_it_took(void **state)
{
    unsigned char bytes[64];
    unsigned char back[64];
    char text[BASE64URL_LEN(sizeof(bytes)) + 1];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i * 37 + 251);
    }
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        size_t back_len = 99;
        base64url_encode(bytes, len, text);
        assert_int_equal(strlen(text), BASE64URL_LEN(len));
        assert_true(base64url_decode(str_from(text), back, sizeof(back), &back_len));
        assert_int_equal(back_len, len);
        assert_memory_equal(back, bytes, len);
    }
    base64url_encode("\xFB\xFF\xFE", 3, text);
    assert_string_equal(text, "-__-");
}

static void base64url_refuses_every_second_spelling(void **state)
{
    static const char *const refused[] = {"A",      "AAAAA",    "AB",   "AAB",  "Zh",
                                          "Zm9=",   "Zg==",     "Zm+v", "Zm/v", "Zm 9",
                                          "Zm9v\n", "Zm9v\x80", "Zg."};
    unsigned char bytes[16];
    size_t len = 42;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
        assert_false(base64url_decode(str_from(refused[i]), bytes, sizeof(bytes), &len));
    }
    assert_false(base64url_decode((struct str){"Zg\0", 3}, bytes, sizeof(bytes), &len));
    assert_int_equal(len, 42);
    assert_true(base64url_decode(STR("Zg"), bytes, sizeof(bytes), &len));
    assert_int_equal(len, 1);
}

static void base64url_never_writes_past_its_room(void **state)
{
    unsigned char *bytes = malloc(2); /* exactly: a sanitizer sees one byte more */
    size_t len = 0;

    (void)state;
    assert_non_null(bytes);
    assert_true(base64url_decode(STR("Zm8"), bytes, 2, &len));
    assert_int_equal(len, 2);
    assert_false(base64url_decode(STR("Zm9v"), bytes, 2, &len));
    free(bytes);
}

static void a_copy_is_cut_and_always_ends(void **state)
{
    char field[4] = "zzz";

    (void)state;
    assert_int_equal(str_copy(STR("abcdef"), field, sizeof(field)), 3);
    assert_string_equal(field, "abc");
    assert_int_equal(str_copy(str_from(NULL), field, sizeof(field)), 0);
    assert_string_equal(field, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_equal_to_nothing),
        cmocka_unit_test(case_folds_in_ascii_only),
        cmocka_unit_test(a_secret_that_differs_in_any_byte_differs),
        cmocka_unit_test(trim_takes_blanks_from_both_ends),
        cmocka_unit_test(split_gives_empty_parts_too_and_then_ends),
        cmocka_unit_test(numbers_are_digits_within_their_range),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(numbers_are_printed_to_their_ends),
        cmocka_unit_test(utf8_is_what_rfc_3629_says),
        cmocka_unit_test(base64url_gives_back_what_it_took),
        cmocka_unit_test(base64url_refuses_every_second_spelling),
        cmocka_unit_test(base64url_never_writes_past_its_room),
        cmocka_unit_test(a_copy_is_cut_and_always_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
