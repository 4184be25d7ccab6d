/* SPDX-License-Identifier: MIT */
/* peer_test.c - who is believed about the client's address, and which origins may act. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "conf/game.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/http.h"
#include "worker/peer.h"

static struct game game;
static struct worker worker = {.game = &game};

static struct conn conn_from(const char *v4)
{
    struct conn conn = {.worker = &worker, .peer_address_len = 4};

    assert_int_equal(inet_pton(AF_INET, v4, conn.peer_address), 1);
    return conn;
}

static const char *client_of(const struct conn *conn, const char *forwarded_for)
{
    static char text[INET6_ADDRSTRLEN];
    struct request request = {.forwarded_for = str_from(forwarded_for)};
    struct peer_address address;

    peer_client_address(conn, &request, &address);
    peer_address_text(&address, text);
    return text;
}

static void the_chain_is_believed_from_the_right_up_to_the_first_stranger(void **state)
{
    struct conn proxy = conn_from("127.0.0.1");

    (void)state;
    game.settings.trusted_proxies =
        (struct settings_list){.count = 1, .items = {STR_INIT("10.1.0.0/16")}};
    assert_string_equal(client_of(&proxy, ""), "127.0.0.1");
    assert_string_equal(client_of(&proxy, "192.0.2.7"), "192.0.2.7");
    assert_string_equal(client_of(&proxy, "6.6.6.6, 192.0.2.7, 10.1.2.3"), "192.0.2.7");
    assert_string_equal(client_of(&proxy, "6.6.6.6, 10.2.0.1"), "10.2.0.1");
    assert_string_equal(client_of(&proxy, "[2001:db8::5]:443"), "2001:db8::5");
    assert_string_equal(client_of(&proxy, "192.0.2.7:4711"), "192.0.2.7");
    assert_string_equal(client_of(&proxy, "192.0.2.7, nonsense"), "127.0.0.1");
    game.settings.trusted_proxies = (struct settings_list){0};
}

/* HAProxy's "option forwardfor" appends a line, where others append to the one there is. */
static void lines_of_a_chain_are_one_list(void **state)
{
    struct conn proxy = conn_from("127.0.0.1");
    struct request request = {
        .forwarded_for = STR_INIT("10.1.2.3"),
        .forwarded_before = {STR_INIT("10.1.9.9"), STR_INIT("6.6.6.6, 192.0.2.7")}};
    struct peer_address address;
    char text[INET6_ADDRSTRLEN];

    (void)state;
    game.settings.trusted_proxies =
        (struct settings_list){.count = 1, .items = {STR_INIT("10.1.0.0/16")}};
    peer_client_address(&proxy, &request, &address);
    peer_address_text(&address, text);
    assert_string_equal(text, "192.0.2.7");

    request.forwarded_for =
        STR("198.51.100.9"); /* a stranger: what is before it is its own claim */
    peer_client_address(&proxy, &request, &address);
    peer_address_text(&address, text);
    assert_string_equal(text, "198.51.100.9");
    game.settings.trusted_proxies = (struct settings_list){0};
}

static void a_stranger_is_not_believed_at_all(void **state)
{
    struct conn stranger = conn_from("198.51.100.9");
    struct request request = {.host = STR_INIT("ctf.example"),
                              .forwarded_host = STR_INIT("evil.example"),
                              .forwarded_proto = STR_INIT("https")};

    (void)state;
    assert_string_equal(client_of(&stranger, "192.0.2.7"), "198.51.100.9");
    assert_false(peer_is_https(&stranger, &request));
    assert_true(str_equal(peer_host(&stranger, &request), STR("ctf.example")));
}

/* Do limits take both for one? */
static bool are_limited_as_one(const char *a, const char *b)
{
    struct conn proxy = conn_from("127.0.0.1");
    struct request one = {.forwarded_for = str_from(a)};
    struct request other = {.forwarded_for = str_from(b)};
    struct peer_address address_a;
    struct peer_address address_b;

    peer_client_address(&proxy, &one, &address_a);
    peer_client_address(&proxy, &other, &address_b);
    return str_equal(peer_address_key(&address_a), peer_address_key(&address_b));
}

static void all_addresses_of_an_ipv6_network_have_one_limit(void **state)
{
    (void)state;
    assert_true(are_limited_as_one("2001:db8::1", "2001:db8::ffff:1:2:3"));
    assert_false(are_limited_as_one("2001:db8::1", "2001:db8:0:1::1"));
    assert_false(are_limited_as_one("192.0.2.1", "192.0.2.2"));
    assert_true(are_limited_as_one("192.0.2.1", "::ffff:192.0.2.1"));
}

/* A proxy keeps its connections open: they may be older than the settings. */
static void a_reload_changes_who_is_believed_on_connections_that_are_open(void **state)
{
    struct conn proxy = conn_from("198.51.100.9");
    struct request request = {.forwarded_proto = STR_INIT("https")};

    (void)state;
    assert_string_equal(client_of(&proxy, "192.0.2.7"), "198.51.100.9");
    game.settings.trusted_proxies =
        (struct settings_list){.count = 1, .items = {STR_INIT("198.51.100.9")}};
    assert_string_equal(client_of(&proxy, "192.0.2.7"), "192.0.2.7");
    assert_true(peer_is_https(&proxy, &request));
    game.settings.trusted_proxies = (struct settings_list){0};
    assert_false(peer_is_https(&proxy, &request));
}

static void loopback_and_unix_sockets_are_trusted_others_when_configured(void **state)
{
    struct settings settings = {
        .trusted_proxies = {.count = 3,
                            .items = {STR_INIT("192.0.2.0/25"), STR_INIT("2001:db8::/33"),
                                      STR_INIT("not an address")}}};
    static const struct {
        const char *text;
        bool trusted;
    } table[] = {
        {"::", true},
        {"::1", true},
        {"::ffff:127.9.9.9", true},
        {"::ffff:192.0.2.127", true},
        {"::ffff:192.0.2.128", false},
        {"2001:db8:7fff::1", true},
        {"2001:db8:8000::1", false},
        {"::ffff:8.8.8.8", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct peer_address address;

        assert_int_equal(inet_pton(AF_INET6, table[i].text, address.bytes), 1);
        assert_int_equal(peer_is_trusted(&settings, &address), table[i].trusted);
    }
}

static bool allowed(const char *origin, const char *host)
{
    struct conn conn = conn_from("198.51.100.9");
    struct request request = {.host = str_from(host), .origin = str_from(origin)};

    if (origin == NULL) {
        request.origin = (struct str){0};
    }
    return peer_origin_is_allowed(&conn, &request);
}

static void only_the_own_host_and_listed_origins_may_act(void **state)
{
    (void)state;
    game.settings.allowed_origins =
        (struct settings_list){.count = 1, .items = {STR_INIT("https://board.example")}};
    assert_true(allowed(NULL, "ctf.example"));
    assert_true(allowed("http://ctf.example", "ctf.example"));
    assert_true(allowed("https://CTF.example", "ctf.example"));
    assert_true(allowed("https://ctf.example:443", "ctf.example"));
    assert_true(allowed("http://ctf.example:8080", "ctf.example:8080"));
    assert_true(allowed("https://board.example", "ctf.example"));
    assert_false(allowed("http://ctf.example:8081", "ctf.example:8080"));
    assert_false(allowed("http://ctf.example.evil", "ctf.example"));
    assert_false(allowed("http://evil.example", "ctf.example"));
    assert_false(allowed("null", "ctf.example"));
    assert_false(allowed("", "ctf.example"));
    assert_false(allowed("http://", ""));
    game.settings.allowed_origins = (struct settings_list){0};
}

static void the_stream_url_follows_the_request_or_the_setting(void **state)
{
    struct conn conn = conn_from("127.0.0.1");
    struct request request = {.host = STR_INIT("ctf.example:8080")};
    struct buf url = BUF_INIT(512);

    (void)state;
    peer_append_websocket_url(&url, &conn, &request, "abc");
    assert_true(str_equal(buf_str(&url), STR("ws://ctf.example:8080/scorestream?token=abc")));
    buf_reset(&url);
    request.forwarded_proto = STR("https");
    peer_append_websocket_url(&url, &conn, &request, "abc");
    assert_true(str_equal(buf_str(&url), STR("wss://ctf.example:8080/scorestream?token=abc")));
    buf_reset(&url);
    game.settings.websocket_url = STR("wss://stream.example/scorestream");
    peer_append_websocket_url(&url, &conn, &request, "abc");
    assert_true(str_equal(buf_str(&url), STR("wss://stream.example/scorestream?token=abc")));
    game.settings.websocket_url = (struct str){0};
    buf_free(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_chain_is_believed_from_the_right_up_to_the_first_stranger),
        cmocka_unit_test(lines_of_a_chain_are_one_list),
        cmocka_unit_test(a_stranger_is_not_believed_at_all),
        cmocka_unit_test(all_addresses_of_an_ipv6_network_have_one_limit),
        cmocka_unit_test(a_reload_changes_who_is_believed_on_connections_that_are_open),
        cmocka_unit_test(loopback_and_unix_sockets_are_trusted_others_when_configured),
        cmocka_unit_test(only_the_own_host_and_listed_origins_may_act),
        cmocka_unit_test(the_stream_url_follows_the_request_or_the_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
