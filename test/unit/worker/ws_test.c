/* SPDX-License-Identifier: MIT */
/* ws_test.c - the handshake's key, frames out, and every rule for frames in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "worker/ws.h"

/* What was heard, as one line of text: "ping:abc close:1000:bye". */
struct heard {
    char text[512];
};

static void on_control(void *context, enum ws_heard kind, struct str payload, uint16_t close_code)
{
    static const char *const words[] = {"ping", "pong", "close"};
    struct heard *heard = context;
    size_t len = strlen(heard->text);

    (void)snprintf(heard->text + len, sizeof(heard->text) - len, "%s%s:", len > 0 ? " " : "",
                   words[kind]);
    len = strlen(heard->text);
    if (kind == WS_HEARD_CLOSE) {
        (void)snprintf(heard->text + len, sizeof(heard->text) - len, "%u:", close_code);
        len = strlen(heard->text);
    }
    (void)snprintf(heard->text + len, sizeof(heard->text) - len, "%.*s", STR_ARG(payload));
}

/* Bytes of several frames, as a client would send them. */
struct client {
    struct buf bytes;
};

static void client_frame(struct client *client, uint8_t first_byte, struct str payload)
{
    static const uint8_t mask[4] = {0x11, 0x22, 0x33, 0x44};

    buf_append_char(&client->bytes, (char)first_byte);
    if (payload.len < 126) {
        buf_append_char(&client->bytes, (char)(0x80 | payload.len));
    } else {
        buf_append_char(&client->bytes, (char)(0x80 | 126));
        buf_append_char(&client->bytes, (char)(payload.len >> 8));
        buf_append_char(&client->bytes, (char)(payload.len & 0xff));
    }
    buf_append(&client->bytes, mask, sizeof(mask));
    for (size_t i = 0; i < payload.len; i++) {
        buf_append_char(&client->bytes, (char)((uint8_t)payload.data[i] ^ mask[i % 4]));
    }
}

#define FIN 0x80
#define TEXT 1
#define BINARY 2
#define CLOSE 8
#define PING 9
#define PONG 10

/* Feeds all of it in pieces of `step` bytes; returns the first code that is not 0. */
static uint16_t feed(const struct client *client, size_t step, struct heard *heard)
{
    struct ws_shared shared = {.message_bytes_max = 1000};
    struct ws_input input = {0};
    uint16_t code = 0;

    *heard = (struct heard){0};
    for (size_t at = 0; at < client->bytes.len && code == 0; at += step) {
        size_t len = client->bytes.len - at < step ? client->bytes.len - at : step;

        code = ws_receive(&shared, &input, client->bytes.data + at, len, on_control, heard);
    }
    ws_input_end(&input);
    ws_shared_end(&shared);
    return code;
}

/* However the bytes are cut, the verdict is the same. */
static void expect(struct client *client, uint16_t code, const char *text)
{
    static const size_t steps[] = {1, 2, 3, 5, 7, 64, 5000};

    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        struct heard heard;

        assert_int_equal(feed(client, steps[i], &heard), code);
        assert_string_equal(heard.text, text);
    }
    buf_free(&client->bytes);
}

#define CLIENT ((struct client){.bytes = BUF_INIT(1 << 20)})

static void the_accept_key_is_that_of_the_rfc(void **state)
{
    char accept[WS_ACCEPT_BYTES];

    (void)state;
    assert_true(ws_accept_key(STR("dGhlIHNhbXBsZSBub25jZQ=="), accept));
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void a_key_that_is_not_sixteen_bytes_of_base64_is_refused(void **state)
{
    static const char *const keys[] = {"",
                                       "dGhlIHNhbXBsZSBub25jZQ=",
                                       "dGhlIHNhbXBsZSBub25jZQ===",
                                       "dGhlIHNhbXBsZSBub25jZQAA",
                                       "dGhlIHNhbXBsZSBub25j\xffQ==",
                                       "dGhlIHNhbXBsZSBub25j-Q=="};
    char accept[WS_ACCEPT_BYTES];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        assert_false(ws_accept_key(str_from(keys[i]), accept));
    }
}

static void heads_have_the_shortest_length(void **state)
{
    char head[WS_HEAD_BYTES_MAX];

    (void)state;
    assert_int_equal(ws_head(WS_TEXT, 125, head), 2);
    assert_memory_equal(head, "\x81\x7d", 2);
    assert_int_equal(ws_head(WS_TEXT, 126, head), 4);
    assert_memory_equal(head, "\x81\x7e\x00\x7e", 4);
    assert_int_equal(ws_head(WS_TEXT, 65535, head), 4);
    assert_int_equal(ws_head(WS_TEXT, 65536, head), 10);
    assert_memory_equal(head, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10);
}

static void a_close_frame_carries_code_and_reason(void **state)
{
    struct ws_control frame = ws_close_frame(1008, "logged out");

    (void)state;
    assert_int_equal(frame.len, 14);
    assert_memory_equal(frame.bytes, "\x88\x0c\x03\xf0logged out", 14);
    frame = ws_close_frame(WS_NO_CODE, "");
    assert_int_equal(frame.len, 2);
}

static void text_is_taken_and_forgotten(void **state)
{
    struct client client = CLIENT;

    (void)state;
    client_frame(&client, FIN | TEXT, STR("ping"));
    client_frame(&client, FIN | TEXT, STR(""));
    client_frame(&client, FIN | TEXT, STR("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8e\x89"));
    /* The last characters before a gap: only the second of their bytes is bounded more tightly. */
    client_frame(&client, FIN | TEXT, STR("\xed\x9f\xbf\xf4\x8f\xbf\xbf"));
    expect(&client, 0, "");
}

/* The older page says "ping" every half a minute, for a whole event. */
static void the_limit_is_a_messages_not_all_of_theirs(void **state)
{
    struct client client = CLIENT;

    (void)state;
    for (int i = 0; i < 300; i++) {
        client_frame(&client, FIN | TEXT, STR("ping"));
    }
    expect(&client, 0, "");
}

static void ping_pong_and_close_are_heard_in_order(void **state)
{
    struct client client = CLIENT;

    (void)state;
    client_frame(&client, FIN | PING, STR("abc"));
    client_frame(&client, FIN | PONG, STR(""));
    client_frame(&client, FIN | CLOSE,
                 STR("\x03\xe8"
                     "bye"));
    client_frame(&client, FIN | PING, STR("after the close"));
    struct heard heard;

    assert_int_equal(feed(&client, 5000, &heard), 0);
    assert_string_equal(heard.text, "ping:abc pong: close:1000:bye");
    buf_free(&client.bytes);
}

static void a_close_may_be_empty(void **state)
{
    struct client client = CLIENT;

    (void)state;
    client_frame(&client, FIN | CLOSE, STR(""));
    expect(&client, 0, "close:1005:");
}

static void fragments_make_one_message_and_controls_may_come_between(void **state)
{
    struct client client = CLIENT;

    (void)state;
    client_frame(&client, TEXT, STR("a\xe2\x82")); /* cut inside a character */
    client_frame(&client, FIN | PING, STR("x"));
    client_frame(&client, 0, STR(""));
    client_frame(&client, FIN, STR("\xac"));
    client_frame(&client, FIN | TEXT, STR("next"));
    expect(&client, 0, "ping:x");
}

static void protocol_errors_are_1002(void **state)
{
    static const struct {
        uint8_t first_byte;
        struct str payload;
    } bad[] = {
        {FIN | 3, {"", 0}},
        {FIN | 11, {"", 0}},
        {FIN | 0x40 | TEXT, {"x", 1}},
        {FIN | 0x10 | PING, {"", 0}},
        {PING, {"", 0}},
        {FIN | 0, {"no start", 8}},
        {FIN | CLOSE, {"\x03", 1}},
        {FIN | CLOSE, {"\x03\xed", 2}},
        {FIN | CLOSE, {"\x00\x01", 2}},
        {FIN | CLOSE, {"\x13\x88", 2}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct client client = CLIENT;

        client_frame(&client, bad[i].first_byte, bad[i].payload);
        if (bad[i].payload.len == 0 && bad[i].first_byte != (FIN | 3)) {
            client_frame(&client, FIN | TEXT, STR("z"));
        }
        expect(&client, WS_PROTOCOL_ERROR, "");
    }
}

static void a_second_message_inside_a_message_is_1002(void **state)
{
    struct client client = CLIENT;

    (void)state;
    client_frame(&client, TEXT, STR("a"));
    client_frame(&client, FIN | TEXT, STR("b"));
    expect(&client, WS_PROTOCOL_ERROR, "");
}

static void an_unmasked_frame_is_1002(void **state)
{
    struct client client = CLIENT;

    (void)state;
    buf_append(&client.bytes, "\x81\x02hi", 4);
    expect(&client, WS_PROTOCOL_ERROR, "");
}

static void a_control_frame_above_125_bytes_is_1002(void **state)
{
    struct client client = CLIENT;
    char payload[126] = {0};

    (void)state;
    client_frame(&client, FIN | PING, (struct str){payload, sizeof(payload)});
    expect(&client, WS_PROTOCOL_ERROR, "");
}

static void a_length_that_is_not_the_shortest_is_1002(void **state)
{
    struct client client = CLIENT;

    (void)state;
    buf_append(&client.bytes, "\x81\xfe\x00\x02\x11\x22\x33\x44\x11\x22", 10);
    expect(&client, WS_PROTOCOL_ERROR, "");
}

static void binary_is_1003(void **state)
{
    struct client client = CLIENT;

    (void)state;
    client_frame(&client, FIN | BINARY, STR("x"));
    expect(&client, WS_UNSUPPORTED, "");
}

static void text_that_is_not_utf8_is_1007(void **state)
{
    static const struct str bad[] = {
        {"\xff", 1},         {"\xc0\xaf", 2},     {"\xed\xa0\x80", 3}, {"\xf4\x90\x80\x80", 4},
        {"cut off \xe2", 9}, {"\xe0\x80\x80", 3}, {"\x80", 1},         {"\xc3(", 2},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct client client = CLIENT;

        client_frame(&client, FIN | TEXT, bad[i]);
        expect(&client, WS_BAD_TEXT, "");
    }
    struct client client = CLIENT;

    client_frame(&client, FIN | CLOSE, STR("\x03\xe8\xff"));
    expect(&client, WS_BAD_TEXT, "");
}

static void a_message_past_the_limit_is_1009_also_in_fragments(void **state)
{
    struct client client = CLIENT;
    char payload[600];

    (void)state;
    memset(payload, 'x', sizeof(payload));
    client_frame(&client, TEXT, (struct str){payload, sizeof(payload)});
    client_frame(&client, FIN, (struct str){payload, sizeof(payload)});
    expect(&client, WS_TOO_BIG, "");
}

static void a_promised_length_of_exabytes_is_1009(void **state)
{
    struct client client = CLIENT;

    (void)state;
    buf_append(&client.bytes, "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x11\x22\x33\x44x", 15);
    expect(&client, WS_TOO_BIG, "");
}

static void idle_clients_share_one_parser(void **state)
{
    struct ws_shared shared = {.message_bytes_max = 1000};
    struct ws_input inputs[3] = {{0}};
    struct client client = CLIENT;
    struct heard heard = {0};

    (void)state;
    client_frame(&client, FIN | PING, STR("abc"));
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) { /* half a frame: a parser of its own */
        assert_int_equal(ws_receive(&shared, &inputs[i], client.bytes.data, 4, on_control, &heard),
                         0);
        assert_non_null(inputs[i].parser);
    }
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) { /* the other half: given back */
        assert_int_equal(ws_receive(&shared, &inputs[i], client.bytes.data + 4,
                                    client.bytes.len - 4, on_control, &heard),
                         0);
        assert_null(inputs[i].parser);
    }
    assert_string_equal(heard.text, "ping:abc ping:abc ping:abc");
    assert_non_null(shared.spare);
    for (size_t i = 0; i < ARRAY_LEN(inputs); i++) { /* a whole one, by the parser that was used */
        assert_int_equal(ws_receive(&shared, &inputs[i], client.bytes.data, client.bytes.len,
                                    on_control, &heard),
                         0);
        assert_null(inputs[i].parser);
    }
    ws_shared_end(&shared);
    buf_free(&client.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_accept_key_is_that_of_the_rfc),
        cmocka_unit_test(a_key_that_is_not_sixteen_bytes_of_base64_is_refused),
        cmocka_unit_test(heads_have_the_shortest_length),
        cmocka_unit_test(a_close_frame_carries_code_and_reason),
        cmocka_unit_test(text_is_taken_and_forgotten),
        cmocka_unit_test(the_limit_is_a_messages_not_all_of_theirs),
        cmocka_unit_test(ping_pong_and_close_are_heard_in_order),
        cmocka_unit_test(a_close_may_be_empty),
        cmocka_unit_test(fragments_make_one_message_and_controls_may_come_between),
        cmocka_unit_test(protocol_errors_are_1002),
        cmocka_unit_test(a_second_message_inside_a_message_is_1002),
        cmocka_unit_test(an_unmasked_frame_is_1002),
        cmocka_unit_test(a_control_frame_above_125_bytes_is_1002),
        cmocka_unit_test(a_length_that_is_not_the_shortest_is_1002),
        cmocka_unit_test(binary_is_1003),
        cmocka_unit_test(text_that_is_not_utf8_is_1007),
        cmocka_unit_test(a_message_past_the_limit_is_1009_also_in_fragments),
        cmocka_unit_test(a_promised_length_of_exabytes_is_1009),
        cmocka_unit_test(idle_clients_share_one_parser),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
