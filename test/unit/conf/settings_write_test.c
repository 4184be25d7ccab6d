/* SPDX-License-Identifier: MIT */
/*
 * settings_write_test.c - the committed texts are what the table of settings writes.
 *
 * With CTFG_WRITE_GENERATED=1 in the environment it writes them anew instead of comparing.  Runs in
 * the repo's root, as `make unit` does.
 */
#include "conf/settings_table.h"

#include "test/unit/conf/folder.h"

static void expect_file(const char *path, void (*write_text)(FILE *out))
{
    char *wanted = NULL;
    size_t wanted_len = 0;
    FILE *out = open_memstream(&wanted, &wanted_len);

    assert_non_null(out);
    write_text(out);
    assert_int_equal(fclose(out), 0);
    if (getenv("CTFG_WRITE_GENERATED") != NULL) {
        FILE *file = fopen(path, "w");

        assert_non_null(file);
        assert_int_equal(fwrite(wanted, 1, wanted_len, file), wanted_len);
        assert_int_equal(fclose(file), 0);
    }
    static char found[1 << 17];
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    size_t found_len = fread(found, 1, sizeof(found), file);

    assert_int_equal(fclose(file), 0);
    assert_int_equal(found_len, wanted_len);
    assert_memory_equal(found, wanted, wanted_len);
    free(wanted);
}

static void the_sample_is_up_to_date(void **state)
{
    (void)state;
    expect_file("conf/ctfg.yaml", settings_write_sample);
}

static void the_reference_is_up_to_date(void **state)
{
    (void)state;
    expect_file("docs/configuration.md", settings_write_reference);
}

static void the_sample_gives_the_defaults(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct files_source plain = {.game_dir = folder.path};
    struct files_source sample = {.game_dir = folder.path, .config_path = "conf/ctfg.yaml"};
    struct diag diag = {0};
    struct game_files files;
    struct game *games[2];

    assert_true(files_read(&plain, &diag, &files));
    assert_true(game_load(&files, NULL, &diag, &games[0]));
    files_free(&files);
    assert_true(files_read(&sample, &diag, &files));
    assert_true(game_load(&files, NULL, &diag, &games[1]));
    files_free(&files);
    assert_int_equal(diag.errors + diag.warnings, 0);
    assert_int_equal(games[0]->settings.port, games[1]->settings.port);
    assert_int_equal(games[0]->settings.wal_bytes_max, games[1]->settings.wal_bytes_max);
    assert_int_equal(games[0]->settings.limit_api.interval_ms,
                     games[1]->settings.limit_api.interval_ms);
    assert_int_equal(games[0]->settings.blocked_names.count,
                     games[1]->settings.blocked_names.count);
    assert_string_equal(games[0]->settings.game_name.data, games[1]->settings.game_name.data);
    game_unref(games[0]);
    game_unref(games[1]);
    folder_end(&folder);
}

static void help_says_flag_value_sentence_and_default(void **state)
{
    (void)state;
    char *help = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&help, &len);

    assert_non_null(out);
    for (uint32_t i = 0; i < settings_row_count; i++) {
        if (settings_rows[i].flag != NULL) {
            settings_write_help(out, &settings_rows[i]);
        }
    }
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(help, "  -p, --port PORT "));
    assert_non_null(strstr(help, "      --user NAME "));
    assert_non_null(strstr(help, "closed; longer than the interval. [45s]\n"));
    free(help);
}

static void the_manual_names_every_setting_and_escapes_what_troff_reads(void **state)
{
    (void)state;
    char *manual = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&manual, &len);

    assert_non_null(out);
    settings_write_manual(out);
    assert_int_equal(fclose(out), 0);
    for (uint32_t i = 0; i < settings_row_count; i++) {
        char variable[SETTINGS_VARIABLE_BYTES];

        settings_variable_name(&settings_rows[i], variable);
        assert_non_null(strstr(manual, variable));
    }
    assert_non_null(strstr(manual, "\\fB\\-\\-ws\\-ping\\-timeout\\fR"));
    assert_non_null(strstr(manual, "\n.B ping_timeout\n"));
    assert_null(strstr(manual, " --"));
    free(manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_is_up_to_date),
        cmocka_unit_test(the_reference_is_up_to_date),
        cmocka_unit_test(the_sample_gives_the_defaults),
        cmocka_unit_test(help_says_flag_value_sentence_and_default),
        cmocka_unit_test(the_manual_names_every_setting_and_escapes_what_troff_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
