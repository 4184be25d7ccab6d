/* SPDX-License-Identifier: MIT */
/* options_test.c - the command line as scripts of the older engine write it, and as people mistype it. */
#include "master/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ERROR_BYTES 256
#define ARGV(...)                                                                                  \
    (char *[])                                                                                     \
    {                                                                                              \
        "ctfg", __VA_ARGS__, NULL                                                                  \
    }

static struct options options;
static char error[ERROR_BYTES];

static bool parse(char **argv)
{
    int argc = 0;

    while (argv[argc] != NULL) {
        argc++;
    }
    error[0] = '\0';
    return options_parse(argc, argv, &options, error, sizeof(error));
}

static int clear(void **state)
{
    (void)state;
    options_free(&options);
    memset(&options, 0, sizeof(options));
    return 0;
}

static void flags_of_settings_become_lines_in_their_order(void **state)
{
    (void)state;
    assert_true(parse(ARGV("-p", "9000", "--workers=3", "-d", "-k20", "--port", "1")));
    assert_string_equal(options.source.overrides,
                        "listen.port=9000\nprocess.workers=3\nprocess.developer_mode=true\n"
                        "stream.ping_interval=20s\nlisten.port=1\n");
    assert_int_equal(options.argument_count, 0);
}

static void the_environment_comes_before_the_flags(void **state)
{
    (void)state;
    assert_int_equal(setenv("CTFG_LISTEN_PORT", "7000", 1), 0);
    bool ok = parse(ARGV("-p", "7001"));
    (void)unsetenv("CTFG_LISTEN_PORT");
    assert_true(ok);
    assert_string_equal(options.source.overrides, "listen.port=7000\nlisten.port=7001\n");
}

static void an_argument_is_no_flag_and_keeps_its_place(void **state)
{
    (void)state;
    assert_true(parse(ARGV("-C", "game", "backup", "--config", "c.yaml", "out.db")));
    assert_string_equal(options.source.game_dir, "game");
    assert_string_equal(options.source.config_path, "c.yaml");
    assert_int_equal(options.argument_count, 2);
    assert_int_equal(options.command_at, 3);
    assert_string_equal(options.arguments[1], "out.db");
}

static void two_dashes_end_the_flags(void **state)
{
    (void)state;
    assert_true(parse(ARGV("--", "-p")));
    assert_int_equal(options.argument_count, 1);
    assert_string_equal(options.arguments[0], "-p");
}

static void the_game_is_in_the_working_folder_if_nobody_says_otherwise(void **state)
{
    (void)state;
    assert_true(parse(ARGV("challenges.json")));
    assert_string_equal(options.source.game_dir, ".");
    assert_null(options.source.config_path);
    assert_string_equal(options.source.overrides, "");
}

static void a_mistyped_flag_is_named(void **state)
{
    (void)state;
    assert_false(parse(ARGV("--prot", "9000")));
    assert_non_null(strstr(error, "--prot"));
    assert_false(parse(ARGV("--p", "9000")));
    assert_non_null(strstr(error, "--p;"));
}

static void a_flag_without_its_value_is_named(void **state)
{
    (void)state;
    assert_false(parse(ARGV("--port")));
    assert_string_equal(error, "--port needs a value");
    assert_false(parse(ARGV("--developer-mode=yes")));
    assert_string_equal(error, "--developer-mode takes no value");
    assert_false(parse(ARGV("--help=me")));
    assert_string_equal(error, "--help takes no value");
}

static void a_value_cannot_bring_lines_of_its_own(void **state)
{
    (void)state;
    assert_false(parse(ARGV("--user", "a\nprocess.workers=60")));
    assert_non_null(strstr(error, "newline"));
}

static void too_many_arguments_are_refused(void **state)
{
    (void)state;
    assert_false(parse(ARGV("1", "2", "3", "4", "5", "6", "7", "8", "9")));
    assert_string_equal(error, "there are too many arguments");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(flags_of_settings_become_lines_in_their_order, clear),
        cmocka_unit_test_teardown(the_environment_comes_before_the_flags, clear),
        cmocka_unit_test_teardown(an_argument_is_no_flag_and_keeps_its_place, clear),
        cmocka_unit_test_teardown(two_dashes_end_the_flags, clear),
        cmocka_unit_test_teardown(the_game_is_in_the_working_folder_if_nobody_says_otherwise,
                                  clear),
        cmocka_unit_test_teardown(a_mistyped_flag_is_named, clear),
        cmocka_unit_test_teardown(a_flag_without_its_value_is_named, clear),
        cmocka_unit_test_teardown(a_value_cannot_bring_lines_of_its_own, clear),
        cmocka_unit_test_teardown(too_many_arguments_are_refused, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
