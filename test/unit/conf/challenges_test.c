/* SPDX-License-Identifier: MIT */
/* challenges_test.c - every mistake in challenges.json is found, with the line it stands in. */
#include "conf/challenges.h"

#include "shm/base/buf.h"
#include "test/unit/conf/folder.h"

#define FILE_NAME "challenges.json"

struct loaded {
    bool ok;
    struct arena arena;
    struct diag diag;
    struct challenges challenges;
};

static struct loaded load_bytes(const char *bytes, size_t len)
{
    struct loaded loaded = {0};

    loaded.ok = challenges_load((struct str){bytes, len}, FILE_NAME, &loaded.arena, &loaded.diag,
                                &loaded.challenges);
    return loaded;
}

static struct loaded load(const char *text)
{
    return load_bytes(text, strlen(text));
}

static void release(struct loaded *loaded)
{
    challenges_release(&loaded->challenges);
    arena_free(&loaded->arena);
    diag_free(&loaded->diag);
}

/* Challenges that have all they need; `more` goes before the closing brace, on line `3`. */
#define CHALLENGE(id, more)                                                                        \
    "{\"id\":" #id ",\"title\":\"T\",\"category\":\"c\",\"difficulty\":\"d\",\n"                   \
    "\"points\":5,\"description\":\"x\",\"flag\":\"^a$\"" more "}"

static void expect_error(const char *text, const char *where, const char *what)
{
    struct loaded loaded = load(text);

    assert_false(loaded.ok);
    assert_true(loaded.diag.errors > 0);
    assert_said(&loaded.diag, where, what);
    release(&loaded);
}

static void a_full_challenge_keeps_every_field(void **state)
{
    (void)state;
    struct loaded loaded = load("[" CHALLENGE(7, ",\"content\":\"more\",\"testflag\":\" a\\n\","
                                                 "\"hints\":[{\"id\":1,\"text\":\"h1\",\"cost\":0},"
                                                 "{\"id\":2,\"text\":\"h2\",\"cost\":9}]") "]");

    assert_true(loaded.ok);
    assert_int_equal(loaded.diag.errors + loaded.diag.warnings, 0);
    assert_int_equal(loaded.challenges.count, 1);
    const struct game_challenge *challenge = &loaded.challenges.list[0];

    assert_int_equal(challenge->id, 7);
    assert_string_equal(challenge->title.data, "T");
    assert_string_equal(challenge->content.data, "more");
    assert_int_equal(challenge->points, 5);
    assert_int_equal(challenge->hint_count, 2);
    assert_int_equal(loaded.challenges.hints[0][1].cost_points, 9);
    release(&loaded);
}

static void null_is_as_good_as_missing(void **state)
{
    (void)state;
    struct loaded loaded = load("[" CHALLENGE(
        1, ",\"content\":null,\"testflag\":null,\"hints\":null,\"requirements\":null") "]");

    assert_true(loaded.ok);
    assert_null(loaded.challenges.list[0].content.data);
    release(&loaded);
}

static void raw_newlines_are_one_warning_and_are_kept(void **state)
{
    (void)state;
    struct loaded loaded =
        load("[\n{\"id\":1,\"title\":\"T\",\"category\":\"c\",\"difficulty\":\"d\",\n"
             "\"points\":5,\"description\":\"one\ntwo\r\n\tthree\",\n"
             "\"flag\":\"^a$\",\n\"cost\":3}]");

    assert_true(loaded.ok);
    assert_string_equal(loaded.challenges.list[0].description.data, "one\ntwo\n\tthree");
    assert_said(&loaded.diag, FILE_NAME ":3: ", "raw line break");
    assert_said(&loaded.diag, FILE_NAME ":7: ", "nothing reads \"cost\"");
    assert_int_equal(loaded.diag.warnings, 2);
    release(&loaded);
}

static void a_control_character_is_no_line_break(void **state)
{
    (void)state;
    struct loaded loaded = load("[" CHALLENGE(1, ",\n\"content\":\"a\x01"
                                                 "b\"") "]");

    assert_true(loaded.ok);
    assert_said(&loaded.diag, FILE_NAME ":3: ", "the control character 0x01");
    assert_int_equal(loaded.diag.count, 1);
    release(&loaded);
    loaded = load("[" CHALLENGE(1, ",\n\"content\":\"a\n\tb\n\x1b[1m\"") "]");
    assert_said(&loaded.diag, FILE_NAME ":3: ", "raw line break");
    assert_said(&loaded.diag, FILE_NAME ":5: ", "the control character 0x1b");
    assert_int_equal(loaded.diag.count, 2);
    release(&loaded);
    loaded = load_bytes("[{\"title\":\"a\0b\"}]", sizeof("[{\"title\":\"a\0b\"}]") - 1);
    assert_said(&loaded.diag, FILE_NAME ":1: ", "the character \\u0000");
    assert_int_equal(loaded.diag.count, 1);
    release(&loaded);
}

static void syntax_errors_have_their_line_also_behind_raw_newlines(void **state)
{
    (void)state;
    expect_error("[\n{\"id\":1,\n\"title\":\"a\nb\nc\" \"x\"}]", FILE_NAME ":5: ", "no valid JSON");
    expect_error("[\n{\"id\":1,\n", FILE_NAME ":", "no valid JSON");
    expect_error("[{\"id\":1,\n\"id\":2}]", FILE_NAME ":2: ", "the key \"id\" is here twice");
}

static void what_is_no_json_is_told_with_how_to_mend_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *what;
    } rows[] = {
        {"[\n{\"title\":\"a\\u0000b\"}]", "holds the character \\u0000; take it out"},
        {"[\n{\"flag\":\"^flag\\{x\\}$\"}]", "write \\\\ for each backslash"},
        {"[{\"flag\":\n\"\\u{e4}\"}]", "write \\\\ for each backslash"},
        {"[{\"id\":1}\n, ]", "a comma before a closing bracket; take it out"},
        {"[{\"id\":1,\n}]", "a comma before a closing bracket; take it out"},
        {"[\n// one\n{\"id\":1}]", "JSON has no comments"},
        {"[{\n/* one */\"id\":1}]", "JSON has no comments"},
        {"[{\"id\":1\n# one\n}]", "JSON has no comments"},
        {"[\n{'id':1}]", "a key in double quotes"},
        {"[{\"title\":\n'x'}]", "strings stand in double quotes"},
        {"[{\"title\":\nTrue}]", "no string, number, true, false or null"},
        {"[{\"id\":\n}]", "a value is missing before this"},
        {"[{\"id\"\n1}]", "no colon between a key and its value"},
        {"[{\"id\":1\n\"title\":2}]", "a comma or } is missing"},
        {"[{\"id\":1}\n{\"id\":2}]", "a comma or ] is missing"},
        {"[{\"id\":1}]\n[]", "behind the last bracket"},
        {"[\n{\"id\":1", "the file ends in the middle"},
        {"[\n{\"id\":\"1", "the file ends in the middle"},
        {"[\n{\"title\":\"\xff\"}]", "save the file as UTF-8"},
        {"[\n{\"id\":99999999999999999999}]", "a number is too large"},
        {"[{\"hints\":[{\"cost\":1,\n\"cost\":1}]}]", "the key \"cost\" is here twice"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct loaded loaded = load(rows[i].text);

        assert_false(loaded.ok);
        assert_said(&loaded.diag, FILE_NAME ":2: ", rows[i].what);
        assert_int_equal(loaded.diag.count, 1);
        assert_not_said(&loaded.diag, "JSON_ALLOW_NUL");
        release(&loaded);
    }
}

static void a_syntax_error_does_not_show_the_flag(void **state)
{
    (void)state;
    struct loaded loaded = load("[{\"id\":1,\"flag\":\"flag{secret}\" \"flag{secret}\"}]");

    assert_false(loaded.ok);
    assert_not_said(&loaded.diag, "secret");
    release(&loaded);
}

static void the_file_must_be_an_array_with_something_in_it(void **state)
{
    (void)state;
    expect_error("", FILE_NAME ": ", "empty");
    expect_error(" \n ", FILE_NAME ": ", "empty");
    expect_error("[]", FILE_NAME ":1: ", "array of 1 to 2000");
    expect_error("{}", FILE_NAME ":1: ", "array of 1 to 2000");
    expect_error("[\n1]", FILE_NAME ":2: ", "must be an object");
    expect_error("[" CHALLENGE(1, "") ",\n\n\"x\"]", FILE_NAME ":4: ", "must be an object");
}

static void ids_are_positive_and_unique(void **state)
{
    (void)state;
    expect_error("[\n" CHALLENGE(0, "") "]", FILE_NAME ":2: ", "\"id\" must be a whole number");
    expect_error("[\n" CHALLENGE(-4, "") "]", FILE_NAME ":2: ", "\"id\" must be a whole number");
    expect_error("[\n" CHALLENGE(1.5, "") "]", FILE_NAME ":2: ", "\"id\" must be a whole number");
    expect_error("[\n" CHALLENGE(2147483648, "") "]", FILE_NAME ":2: ", "2147483647");
    expect_error("[\n" CHALLENGE(99999999999999999999, "") "]", FILE_NAME ":2: ", "no valid JSON");
    expect_error("[\n" CHALLENGE(3, "") ",\n" CHALLENGE(3, "") "]",
                 FILE_NAME ":4: ", "the id 3 is used twice, first in line 2");
}

static void each_missing_field_is_named_at_the_challenge(void **state)
{
    (void)state;
    static const char *const fields[] = {"id",     "title",       "category", "difficulty",
                                         "points", "description", "flag"};
    struct loaded loaded = load("[\n" CHALLENGE(1, "") ",\n{}]");

    assert_false(loaded.ok);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        char what[64];

        (void)snprintf(what, sizeof(what), "\"%s\" is missing", fields[i]);
        assert_said(&loaded.diag, FILE_NAME ":4: ", what);
    }
    assert_int_equal(loaded.diag.errors, ARRAY_LEN(fields));
    release(&loaded);
}

static void wrong_types_are_named_with_their_own_line(void **state)
{
    (void)state;
    struct loaded loaded = load("[{\"id\":1,\n\"title\":2,\n\"category\":[],\n\"difficulty\":{},\n"
                                "\"points\":\"5\",\n\"description\":true,\n\"flag\":1,\n"
                                "\"content\":7,\n\"hints\":{},\n\"requirements\":1}]");

    assert_said(&loaded.diag, FILE_NAME ":2: ", "\"title\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":3: ", "\"category\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":4: ", "\"difficulty\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":5: ", "\"points\" must be a whole number");
    assert_said(&loaded.diag, FILE_NAME ":6: ", "\"description\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":7: ", "\"flag\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":8: ", "\"content\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":9: ", "\"hints\" must be an array");
    assert_said(&loaded.diag, FILE_NAME ":10: ", "\"requirements\" must be an array");
    assert_int_equal(loaded.diag.errors, 9);
    release(&loaded);
}

static void points_have_a_range(void **state)
{
    (void)state;
    expect_error("[{\"points\":\n-1}]",
                 FILE_NAME ":1: ", "\"points\" must be a whole number from 0");
    expect_error("[{\n\"points\":1000001}]", FILE_NAME ":2: ", "to 1000000");
}

static void texts_have_a_size(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);

    buf_printf(&text, "[{\"title\":\"\",\n\"category\":\"%0201d\",\n\"description\":\"", 0);
    for (int i = 0; i < 65537; i++) {
        buf_append_char(&text, 'x');
    }
    buf_printf(&text, "\"}]");
    struct loaded loaded = load_bytes(text.data, text.len);

    assert_said(&loaded.diag, FILE_NAME ":1: ", "\"title\" must be of 1 to 200 bytes");
    assert_said(&loaded.diag, FILE_NAME ":2: ", "\"category\" must be of 0 to 200 bytes");
    assert_said(&loaded.diag, FILE_NAME ":3: ", "\"description\" must be of 0 to 65536 bytes");
    release(&loaded);
    buf_free(&text);
}

static void text_that_is_no_utf8_is_refused(void **state)
{
    (void)state;
    expect_error("[\n{\"title\":\"\xff\"}]", FILE_NAME ":2: ", "no valid JSON");
    expect_error("[\n{\"title\":\"a\\u0000b\"}]", FILE_NAME ":2: ", "no valid JSON");
}

static void a_byte_order_mark_is_no_mistake(void **state)
{
    (void)state;
    struct loaded loaded = load("\xef\xbb\xbf[" CHALLENGE(1, "") "]");

    assert_true(loaded.ok);
    release(&loaded);
}

#define WITH_FLAG(flag)                                                                            \
    "[{\"id\":1,\"title\":\"T\",\"category\":\"c\",\"difficulty\":\"d\",\"points\":5,"             \
    "\"description\":\"x\",\n" flag "}]"

static void a_flag_that_does_not_compile_is_told_without_its_text(void **state)
{
    (void)state;
    struct loaded loaded = load(WITH_FLAG("\"flag\":\"^sesame(\""));

    assert_false(loaded.ok);
    assert_said(&loaded.diag, FILE_NAME ":2: ", "missing closing parenthesis, at byte 8");
    assert_not_said(&loaded.diag, "sesame");
    release(&loaded);
}

static void a_testflag_must_match_exactly_once(void **state)
{
    (void)state;
    expect_error(WITH_FLAG("\"flag\":\"^a$\",\n\"testflag\":\"b\""),
                 FILE_NAME ":3: ", "does not match the testflag; it must");
    expect_error(WITH_FLAG("\"flag\":\"a\",\n\"testflag\":\"aa\""),
                 FILE_NAME ":3: ", "matches the testflag more than once");
    expect_error(WITH_FLAG("\"flag\":\"^(a+)+$\",\n"
                           "\"testflag\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""),
                 FILE_NAME ":3: ", "takes too many steps on the testflag");
    expect_error(WITH_FLAG("\"flag\":\"a\",\n\"testflag\":1"),
                 FILE_NAME ":3: ", "\"testflag\" must be a string");
}

static void mistakes_in_hints_have_their_own_line(void **state)
{
    (void)state;
    struct loaded loaded =
        load("[" CHALLENGE(1, ",\"hints\":[\n{\"id\":2,\"text\":\"h\",\"cost\":1},\n"
                              "{\"id\":2,\n\"text\":\"h\",\n\"cost\":-1},\n7,\n"
                              "{\"id\":4,\"txt\":\"h\",\n\"cost\":1}]") "]");

    assert_said(&loaded.diag, FILE_NAME ":3: ", "hints out of order");
    assert_said(&loaded.diag, FILE_NAME ":6: ", "\"cost\" must be a whole number from 0");
    assert_said(&loaded.diag, FILE_NAME ":7: ", "a hint must be an object");
    assert_said(&loaded.diag, FILE_NAME ":8: ", "\"text\" is missing");
    assert_said(&loaded.diag, FILE_NAME ":8: ", "did you mean \"text\"?");
    assert_int_equal(loaded.diag.errors, 4);
    release(&loaded);
}

static void too_many_hints_are_refused(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 20);

    buf_printf(&text, "[{\n\"hints\":[");
    for (int i = 1; i <= 33; i++) {
        buf_printf(&text, "%s{\"id\":%d,\"text\":\"h\",\"cost\":0}", i > 1 ? "," : "", i);
    }
    buf_printf(&text, "]}]");
    struct loaded loaded = load_bytes(text.data, text.len);

    assert_said(&loaded.diag, FILE_NAME ":2: ", "at most 32 hints");
    release(&loaded);
    buf_free(&text);
}

static void requirements_must_exist_and_not_be_the_challenge_itself(void **state)
{
    (void)state;
    expect_error("[" CHALLENGE(1, ",\n\"requirements\":[2]") "]",
                 FILE_NAME ":3: ", "no challenge has the id 2");
    expect_error("[" CHALLENGE(1, ",\n\"requirements\":[1]") "]", FILE_NAME ":3: ", "itself");
    expect_error("[" CHALLENGE(1, ",\n\"requirements\":[\"1\"]") "]",
                 FILE_NAME ":3: ", "must hold ids");
}

static void a_requirement_may_stand_behind_and_be_named_twice(void **state)
{
    (void)state;
    struct loaded loaded =
        load("[" CHALLENGE(1, ",\"requirements\":[2,2]") "," CHALLENGE(2, "") "]");

    assert_true(loaded.ok);
    assert_int_equal(loaded.challenges.list[0].requirement_count, 1);
    assert_int_equal(loaded.challenges.requirements[0][0], 1);
    release(&loaded);
}

static void a_circle_of_requirements_is_named_by_ids(void **state)
{
    (void)state;
    struct loaded loaded = load("[" CHALLENGE(10, ",\"requirements\":[20]") ",\n" CHALLENGE(
        20, ",\"requirements\":[30]") ",\n" CHALLENGE(30, ",\n\"requirements\":[20]") "]");

    assert_false(loaded.ok);
    assert_int_equal(loaded.diag.errors, 1);
    assert_said(&loaded.diag, FILE_NAME ":7: ", "challenges 20 -> 30 -> 20 require each other");
    release(&loaded);
}

static void a_long_chain_of_requirements_is_no_circle(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(1 << 22);

    for (int i = 1; i <= GAME_CHALLENGES_MAX; i++) {
        buf_printf(&text,
                   "%s{\"id\":%d,\"title\":\"T\",\"category\":\"c\",\"difficulty\":\"d\","
                   "\"points\":1,\"description\":\"\",\"flag\":\"^x$\",\"requirements\":[%d]}",
                   i > 1 ? "," : "[", i, i + 1);
    }
    struct buf open = BUF_INIT(1 << 22);

    buf_append_str(&open, buf_str(&text));
    buf_append_char(&open, ']');
    struct loaded loaded = load_bytes(open.data, open.len);

    assert_int_equal(loaded.diag.errors, 1); /* the last one asks for a challenge too far */
    release(&loaded);
    buf_printf(&text, ",{\"id\":2001}]");
    loaded = load_bytes(text.data, text.len);
    assert_said(&loaded.diag, FILE_NAME ":1: ", "array of 1 to 2000");
    release(&loaded);
    buf_free(&open);
    buf_free(&text);
}

static void all_mistakes_are_told_at_once(void **state)
{
    (void)state;
    struct loaded loaded = load("[" CHALLENGE(1, ",\"pionts\":1") ",\n" CHALLENGE(
        1, "") ",\n"
               "{\"id\":3,\"title\":4},\n" CHALLENGE(4, ",\"requirements\":[9]") "]");

    assert_said(&loaded.diag, FILE_NAME ":2: ", "did you mean \"points\"?");
    assert_said(&loaded.diag, FILE_NAME ":3: ", "used twice");
    assert_said(&loaded.diag, FILE_NAME ":5: ", "\"title\" must be a string");
    assert_said(&loaded.diag, FILE_NAME ":7: ", "no challenge has the id 9");
    release(&loaded);
}

static void a_mistake_in_a_file_of_one_line_names_its_challenge(void **state)
{
    (void)state;
    struct loaded loaded =
        load("[{\"id\":7,\"points\":-1,\"hints\":[{\"id\":2}],\"pionts\":1},"
             "{\"title\":\"Warm up\",\"points\":-1},{\"id\":\"8\",\"title\":5},3,"
             "{\"id\":7,\"title\":\"Twin\"}]");

    assert_said(&loaded.diag, FILE_NAME ":1: ", "1: challenge 7: \"points\" must be");
    assert_said(&loaded.diag, FILE_NAME ":1: ", "1: challenge 7: hints out of order");
    assert_said(&loaded.diag, FILE_NAME ":1: ", "1: challenge 7: nothing reads \"pionts\"");
    assert_said(&loaded.diag, FILE_NAME ":1: ", "1: challenge \"Warm up\": \"id\" is missing");
    assert_said(&loaded.diag, FILE_NAME ":1: ", "1: challenge \"Warm up\": \"points\" must be");
    assert_said(&loaded.diag,
                FILE_NAME ":1: ", "1: challenge number 3 of the file: \"title\" must");
    assert_said(&loaded.diag, FILE_NAME ":1: ", "1: challenge number 4 of the file: a challenge");
    assert_said(&loaded.diag,
                FILE_NAME ":1: ", "the id 7 is used twice, first in line 1, again by \"Twin\"");
    release(&loaded);
}

static void a_cut_file_is_a_mistake_at_every_length(void **state)
{
    (void)state;
    const char *text = "[" CHALLENGE(
        1, ",\"content\":\"\\u00e4\n\",\"hints\":[{\"id\":1,\"text\":\"h\",\"cost\":0}],"
           "\"requirements\":[]") "]";

    for (size_t len = 0; len < strlen(text); len++) {
        struct loaded loaded = load_bytes(text, len);

        assert_false(loaded.ok);
        assert_true(loaded.diag.errors > 0);
        release(&loaded);
    }
}

static void a_changed_byte_never_breaks_the_loader(void **state)
{
    (void)state;
    char text[] = "[" CHALLENGE(1, ",\"hints\":[{\"id\":1,\"text\":\"h\",\"cost\":0}],"
                                   "\"requirements\":[2]") "," CHALLENGE(2, "") "]";
    static const char others[] = "\"\\[]{},:0a\n\x01\xff";

    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        char kept = text[at];

        for (size_t i = 0; i < sizeof(others); i++) {
            text[at] = others[i];
            struct loaded loaded = load_bytes(text, sizeof(text) - 1);

            assert_true(loaded.ok == (loaded.diag.errors == 0));
            release(&loaded);
        }
        text[at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_challenge_keeps_every_field),
        cmocka_unit_test(null_is_as_good_as_missing),
        cmocka_unit_test(raw_newlines_are_one_warning_and_are_kept),
        cmocka_unit_test(a_control_character_is_no_line_break),
        cmocka_unit_test(syntax_errors_have_their_line_also_behind_raw_newlines),
        cmocka_unit_test(what_is_no_json_is_told_with_how_to_mend_it),
        cmocka_unit_test(a_syntax_error_does_not_show_the_flag),
        cmocka_unit_test(the_file_must_be_an_array_with_something_in_it),
        cmocka_unit_test(ids_are_positive_and_unique),
        cmocka_unit_test(each_missing_field_is_named_at_the_challenge),
        cmocka_unit_test(wrong_types_are_named_with_their_own_line),
        cmocka_unit_test(points_have_a_range),
        cmocka_unit_test(texts_have_a_size),
        cmocka_unit_test(text_that_is_no_utf8_is_refused),
        cmocka_unit_test(a_byte_order_mark_is_no_mistake),
        cmocka_unit_test(a_flag_that_does_not_compile_is_told_without_its_text),
        cmocka_unit_test(a_testflag_must_match_exactly_once),
        cmocka_unit_test(mistakes_in_hints_have_their_own_line),
        cmocka_unit_test(too_many_hints_are_refused),
        cmocka_unit_test(requirements_must_exist_and_not_be_the_challenge_itself),
        cmocka_unit_test(a_requirement_may_stand_behind_and_be_named_twice),
        cmocka_unit_test(a_circle_of_requirements_is_named_by_ids),
        cmocka_unit_test(a_long_chain_of_requirements_is_no_circle),
        cmocka_unit_test(all_mistakes_are_told_at_once),
        cmocka_unit_test(a_mistake_in_a_file_of_one_line_names_its_challenge),
        cmocka_unit_test(a_cut_file_is_a_mistake_at_every_length),
        cmocka_unit_test(a_changed_byte_never_breaks_the_loader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
