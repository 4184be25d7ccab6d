/* SPDX-License-Identifier: MIT */
/* log.c - puts one event into one line of a fixed size and writes it with one writev(2). */
#include "shm/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/uio.h>

#include "shm/base/clock.h"
#include "shm/base/journal.h"

#define LEVELS 4
#define NAME_BYTES 32
#define PREFIX_BYTES 3 /* "<6>", sd-daemon(3) */

/* Kept free for what closes a line that was cut: a quote, the mark, the brace, the newline. */
#define TAIL_BYTES 32

/* "2026-01-02T03:04:05.678Z" and any other time a 64-bit clock can show. */
#define TIME_BYTES 48

static struct {
    enum log_level least;
    enum log_format format;
    int fd;       /* where lines go */
    bool journal; /* it reads fd: it gets fields, or lines with "<6>" in front */
    char process[NAME_BYTES];
    _Atomic uint64_t lines[LEVELS]; /* relaxed, both: counts that nothing is ordered by */
    _Atomic uint64_t lost;
    _Atomic uint64_t lost_told;
    _Atomic bool *torn; /* of all processes forked after log_init(): the file ends in half a line */
} log_state = {.least = LOG_LEVEL_INFO, .fd = STDERR_FILENO, .process = "master"};

/* clang-format off */
static const struct {
    const char *text; /* as people read it, padded */
    const char *word; /* as tools read it, and the setting log.level */
    int priority;     /* of syslog(3) */
} level_names[LEVELS] = {
    [LOG_LEVEL_DEBUG] = {"DEBUG", "debug", 7},
    [LOG_LEVEL_INFO]  = {"INFO ", "info",  6},
    [LOG_LEVEL_WARN]  = {"WARN ", "warn",  4},
    [LOG_LEVEL_ERROR] = {"ERROR", "error", 3},
};
/* clang-format on */

struct line {
    char bytes[LOG_LINE_BYTES];
    size_t len;
    bool cut; /* something did not fit: nothing more is added */
};

/* Relaxed: at worst two lines share one, or one is empty. */
static bool take_torn(void)
{
    return log_state.torn != NULL &&
           atomic_exchange_explicit(log_state.torn, false, memory_order_relaxed);
}

static void leave_torn(void)
{
    if (log_state.torn != NULL) {
        atomic_store_explicit(log_state.torn, true, memory_order_relaxed);
    }
}

/* A file is shared by processes that are not each other's: whoever writes next has to know. */
static void share_torn(void)
{
    static _Atomic bool of_this_process;

    if (log_state.torn == NULL) {
        void *page = mmap(NULL, sizeof(*log_state.torn), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        log_state.torn = page != MAP_FAILED ? page : &of_this_process;
    }
}

void log_init(enum log_level least, enum log_format format)
{
    share_torn();
    log_state.least = least;
    log_state.format = format;
    log_set_fd(log_state.fd);
}

void log_set_fd(int fd)
{
    if (fd != log_state.fd && log_state.fd != STDERR_FILENO) {
        (void)close(log_state.fd);
    }
    log_state.fd = fd;
    (void)take_torn(); /* that was the other file */
    log_state.journal = log_state.format != LOG_FORMAT_TEXT && journal_reads(fd);
    if (log_state.journal) {
        journal_start();
    }
}

enum log_level log_level_of(struct str word)
{
    for (int level = 0; level < LEVELS; level++) {
        if (str_equal(word, str_from(level_names[level].word))) {
            return (enum log_level)level;
        }
    }
    return LOG_LEVEL_INFO;
}

void log_set_process(const char *name)
{
    (void)str_copy(str_from(name), log_state.process, sizeof(log_state.process));
    if (log_state.journal) {
        journal_start();
    }
}

void log_set_level(enum log_level least)
{
    log_state.least = least;
}

uint64_t log_lines(enum log_level level)
{
    return atomic_load_explicit(&log_state.lines[level], memory_order_relaxed);
}

uint64_t log_lost(void)
{
    return atomic_load_explicit(&log_state.lost, memory_order_relaxed);
}

const char *log_errno_text(int error)
{
    const char *text = strerrordesc_np(error);
    return text != NULL ? text : "unknown error";
}

/* All of `s` or nothing. */
static void put(struct line *line, struct str s)
{
    const size_t limit = sizeof(line->bytes) - TAIL_BYTES;

    /* A closing quote may stand behind the limit already. */
    if (line->cut || line->len > limit || s.len > limit - line->len) {
        line->cut = true;
        return;
    }
    memcpy(line->bytes + line->len, s.data, s.len);
    line->len += s.len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, str_from(text));
}

/* Into the room that put() leaves free. */
static void put_tail(struct line *line, struct str s)
{
    if (s.len <= sizeof(line->bytes) - line->len) {
        memcpy(line->bytes + line->len, s.data, s.len);
        line->len += s.len;
    }
}

/* One character of `len` bytes; control characters (C1 too: terminals obey them) become escapes. */
static void put_character(struct line *line, const char *text, size_t len)
{
    unsigned char byte = (unsigned char)text[0];
    unsigned char control = len == 2 && byte == 0xC2 ? (unsigned char)text[1] : byte;
    char escape[8];

    if (len == 0) {
        put(line, STR("\xEF\xBF\xBD")); /* U+FFFD */
    } else if (byte == '"' || byte == '\\') {
        put(line, (struct str){.data = (char[]){'\\', text[0]}, .len = 2});
    } else if (byte == '\n') {
        put(line, STR("\\n"));
    } else if (byte < 0x20 || byte == 0x7F || (len == 2 && byte == 0xC2 && control < 0xA0)) {
        (void)snprintf(escape, sizeof(escape), "\\u%04x", control);
        put_text(line, escape);
    } else {
        put(line, (struct str){.data = text, .len = len});
    }
}

static void put_escaped(struct line *line, struct str value)
{
    for (size_t at = 0; at < value.len && !line->cut;) {
        size_t len = str_utf8_len(value.data + at, value.len - at);
        put_character(line, value.data + at, len);
        at += len > 0 ? len : 1;
    }
}

static bool needs_quotes(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (value.data[i] <= ' ' || value.data[i] == '"' || value.data[i] == '=' ||
            value.data[i] == '\\' || value.data[i] == 0x7F) {
            return true; /* bytes above 0x7F too, where char is signed: never wrong */
        }
    }
    return value.len == 0;
}

/* A value as a string; the closing quote has its room in the tail. */
static void put_value(struct line *line, struct str value)
{
    bool quotes = log_state.format == LOG_FORMAT_JSON || needs_quotes(value);

    if (quotes) {
        put_text(line, "\"");
        if (line->cut) {
            return;
        }
    }
    put_escaped(line, value);
    if (quotes) {
        put_tail(line, STR("\""));
    }
}

struct str log_field_text(const struct log_field *field, char ret_digits[LOG_DIGITS_MAX])
{
    uint64_t number = field->number;
    size_t sign = 0;

    switch (field->kind) {
    case LOG_FIELD_STR:
        return field->str;
    case LOG_FIELD_HEX:
        str_print_hex64(number, ret_digits);
        return (struct str){ret_digits, STR_HEX64_DIGITS};
    case LOG_FIELD_I64:
        if ((int64_t)number < 0) {
            ret_digits[sign++] = '-';
            number = 0 - number; /* of the least one, too: there is no overflow without a sign */
        }
        break;
    case LOG_FIELD_U64:
        break;
    }
    return (struct str){ret_digits, sign + str_print_u64(number, ret_digits + sign)};
}

/* Begins a field: ` key=`, or `,"key":`. */
static void put_key(struct line *line, const char *key)
{
    char text[80];
    bool json = log_state.format == LOG_FORMAT_JSON;

    (void)snprintf(text, sizeof(text), json ? ",\"%.64s\":" : " %.64s=", key);
    put_text(line, text);
}

static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->len;
    char digits[LOG_DIGITS_MAX];
    struct str value = log_field_text(field, digits);

    put_key(line, field->key);
    if (field->kind == LOG_FIELD_STR || field->kind == LOG_FIELD_HEX) {
        put_value(line, value);
    } else {
        put(line, value);
    }
    /* A cut string says something still; a key without a value would be no JSON, half a hex no id. */
    if (line->cut && (field->kind != LOG_FIELD_STR || line->bytes[line->len - 1] == '=' ||
                      line->bytes[line->len - 1] == ':')) {
        line->len = before;
    }
}

/* ISO 8601 in UTC, without the "Z": localtime_r() may allocate and read files. */
static void time_text(char *ret_text)
{
    uint64_t now_us = clock_real_us();
    time_t seconds = (time_t)(now_us / 1000000);
    struct tm parts = {0};
    char head[32] = "";

    (void)gmtime_r(&seconds, &parts);
    (void)strftime(head, sizeof(head), "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret_text, TIME_BYTES, "%s.%03u", head, (unsigned int)(now_us / 1000 % 1000));
}

static void put_head(struct line *line, enum log_level level, const char *message)
{
    char now[TIME_BYTES];

    time_text(now);
    const char *clock = strchr(now, 'T'); /* only the time of day, for who sits there */
    switch (log_state.format) {
    case LOG_FORMAT_TEXT:
        put_text(line, clock != NULL ? clock + 1 : now);
        put_text(line, " ");
        put_text(line, level_names[level].text);
        put_text(line, " ");
        put_escaped(line, str_from(log_state.process));
        put_text(line, ": ");
        put_escaped(line, str_from(message));
        break;
    case LOG_FORMAT_LOGFMT:
        put_text(line, "ts=");
        put_text(line, now);
        put_text(line, "Z level=");
        put_text(line, level_names[level].word);
        put_text(line, " proc=");
        put_value(line, str_from(log_state.process));
        put_text(line, " msg=");
        put_value(line, str_from(message));
        break;
    case LOG_FORMAT_JSON:
        put_text(line, "{\"ts\":\"");
        put_text(line, now);
        put_text(line, "Z\",\"level\":\"");
        put_text(line, level_names[level].word);
        put_text(line, "\",\"proc\":");
        put_value(line, str_from(log_state.process));
        put_text(line, ",\"msg\":");
        put_value(line, str_from(message));
        break;
    }
}

static void put_end(struct line *line)
{
    bool json = log_state.format == LOG_FORMAT_JSON;

    if (line->cut) {
        put_tail(line, json ? STR(",\"cut\":true") : STR(" cut=true"));
    }
    put_tail(line, json ? STR("}\n") : STR("\n"));
}

/*
 * Never waits for whoever reads: a line more or less, but no player waits for a log.  A pipe, a socket
 * or a terminal that polls as writable takes LOG_LINE_BYTES at once; a file always does, but on a full
 * disk: it takes half a line, and the next one, of any process, begins with the newline that is missing.
 */
static bool write_line(struct line *line)
{
    struct pollfd reader = {.fd = log_state.fd, .events = POLLOUT};
    ssize_t written;

    if (poll(&reader, 1, 0) <= 0) {
        return false;
    }
    size_t missing = take_torn() ? 1 : 0;
    struct iovec parts[] = {{(char[]){'\n'}, missing}, {line->bytes, line->len}};
    do {
        written = writev(log_state.fd, parts, 2);
    } while (written < 0 && errno == EINTR);
    if (written == (ssize_t)(missing + line->len)) {
        return true;
    }
    if (written > (ssize_t)missing || (written <= 0 && missing != 0)) {
        leave_torn();
    }
    return false;
}

/* Without the prefix and the newline, which are for the stream. */
static bool send_to_journal(const struct line *line, enum log_level level,
                            const struct log_field *fields)
{
    struct str text = {line->bytes + PREFIX_BYTES, line->len - PREFIX_BYTES - 1};

    return journal_send(level_names[level].priority, text, str_from(log_state.process), fields);
}

/* A line was taken: were there others before it that were not? */
static void tell_lost(void)
{
    uint64_t lost = log_lost();
    uint64_t told = atomic_load_explicit(&log_state.lost_told, memory_order_relaxed);

    if (lost > told &&
        atomic_compare_exchange_strong_explicit(&log_state.lost_told, &told, lost,
                                                memory_order_relaxed, memory_order_relaxed)) {
        LOG(LOG_LEVEL_WARN, "lines of the log were lost: nobody took them",
            LOG_U64("lines", lost - told));
    }
}

void log_write(enum log_level level, const char *message, const struct log_field *fields)
{
    int kept_errno = errno; /* a failed call, its log line, a look at errno: must work */
    struct line line;

    if (level < log_state.least) {
        return;
    }
    line.len = 0;
    line.cut = false;
    if (log_state.journal) {
        put(&line, (struct str){(const char[]){'<', (char)('0' + level_names[level].priority), '>'},
                                PREFIX_BYTES});
    }
    put_head(&line, level, message);
    for (const struct log_field *field = fields; field->key != NULL && !line.cut; field++) {
        put_field(&line, field);
    }
    put_end(&line);
    atomic_fetch_add_explicit(&log_state.lines[level], 1, memory_order_relaxed);
    if ((log_state.journal && send_to_journal(&line, level, fields)) || write_line(&line)) {
        tell_lost();
    } else {
        atomic_fetch_add_explicit(&log_state.lost, 1, memory_order_relaxed);
    }
    errno = kept_errno;
}
