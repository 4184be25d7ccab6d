/* SPDX-License-Identifier: MIT */
/*
 * ws_fuzz.c - bytes of a client, cut anywhere: no crash, and the cuts do not change the verdict.
 *
 * The first byte of the input says how the rest is cut.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "worker/ws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A hash of all that was heard, in order. */
struct heard {
    uint64_t hash;
    bool closed;
};

static void on_control(void *context, enum ws_heard kind, struct str payload, uint16_t close_code)
{
    struct heard *heard = context;

    heard->hash = heard->hash * 31 + kind + close_code;
    for (size_t i = 0; i < payload.len; i++) {
        heard->hash = heard->hash * 31 + (uint8_t)payload.data[i];
    }
    heard->closed = heard->closed || kind == WS_HEARD_CLOSE;
}

static uint16_t feed(const uint8_t *data, size_t size, size_t step, struct heard *heard)
{
    struct ws_shared shared = {.message_bytes_max = 4096};
    struct ws_input input = {0};
    uint16_t code = 0;

    *heard = (struct heard){0};
    for (size_t at = 0; at < size && code == 0 && !heard->closed; at += step) {
        size_t len = size - at < step ? size - at : step;

        code = ws_receive(&shared, &input, (const char *)data + at, len, on_control, heard);
    }
    ws_input_end(&input);
    ws_shared_end(&shared);
    return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heard whole;
    struct heard cut;
    char accept[WS_ACCEPT_BYTES];

    if (size < 1) {
        return 0;
    }
    size_t step = (size_t)data[0] + 1;
    uint16_t whole_code = feed(data + 1, size - 1, size, &whole);
    uint16_t cut_code = feed(data + 1, size - 1, step, &cut);

    if (whole_code != cut_code || whole.hash != cut.hash || whole.closed != cut.closed) {
        abort();
    }
    (void)!ws_accept_key((struct str){(const char *)data, size}, accept);
    return 0;
}
