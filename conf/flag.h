/* SPDX-License-Identifier: MIT */
/*
 * flag.h - a challenge's flag: a Perl-syntax pattern that must match a guess exactly once.
 *
 * Patterns are compiled with JIT before the fork and matched in workers.  Match, depth and heap
 * limits bound every match, so that neither a pattern nor a guess can stall a loop (pcre2api(3),
 * "The match context"); a match that meets a limit counts as wrong.  Thread: the loop's only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

#define FLAG_PATTERN_BYTES_MAX 4096
#define FLAG_GUESS_BYTES_MAX 4096 /* longer guesses are wrong without a look */
#define FLAG_MATCH_LIMIT 20000    /* steps; a pathological pattern then costs well under 1 ms */

struct flag;

/* NULL: ret_error holds PCRE2's sentence and *ret_offset the byte of the pattern it is about. */
MUST_USE struct flag *flag_compile(struct str pattern, char *ret_error, size_t error_bytes,
                                   size_t *ret_offset);
void flag_free(struct flag *flag); /* takes NULL */

enum flag_verdict {
    FLAG_RIGHT,         /* the pattern matches exactly once */
    FLAG_NO_MATCH,      /* not at all */
    FLAG_MATCHES_TWICE, /* or more often */
    FLAG_GIVEN_UP,      /* a limit was met before that was known */
};

/* Why a guess is right or wrong: for the organiser's own one, of whom nothing is hidden. */
enum flag_verdict flag_judge(const struct flag *flag, struct str guess);
/* The number of non-overlapping matches in the trimmed guess is 1. */
bool flag_matches_once(const struct flag *flag, struct str guess);
