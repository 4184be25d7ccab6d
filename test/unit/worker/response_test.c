/* SPDX-License-Identifier: MIT */
/* response_test.c - heads, bodies and what must never be in them. */
#include "test/unit/worker/fixture_conn.h"
#include "test/unit/worker/fixture_no_streams.h"

#include <stdio.h>

#include "worker/http.h"
#include "worker/response.h"

static void (*answer)(struct conn *conn);

void route_dispatch(struct conn *conn, const struct request *request)
{
    (void)request;
    answer(conn);
}

static int begin(void **state)
{
    (void)state;
    fixture_begin();
    return 0;
}

static int finish(void **state)
{
    (void)state;
    fixture_end();
    return 0;
}

/* The whole answer to one request, or to several; the caller's. */
static struct buf ask_text(const char *text, void (*how)(struct conn *conn))
{
    struct buf got = BUF_INIT(1 << 22);
    int client;

    answer = how;
    (void)fixture_connect(&client);
    fixture_send(client, text);
    fixture_expect_end(client, &got);
    close(client);
    return got;
}

static struct buf ask(const char *method, void (*how)(struct conn *conn))
{
    char text[128];

    (void)snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                   method);
    return ask_text(text, how);
}

static void json(struct conn *conn)
{
    response_json(conn, 200, STR("{\"a\":1}"), NULL);
}

static void a_json_answer_has_all_that_a_browser_needs(void **state)
{
    struct buf got = ask("GET", json);

    (void)state;
    assert_true(fixture_contains(&got, "HTTP/1.1 200 OK\r\nDate: "));
    assert_true(fixture_contains(&got, " GMT\r\n"));
    assert_true(fixture_contains(&got, "X-Content-Type-Options: nosniff\r\n"));
    assert_true(fixture_contains(&got, "Referrer-Policy: no-referrer\r\n"));
    assert_true(fixture_contains(&got, "X-Request-Id: abcd000000000000\r\n"));
    assert_true(fixture_contains(&got, "Content-Type: application/json\r\n"));
    assert_true(fixture_contains(&got, "Content-Length: 7\r\n"));
    assert_true(fixture_contains(&got, "Cache-Control: no-store\r\n"));
    assert_true(fixture_contains(&got, "Connection: close\r\n"));
    assert_true(fixture_contains(&got, "\r\n\r\n{\"a\":1}"));
    assert_false(fixture_contains(&got, "Server:"));
    buf_free(&got);
}

static void a_head_request_gets_the_same_head_without_the_body(void **state)
{
    struct buf got = ask("HEAD", json);

    (void)state;
    assert_true(fixture_contains(&got, "Content-Length: 7\r\n"));
    assert_true(fixture_contains(&got, "Content-Type: application/json\r\n"));
    assert_memory_equal(got.data + got.len - 4, "\r\n\r\n", 4);
    buf_free(&got);
}

static void not_modified(struct conn *conn)
{
    response_empty(conn, 304,
                   &(struct response_extra){.etag = STR("\"e\""), .vary_encoding = true});
}

static void an_answer_without_a_body_says_nothing_of_one(void **state)
{
    struct buf got = ask("GET", not_modified);

    (void)state;
    assert_true(fixture_contains(&got, "HTTP/1.1 304 Not Modified\r\n"));
    assert_true(fixture_contains(&got, "ETag: \"e\"\r\n"));
    assert_true(fixture_contains(&got, "Vary: Accept-Encoding\r\n"));
    assert_false(fixture_contains(&got, "\r\nContent-Length"));
    assert_false(fixture_contains(&got, "\r\nContent-Type"));
    buf_free(&got);
}

static void limited(struct conn *conn)
{
    response_limited(conn, 1000001);
}

static void a_limit_says_when_to_come_back_rounded_up(void **state)
{
    struct buf got = ask("GET", limited);

    (void)state;
    assert_true(fixture_contains(&got, "HTTP/1.1 429 Too Many Requests\r\n"));
    assert_true(fixture_contains(&got, "Retry-After: 2\r\n"));
    assert_true(
        fixture_contains(&got, "{\"error\":\"rate_limit_exceeded\",\"retry_after_ms\":1001}"));
    buf_free(&got);
}

static void unavailable(struct conn *conn)
{
    response_error(conn, 503, "unavailable");
}

static void method(struct conn *conn)
{
    response_method_not_allowed(conn, STR("GET, HEAD"));
}

static void errors_are_short_json(void **state)
{
    struct buf got = ask("GET", unavailable);

    (void)state;
    assert_true(fixture_contains(&got, "Retry-After: 1\r\n"));
    assert_true(fixture_contains(&got, "\r\n\r\n{\"error\":\"unavailable\"}"));
    buf_free(&got);
    got = ask("POST", method);
    assert_true(fixture_contains(&got, "HTTP/1.1 405 Method Not Allowed\r\n"));
    assert_true(fixture_contains(&got, "Allow: GET, HEAD\r\n"));
    buf_free(&got);
}

static void unauthorized(struct conn *conn)
{
    response_error(conn, 401, "unauthorized");
}

static void a_401_names_a_way_in_that_opens_no_dialog(void **state)
{
    struct buf got = ask("GET", unauthorized);

    (void)state;
    assert_true(fixture_contains(&got, "WWW-Authenticate: Bearer realm=\"ctfg\"\r\n"));
    buf_free(&got);
    got = ask("GET", unavailable);
    assert_false(fixture_contains(&got, "WWW-Authenticate"));
    buf_free(&got);
}

static void other_version(struct conn *conn)
{
    response_json(conn, 426, STR("{}"), &(struct response_extra){.websocket_version = STR("13")});
}

static void an_upgrade_that_is_offered_stands_in_connection_too(void **state)
{
    struct buf got = ask_text("GET / HTTP/1.1\r\nHost: h\r\n\r\n"
                              "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                              "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
                              other_version);

    (void)state;
    assert_int_equal(fixture_count(&got, "Upgrade: websocket\r\n"), 3);
    assert_int_equal(fixture_count(&got, "Connection: "), 3);
    assert_true(fixture_contains(&got, "Connection: Upgrade\r\n"));
    assert_true(fixture_contains(&got, "Connection: Upgrade, keep-alive\r\n"));
    assert_true(fixture_contains(&got, "Connection: Upgrade, close\r\n"));
    buf_free(&got);
}

static char long_text[5000];

static void long_header(struct conn *conn)
{
    response_json(conn, 200, STR("{}"),
                  &(struct response_extra){.content_security_policy = {long_text, 5000},
                                           .set_cookie = {long_text, 900},
                                           .location = STR("/x")});
}

static void a_head_may_be_longer_than_any_buffer(void **state)
{
    memset(long_text, '~', sizeof(long_text));
    struct buf got = ask("GET", long_header);

    (void)state;
    assert_true(fixture_contains(&got, "Location: /x\r\n"));
    assert_true(fixture_contains(&got, "\r\n\r\n{}"));
    assert_int_equal(fixture_count(&got, "~"), 5000 + 900);
    buf_free(&got);
}

static void blob_answer(struct conn *conn)
{
    struct blob *blob = blob_copy((struct str){long_text, sizeof(long_text)});

    assert_non_null(blob);
    response_blob(conn, 200, blob,
                  &(struct response_extra){.content_type = STR("text/css"),
                                           .content_encoding = STR("br"),
                                           .cache_control = STR("max-age=1")});
    blob_unref(blob); /* the queue has a reference of its own */
}

static void a_blob_is_written_though_its_owner_let_go(void **state)
{
    memset(long_text, 'q', sizeof(long_text));
    struct buf got = ask("GET", blob_answer);

    (void)state;
    assert_true(fixture_contains(&got, "Content-Type: text/css\r\n"));
    assert_true(fixture_contains(&got, "Content-Encoding: br\r\n"));
    assert_true(fixture_contains(&got, "Cache-Control: max-age=1\r\n"));
    assert_memory_equal(got.data + got.len - sizeof(long_text), long_text, sizeof(long_text));
    buf_free(&got);
}

static void the_canned_refusal_counts_its_bytes_right(void **state)
{
    struct str text = response_busy();
    const char *body = memmem(text.data, text.len, "\r\n\r\n", 4);

    (void)state;
    assert_non_null(body);
    assert_int_equal(text.data + text.len - (body + 4), 23);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(a_json_answer_has_all_that_a_browser_needs),
        TEST(a_head_request_gets_the_same_head_without_the_body),
        TEST(an_answer_without_a_body_says_nothing_of_one),
        TEST(a_limit_says_when_to_come_back_rounded_up),
        TEST(errors_are_short_json),
        TEST(a_401_names_a_way_in_that_opens_no_dialog),
        TEST(an_upgrade_that_is_offered_stands_in_connection_too),
        TEST(a_head_may_be_longer_than_any_buffer),
        TEST(a_blob_is_written_though_its_owner_let_go),
        TEST(the_canned_refusal_counts_its_bytes_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
