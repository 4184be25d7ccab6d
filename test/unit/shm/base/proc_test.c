/* SPDX-License-Identifier: MIT */
/* proc_test.c - roles, titles, broken invariants, the clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/base/clock.h"
#include "shm/base/hash.h"
#include "shm/base/proc.h"

/* What ps shows of this process: reads /proc/self/cmdline. */
static size_t command_line(char *bytes, size_t size)
{
    FILE *file = fopen("/proc/self/cmdline", "r");

    assert_non_null(file);
    size_t len = fread(bytes, 1, size - 1, file);
    assert_int_equal(fclose(file), 0);
    bytes[len] = '\0';
    return len;
}

static void the_title_is_what_ps_shows(void **state)
{
    char shown[8192];
    char comm[16];

    (void)state;
    proc_title_set("ctfg: worker 1");
    (void)command_line(shown, sizeof(shown));
    assert_string_equal(shown, "ctfg: worker 1");
    assert_int_equal(prctl(PR_GET_NAME, comm, 0, 0, 0), 0);
    assert_string_equal(comm, "worker 1");
    proc_title_set("ctfg: db");
    (void)command_line(shown, sizeof(shown));
    assert_string_equal(shown, "ctfg: db");
}

static void a_title_that_is_too_long_is_cut_and_the_environment_lives(void **state)
{
    static char title[1 << 20];
    static char shown[1 << 20];
    const char *path = getenv("PATH");

    (void)state;
    assert_non_null(path);
    char *before = strdup(path);
    assert_non_null(before);
    memset(title, 't', sizeof(title) - 1);
    proc_title_set(title);
    assert_string_equal(getenv("PATH"), before);
    assert_true(command_line(shown, sizeof(shown)) < sizeof(title));
    free(before);
}

static void the_test_may_call_everything_others_only_their_own(void **state)
{
    (void)state;
    proc_set_role(PROC_TEST);
    ASSERT_PROC(PROC_DB);
    assert_string_equal(proc_role_name(PROC_MASTER), "master");
    assert_string_equal(proc_role_name(PROC_WORKER), "worker");
    assert_string_equal(proc_role_name(PROC_DB), "db");
    assert_string_equal(proc_role_name(PROC_TOOL), "tool");
    assert_string_equal(proc_role_name(PROC_TEST), "test");
}

static void a_broken_invariant_ends_the_process_with_a_message(void **state)
{
    char said[256] = "";
    int ends[2];
    int status = 0;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit no_core = {0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        /* cmocka would catch it and go on. */
        (void)signal(SIGABRT, SIG_DFL);
        proc_set_role(PROC_WORKER);
        ASSERT_PROC(PROC_DB);
        _exit(0);
    }
    close(ends[1]);
    assert_true(read(ends[0], said, sizeof(said) - 1) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(said, "ctfg worker: test/unit/shm/base/proc_test.c:"));
    assert_non_null(strstr(said, "broken invariant: "));
    assert_non_null(strstr(said, "PROC_DB"));
    assert_int_equal(said[strlen(said) - 1], '\n');
}

static void clocks_count_microseconds(void **state)
{
    (void)state;
    uint64_t before = (uint64_t)time(NULL);
    uint64_t real_us = clock_real_us();
    uint64_t mono_us = clock_mono_us();
    struct timespec now;

    assert_in_range(real_us / 1000000, before, (uint64_t)time(NULL) + 1);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    assert_in_range((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000 - mono_us, 0,
                    60 * 1000000);
    assert_true(clock_mono_us() >= mono_us);
}

static void a_hash_depends_on_every_byte_and_on_the_seed(void **state)
{
    (void)state;
    assert_true(hash_str(STR("alice"), 1) == hash_bytes("alice", 5, 1));
    assert_true(hash_str(STR("alice"), 1) != hash_str(STR("alicf"), 1));
    assert_true(hash_str(STR("alice"), 1) != hash_str(STR("alice"), 2));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_title_is_what_ps_shows),
        cmocka_unit_test(a_title_that_is_too_long_is_cut_and_the_environment_lives),
        cmocka_unit_test(the_test_may_call_everything_others_only_their_own),
        cmocka_unit_test(a_broken_invariant_ends_the_process_with_a_message),
        cmocka_unit_test(clocks_count_microseconds),
        cmocka_unit_test(a_hash_depends_on_every_byte_and_on_the_seed),
    };
    proc_title_init(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
