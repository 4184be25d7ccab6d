/* SPDX-License-Identifier: MIT */
/* http_test.c - requests, whole and in pieces, good and bad. */
#include "worker/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "conf/settings.h"

#define HEAD_MAX 1024
#define BODY_MAX 512
#define STEPS_MAX 100000

static const struct settings settings = {
    .http_head_bytes_max = HEAD_MAX,
    .http_body_bytes_max = BODY_MAX,
};

/* What came out of feeding, with copies of what the tests look at. */
struct outcome {
    enum http_status status;
    bool saw_continue;
    size_t used;
    struct request request; /* its texts point into text[] */
    char path[256];
    char query[256];
    char host[256];
    char cookie[256];
    char body[BODY_MAX + 1];
    size_t body_len;
};

static void copy_text(struct str from, char *to, size_t size)
{
    assert_true(from.len < size);
    (void)str_copy(from, to, size);
}

/* Feeds in pieces of at most `piece` bytes, each in memory of its own so that ASan sees overruns. */
static struct outcome feed(const char *bytes, size_t len, size_t piece)
{
    struct outcome outcome = {.status = HTTP_MORE};
    struct http *http = http_new(&settings);
    size_t at = 0;

    assert_non_null(http);
    http_stamp(http, 7, 42);
    while (at < len && (outcome.status == HTTP_MORE || outcome.status == HTTP_CONTINUE)) {
        size_t take = len - at < piece ? len - at : piece;
        char *copy = malloc(take);
        size_t used = 0;

        assert_non_null(copy);
        memcpy(copy, bytes + at, take);
        outcome.status = http_feed(http, copy, take, &used);
        assert_true(used <= take);
        at += used;
        outcome.saw_continue |= outcome.status == HTTP_CONTINUE;
        if (outcome.status == HTTP_WHOLE) {
            const struct request *request = http_request(http);

            outcome.request = *request;
            copy_text(request->path, outcome.path, sizeof(outcome.path));
            copy_text(request->query, outcome.query, sizeof(outcome.query));
            copy_text(request->host, outcome.host, sizeof(outcome.host));
            copy_text(request->cookie, outcome.cookie, sizeof(outcome.cookie));
            copy_text(request->body, outcome.body, sizeof(outcome.body));
            outcome.body_len = request->body.len;
        }
        free(copy);
    }
    outcome.used = at;
    http_free(http);
    return outcome;
}

static struct outcome feed_text(const char *text)
{
    return feed(text, strlen(text), SIZE_MAX);
}

/* The same in one piece, byte by byte, and cut once at every place. */
static struct outcome feed_every_way(const char *text)
{
    size_t len = strlen(text);
    struct outcome whole = feed(text, len, SIZE_MAX);

    for (size_t piece = 1; piece < len; piece = piece < 9 ? piece + 1 : piece * 2) {
        struct outcome pieces = feed(text, len, piece);

        assert_int_equal(pieces.status, whole.status);
        if (whole.status == HTTP_WHOLE) {
            assert_int_equal(pieces.used, whole.used);
            assert_string_equal(pieces.path, whole.path);
            assert_string_equal(pieces.query, whole.query);
            assert_string_equal(pieces.host, whole.host);
            assert_string_equal(pieces.cookie, whole.cookie);
            assert_int_equal(pieces.body_len, whole.body_len);
            assert_memory_equal(pieces.body, whole.body, whole.body_len);
            assert_int_equal(pieces.request.method, whole.request.method);
            assert_int_equal(pieces.request.keep_alive, whole.request.keep_alive);
        }
    }
    return whole;
}

static void a_plain_get_is_taken_apart(void **state)
{
    const char *text = "GET /api/events?after=12&limit=5 HTTP/1.1\r\n"
                       "Host: ctf.example:8080\r\n"
                       "Cookie:  ctfg_session=abc \r\n"
                       "Origin: https://ctf.example\r\n"
                       "X-Forwarded-For: 10.0.0.1\r\n"
                       "X-Forwarded-For: 10.0.0.2\r\n"
                       "Nothing:\r\n"
                       "Blank: \r\n"
                       "\r\n";
    struct outcome outcome = feed_every_way(text);
    struct request request = outcome.request;

    (void)state;
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_int_equal(outcome.used, strlen(text));
    assert_int_equal(request.method, METHOD_GET);
    assert_string_equal(outcome.path, "/api/events");
    assert_string_equal(outcome.query, "after=12&limit=5");
    assert_string_equal(outcome.host, "ctf.example:8080");
    assert_string_equal(outcome.cookie, "ctfg_session=abc");
    assert_int_equal(request.id, 7);
    assert_int_equal(request.started_us, 42);
    assert_true(request.keep_alive);
    assert_false(request.http_1_0);
    assert_null(request.authorization.data);
    assert_int_equal(outcome.body_len, 0);
}

static void the_last_forwarded_header_counts_and_three_before_it(void **state)
{
    struct http *http = http_new(&settings);
    const char text[] = "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1\r\nx-forwarded-for: 2\r\n"
                        "X-Forwarded-For: 3\r\nX-Forwarded-For: 4\r\nX-Forwarded-For: 5\r\n\r\n";
    size_t used;

    (void)state;
    assert_int_equal(http_feed(http, text, sizeof(text) - 1, &used), HTTP_WHOLE);
    assert_true(str_equal(http_request(http)->forwarded_for, STR("5")));
    assert_true(str_equal(http_request(http)->forwarded_before[2], STR("2")));
    http_free(http);
}

static void the_line_of_cookies_that_has_a_session_counts(void **state)
{
    struct http *http = http_new(&settings);
    const char text[] =
        "GET / HTTP/1.1\r\nHost: h\r\nCookie: a=b\r\ncookie: ctfg_session=1; c=d\r\n"
        "Cookie: ctfg_session=2\r\n\r\n";
    size_t used;

    (void)state;
    assert_int_equal(http_feed(http, text, sizeof(text) - 1, &used), HTTP_WHOLE);
    assert_true(str_equal(http_request(http)->cookie, STR("ctfg_session=1; c=d")));
    http_free(http);
}

static void a_request_in_one_read_is_not_copied(void **state)
{
    struct http *http = http_new(&settings);
    const char text[] = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}GET";
    size_t used;

    (void)state;
    assert_int_equal(http_feed(http, text, sizeof(text) - 1, &used), HTTP_WHOLE);
    assert_int_equal(used, sizeof(text) - 1 - 3);
    assert_ptr_equal(http_request(http)->path.data, text + 5);
    assert_ptr_equal(http_request(http)->body.data, text + used - 2);
    http_free(http);
}

static void pipelined_requests_come_one_by_one(void **state)
{
    const char text[] = "POST /1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                        "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                        "GET /3 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    struct http *http = http_new(&settings);
    size_t at = 0;

    (void)state;
    for (char number = '1'; number <= '3'; number++) {
        size_t used;

        assert_int_equal(http_feed(http, text + at, sizeof(text) - 1 - at, &used), HTTP_WHOLE);
        assert_int_equal(http_request(http)->path.data[1], number);
        assert_int_equal(http_request(http)->keep_alive, number != '3');
        at += used;
        http_next(http);
    }
    assert_int_equal(at, sizeof(text) - 1);
    http_free(http);
}

static void a_chunked_body_is_joined(void **state)
{
    struct outcome outcome = feed_every_way("POST /a HTTP/1.1\r\nHost: h\r\n"
                                            "Transfer-Encoding: chunked\r\n\r\n"
                                            "5;name=value\r\nhello\r\n"
                                            "1\r\n \r\n"
                                            "005\r\nworld\r\n"
                                            "0\r\nTrailer: x\r\n\r\n");

    (void)state;
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_string_equal(outcome.body, "hello world");
}

static void an_empty_chunked_body_is_empty(void **state)
{
    struct outcome outcome = feed_every_way(
        "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");

    (void)state;
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_int_equal(outcome.body_len, 0);
}

static void a_client_that_waits_is_told_to_go_on(void **state)
{
    const char *head = "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                       "Content-Length: 4\r\n\r\n";
    char both[256];
    struct outcome outcome = feed(head, strlen(head), SIZE_MAX);

    (void)state;
    assert_int_equal(outcome.status, HTTP_CONTINUE);
    (void)snprintf(both, sizeof(both), "%sbody", head);
    outcome = feed(both, strlen(both), strlen(head));
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_true(outcome.saw_continue);
    assert_string_equal(outcome.body, "body");
    outcome = feed_text(both);
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_false(outcome.saw_continue); /* the body is there already */
}

static void http_1_0_closes_unless_asked_not_to(void **state)
{
    struct outcome outcome = feed_every_way("GET / HTTP/1.0\r\n\r\n");

    (void)state;
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_true(outcome.request.http_1_0);
    assert_false(outcome.request.keep_alive);
    assert_string_equal(outcome.host, "");
    outcome = feed_text("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_true(outcome.request.keep_alive);
}

static void an_absolute_target_overrides_the_host(void **state)
{
    struct outcome outcome =
        feed_every_way("GET http://other.example:81/p?q HTTP/1.1\r\nHost: h\r\n\r\n");

    (void)state;
    assert_int_equal(outcome.status, HTTP_WHOLE);
    assert_string_equal(outcome.host, "other.example:81");
    assert_string_equal(outcome.path, "/p");
    assert_string_equal(outcome.query, "q");
    outcome = feed_every_way("GET HTTPS://other.example HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_string_equal(outcome.path, "/");
    assert_string_equal(outcome.host, "other.example");
}

static void the_asterisk_is_for_options(void **state)
{
    (void)state;
    assert_int_equal(feed_text("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").status, HTTP_WHOLE);
    assert_int_equal(feed_text("GET * HTTP/1.1\r\nHost: h\r\n\r\n").status, HTTP_BAD);
}

static void an_upgrade_shows_its_headers(void **state)
{
    struct http *http = http_new(&settings);
    const char text[] = "GET /scorestream?token=t HTTP/1.1\r\nHost: h\r\n"
                        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                        "Sec-WebSocket-Version: 13\r\n\r\n\x81\x05hello";
    size_t used;

    (void)state;
    assert_int_equal(http_feed(http, text, sizeof(text) - 1, &used), HTTP_WHOLE);
    assert_int_equal(used, sizeof(text) - 1 - 7);
    assert_true(http_request(http)->connection_upgrade);
    assert_true(str_equal(http_request(http)->upgrade, STR("websocket")));
    assert_true(str_equal(http_request(http)->ws_key, STR("dGhlIHNhbXBsZSBub25jZQ==")));
    assert_true(str_equal(http_request(http)->ws_version, STR("13")));
    http_free(http);
}

#define GOOD "Host: h\r\n\r\n"

/* clang-format off */
static const struct {
    const char *text;
    enum http_status status;
} refusals[] = {
    {"GET / HTTP/1.1\r\n\r\n",                                                HTTP_BAD}, /* no Host */
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",                          HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost:\r\n\r\n",                                       HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",                                   HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",                                   HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n",                                   HTTP_BAD},
    {"GET / HTTP/1.0\r\nHost: a,b\r\n\r\n",                                   HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost : h\r\n\r\n",                                    HTTP_BAD},
    {"GET / HTTP/1.1\r\n Host: h\r\n\r\n",                                    HTTP_BAD},
    {"GET / HTTP/1.1\r\n: h\r\n" GOOD,                                        HTTP_BAD},
    {"GET / HTTP/1.1\r\nBad Name: h\r\n" GOOD,                                HTTP_BAD},
    {"GET / HTTP/1.1\r\nNo-Colon\r\n" GOOD,                                   HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n" GOOD,                            HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\r\n\tfolded\r\n" GOOD,                           HTTP_BAD},
    {"GET / HTTP/1.1\r\nA:\r\n folded\r\n" GOOD,                              HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\rC: d\r\n" GOOD,                                 HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: b\nC: d\r\n" GOOD,                                 HTTP_BAD},
    {"GET / HTTP/1.1\nHost: h\n\n",                                           HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: h\n\n",                                         HTTP_BAD},
    {"GET / HTTP/1.1\r\nHost: h\r\n\n",                                       HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: \x01\r\n" GOOD,                                    HTTP_BAD},
    {"GET / HTTP/1.1\r\nA: \x7f\r\n" GOOD,                                    HTTP_BAD},
    {"GET / HTTP/1.1\r\nA\x80: b\r\n" GOOD,                                   HTTP_BAD},
    {"GET /a\tb HTTP/1.1\r\n" GOOD,                                           HTTP_BAD},
    {"GET /a\x80 HTTP/1.1\r\n" GOOD,                                          HTTP_BAD},
    {"GET /a#b HTTP/1.1\r\n" GOOD,                                            HTTP_BAD},
    {"GET  /a HTTP/1.1\r\n" GOOD,                                             HTTP_BAD},
    {"GET /a  HTTP/1.1\r\n" GOOD,                                             HTTP_BAD},
    {"GET /a HTTP/1.1 \r\n" GOOD,                                             HTTP_BAD},
    {"GET /a HTTP/1.1x\r\n" GOOD,                                             HTTP_BAD},
    {"GET\t/a HTTP/1.1\r\n" GOOD,                                             HTTP_BAD},
    {"GET a HTTP/1.1\r\n" GOOD,                                               HTTP_BAD},
    {"GET HTTP/1.1\r\n" GOOD,                                                 HTTP_BAD},
    {"GET ftp://h/ HTTP/1.1\r\n" GOOD,                                        HTTP_BAD},
    {"GET http:///a HTTP/1.1\r\n" GOOD,                                       HTTP_BAD},
    {"GET http://u@h/a HTTP/1.1\r\n" GOOD,                                    HTTP_BAD},
    {"GET /a\r\n" GOOD,                                                       HTTP_BAD},
    {"GET /a http/1.1\r\n" GOOD,                                              HTTP_BAD},
    {"GET /a RTSP/1.0\r\n" GOOD,                                              HTTP_BAD},
    {"DESCRIBE /a RTSP/1.0\r\n" GOOD,                                         HTTP_BAD},
    {"GET /a HTTP/2.0\r\n" GOOD,                                              HTTP_VERSION},
    {"GET /a HTTP/0.9\r\n" GOOD,                                              HTTP_VERSION},
    {"GET /a HTTP/1.2\r\n" GOOD,                                              HTTP_VERSION},
    {"GET /a HTTP/9.9\r\n" GOOD,                                              HTTP_VERSION},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",                                      HTTP_VERSION},
    {"get /a HTTP/1.1\r\n" GOOD,                                              HTTP_BAD},
    {"SMUGGLE /a HTTP/1.1\r\n" GOOD,                                          HTTP_BAD},
    {"CONNECT h:443 HTTP/1.1\r\n" GOOD,                                       HTTP_BAD},
    {"\x16\x03\x01\x02\x01",                                                  HTTP_BAD}, /* TLS */
    {"POST /a HTTP/1.1\r\nContent-Length: x\r\n" GOOD,                        HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: -1\r\n" GOOD,                       HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: +1\r\n" GOOD "a",                   HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 0x1\r\n" GOOD "a",                  HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 1 1\r\n" GOOD "a",                  HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 1, 1\r\n" GOOD "a",                 HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length:\r\n" GOOD,                          HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" GOOD "a", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" GOOD "a", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n" GOOD "0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n" GOOD "0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked, chunked\r\n" GOOD "0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" GOOD "0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n" GOOD,                  HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: identity\r\n" GOOD,              HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" GOOD,              HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding:\r\n" GOOD,                       HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n" GOOD "0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" GOOD "0\r\n\r\n",   HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "x\r\n",       HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "-1\r\n",      HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "1\r\nab\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "ffffffffffffffffff\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "2\r\n{}xx0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "2\rx{}\r\n0\r\n\r\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "2\r\n{}\r\n0\r\n\n", HTTP_BAD},
    {"POST /a HTTP/1.1\r\nExpect: tea\r\n" GOOD,                              HTTP_BAD},
    {"GET / HTTP/1.1\r\nOrigin: a\r\nOrigin: b\r\n" GOOD,                     HTTP_BAD},
    {"GET / HTTP/1.1\r\nAuthorization: a\r\nAuthorization: b\r\n" GOOD,       HTTP_BAD},
    {"POST /a HTTP/1.1\r\nContent-Length: 513\r\n" GOOD,                      HTTP_BODY_LONG},
    {"POST /a HTTP/1.1\r\nContent-Length: 18446744073709551615\r\n" GOOD,     HTTP_BODY_LONG},
    {"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" GOOD "201\r\n"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
     "0123456789012",                                                         HTTP_BODY_LONG},
};
/* clang-format on */

static void what_is_no_request_is_refused_however_it_arrives(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        struct outcome outcome = feed_every_way(refusals[i].text);

        if (outcome.status != refusals[i].status) {
            fail_msg("%d instead of %d: %s", outcome.status, refusals[i].status, refusals[i].text);
        }
    }
}

static void a_nul_is_refused_everywhere(void **state)
{
    const char text[] = "GET /abc HTTP/1.1\r\nHost: h\r\nName: value\r\n\r\n";

    (void)state;
    for (size_t i = 0; i < sizeof(text) - 1; i++) {
        char copy[sizeof(text)];

        memcpy(copy, text, sizeof(text));
        copy[i] = '\0';
        enum http_status status = feed(copy, sizeof(copy) - 1, SIZE_MAX).status;
        assert_true(status == HTTP_BAD || status == HTTP_VERSION);
    }
}

/* "GET /aaa... HTTP/1.1" of exactly `len` bytes in all. */
static char *head_of(size_t len)
{
    const char *behind = " HTTP/1.1\r\nHost: h\r\n\r\n";
    char *text = malloc(len + 1);

    assert_non_null(text);
    memset(text, 'a', len);
    memcpy(text, "GET /", 5);
    memcpy(text + len - strlen(behind), behind, strlen(behind) + 1);
    return text;
}

static void a_head_has_a_longest_length(void **state)
{
    (void)state;
    for (size_t piece = 1; piece < 4096; piece *= 3) {
        char *fits = head_of(HEAD_MAX);
        char *too_long = head_of(HEAD_MAX + 1);
        struct http *http = http_new(&settings);

        assert_int_equal(feed(too_long, HEAD_MAX + 1, piece).status, HTTP_HEAD_LONG);
        size_t at = 0;
        enum http_status status = HTTP_MORE;
        while (at < HEAD_MAX && status == HTTP_MORE) {
            size_t used;

            status =
                http_feed(http, fits + at, HEAD_MAX - at < piece ? HEAD_MAX - at : piece, &used);
            at += used;
        }
        assert_int_equal(status, HTTP_WHOLE);
        http_free(http);
        free(fits);
        free(too_long);
    }
}

static void headers_are_counted(void **state)
{
    static const struct settings wide = {.http_head_bytes_max = 65536, .http_body_bytes_max = 1};
    char text[4096] = "GET / HTTP/1.1\r\nHost: h\r\n";
    struct http *http = http_new(&wide);
    size_t used;

    (void)state;
    for (int i = 0; i < 100; i++) {
        strcat(text, "a: b\r\n");
    }
    strcat(text, "\r\n");
    assert_int_equal(http_feed(http, text, strlen(text), &used), HTTP_HEAD_LONG);
    http_free(http);
}

static void an_endless_head_is_cut_off(void **state)
{
    struct http *http = http_new(&settings);
    enum http_status status = HTTP_MORE;
    size_t total = 0;

    (void)state;
    while (status == HTTP_MORE && total < STEPS_MAX) {
        size_t used;

        status = http_feed(http, "\r\n", 2, &used); /* empty lines before the request line */
        total += 2;
    }
    assert_int_equal(status, HTTP_HEAD_LONG);
    assert_true(total <= HEAD_MAX + 2);
    http_free(http);
}

static void endless_chunk_framing_is_cut_off(void **state)
{
    const char *endless[] = {"1;an-extension-that-weighs-more-than-its-byte=x\r\na\r\n",
                             "0\r\nTrailer: x\r\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        const char head[] = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        struct http *http = http_new(&settings);
        size_t used;
        enum http_status status = http_feed(http, head, sizeof(head) - 1, &used);
        unsigned steps = 0;

        while (status == HTTP_MORE && steps++ < 1000) {
            const char *text = i == 1 && steps > 1 ? "Trailer: x\r\n" : endless[i];

            status = http_feed(http, text, strlen(text), &used);
        }
        assert_int_equal(status, HTTP_BODY_LONG);
        http_free(http);
    }
}

static void a_parser_is_used_again_without_memories(void **state)
{
    const char first[] = "POST /one HTTP/1.1\r\nHost: h\r\nCookie: secret=1\r\n"
                         "Authorization: Bearer t\r\nContent-Length: 4\r\n\r\nbody";
    const char second[] = "GET /two HTTP/1.0\r\n\r\n";
    size_t used;

    (void)state;
    for (size_t cut = 1; cut < sizeof(first) - 1; cut++) {
        struct http *http = http_new(&settings);

        (void)http_feed(http, first, cut, &used);
        http_free(http);
        http = http_new(&settings);
        assert_int_equal(http_feed(http, second, sizeof(second) - 1, &used), HTTP_WHOLE);
        assert_null(http_request(http)->cookie.data);
        assert_null(http_request(http)->authorization.data);
        assert_int_equal(http_request(http)->body.len, 0);
        http_free(http);
    }
}

static void one_value_of_a_query_is_found(void **state)
{
    struct str value;

    (void)state;
    assert_true(http_query_value(STR("a=1&after=22&b"), "after", &value));
    assert_true(str_equal(value, STR("22")));
    assert_true(http_query_value(STR("token="), "token", &value));
    assert_int_equal(value.len, 0);
    assert_false(http_query_value(STR("xafter=1&afterx=2&after"), "after", &value));
    assert_false(http_query_value((struct str){0}, "after", &value));
}

static void a_cookie_is_found_in_a_whole_set_cookie_sent_back(void **state)
{
    struct str cookies = STR("a=b; ctfg_session=xyz; Path=/; HttpOnly; ctfg_session=\"q\"");
    struct str others = STR("xctfg_session=1; ctfg_session");
    struct str value;

    (void)state;
    assert_true(http_cookie_next(&cookies, "ctfg_session", &value));
    assert_true(str_equal(value, STR("xyz")));
    assert_true(http_cookie_next(&cookies, "ctfg_session", &value));
    assert_true(str_equal(value, STR("q")));
    assert_false(http_cookie_next(&cookies, "ctfg_session", &value));
    assert_false(http_cookie_next(&others, "ctfg_session", &value));
    assert_false(http_cookie_next(&(struct str){0}, "ctfg_session", &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_get_is_taken_apart),
        cmocka_unit_test(the_last_forwarded_header_counts_and_three_before_it),
        cmocka_unit_test(the_line_of_cookies_that_has_a_session_counts),
        cmocka_unit_test(a_request_in_one_read_is_not_copied),
        cmocka_unit_test(pipelined_requests_come_one_by_one),
        cmocka_unit_test(a_chunked_body_is_joined),
        cmocka_unit_test(an_empty_chunked_body_is_empty),
        cmocka_unit_test(a_client_that_waits_is_told_to_go_on),
        cmocka_unit_test(http_1_0_closes_unless_asked_not_to),
        cmocka_unit_test(an_absolute_target_overrides_the_host),
        cmocka_unit_test(the_asterisk_is_for_options),
        cmocka_unit_test(an_upgrade_shows_its_headers),
        cmocka_unit_test(what_is_no_request_is_refused_however_it_arrives),
        cmocka_unit_test(a_nul_is_refused_everywhere),
        cmocka_unit_test(a_head_has_a_longest_length),
        cmocka_unit_test(headers_are_counted),
        cmocka_unit_test(an_endless_head_is_cut_off),
        cmocka_unit_test(endless_chunk_framing_is_cut_off),
        cmocka_unit_test(a_parser_is_used_again_without_memories),
        cmocka_unit_test(one_value_of_a_query_is_found),
        cmocka_unit_test(a_cookie_is_found_in_a_whole_set_cookie_sent_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
