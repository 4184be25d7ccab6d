/* SPDX-License-Identifier: MIT */
/*
 * log.h - one line an event, on standard error or in a file.
 *
 * Human-readable on a terminal, logfmt or JSON elsewhere (a setting).  The journal gets each value as
 * a field of its own besides (journal.h).  A line is one write(2) of at most LOG_LINE_BYTES; what does
 * not fit is cut and marked, values are escaped, so a line is always one line.  A line that whoever reads
 * does not take at once is lost, counted, and told with the next one that is taken; a full disk may have
 * kept a part of it, on a line of its own.  Never log a password, token, flag or guess.  Any process.
 *
 *     LOG(LOG_LEVEL_WARN, "backlog is clamped", LOG_U64("wanted", 4096), LOG_U64("got", 128));
 */
#pragma once

#include <stdint.h>

#include "shm/base/str.h"

#define LOG_LINE_BYTES 4096 /* PIPE_BUF: lines of several processes do not mix in a pipe */

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_FIELD_STR, LOG_FIELD_U64, LOG_FIELD_I64, LOG_FIELD_HEX } kind;
    struct str str;
    uint64_t number;
};

#define LOG_STR(name, c_string)                                                                    \
    ((struct log_field){.key = (name), .kind = LOG_FIELD_STR, .str = str_from(c_string)})
#define LOG_SLICE(name, slice)                                                                     \
    ((struct log_field){.key = (name), .kind = LOG_FIELD_STR, .str = (slice)})
#define LOG_U64(name, value)                                                                       \
    ((struct log_field){.key = (name), .kind = LOG_FIELD_U64, .number = (uint64_t)(value)})
#define LOG_I64(name, value)                                                                       \
    ((struct log_field){.key = (name), .kind = LOG_FIELD_I64, .number = (uint64_t)(int64_t)(value)})
/* A request id: 16 hexadecimal digits, as in the answer's X-Request-Id. */
#define LOG_HEX(name, value)                                                                       \
    ((struct log_field){.key = (name), .kind = LOG_FIELD_HEX, .number = (uint64_t)(value)})
/* strerror of the given errno. */
#define LOG_ERRNO(error) LOG_STR("error", log_errno_text(error))

/* A field's value: its own text, or its number's, which lies in ret_digits. */
#define LOG_DIGITS_MAX (1 + STR_U64_DIGITS_MAX)
struct str log_field_text(const struct log_field *field, char ret_digits[LOG_DIGITS_MAX]);

#define LOG(level, message, ...)                                                                   \
    log_write((level), (message), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

void log_init(enum log_level least, enum log_format format);
/* "ctfg: worker 1" without the "ctfg: ": stands in every line.  After fork. */
void log_set_process(const char *name);
void log_set_level(enum log_level least);
/* "debug", "info", "warn", "error": what the setting log.level may be. */
enum log_level log_level_of(struct str word);
/* Lines go there from now on; it is the log's, and what was there before is closed. */
void log_set_fd(int fd);
/* Lines so far, by level, and those of all levels that nobody took: for /metrics. */
uint64_t log_lines(enum log_level level);
uint64_t log_lost(void);
const char *log_errno_text(int error);
void log_write(enum log_level level, const char *message, const struct log_field *fields);
