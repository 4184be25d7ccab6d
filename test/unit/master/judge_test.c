/* SPDX-License-Identifier: MIT */
/* judge_test.c - what each number is worth, at its limits. */
#include "master/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "conf/settings.h"
#include "db/db.h"
#include "shm/base/compiler.h"

#define MIB (UINT64_C(1) << 20)

/* The level is as wanted; whoever complains says how to mend it, in a command that has `mend`. */
static void expect(const struct finding *finding, enum judge_level level, const char *mend)
{
    assert_int_equal(finding->level, level);
    assert_true(finding->what[0] != '\0' && finding->value[0] != '\0');
    if (level == JUDGE_OK) {
        assert_string_equal(finding->mend, "");
    } else if (strstr(finding->mend, mend) == NULL) {
        fail_msg("no \"%s\" in: %s", mend, finding->mend);
    }
}

static void open_files_are_enough_for_the_players_or_for_every_connection(void **state)
{
    (void)state;
    static const struct {
        uint64_t limit;
        uint32_t conns;
        uint32_t workers;
        uint32_t players;
        enum judge_level level;
    } rows[] = {{12064, 12000, 2, 200, JUDGE_OK},   {12063, 12000, 2, 200, JUDGE_WARN},
                {364, 12000, 2, 200, JUDGE_WARN},   {363, 12000, 2, 200, JUDGE_FAIL},
                {664, 12000, 0, 200, JUDGE_WARN},   {663, 12000, 0, 200, JUDGE_FAIL},
                {164, 100, 1, 50000, JUDGE_OK},     {163, 100, 1, 50000, JUDGE_FAIL},
                {UINT64_MAX, 12000, 1, 1, JUDGE_OK}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct finding finding;

        judge_open_files(rows[i].limit, true, rows[i].conns, rows[i].workers, rows[i].players,
                         &finding);
        expect(&finding, rows[i].level, "LimitNOFILE=");
    }
}

static void the_kernels_backlog_is_at_least_ours(void **state)
{
    (void)state;
    struct finding finding;

    judge_backlog(4096, 4096, &finding);
    expect(&finding, JUDGE_OK, "");
    judge_backlog(4095, 4096, &finding);
    expect(&finding, JUDGE_WARN, "sysctl -w net.core.somaxconn=4096");
}

static void a_clock_that_nobody_keeps_is_a_warning(void **state)
{
    (void)state;
    struct finding finding;

    judge_clock(true, true, 5000, &finding);
    expect(&finding, JUDGE_OK, "");
    judge_clock(true, false, 5000, &finding);
    expect(&finding, JUDGE_WARN, "timedatectl set-ntp true");
    judge_clock(false, true, 0, &finding);
    expect(&finding, JUDGE_WARN, "timedatectl");
}

static void a_disk_has_room_for_the_log_and_for_copies(void **state)
{
    (void)state;
    struct finding finding;

    judge_disk("d", 656 * MIB, 100 * MIB, 64 * MIB, &finding);
    expect(&finding, JUDGE_OK, "");
    judge_disk("d", 656 * MIB - 1, 100 * MIB, 64 * MIB, &finding);
    expect(&finding, JUDGE_WARN, "--dbdir");
    judge_disk("d", 64 * MIB - 1, 0, 64 * MIB, &finding);
    expect(&finding, JUDGE_FAIL, "journalctl");
}

static void a_slow_disk_is_a_warning_and_a_very_slow_one_unfit(void **state)
{
    (void)state;
    struct finding finding;

    judge_fsync("d", JUDGE_FSYNC_SLOW_US - 1, &finding);
    expect(&finding, JUDGE_OK, "");
    judge_fsync("d", JUDGE_FSYNC_SLOW_US, &finding);
    expect(&finding, JUDGE_WARN, "SSD");
    judge_fsync("d", JUDGE_FSYNC_UNFIT_US, &finding);
    expect(&finding, JUDGE_FAIL, "SSD");
}

static void a_database_is_missing_sound_unreadable_or_damaged(void **state)
{
    (void)state;
    struct db_health health = {.has_folder = true};
    struct finding finding;

    judge_database("d", &health, &finding);
    expect(&finding, JUDGE_OK, "");
    health = (struct db_health){
        .has_folder = true, .exists = true, .is_readable = true, .is_sound = true, .holder = 7};
    judge_database("d", &health, &finding);
    expect(&finding, JUDGE_OK, "");
    assert_non_null(strstr(finding.value, "process 7"));
    health = (struct db_health){
        .has_folder = true, .exists = true, .is_readable = true, .finding = "page 3"};
    judge_database("d", &health, &finding);
    expect(&finding, JUDGE_FAIL, "ctfg restore");
    assert_non_null(strstr(finding.value, "page 3"));
    judge_database("d", &(struct db_health){0}, &finding);
    expect(&finding, JUDGE_FAIL, "install -d -m 700 -o ctfg -g ctfg d");
    health = (struct db_health){.has_folder = true, .exists = true, .finding = "no rights"};
    judge_database("d", &health, &finding);
    expect(&finding, JUDGE_FAIL, "owner");
}

static void only_who_listens_to_everybody_needs_a_proxy(void **state)
{
    (void)state;
    static const struct {
        const char *address;
        uint32_t trusted;
        enum judge_level level;
    } rows[] = {{"", 0, JUDGE_WARN},          {"", 1, JUDGE_OK},
                {"10.0.0.1", 0, JUDGE_WARN},  {"127.0.0.1", 0, JUDGE_OK},
                {"127.8.8.8", 0, JUDGE_OK},   {"[::1]", 0, JUDGE_OK},
                {"::1", 0, JUDGE_OK},         {"localhost", 0, JUDGE_OK},
                {"unix:/run/s", 0, JUDGE_OK}, {"::", 0, JUDGE_WARN}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct finding finding;

        judge_proxies(rows[i].address, rows[i].trusted, &finding);
        expect(&finding, rows[i].level, "--listen 127.0.0.1");
    }
}

static void nobody_trusts_everybody(void **state)
{
    (void)state;
    static const struct {
        const char *network;
        enum judge_level level;
    } rows[] = {{"0.0.0.0/0", JUDGE_FAIL}, {"10.0.0.0/7", JUDGE_FAIL}, {"10.0.0.0/8", JUDGE_OK},
                {"::/0", JUDGE_FAIL},      {"2000::/15", JUDGE_FAIL},  {"2001::/16", JUDGE_OK},
                {"192.0.2.1", JUDGE_OK},   {"2001:db8::1", JUDGE_OK}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct settings_list list = {.count = 2,
                                     .items = {STR("192.0.2.7"), str_from(rows[i].network)}};
        struct finding finding;

        judge_trust(&list, &finding);
        expect(&finding, rows[i].level, "http.trusted_proxies");
    }
    struct finding finding;

    judge_trust(&(struct settings_list){0}, &finding);
    expect(&finding, JUDGE_OK, "");
}

static void tokens_are_long_or_missing(void **state)
{
    (void)state;
    static const struct {
        size_t bytes;
        enum judge_level level;
    } rows[] = {{0, JUDGE_OK},   {1, JUDGE_FAIL},  {7, JUDGE_FAIL},
                {8, JUDGE_WARN}, {15, JUDGE_WARN}, {16, JUDGE_OK}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct finding finding;

        judge_token("CTFG_X_TOKEN", rows[i].bytes, &finding);
        expect(&finding, rows[i].level, "CTFG_X_TOKEN=$(openssl rand -hex 24)");
    }
}

static void secrets_are_for_owner_and_group(void **state)
{
    (void)state;
    struct finding finding;

    judge_secret("f", 0100640, &finding);
    expect(&finding, JUDGE_OK, "");
    judge_secret("f", 0100644, &finding);
    expect(&finding, JUDGE_FAIL, "chmod o= f");
    judge_secret("f", 0100602, &finding);
    expect(&finding, JUDGE_FAIL, "chmod o= f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open_files_are_enough_for_the_players_or_for_every_connection),
        cmocka_unit_test(the_kernels_backlog_is_at_least_ours),
        cmocka_unit_test(a_clock_that_nobody_keeps_is_a_warning),
        cmocka_unit_test(a_disk_has_room_for_the_log_and_for_copies),
        cmocka_unit_test(a_slow_disk_is_a_warning_and_a_very_slow_one_unfit),
        cmocka_unit_test(a_database_is_missing_sound_unreadable_or_damaged),
        cmocka_unit_test(only_who_listens_to_everybody_needs_a_proxy),
        cmocka_unit_test(nobody_trusts_everybody),
        cmocka_unit_test(tokens_are_long_or_missing),
        cmocka_unit_test(secrets_are_for_owner_and_group),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
