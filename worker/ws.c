/* SPDX-License-Identifier: MIT */
/* ws.c - the handshake's key, frames out by hand, frames in through wslay's frame layer. */
#include "worker/ws.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <wslay/wslay.h>

#include "shm/base/str.h"
#include "worker/sha1.h"

#define KEY_CHARS 24 /* base64 of 16 bytes, with its "==" */

/* ---- handshake ---- */

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_key(struct str key)
{
    if (key.len != KEY_CHARS || key.data[22] != '=' || key.data[23] != '=') {
        return false;
    }
    for (size_t i = 0; i < 22; i++) {
        if (key.data[i] == '\0' || strchr(base64_digits, key.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* 20 bytes are six groups of three and one of two. */
static void base64_digest(const uint8_t digest[SHA1_BYTES], char ret_text[WS_ACCEPT_BYTES])
{
    char *out = ret_text;

    for (size_t at = 0; at < SHA1_BYTES; at += 3) {
        uint32_t third = at + 2 < SHA1_BYTES ? digest[at + 2] : 0;
        uint32_t group = (uint32_t)digest[at] << 16 | (uint32_t)digest[at + 1] << 8 | third;

        for (int shift = 18; shift >= 0; shift -= 6) {
            *out++ = base64_digits[group >> shift & 63];
        }
    }
    out[-1] = '='; /* the third byte of the last group is not there */
    *out = '\0';
}

bool ws_accept_key(struct str key, char ret_accept[WS_ACCEPT_BYTES])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    char joined[KEY_CHARS + sizeof(guid) - 1];
    uint8_t digest[SHA1_BYTES];

    key = str_trim(key);
    if (!is_key(key)) {
        return false;
    }
    memcpy(joined, key.data, KEY_CHARS);
    memcpy(joined + KEY_CHARS, guid, sizeof(guid) - 1);
    sha1_short(joined, sizeof(joined), digest);
    base64_digest(digest, ret_accept);
    return true;
}

/* ---- frames out ---- */

size_t ws_head(enum ws_opcode opcode, size_t payload_bytes, char ret_head[WS_HEAD_BYTES_MAX])
{
    size_t length_bytes = payload_bytes < 126 ? 0 : payload_bytes <= UINT16_MAX ? 2 : 8;

    ret_head[0] = (char)(0x80 | opcode); /* FIN */
    ret_head[1] = (char)(length_bytes == 0 ? payload_bytes : length_bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < length_bytes; i++) {
        ret_head[2 + i] = (char)(payload_bytes >> 8 * (length_bytes - 1 - i) & 0xff);
    }
    return 2 + length_bytes;
}

struct ws_control ws_control_frame(enum ws_opcode opcode, struct str payload)
{
    struct ws_control frame;
    char head[WS_HEAD_BYTES_MAX];
    size_t len = payload.len < WS_CONTROL_BYTES_MAX ? payload.len : WS_CONTROL_BYTES_MAX;

    frame.len = ws_head(opcode, len, head);
    memcpy(frame.bytes, head, frame.len);
    if (len > 0) {
        memcpy(frame.bytes + frame.len, payload.data, len);
    }
    frame.len += len;
    return frame;
}

struct ws_control ws_close_frame(uint16_t code, const char *reason)
{
    char payload[WS_CONTROL_BYTES_MAX];
    size_t reason_len = strlen(reason);

    if (code == WS_NO_CODE) {
        return ws_control_frame(WS_CLOSE, (struct str){0});
    }
    payload[0] = (char)(code >> 8);
    payload[1] = (char)(code & 0xff);
    reason_len = reason_len < sizeof(payload) - 2 ? reason_len : sizeof(payload) - 2;
    memcpy(payload + 2, reason, reason_len);
    return ws_control_frame(WS_CLOSE, (struct str){payload, 2 + reason_len});
}

/* ---- frames in: the parser ---- */

struct ws_parser {
    wslay_frame_context_ptr wslay;
    const uint8_t *bytes; /* not yet handed to wslay */
    size_t left;
    size_t given;        /* bytes wslay has had since the last frame ended, or before */
    size_t parsed;       /* of them, bytes of frames that are whole */
    size_t payload_seen; /* of the frame under way */
    uint8_t control[WS_CONTROL_BYTES_MAX];
};

static ssize_t give(uint8_t *room, size_t len, int flags, void *user_data)
{
    struct ws_parser *parser = user_data;
    size_t count = parser->left < len ? parser->left : len;

    (void)flags;
    if (count == 0) {
        errno = EWOULDBLOCK;
        return -1;
    }
    memcpy(room, parser->bytes, count);
    parser->bytes += count;
    parser->left -= count;
    parser->given += count;
    return (ssize_t)count;
}

static void parser_free(struct ws_parser *parser)
{
    if (parser != NULL) {
        wslay_frame_context_free(parser->wslay);
        free(parser);
    }
}

static struct ws_parser *parser_new(void)
{
    const struct wslay_frame_callbacks callbacks = {.recv_callback = give};
    struct ws_parser *parser = calloc(1, sizeof(*parser));

    if (parser != NULL && wslay_frame_context_init(&parser->wslay, &callbacks, parser) != 0) {
        free(parser);
        return NULL;
    }
    return parser;
}

static struct ws_parser *borrow_parser(struct ws_shared *shared, struct ws_input *input)
{
    struct ws_parser *parser = input->parser != NULL ? input->parser : shared->spare;

    if (parser == NULL) {
        return parser_new();
    }
    if (parser == shared->spare) {
        shared->spare = NULL;
    }
    input->parser = NULL;
    return parser;
}

/* In the middle of a frame the client keeps it; else it is everybody's again. */
static void give_back_parser(struct ws_shared *shared, struct ws_input *input,
                             struct ws_parser *parser)
{
    if (parser->given > parser->parsed) {
        input->parser = parser;
        return;
    }
    parser->given = 0;
    parser->parsed = 0;
    if (shared->spare == NULL) {
        shared->spare = parser;
    } else {
        parser_free(parser);
    }
}

/* ---- frames in: text ---- */

static bool text_lead(struct ws_input *input, uint8_t byte)
{
    const struct utf8_form *form = str_utf8_form(byte);

    if (form == NULL) {
        return false;
    }
    input->text_wanted = (uint8_t)(form->len - 1);
    input->text_least = form->second_least;
    input->text_most = form->second_most;
    return true;
}

/* A message may be cut in the middle of a character: the state lies in the input. */
static bool text_take(struct ws_input *input, const uint8_t *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (input->text_wanted == 0) {
            if (!text_lead(input, bytes[i])) {
                return false;
            }
            continue;
        }
        if (bytes[i] < input->text_least || bytes[i] > input->text_most) {
            return false;
        }
        input->text_wanted--;
        input->text_least = 0x80;
        input->text_most = 0xbf;
    }
    return true;
}

/* ---- frames in: rules ---- */

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

/* What wslay leaves to us, seen at the first piece of a frame. */
static uint16_t judge_head(const struct ws_shared *shared, struct ws_input *input,
                           const struct wslay_frame_iocb *frame)
{
    if (!frame->mask || frame->rsv != 0) {
        return WS_PROTOCOL_ERROR;
    }
    switch (frame->opcode) {
    case WSLAY_CONTINUATION_FRAME:
        if (!input->in_message) {
            return WS_PROTOCOL_ERROR;
        }
        break;
    case WSLAY_TEXT_FRAME:
        if (input->in_message) {
            return WS_PROTOCOL_ERROR;
        }
        input->in_message = true;
        input->message_bytes = 0;
        input->text_wanted = 0;
        break;
    case WSLAY_BINARY_FRAME:
        return input->in_message ? WS_PROTOCOL_ERROR : WS_UNSUPPORTED;
    case WSLAY_CONNECTION_CLOSE:
    case WSLAY_PING:
    case WSLAY_PONG:
        return 0;
    default:
        return WS_PROTOCOL_ERROR;
    }
    if (frame->payload_length > shared->message_bytes_max ||
        input->message_bytes > shared->message_bytes_max - frame->payload_length) {
        return WS_TOO_BIG;
    }
    input->message_bytes += (uint32_t)frame->payload_length;
    return 0;
}

/* Codes a client may send: RFC 6455, 7.4, and the IANA registry up to 1014. */
static bool is_close_code(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static uint16_t end_close(const uint8_t *payload, size_t len, ws_on_control on_control,
                          void *context)
{
    if (len == 0) {
        on_control(context, WS_HEARD_CLOSE, (struct str){0}, WS_NO_CODE);
        return 0;
    }
    uint16_t code = (uint16_t)(len >= 2 ? payload[0] << 8 | payload[1] : 0);

    if (!is_close_code(code)) {
        return WS_PROTOCOL_ERROR;
    }
    struct str reason = {(const char *)payload + 2, len - 2};

    if (!str_is_utf8(reason)) {
        return WS_BAD_TEXT;
    }
    on_control(context, WS_HEARD_CLOSE, reason, code);
    return 0;
}

static uint16_t end_control(const struct ws_parser *parser, const struct wslay_frame_iocb *frame,
                            ws_on_control on_control, void *context)
{
    size_t len = (size_t)frame->payload_length;
    struct str payload = {(const char *)parser->control, len};

    switch (frame->opcode) {
    case WSLAY_PING:
        on_control(context, WS_HEARD_PING, payload, 0);
        return 0;
    case WSLAY_PONG:
        on_control(context, WS_HEARD_PONG, payload, 0);
        return 0;
    default:
        return end_close(parser->control, len, on_control, context);
    }
}

static size_t frame_head_bytes(const struct wslay_frame_iocb *frame)
{
    size_t length_bytes = frame->payload_length < 126           ? 0
                          : frame->payload_length <= UINT16_MAX ? 2
                                                                : 8;

    return 2 + length_bytes + 4; /* 4: the mask */
}

/* One piece of a frame: payload bytes, perhaps none, perhaps the last. */
static uint16_t take_piece(const struct ws_shared *shared, struct ws_input *input,
                           struct ws_parser *parser, const struct wslay_frame_iocb *frame,
                           bool *ret_ended)
{
    *ret_ended = parser->payload_seen + frame->data_length == frame->payload_length;
    if (parser->payload_seen == 0) {
        uint16_t code = judge_head(shared, input, frame);

        if (code != 0) {
            return code;
        }
    }
    if (is_control(frame->opcode)) {
        memcpy(parser->control + parser->payload_seen, frame->data, frame->data_length);
    } else if (!text_take(input, frame->data, frame->data_length)) {
        return WS_BAD_TEXT;
    }
    parser->payload_seen += frame->data_length;
    if (*ret_ended && !is_control(frame->opcode) && frame->fin) {
        input->in_message = false;
        return input->text_wanted == 0 ? 0 : WS_BAD_TEXT;
    }
    return 0;
}

static uint16_t receive(struct ws_shared *shared, struct ws_input *input, struct ws_parser *parser,
                        ws_on_control on_control, void *context)
{
    for (;;) {
        struct wslay_frame_iocb frame = {0};
        ssize_t got = wslay_frame_recv(parser->wslay, &frame);
        bool ended;

        if (got == WSLAY_ERR_WANT_READ) {
            return 0;
        }
        if (got < 0) {
            return WS_PROTOCOL_ERROR;
        }
        uint16_t code = take_piece(shared, input, parser, &frame, &ended);

        if (code == 0 && ended) {
            parser->payload_seen = 0;
            parser->parsed += frame_head_bytes(&frame) + (size_t)frame.payload_length;
            if (is_control(frame.opcode)) {
                code = end_control(parser, &frame, on_control, context);
            }
        }
        if (code != 0 || (ended && frame.opcode == WSLAY_CONNECTION_CLOSE)) {
            return code;
        }
    }
}

uint16_t ws_receive(struct ws_shared *shared, struct ws_input *input, const char *bytes, size_t len,
                    ws_on_control on_control, void *context)
{
    struct ws_parser *parser = borrow_parser(shared, input);

    if (parser == NULL) {
        return WS_INTERNAL;
    }
    parser->bytes = (const uint8_t *)bytes;
    parser->left = len;
    uint16_t code = receive(shared, input, parser, on_control, context);

    if (code != 0 || parser->left > 0) {
        parser_free(parser); /* in an unknown place of a stream that ends here */
    } else {
        parser->bytes = NULL;
        give_back_parser(shared, input, parser);
    }
    return code;
}

void ws_input_end(struct ws_input *input)
{
    parser_free(input->parser);
    input->parser = NULL;
}

void ws_shared_end(struct ws_shared *shared)
{
    parser_free(shared->spare);
    shared->spare = NULL;
}
