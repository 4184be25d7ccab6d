/* SPDX-License-Identifier: MIT */
/* table_out_test.c - the same rows as CSV and as JSON, byte for byte. */
#include "db/table_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "shm/base/compiler.h"

static void expect(enum table_format format, const struct table_cell *cells, uint32_t count,
                   const char *wanted)
{
    char *written = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&written, &len);
    struct table_out table;

    assert_non_null(out);
    table_out_begin(&table, out, format);
    table_out_value(&table, &(struct table_cell){.name = "n", .kind = TABLE_NUMBER, .number = 7});
    table_out_open(&table, "t", cells, count);
    table_out_row(&table, cells, count);
    table_out_row(&table, cells, count);
    table_out_close(&table);
    assert_true(table_out_end(&table));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(written, wanted);
    free(written);
}

static void each_kind_of_cell_has_its_notation(void **state)
{
    (void)state;
    const struct table_cell cells[] = {
        {.name = "a", .kind = TABLE_NUMBER, .number = -30},
        {.name = "b", .kind = TABLE_NONE},
        {.name = "c", .kind = TABLE_TIME, .number = INT64_C(1700000000123456)},
        {.name = "d", .kind = TABLE_BOOL, .number = 1},
        {.name = "e", .kind = TABLE_TEXT, .text = STR("x \"y\", z")},
    };

    expect(TABLE_CSV, cells, ARRAY_LEN(cells),
           "a,b,c,d,e\r\n"
           "-30,,2023-11-14T22:13:20.123Z,true,\"x \"\"y\"\", z\"\r\n"
           "-30,,2023-11-14T22:13:20.123Z,true,\"x \"\"y\"\", z\"\r\n");
    expect(TABLE_JSON, cells, ARRAY_LEN(cells),
           "{\"n\":7,\"t\":[\n"
           "{\"a\":-30,\"b\":null,\"c\":\"2023-11-14T22:13:20.123Z\",\"d\":true,"
           "\"e\":\"x \\\"y\\\", z\"}\n"
           ",{\"a\":-30,\"b\":null,\"c\":\"2023-11-14T22:13:20.123Z\",\"d\":true,"
           "\"e\":\"x \\\"y\\\", z\"}\n"
           "]}\n");
}

static void no_text_is_a_formula_or_breaks_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *cell;
    } rows[] = {
        {"plain", "plain"},
        {"", ""},
        {"=1+1", "\"'=1+1\""},
        {"+1", "\"'+1\""},
        {"-1", "\"'-1\""},
        {"@x", "\"'@x\""},
        {"\tx", "\"'\tx\""},
        {"\rx", "\"'\rx\""},
        {"\nx", "\"'\nx\""},
        {"a=1", "a=1"},
        {"a\nb", "\"a\nb\""},
        {"a\rb", "\"a\rb\""},
        {"a,b", "\"a,b\""},
        {"\"", "\"\"\"\""},
        {"'x", "'x"},
        {"\xc3\xa4 b", "\xc3\xa4 b"},
        {"\xff\xfe b", "\xef\xbf\xbd\xef\xbf\xbd b"},
        {"a,\xc3", "\"a,\xef\xbf\xbd\""},
        {"=\"a\"", "\"'=\"\"a\"\"\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct table_cell cell = {
            .name = "c", .kind = TABLE_TEXT, .text = str_from(rows[i].text)};
        char wanted[128];

        (void)snprintf(wanted, sizeof(wanted), "c\r\n%s\r\n%s\r\n", rows[i].cell, rows[i].cell);
        expect(TABLE_CSV, &cell, 1, wanted);
    }
}

static void a_stream_that_takes_nothing_is_a_failure(void **state)
{
    (void)state;
    const struct table_cell cell = {.name = "c", .kind = TABLE_TEXT, .text = STR("x")};
    FILE *full = fopen("/dev/full", "w");
    struct table_out table;

    assert_non_null(full);
    table_out_begin(&table, full, TABLE_CSV);
    table_out_open(&table, "t", &cell, 1);
    table_out_row(&table, &cell, 1);
    table_out_close(&table);
    assert_false(table_out_end(&table));
    (void)fclose(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_of_cell_has_its_notation),
        cmocka_unit_test(no_text_is_a_formula_or_breaks_its_line),
        cmocka_unit_test(a_stream_that_takes_nothing_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
