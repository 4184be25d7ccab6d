/* SPDX-License-Identifier: MIT */
/*
 * ws.h - RFC 6455 without a socket: the handshake's key, frames in, frames out.
 *
 * What comes in goes through wslay's frame layer; nothing else of wslay is used, and no other file
 * names it.  A client's messages are judged (masked, whole UTF-8, bounded) and then forgotten: no
 * message of a client means anything to this server but ping, pong and close.
 *
 * Memory   wslay's parser is 4 KB.  One is shared by all clients whose bytes end with a frame, which
 *          is nearly always; a client whose frame is in pieces has one of its own until it is whole.
 * Process  worker.  Owner: struct ws_input lies in the stream's client; ws_input_end() when it goes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

enum ws_code {
    WS_NORMAL = 1000,
    WS_GOING_AWAY = 1001,
    WS_PROTOCOL_ERROR = 1002,
    WS_UNSUPPORTED = 1003,
    WS_NO_CODE = 1005, /* a close without one; never sent */
    WS_BAD_TEXT = 1007,
    WS_POLICY = 1008,
    WS_TOO_BIG = 1009,
    WS_INTERNAL = 1011,
    WS_RESTART = 1012,
    WS_TRY_LATER = 1013,
};

/* Sec-WebSocket-Key -> Sec-WebSocket-Accept.  false: not the base64 of 16 bytes. */
#define WS_ACCEPT_BYTES 29 /* with NUL */
MUST_USE bool ws_accept_key(struct str key, char ret_accept[WS_ACCEPT_BYTES]);

/* ---- frames out: a head and a payload, never masked, never in fragments ---- */

enum ws_opcode { WS_TEXT = 1, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

#define WS_HEAD_BYTES_MAX 10
#define WS_CONTROL_BYTES_MAX 125
/* Writes the head of a frame, returns its length. */
size_t ws_head(enum ws_opcode opcode, size_t payload_bytes, char ret_head[WS_HEAD_BYTES_MAX]);
/* A whole control frame; the payload is cut to what one may hold. */
struct ws_control {
    size_t len;
    char bytes[2 + WS_CONTROL_BYTES_MAX];
};
struct ws_control ws_control_frame(enum ws_opcode opcode, struct str payload);
/* code WS_NO_CODE: without one. */
struct ws_control ws_close_frame(uint16_t code, const char *reason);

/* ---- frames in ---- */

struct ws_parser;

/* Of each client; zeros to begin with. */
struct ws_input {
    struct ws_parser *parser; /* NULL: the last byte ended a frame */
    uint32_t message_bytes;   /* of the text message that is under way */
    bool in_message;          /* its last fragment is still to come */
    uint8_t text_wanted;      /* continuation bytes that the last character still needs, */
    uint8_t text_least;       /* and the range its next byte must lie in */
    uint8_t text_most;
};

/* Of the worker: the parser that is lent out. */
struct ws_shared {
    struct ws_parser *spare;
    uint32_t message_bytes_max;
};

enum ws_heard { WS_HEARD_PING, WS_HEARD_PONG, WS_HEARD_CLOSE };

/* payload: of a ping or pong; of a close: its reason, with code in close_code. */
typedef void (*ws_on_control)(void *context, enum ws_heard heard, struct str payload,
                              uint16_t close_code);

/*
 * Judges what a client sent.  0: fine so far.  Else the code to close with; give it no more bytes.
 * After WS_HEARD_CLOSE what follows in `bytes` is ignored.
 */
MUST_USE uint16_t ws_receive(struct ws_shared *shared, struct ws_input *input, const char *bytes,
                             size_t len, ws_on_control on_control, void *context);
void ws_input_end(struct ws_input *input);
void ws_shared_end(struct ws_shared *shared);
