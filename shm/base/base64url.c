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

/*
 * The six bits a character stands for, plus one; 0: none.  A table, since the branches of a chain of
 * ranges are anybody's guess: every request with a session decodes 75 characters.
 */
/* clang-format off */
static const uint8_t sextets[256] = {
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
            14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
            40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
    ['-'] = 63, ['_'] = 64,
};
/* clang-format on */

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
        uint32_t value = sextets[(unsigned char)text.data[i]];
        if (value == 0) {
            return false;
        }
        bits = bits << 6 | (value - 1);
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
