/* SPDX-License-Identifier: MIT */
/*
 * chunked.c - the framing of a body in chunks, byte for byte as RFC 9112, 7.1 has it.
 *
 * It is not left to llhttp: some builds take any two bytes for the CR LF behind a chunk, any byte
 * behind a CR, a bare LF for the body's end.  A proxy before us may read such bytes otherwise, and then
 * what is a body to the one is a request to the other (RFC 9112, 11.2).
 */
#include "worker/chunked.h"

#include <stdbool.h>
#include <string.h>

#include "shm/base/buf.h"

/* What comes next.  A zeroed struct chunked stands at the first. */
enum step {
    STEP_SIZE,      /* the first digit */
    STEP_SIZE_MORE, /* digits, or what ends them */
    STEP_BLANK,     /* blanks before the ';' of an extension */
    STEP_EXTENSION, /* up to CR: of no use to us */
    STEP_SIZE_LF,
    STEP_DATA,
    STEP_DATA_CR,
    STEP_DATA_LF,
    STEP_LAST_LF, /* behind the size that is zero, or behind a trailer */
    STEP_LINE,    /* a trailer's first byte, or the CR that ends the body */
    STEP_NAME,
    STEP_VALUE,
    STEP_END_LF,
    STEP_WHOLE,
    STEP_BAD,
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* RFC 9110, 5.5: what a value may hold. */
static bool is_text(char c)
{
    unsigned char byte = (unsigned char)c;

    return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

/* RFC 9110, 5.6.2: what a name is made of. */
static bool is_token(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* false: no digit, or more than 64 bits. */
static bool take_digit(struct chunked *chunked, char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *found = c != '\0' ? strchr(digits, c) : NULL;

    if (found == NULL || chunked->left > UINT64_MAX >> 4) {
        return false;
    }
    uint64_t value = (uint64_t)(found - digits);
    chunked->left = chunked->left << 4 | (value < 16 ? value : value - 6);
    return true;
}

/* Behind the digits; also the end of an extension. */
static enum step after_size(const struct chunked *chunked, char c)
{
    if (c == '\r') {
        return chunked->left > 0 ? STEP_SIZE_LF : STEP_LAST_LF;
    }
    return c == ';' ? STEP_EXTENSION : is_blank(c) ? STEP_BLANK : STEP_BAD;
}

static enum step only(char c, char wanted, enum step next)
{
    return c == wanted ? next : STEP_BAD;
}

/* The step behind this byte. */
static enum step step_over(struct chunked *chunked, char c)
{
    switch ((enum step)chunked->step) {
    case STEP_SIZE:
        return take_digit(chunked, c) ? STEP_SIZE_MORE : STEP_BAD;
    case STEP_SIZE_MORE:
        return take_digit(chunked, c) ? STEP_SIZE_MORE : after_size(chunked, c);
    case STEP_BLANK:
        return is_blank(c) ? STEP_BLANK : only(c, ';', STEP_EXTENSION);
    case STEP_EXTENSION:
        return is_text(c) ? STEP_EXTENSION : after_size(chunked, c);
    case STEP_SIZE_LF:
        return only(c, '\n', STEP_DATA);
    case STEP_DATA_CR:
        return only(c, '\r', STEP_DATA_LF);
    case STEP_DATA_LF:
        return only(c, '\n', STEP_SIZE);
    case STEP_LAST_LF:
        return only(c, '\n', STEP_LINE);
    case STEP_LINE:
        return is_token(c) ? STEP_NAME : only(c, '\r', STEP_END_LF);
    case STEP_NAME:
        return is_token(c) ? STEP_NAME : only(c, ':', STEP_VALUE);
    case STEP_VALUE:
        return is_text(c) ? STEP_VALUE : only(c, '\r', STEP_LAST_LF);
    case STEP_END_LF:
        return only(c, '\n', STEP_WHOLE);
    case STEP_DATA: /* not byte by byte: take_data() */
    case STEP_WHOLE:
    case STEP_BAD:
        break;
    }
    return STEP_BAD;
}

static size_t take_data(struct chunked *chunked, const char *bytes, size_t len, struct buf *body)
{
    size_t take = len < chunked->left ? len : (size_t)chunked->left;

    buf_append(body, bytes, take);
    chunked->left -= take;
    if (chunked->left == 0) {
        chunked->step = STEP_DATA_CR;
    }
    return take;
}

enum chunked_verdict chunked_feed(struct chunked *chunked, const char *bytes, size_t len,
                                  struct buf *body, size_t *ret_used)
{
    size_t at = 0;

    while (at < len && chunked->step != STEP_WHOLE) {
        if (chunked->step == STEP_DATA) {
            at += take_data(chunked, bytes + at, len - at, body);
        } else {
            chunked->step = (uint8_t)step_over(chunked, bytes[at]);
            at++;
        }
        if (chunked->step == STEP_BAD) {
            return CHUNKED_BAD;
        }
        if (body->failed) {
            return CHUNKED_LONG;
        }
    }
    *ret_used = at;
    return chunked->step == STEP_WHOLE ? CHUNKED_WHOLE : CHUNKED_MORE;
}
