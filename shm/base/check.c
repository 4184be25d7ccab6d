/* SPDX-License-Identifier: MIT */
/* check.c - the last words of a process whose own invariant is broken. */
#include "shm/base/check.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "shm/base/compiler.h"
#include "shm/base/proc.h"

/* A line number, 32 bits, in decimal. */
#define LINE_DIGITS 11

static struct iovec piece(const char *text)
{
    return (struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
}

_Noreturn void check_failed(const char *condition, const char *file, int line)
{
    char digits[LINE_DIGITS + 1] = {0};
    size_t at = LINE_DIGITS;
    unsigned int rest = (unsigned int)line;

    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0 && at > 0);

    struct iovec line_parts[] = {
        piece("ctfg "),   piece(proc_role_name(proc_role())),
        piece(": "),      piece(file),
        piece(":"),       piece(digits + at),
        piece(": "),      piece("broken invariant: "),
        piece(condition), piece("\n"),
    };
    /* Nobody is left to be told that standard error is gone. */
    ssize_t written = writev(STDERR_FILENO, line_parts, ARRAY_LEN(line_parts));
    (void)written;
    abort();
}
