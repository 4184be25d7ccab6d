/* SPDX-License-Identifier: MIT */
/* log_test.c - a line is one line, whatever is in it and however long it would be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "shm/base/compiler.h"
#include "shm/base/log.h"

static char text[4 * LOG_LINE_BYTES];
static int kept_stderr = -1;
static int pipe_read = -1;

/* Standard error goes into a pipe until captured(). */
static void capture(void)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    kept_stderr = dup(STDERR_FILENO);
    assert_true(kept_stderr >= 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    close(ends[1]);
    pipe_read = ends[0];
}

/* All that came since capture(): text[], its length. */
static size_t captured(void)
{
    size_t len = 0;
    ssize_t got;

    assert_true(dup2(kept_stderr, STDERR_FILENO) >= 0);
    close(kept_stderr);
    while ((got = read(pipe_read, text + len, sizeof(text) - 1 - len)) > 0) {
        len += (size_t)got;
    }
    close(pipe_read);
    text[len] = '\0';
    return len;
}

static void assert_one_line(size_t len)
{
    assert_true(len > 0 && len <= LOG_LINE_BYTES);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1);
}

static void a_person_reads_time_level_process_message_values(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    log_set_process("worker 1");
    capture();
    LOG(LOG_LEVEL_INFO, "listener is open", LOG_STR("address", "127.0.0.1:8080"),
        LOG_U64("conns", 7), LOG_I64("delta", -3), LOG_HEX("req", 255), LOG_STR("why", "two words"),
        LOG_STR("empty", ""));
    assert_one_line(captured());
    assert_string_equal(text + strlen("12:00:01.123"),
                        " INFO  worker 1: listener is open address=127.0.0.1:8080 conns=7 delta=-3 "
                        "req=00000000000000ff why=\"two words\" empty=\"\"\n");
    assert_int_equal(text[2], ':');
    assert_int_equal(text[8], '.');
}

static void logfmt_quotes_what_needs_it(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_process("db");
    capture();
    LOG(LOG_LEVEL_WARN, "slow \"disk\"", LOG_STR("path", "a=b"), LOG_STR("plain", "x/y"));
    assert_one_line(captured());
    assert_memory_equal(text, "ts=20", 5);
    assert_string_equal(text + strlen("ts=2026-01-02T03:04:05.678Z"),
                        " level=warn proc=db msg=\"slow \\\"disk\\\"\" path=\"a=b\" plain=x/y\n");
}

static void control_characters_never_reach_the_terminal(void **state)
{
    static const enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        log_init(LOG_LEVEL_INFO, formats[i]);
        capture();
        LOG(LOG_LEVEL_ERROR, "a\nb", LOG_SLICE("v", STR("x\r\n\x1b[31m\0\x7f\xFF\xC2\x9B")));
        size_t len = captured();
        assert_one_line(len);
        assert_int_equal(strlen(text), len);
        for (size_t at = 0; at < len - 1; at++) {
            assert_false((unsigned char)text[at] < 0x20 || text[at] == 0x7F);
        }
        assert_null(strstr(text, "\xC2\x9B"));
        assert_non_null(strstr(text, "x\\u000d\\n\\u001b[31m\\u0000\\u007f\xEF\xBF\xBD\\u009b"));
    }
}

static json_t *parsed(size_t len)
{
    json_error_t error;
    json_t *json = json_loadb(text, len, JSON_ALLOW_NUL, &error);

    assert_non_null(json);
    return json;
}

static void json_lines_parse_and_keep_their_types(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
    log_set_process("worker 2");
    capture();
    LOG(LOG_LEVEL_DEBUG, "hello", LOG_U64("n", 12), LOG_I64("m", -12), LOG_HEX("id", 10),
        LOG_I64("least", INT64_MIN), LOG_I64("most", INT64_MAX), LOG_ERRNO(ENOENT));
    json_t *json = parsed(captured());
    assert_string_equal(json_string_value(json_object_get(json, "level")), "debug");
    assert_string_equal(json_string_value(json_object_get(json, "proc")), "worker 2");
    assert_string_equal(json_string_value(json_object_get(json, "msg")), "hello");
    assert_int_equal(json_integer_value(json_object_get(json, "n")), 12);
    assert_int_equal(json_integer_value(json_object_get(json, "m")), -12);
    assert_true(json_integer_value(json_object_get(json, "least")) == INT64_MIN);
    assert_true(json_integer_value(json_object_get(json, "most")) == INT64_MAX);
    assert_string_equal(json_string_value(json_object_get(json, "id")), "000000000000000a");
    assert_string_equal(json_string_value(json_object_get(json, "error")),
                        "No such file or directory");
    json_decref(json);
}

/* Every length round the bound: the cut falls on each byte of the value, the key, the end. */
static void a_line_that_is_too_long_is_cut_marked_and_still_one(void **state)
{
    static const enum log_format formats[] = {LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON};
    static char value[LOG_LINE_BYTES + 2];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        log_init(LOG_LEVEL_INFO, formats[i]);
        for (size_t escapes = 0; escapes < 80; escapes += 79) {
            memset(value, 'x', sizeof(value) - 1);
            memset(value, '\n', escapes);
            for (size_t len = LOG_LINE_BYTES - 300; len <= LOG_LINE_BYTES; len++) {
                capture();
                LOG(LOG_LEVEL_INFO, "m", LOG_SLICE("v", ((struct str){value, len})),
                    LOG_U64("number", 1234567), LOG_STR("after", "all"));
                size_t line_len = captured();
                assert_one_line(line_len);
                bool whole = strstr(text, "all") != NULL;
                assert_int_equal(whole, strstr(text, "cut") == NULL);
                if (formats[i] == LOG_FORMAT_JSON) {
                    json_decref(parsed(line_len));
                }
            }
            assert_non_null(strstr(text, "cut"));
        }
    }
}

static void a_message_that_is_too_long_is_cut(void **state)
{
    static char message[2 * LOG_LINE_BYTES];

    (void)state;
    memset(message, 'm', sizeof(message) - 1);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    capture();
    LOG(LOG_LEVEL_INFO, message, LOG_U64("n", 1));
    size_t len = captured();
    assert_one_line(len);
    json_t *json = parsed(len);
    assert_true(json_is_true(json_object_get(json, "cut")));
    json_decref(json);
}

static void levels_below_the_least_are_neither_written_nor_counted(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
    uint64_t infos = log_lines(LOG_LEVEL_INFO);
    uint64_t warnings = log_lines(LOG_LEVEL_WARN);
    capture();
    LOG(LOG_LEVEL_INFO, "not this");
    LOG(LOG_LEVEL_WARN, "this");
    log_set_level(LOG_LEVEL_ERROR);
    LOG(LOG_LEVEL_WARN, "not this either");
    assert_one_line(captured());
    assert_int_equal(log_lines(LOG_LEVEL_INFO), infos);
    assert_int_equal(log_lines(LOG_LEVEL_WARN), warnings + 1);
}

static void a_level_has_a_word(void **state)
{
    (void)state;
    assert_int_equal(log_level_of(STR("debug")), LOG_LEVEL_DEBUG);
    assert_int_equal(log_level_of(STR("info")), LOG_LEVEL_INFO);
    assert_int_equal(log_level_of(STR("warn")), LOG_LEVEL_WARN);
    assert_int_equal(log_level_of(STR("error")), LOG_LEVEL_ERROR);
}

/* What was there before is closed, but for standard error. */
static void lines_go_where_they_are_sent(void **state)
{
    int ends[2];
    int other[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(other), 0);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_fd(ends[1]);
    LOG(LOG_LEVEL_INFO, "first");
    log_set_fd(other[1]);
    LOG(LOG_LEVEL_INFO, "second");
    log_set_fd(STDERR_FILENO);
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    text[len] = '\0';
    assert_non_null(strstr(text, "msg=first\n"));
    assert_int_equal(read(ends[0], text, 1), 0); /* closed */
    len = read(other[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    text[len] = '\0';
    assert_non_null(strstr(text, "msg=second\n"));
    assert_int_equal(read(other[0], text, 1), 0);
    assert_true(fcntl(STDERR_FILENO, F_GETFD) >= 0);
    close(ends[0]);
    close(other[0]);
}

/* The test would not end. */
static void nobody_waits_for_who_does_not_read(void **state)
{
    char sentence[96];
    int ends[2];

    (void)state;
    assert_int_equal(pipe(ends), 0);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_fd(ends[1]);
    uint64_t lost = log_lost();
    for (unsigned i = 0; i < 1u << 16 && log_lost() < lost + 3; i++) {
        LOG(LOG_LEVEL_INFO, "a line of many");
    }
    assert_int_equal(log_lost(), lost + 3);
    while (read(ends[0], text, sizeof(text)) == (ssize_t)sizeof(text)) {
    }
    LOG(LOG_LEVEL_INFO, "taken again");
    LOG(LOG_LEVEL_INFO, "said once");
    log_set_fd(STDERR_FILENO);
    ssize_t len = read(ends[0], text, sizeof(text) - 1);
    assert_true(len > 0);
    text[len] = '\0';
    (void)snprintf(sentence, sizeof(sentence),
                   "msg=\"lines of the log were lost: nobody took them\" lines=%" PRIu64 "\n",
                   log_lost());
    char *first = strstr(text, sentence);
    assert_true(first != NULL && first > strstr(text, "taken again"));
    assert_null(strstr(first + strlen(sentence), "were lost"));
    close(ends[0]);
}

static void set_file_limit(rlim_t bytes)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* A full disk takes a part of a line; what another process writes when there is room is whole. */
static void half_a_line_does_not_swallow_the_next(void **state)
{
    struct rlimit before;
    char path[] = "/tmp/ctfg-log-XXXXXX";
    int fd = mkostemp(path, O_APPEND);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    (void)signal(SIGXFSZ, SIG_IGN);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_fd(dup(fd));
    LOG(LOG_LEVEL_INFO, "whole");
    set_file_limit((rlim_t)lseek(fd, 0, SEEK_END) + 10);
    LOG(LOG_LEVEL_INFO, "half");
    LOG(LOG_LEVEL_INFO, "none");
    set_file_limit(before.rlim_cur);
    pid_t child = fork();
    if (child == 0) {
        LOG(LOG_LEVEL_INFO, "whole again");
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    LOG(LOG_LEVEL_INFO, "the last");
    log_set_fd(STDERR_FILENO);
    ssize_t len = pread(fd, text, sizeof(text) - 1, 0);
    assert_true(len > 0);
    text[len] = '\0';
    char *next = strstr(text, "\nts=");
    assert_non_null(next);
    next = strstr(next + 1, "\nts="); /* "ts=2026-11" is the half */
    assert_int_equal(next - strchr(text, '\n'), 1 + 10);
    assert_non_null(strstr(next, " msg=\"whole again\"\n"));
    assert_non_null(strstr(next, " msg=\"the last\"\n"));
    assert_null(strstr(text, "\n\n"));
    (void)unlink(path);
    close(fd);
}

static void a_log_line_leaves_errno_alone(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    capture();
    errno = EBUSY;
    LOG(LOG_LEVEL_INFO, "x", LOG_ERRNO(123456));
    assert_int_equal(errno, EBUSY);
    (void)captured();
    assert_non_null(strstr(text, "unknown error"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_reads_time_level_process_message_values),
        cmocka_unit_test(logfmt_quotes_what_needs_it),
        cmocka_unit_test(control_characters_never_reach_the_terminal),
        cmocka_unit_test(json_lines_parse_and_keep_their_types),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_marked_and_still_one),
        cmocka_unit_test(a_message_that_is_too_long_is_cut),
        cmocka_unit_test(levels_below_the_least_are_neither_written_nor_counted),
        cmocka_unit_test(a_level_has_a_word),
        cmocka_unit_test(lines_go_where_they_are_sent),
        cmocka_unit_test(nobody_waits_for_who_does_not_read),
        cmocka_unit_test(half_a_line_does_not_swallow_the_next),
        cmocka_unit_test(a_log_line_leaves_errno_alone),
    };
    (void)unsetenv("JOURNAL_STREAM");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
