/* SPDX-License-Identifier: MIT */
/* base64url.c - RFC 4648 section 5 without padding: tokens and cookies; declared in str.h. */

#include "shm/base/str.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void base64url_encode(const void *bytes, size_t len, char *ret_text)
{
    const unsigned char *in = bytes;
    uint32_t bits = 0;
    unsigned int count = 0; /* how many of `bits` are not written yet */

    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            *ret_text++ = alphabet[bits >> count & 63];
        }
    }
    if (count > 0) {
        *ret_text++ = alphabet[bits << (6 - count) & 63];
    }
    *ret_text = '\0';
}

/* The six bits a character stands for, or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool base64url_decode(struct str text, void *ret_bytes, size_t max_bytes, size_t *ret_len)
{
    unsigned char *out = ret_bytes;
    size_t written = 0;
    uint32_t bits = 0;
    unsigned int count = 0;

    if (text.len % 4 == 1) {
        return false; /* six bits are no byte */
    }
    for (size_t i = 0; i < text.len; i++) {
        int value = sextet(text.data[i]);
        if (value < 0) {
            return false;
        }
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 8) {
            count -= 8;
            if (written == max_bytes) {
                return false;
            }
            out[written++] = (unsigned char)(bits >> count & 0xFF);
        }
    }
    /* Stray bits would give one token many spellings. */
    if ((bits & ((1U << count) - 1)) != 0) {
        return false;
    }
    *ret_len = written;
    return true;
}
