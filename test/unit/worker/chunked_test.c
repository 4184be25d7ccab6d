/* SPDX-License-Identifier: MIT */
/* chunked_test.c - chunks, cut at every place and byte by byte: joined, or refused. */
#include "worker/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shm/base/buf.h"

#define BODY_MAX 32

struct outcome {
    enum chunked_verdict verdict;
    size_t used; /* up to the body's end, where there is one */
    size_t body_len;
    char body[BODY_MAX];
};

/* In pieces of the first length, then of the second, each in memory of its own so that ASan sees
 * overruns. */
static struct outcome feed(struct str text, size_t first, size_t then)
{
    struct outcome outcome = {.verdict = CHUNKED_MORE};
    struct buf body = BUF_IN(outcome.body);
    struct chunked chunked = {0};
    size_t piece = first;

    while (outcome.used < text.len && outcome.verdict == CHUNKED_MORE) {
        size_t rest = text.len - outcome.used;
        size_t take = rest < piece ? rest : piece;
        char *copy = malloc(take);
        size_t used = 0;

        assert_non_null(copy);
        memcpy(copy, text.data + outcome.used, take);
        outcome.verdict = chunked_feed(&chunked, copy, take, &body, &used);
        assert_true(outcome.verdict != CHUNKED_MORE || used == take);
        outcome.used += used;
        free(copy);
        piece = then;
    }
    outcome.body_len = body.len;
    return outcome;
}

static void assert_same(const struct outcome *one, const struct outcome *other, struct str text)
{
    if (one->verdict != other->verdict) {
        fail_msg("%d and %d: %.*s", one->verdict, other->verdict, (int)text.len, text.data);
    }
    if (one->verdict == CHUNKED_WHOLE) {
        assert_int_equal(one->used, other->used);
        assert_int_equal(one->body_len, other->body_len);
        assert_memory_equal(one->body, other->body, one->body_len);
    }
}

static struct outcome feed_every_way(struct str text)
{
    struct outcome whole = feed(text, text.len, text.len);
    struct outcome bytes = feed(text, 1, 1);

    assert_same(&whole, &bytes, text);
    for (size_t cut = 1; cut < text.len; cut++) {
        struct outcome halves = feed(text, cut, text.len);

        assert_same(&whole, &halves, text);
    }
    return whole;
}

/* clang-format off */
static const struct {
    struct str text;
    struct str body;
    size_t behind; /* bytes that are no longer the body's */
} bodies[] = {
    {STR_INIT("0\r\n\r\n"),                                       STR_INIT(""), 0},
    {STR_INIT("2\r\n{}\r\n0\r\n\r\n"),                            STR_INIT("{}"), 0},
    {STR_INIT("2\r\n{}\r\n0\r\n\r\nGET / HTTP/1.1\r\n"),          STR_INIT("{}"), 16},
    {STR_INIT("2\r\n\r\n\r\n0\r\n\r\n\r\n"),                      STR_INIT("\r\n"), 2},
    {STR_INIT("1\r\na\r\n002\r\nbc\r\n00\r\n\r\n"),               STR_INIT("abc"), 0},
    {STR_INIT("00000000000000000001\r\na\r\n0\r\n\r\n"),          STR_INIT("a"), 0},
    {STR_INIT("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), STR_INIT("01234567890123456789a"), 0},
    {STR_INIT("A\r\n0123456789\r\n0\r\n\r\n"),          STR_INIT("0123456789"), 0},
    {STR_INIT("1;a\r\nx\r\n1 ; a=b;c=\"d\t;\"\r\ny\r\n0;\r\n\r\n"), STR_INIT("xy"), 0},
    {STR_INIT("0\r\nA: b\r\nX-Empty:\r\n\r\n"),                   STR_INIT(""), 0},
    {STR_INIT("20\r\n01234567890123456789012345678901\r\n0\r\n\r\n"),
     STR_INIT("01234567890123456789012345678901"), 0},
};

static const struct {
    struct str text;
    enum chunked_verdict verdict;
} refusals[] = {
    {STR_INIT("2\r\n{}xx0\r\n\r\n"),        CHUNKED_BAD}, /* no CR LF behind the data */
    {STR_INIT("2\r\n{}x\n0\r\n\r\n"),       CHUNKED_BAD},
    {STR_INIT("2\r\n{}\rx0\r\n\r\n"),       CHUNKED_BAD},
    {STR_INIT("2\r\n{}\n0\r\n\r\n"),        CHUNKED_BAD},
    {STR_INIT("2\r\n{}0\r\n\r\n"),          CHUNKED_BAD},
    {STR_INIT("1\r\n{}\r\n0\r\n\r\n"),      CHUNKED_BAD},
    {STR_INIT("2\rx{}\r\n0\r\n\r\n"),       CHUNKED_BAD}, /* nor behind the size */
    {STR_INIT("2\n{}\r\n0\r\n\r\n"),        CHUNKED_BAD},
    {STR_INIT("2\r\r\n{}\r\n0\r\n\r\n"),    CHUNKED_BAD},
    {STR_INIT("2;a\rx{}\r\n0\r\n\r\n"),     CHUNKED_BAD}, /* nor behind an extension */
    {STR_INIT("2;a\n{}\r\n0\r\n\r\n"),      CHUNKED_BAD},
    {STR_INIT("2;a\0\r\n{}\r\n0\r\n\r\n"),  CHUNKED_BAD},
    {STR_INIT("2 \r\n{}\r\n0\r\n\r\n"),     CHUNKED_BAD}, /* a blank without one */
    {STR_INIT("2 a\r\n{}\r\n0\r\n\r\n"),    CHUNKED_BAD},
    {STR_INIT("2\r\n{}\r\n0\r\n\n"),        CHUNKED_BAD}, /* the body's end */
    {STR_INIT("2\r\n{}\r\n0\n\r\n"),        CHUNKED_BAD},
    {STR_INIT("0\r\n\rx"),                  CHUNKED_BAD},
    {STR_INIT("0\r\n\n"),                   CHUNKED_BAD},
    {STR_INIT("0\rx\r\n"),                  CHUNKED_BAD},
    {STR_INIT("0\r\nA: b\n\r\n"),           CHUNKED_BAD}, /* trailers */
    {STR_INIT("0\r\nA: b\rC: d\r\n\r\n"),   CHUNKED_BAD},
    {STR_INIT("0\r\nA: b\r\n c\r\n\r\n"),   CHUNKED_BAD},
    {STR_INIT("0\r\nA: b\r\n\n"),           CHUNKED_BAD},
    {STR_INIT("0\r\nA : b\r\n\r\n"),        CHUNKED_BAD},
    {STR_INIT("0\r\nA\r\n\r\n"),            CHUNKED_BAD},
    {STR_INIT("0\r\n: b\r\n\r\n"),          CHUNKED_BAD},
    {STR_INIT("0\r\nA: \x01\r\n\r\n"),      CHUNKED_BAD},
    {STR_INIT("0\r\nA: \x01\n\r\n"),        CHUNKED_BAD},
    {STR_INIT("0\r\nA: \x7f\r\n\r\n"),      CHUNKED_BAD},
    {STR_INIT("\r\n"),                      CHUNKED_BAD}, /* no size */
    {STR_INIT(";a\r\n"),                    CHUNKED_BAD},
    {STR_INIT(" 2\r\n{}\r\n0\r\n\r\n"),     CHUNKED_BAD},
    {STR_INIT("0x2\r\n{}\r\n0\r\n\r\n"),    CHUNKED_BAD},
    {STR_INIT("+2\r\n{}\r\n0\r\n\r\n"),     CHUNKED_BAD},
    {STR_INIT("-2\r\n{}\r\n0\r\n\r\n"),     CHUNKED_BAD},
    {STR_INIT("2g\r\n{}\r\n0\r\n\r\n"),     CHUNKED_BAD},
    {STR_INIT("2\0\r\n{}\r\n0\r\n\r\n"),    CHUNKED_BAD},
    {STR_INIT("10000000000000002\r\n{}\r\n0\r\n\r\n"), CHUNKED_BAD}, /* 2, but for 65 bits */
    {STR_INIT("21\r\n012345678901234567890123456789012"), CHUNKED_LONG},
};
/* clang-format on */

static void chunks_are_joined_however_they_arrive(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct outcome outcome = feed_every_way(bodies[i].text);

        assert_int_equal(outcome.verdict, CHUNKED_WHOLE);
        assert_int_equal(outcome.used, bodies[i].text.len - bodies[i].behind);
        assert_int_equal(outcome.body_len, bodies[i].body.len);
        assert_memory_equal(outcome.body, bodies[i].body.data, bodies[i].body.len);
    }
}

static void other_framing_is_refused_however_it_arrives(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct outcome outcome = feed_every_way(refusals[i].text);

        if (outcome.verdict != refusals[i].verdict) {
            fail_msg("%d instead of %d: %.*s", outcome.verdict, refusals[i].verdict,
                     (int)refusals[i].text.len, refusals[i].text.data);
        }
    }
}

static void half_a_body_waits_for_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        for (size_t len = 0; len < bodies[i].text.len - bodies[i].behind; len++) {
            struct str half = {bodies[i].text.data, len};

            assert_int_equal(feed(half, len, len).verdict, CHUNKED_MORE);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_are_joined_however_they_arrive),
        cmocka_unit_test(other_framing_is_refused_however_it_arrives),
        cmocka_unit_test(half_a_body_waits_for_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
