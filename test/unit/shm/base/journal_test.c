/* SPDX-License-Identifier: MIT */
/* journal_test.c - plays journald: what it gets, and what it gets when it takes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>

#include <cmocka.h>

#include "shm/base/journal.c"
#include "shm/base/log.h"

static struct {
    char folder[32];
    int socket;  /* journald's */
    int ends[2]; /* standard error, as the journal reads it */
    int kept_stderr;
} world;

/* Bytes of a datagram, or of standard error. */
static char text[2 * DATAGRAM_BYTES];

static int set_up(void **state)
{
    struct stat facts;
    char stream[48];

    (void)state;
    (void)strcpy(world.folder, "/tmp/ctfg-journal-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    (void)snprintf(journal.address.sun_path, sizeof(journal.address.sun_path), "%s/socket",
                   world.folder);
    world.socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_true(world.socket >= 0);
    assert_int_equal(
        bind(world.socket, (const struct sockaddr *)&journal.address, sizeof(journal.address)), 0);
    assert_int_equal(pipe2(world.ends, O_NONBLOCK), 0);
    world.kept_stderr = dup(STDERR_FILENO);
    assert_int_equal(dup2(world.ends[1], STDERR_FILENO), STDERR_FILENO);
    assert_int_equal(fstat(STDERR_FILENO, &facts), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)facts.st_dev,
                   (uintmax_t)facts.st_ino);
    assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    assert_int_equal(dup2(world.kept_stderr, STDERR_FILENO), STDERR_FILENO);
    (void)close(world.kept_stderr);
    (void)close(world.ends[0]);
    (void)close(world.ends[1]);
    (void)close(world.socket);
    (void)unlink(journal.address.sun_path);
    (void)rmdir(world.folder);
    assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_TEXT);
    return 0;
}

static size_t received(int fd)
{
    ssize_t len = read(fd, text, sizeof(text) - 1);

    if (len < 0) {
        assert_int_equal(errno, EAGAIN);
        len = 0;
    }
    text[len] = '\0';
    return (size_t)len;
}

/* The value of a field of the datagram in text; fails if it is there twice or not at all. */
static struct str field(size_t len, const char *name)
{
    struct str found = {0};
    size_t at = 0;

    while (at < len) {
        const char *end = memchr(text + at, '\n', len - at);
        uint64_t value_len = 0;

        assert_non_null(end);
        size_t name_len = (size_t)(end - (text + at));
        assert_true(at + name_len + 9 <= len);
        for (unsigned i = 0; i < 8; i++) {
            value_len |= (uint64_t)(uint8_t)end[1 + i] << (8 * i);
        }
        size_t value_at = at + name_len + 9;
        assert_true(value_len < len && value_at + value_len < len);
        assert_int_equal(text[value_at + value_len], '\n');
        if (name_len == strlen(name) && memcmp(text + at, name, name_len) == 0) {
            assert_null(found.data);
            found = (struct str){text + value_at, (size_t)value_len};
        }
        at = value_at + value_len + 1;
    }
    assert_non_null(found.data);
    return found;
}

static void assert_field(size_t len, const char *name, const char *value)
{
    assert_true(str_equal(field(len, name), str_from(value)));
}

static void each_value_is_a_field_of_its_own(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    log_set_process("worker 1");
    LOG(LOG_LEVEL_WARN, "slow disk", LOG_U64("took_us", 7), LOG_I64("delta", -3),
        LOG_HEX("request", 255), LOG_STR("why", "two\nlines"), LOG_STR("odd-key", ""));
    size_t len = received(world.socket);
    assert_true(len > 0);
    assert_field(len, "PRIORITY", "4");
    assert_field(len, "SYSLOG_IDENTIFIER", "ctfg");
    assert_field(len, "CTFG_PROC", "worker 1");
    assert_field(len, "CTFG_TOOK_US", "7");
    assert_field(len, "CTFG_DELTA", "-3");
    assert_field(len, "CTFG_REQUEST", "00000000000000ff");
    assert_field(len, "CTFG_WHY", "two\nlines");
    assert_field(len, "CTFG_ODD_KEY", "");
    struct str message = field(len, "MESSAGE");
    assert_memory_equal(message.data, "ts=20", 5); /* no priority in front */
    static const char end[] = "delta=-3 request=00000000000000ff why=\"two\\nlines\" odd-key=\"\"";
    assert_memory_equal(message.data + message.len - strlen(end), end, strlen(end));
    assert_int_equal(received(world.ends[0]), 0); /* said once */
}

static void the_longest_line_still_fits(void **state)
{
    static char value[2 * LOG_LINE_BYTES];

    (void)state;
    memset(value, 'x', sizeof(value) - 1);
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_JSON);
    LOG(LOG_LEVEL_ERROR, "m", LOG_STR("first", value), LOG_STR("second", value),
        LOG_U64("last", 1));
    size_t len = received(world.socket);
    assert_true(len > 0 && len <= DATAGRAM_BYTES);
    assert_field(len, "PRIORITY", "3");
    assert_field(len, "CTFG_LAST", "1"); /* what is too long is left out, the rest is there */
    struct str message = field(len, "MESSAGE");
    assert_memory_equal(message.data + message.len - strlen(",\"cut\":true}"), ",\"cut\":true}",
                        strlen(",\"cut\":true}"));
}

static void without_journald_the_line_goes_to_its_stream(void **state)
{
    (void)state;
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    assert_int_equal(unlink(journal.address.sun_path), 0);
    LOG(LOG_LEVEL_WARN, "w");
    assert_true(received(world.ends[0]) > 0);
    assert_memory_equal(text, "<4>ts=", 6);
    assert_int_equal(text[strlen(text) - 1], '\n');
}

static void a_journal_that_is_full_keeps_nobody_waiting(void **state)
{
    (void)state;
    size_t lines = 0;

    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    while (received(world.ends[0]) == 0) {
        LOG(LOG_LEVEL_INFO, "again");
        assert_true(++lines < 100000);
    }
    assert_memory_equal(text, "<6>ts=", 6);
    assert_true(received(world.socket) > 0);
}

static void a_stream_that_is_not_the_journals_gets_plain_lines(void **state)
{
    (void)state;
    assert_int_equal(setenv("JOURNAL_STREAM", "8:1234", 1), 0); /* of a shell in the service */
    log_init(LOG_LEVEL_INFO, LOG_FORMAT_LOGFMT);
    LOG(LOG_LEVEL_WARN, "w");
    assert_true(received(world.ends[0]) > 0);
    assert_memory_equal(text, "ts=", 3);
    assert_int_equal(received(world.socket), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_value_is_a_field_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_line_still_fits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_journald_the_line_goes_to_its_stream, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_journal_that_is_full_keeps_nobody_waiting, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_stream_that_is_not_the_journals_gets_plain_lines, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
