/* SPDX-License-Identifier: MIT */
/*
 * check.h - CHECK(): a broken invariant of our own is a crash with a message, in every build.
 *
 * For what can only be a defect in this program.  Bytes from elsewhere (a player, a file, a sibling
 * process) are never CHECK()ed: they are refused.  The master restarts whoever crashes.
 */
#pragma once

/* Any process.  Writes one line to standard error without allocating, then abort()s. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            check_failed(#condition, __FILE__, __LINE__);                                          \
        }                                                                                          \
    } while (0)
