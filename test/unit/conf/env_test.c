/* SPDX-License-Identifier: MIT */
/* env_test.c - .env as people write it, and the tokens in it. */
#include "conf/env.h"

#include "test/unit/conf/folder.h"

static void lines_are_read_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *name;
        const char *value;
    } rows[] = {
        {"A=b", "A", "b"},
        {"  A = b c \r\n", "A", "b c"},
        {"export A=b", "A", "b"},
        {"A=\"b # c\" # d", "A", "b # c"},
        {"A='b \"c\"'", "A", "b \"c\""},
        {"A=b # c", "A", "b"},
        {"A=b#c", "A", "b#c"},
        {"A=#c", "A", ""},
        {"A=", "A", ""},
        {"A=\"", "A", "\""},
        {"\xef\xbb\xbf"
         "A=b",
         "A", "b"},
        {"A=b=c", "A", "b=c"},
        {"A1_=x", "A1_", "x"},
        {"1A=x", "", ""},
        {"A B=x", "", ""},
        {"=x", "", ""},
        {"A", "", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct env_reader reader = env_begin(str_from(rows[i].text));
        struct env_line line;

        assert_true(env_next(&reader, &line));
        assert_true(str_equal(line.name, str_from(rows[i].name)));
        if (rows[i].name[0] != '\0') {
            assert_true(str_equal(line.value, str_from(rows[i].value)));
        }
        assert_int_equal(line.line, 1);
        assert_false(env_next(&reader, &line));
    }
}

static void comments_and_blank_lines_are_counted_and_skipped(void **state)
{
    (void)state;
    struct env_reader reader = env_begin(STR("# A=b\n\n  # x\n\tB=c\n"));
    struct env_line line;

    assert_true(env_next(&reader, &line));
    assert_true(str_equal(line.name, STR("B")));
    assert_int_equal(line.line, 4);
    assert_false(env_next(&reader, &line));
}

static struct game *load_with(const char *env, struct diag *diag)
{
    struct folder folder = folder_with_game();
    struct game *game = NULL;

    folder_write(&folder, ".env", env);
    if (!folder_load(&folder, NULL, NULL, diag, &game)) {
        game = NULL;
    }
    folder_end(&folder);
    return game;
}

static void tokens_come_from_the_file_and_the_environment_wins(void **state)
{
    (void)state;
    struct diag diag = {0};
    static const char env[] = "CTFG_API_TOKEN=api-api-api-api-api\n"
                              "export CTFG_ADMIN_TOKEN='admin-admin-admin'\n"
                              "CTFG_LISTEN_PORT=81\nPATH=/bin\n";
    struct game *game = load_with(env, &diag);

    assert_non_null(game);
    assert_string_equal(game->api_token.data, "api-api-api-api-api");
    assert_string_equal(game->admin_token.data, "admin-admin-admin");
    assert_int_equal(game->display_token.len, 0);
    assert_int_equal(game->settings.port, 81);
    assert_int_equal(diag.warnings, 0);
    game_unref(game);
    assert_int_equal(setenv("CTFG_API_TOKEN", "from the $hell#too'", 1), 0);
    assert_null(load_with(env, &diag));
    assert_said(&diag, "the environment: ", "CTFG_API_TOKEN must be");
    assert_not_said(&diag, "hell");
    assert_int_equal(setenv("CTFG_API_TOKEN", "environment-environment", 1), 0);
    game = load_with(env, &diag);
    assert_non_null(game);
    assert_string_equal(game->api_token.data, "environment-environment");
    game_unref(game);
    assert_int_equal(unsetenv("CTFG_API_TOKEN"), 0);
    diag_free(&diag);
}

static void weak_and_mistyped_tokens_are_warned_about(void **state)
{
    (void)state;
    struct diag diag = {0};
    struct game *game = load_with("CTFG_API_TOKEN=sesame\n\nCTFG_ADMIN_TOKNE=sesame\n"
                                  "CTFG_DISPLAY_TOKEN=\nCTFG_LISTEN_PROT=81\n",
                                  &diag);

    assert_non_null(game);
    assert_said(&diag, ".env:1: ", "fewer than 16 characters");
    assert_said(&diag, ".env:3: ", "did you mean CTFG_ADMIN_TOKEN?");
    assert_said(&diag, ".env:5: ", "did you mean CTFG_LISTEN_PORT?");
    assert_int_equal(diag.warnings, 3);
    assert_not_said(&diag, "sesame");
    game_unref(game);
    diag_free(&diag);
    assert_null(load_with("CTFG_API_TOKEN=\"sesame open yourself\"\n", &diag));
    assert_said(&diag, ".env:1: ", "without blanks");
    assert_not_said(&diag, "sesame");
    diag_free(&diag);
}

static void a_variable_that_is_there_twice_is_warned_about(void **state)
{
    (void)state;
    struct diag diag = {0};
    struct game *game = load_with("CTFG_API_TOKEN=the-first-of-the-two\nA=1\nA=2\n"
                                  "CTFG_API_TOKEN=the-second-of-the-two\n",
                                  &diag);

    assert_non_null(game);
    assert_said(&diag, ".env:4: ", "CTFG_API_TOKEN is here twice, first in line 1");
    assert_int_equal(diag.warnings, 1);
    assert_not_said(&diag, "of-the-two");
    assert_true(str_equal(game->api_token, STR("the-second-of-the-two")));
    game_unref(game);
    diag_free(&diag);
}

static struct game *load_with_secrets(const char *path, struct diag *diag)
{
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", path, 1), 0);
    struct game *game = load_with("CTFG_API_TOKEN=of-the-file-of-the-file\n", diag);

    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    return game;
}

static void credentials_of_systemd_win_over_file_and_environment(void **state)
{
    (void)state;
    struct diag diag = {0};
    struct folder secrets = folder_begin();

    folder_write(&secrets, "CTFG_API_TOKEN", "of-systemd-of-systemd\n");
    folder_write(&secrets, "CTFG_DISPLAY_TOKEN", "screen-screen-screen");
    folder_write(&secrets, "somebody_elses", "not ours");
    assert_int_equal(setenv("CTFG_API_TOKEN", "environment-environment", 1), 0);
    struct game *game = load_with_secrets(secrets.path, &diag);

    assert_int_equal(unsetenv("CTFG_API_TOKEN"), 0);
    assert_non_null(game);
    assert_string_equal(game->api_token.data, "of-systemd-of-systemd");
    assert_string_equal(game->display_token.data, "screen-screen-screen");
    assert_int_equal(game->admin_token.len, 0);
    assert_int_equal(diag.warnings, 0);
    game_unref(game);
    diag_free(&diag);
    folder_end(&secrets);
}

static void a_credential_that_is_no_token_is_named_by_its_path(void **state)
{
    (void)state;
    struct diag diag = {0};
    struct folder secrets = folder_begin();

    folder_write(&secrets, "CTFG_API_TOKEN", "two words\nand more\n");
    folder_write(&secrets, "CTFG_ADMIN_TOKEN", "\n");
    folder_write(&secrets, "CTFG_DISPLAY_TOKNE", "screen-screen-screen");
    assert_null(load_with_secrets(secrets.path, &diag));
    assert_said(&diag, "/CTFG_API_TOKEN: ", "without blanks");
    assert_said(&diag, "/CTFG_ADMIN_TOKEN: ", "is empty");
    assert_said(&diag, "/CTFG_DISPLAY_TOKNE: ", "did you mean CTFG_DISPLAY_TOKEN?");
    assert_not_said(&diag, "words");
    diag_free(&diag);
    folder_end(&secrets);
}

static void credentials_that_cannot_be_read_are_a_mistake(void **state)
{
    (void)state;
    struct diag diag = {0};
    struct folder secrets = folder_begin();
    char file[512];

    folder_mkdir(&secrets, "CTFG_API_TOKEN");
    assert_null(load_with_secrets(secrets.path, &diag));
    assert_said(&diag, "/CTFG_API_TOKEN: ", "not a regular file");
    diag_free(&diag);
    folder_path(&secrets, "file", file, sizeof(file));
    folder_write(&secrets, "file", "");
    assert_null(load_with_secrets(file, &diag));
    assert_said(&diag, file, "CREDENTIALS_DIRECTORY names this folder");
    diag_free(&diag);
    folder_end(&secrets);
    /* systemd makes no folder where there is no credential. */
    struct game *game = load_with_secrets(secrets.path, &diag);

    assert_non_null(game);
    assert_string_equal(game->api_token.data, "of-the-file-of-the-file");
    game_unref(game);
    diag_free(&diag);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_read_as_people_write_them),
        cmocka_unit_test(comments_and_blank_lines_are_counted_and_skipped),
        cmocka_unit_test(tokens_come_from_the_file_and_the_environment_wins),
        cmocka_unit_test(weak_and_mistyped_tokens_are_warned_about),
        cmocka_unit_test(a_variable_that_is_there_twice_is_warned_about),
        cmocka_unit_test(credentials_of_systemd_win_over_file_and_environment),
        cmocka_unit_test(a_credential_that_is_no_token_is_named_by_its_path),
        cmocka_unit_test(credentials_that_cannot_be_read_are_a_mistake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
