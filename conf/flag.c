/* SPDX-License-Identifier: MIT */
/* flag.c - PCRE2 patterns with limits; see flag.h. */
#include "conf/flag.h"

#include <stdio.h>
#include <stdlib.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* PCRE2 counts its match limit afresh at every starting position of a guess, so that an unanchored
 * pattern on a long guess could take length times FLAG_MATCH_LIMIT.  All positions together get
 * this many steps: a few milliseconds. */
#define FLAG_STEPS_ALL_POSITIONS 400000u
#define FLAG_MATCH_LIMIT_LEAST 64u
/* For the interpreter, which steps in when the JIT's own stack is too small. */
#define FLAG_HEAP_LIMIT_KIB 1024u
#define FLAG_DEPTH_LIMIT 5000u

struct flag {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

struct flag *flag_compile(struct str pattern, char *ret_error, size_t error_bytes,
                          size_t *ret_offset)
{
    int error = PCRE2_ERROR_NOMEMORY;
    PCRE2_SIZE offset = 0;
    struct flag *flag = calloc(1, sizeof(*flag));

    if (flag == NULL) {
        goto failed;
    }
    if (pattern.len > FLAG_PATTERN_BYTES_MAX) {
        error = PCRE2_ERROR_BADDATA;
        goto failed;
    }
    /* Guesses are UTF-8 by the time they arrive; MATCH_INVALID_UTF makes sure that one which is not
     * merely fails to match. \C would step into the middle of a character. */
    flag->code = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.len,
                               PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C,
                               &error, &offset, NULL);
    if (flag->code == NULL) {
        goto failed;
    }
    error = PCRE2_ERROR_NOMEMORY;
    flag->match = pcre2_match_data_create(1, NULL);
    flag->limits = pcre2_match_context_create(NULL);
    if (flag->match == NULL || flag->limits == NULL) {
        goto failed;
    }
    pcre2_set_depth_limit(flag->limits, FLAG_DEPTH_LIMIT);
    pcre2_set_heap_limit(flag->limits, FLAG_HEAP_LIMIT_KIB);
    /* Without JIT (an architecture that has none, a pattern it cannot take) the interpreter gives
     * the same answers within the same limits, so a refusal here is no error. */
    (void)pcre2_jit_compile(flag->code, PCRE2_JIT_COMPLETE);
    return flag;
failed:
    *ret_offset = offset;
    if (error == PCRE2_ERROR_BADDATA) {
        (void)snprintf(ret_error, error_bytes, "pattern is longer than %d bytes",
                       FLAG_PATTERN_BYTES_MAX);
    } else if (pcre2_get_error_message(error, (PCRE2_UCHAR *)ret_error, error_bytes) < 0) {
        (void)snprintf(ret_error, error_bytes, "error %d of PCRE2", error);
    }
    flag_free(flag);
    return NULL;
}

void flag_free(struct flag *flag)
{
    if (flag == NULL) {
        return;
    }
    pcre2_match_context_free(flag->limits);
    pcre2_match_data_free(flag->match);
    pcre2_code_free(flag->code);
    free(flag);
}

enum match { MATCH_FOUND, MATCH_NONE, MATCH_GIVEN_UP };

/* One match at or after `from`. */
static enum match match_from(const struct flag *flag, struct str guess, size_t from,
                             bool nonempty_here)
{
    uint32_t options = nonempty_here ? PCRE2_NOTEMPTY_ATSTART : 0;
    int rc = pcre2_match(flag->code, (PCRE2_SPTR)guess.data, guess.len, from, options, flag->match,
                         flag->limits);

    if (rc == PCRE2_ERROR_JIT_STACKLIMIT) {
        rc = pcre2_match(flag->code, (PCRE2_SPTR)guess.data, guess.len, from,
                         options | PCRE2_NO_JIT, flag->match, flag->limits);
    }
    if (rc >= 0) { /* 0: the pattern has groups, whose places nobody wants to know */
        return MATCH_FOUND;
    }
    return rc == PCRE2_ERROR_NOMATCH ? MATCH_NONE : MATCH_GIVEN_UP;
}

enum flag_verdict flag_judge(const struct flag *flag, struct str guess)
{
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(flag->match);

    guess = str_trim(guess);
    if (guess.len > FLAG_GUESS_BYTES_MAX) {
        return FLAG_NO_MATCH;
    }
    if (guess.len == 0) {
        guess = STR("");
    }
    uint32_t limit = FLAG_STEPS_ALL_POSITIONS / (uint32_t)(guess.len + 1);

    limit = limit > FLAG_MATCH_LIMIT ? FLAG_MATCH_LIMIT : limit;
    pcre2_set_match_limit(flag->limits,
                          limit < FLAG_MATCH_LIMIT_LEAST ? FLAG_MATCH_LIMIT_LEAST : limit);
    enum match match = match_from(flag, guess, 0, false);

    if (match != MATCH_FOUND) {
        return match == MATCH_NONE ? FLAG_NO_MATCH : FLAG_GIVEN_UP;
    }
    /* \K inside a lookahead can put the start behind the end; such a match counts as empty. */
    bool was_empty = place[0] >= place[1];
    size_t next = place[0] > place[1] ? place[0] : place[1];

    /* As in Perl's m//g: after an empty match the next one may begin at the same place, but only if
     * it is not empty there. */
    match = match_from(flag, guess, next, was_empty);
    if (match == MATCH_GIVEN_UP) {
        return FLAG_GIVEN_UP;
    }
    return match == MATCH_NONE ? FLAG_RIGHT : FLAG_MATCHES_TWICE;
}

bool flag_matches_once(const struct flag *flag, struct str guess)
{
    return flag_judge(flag, guess) == FLAG_RIGHT;
}
