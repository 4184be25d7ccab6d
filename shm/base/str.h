/* SPDX-License-Identifier: MIT */
/*
 * str.h - borrowed pieces of text, and the conversions that bytes from outside go through first.
 *
 * A struct str points into memory of somebody else, is not NUL-terminated, may hold any byte, and
 * lives as long as its owner.  Nothing here allocates.  Any process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct str {
    const char *data;
    size_t len;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
/* The same for a static initialiser, where a compound literal may not stand. */
/* clang-format off */
#define STR_INIT(literal) {"" literal, sizeof(literal) - 1}
/* clang-format on */
#define STR_ARG(s) (int)(s).len, (s).data /* for "%.*s" */

struct str str_from(const char *c_string); /* NULL gives the empty one */
bool str_equal(struct str a, struct str b);
bool str_equal_nocase(struct str a, struct str b); /* ASCII case only */
bool str_starts_with(struct str s, struct str prefix);
bool str_starts_with_nocase(struct str s, struct str prefix);
/* Without spaces, tabs, CR and LF at either end. */
struct str str_trim(struct str s);
/* Without the byte order mark that some editors put before the text of a file. */
struct str str_skip_bom(struct str s);
/* Cuts *rest at the first `separator`: returns what stands before, leaves what stands behind.
 * false when *rest is used up (data == NULL afterwards). */
bool str_split(struct str *rest, char separator, struct str *ret_part);

/* Decimal digits only, no sign, no blank, within [min, max]. */
MUST_USE bool str_to_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret_value);
/* The same with an optional leading '-'. */
MUST_USE bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret_value);

/* What a number is in digits, no NUL behind them: decimal (returns how many), or sixteen of hex. */
#define STR_U64_DIGITS_MAX 20
size_t str_print_u64(uint64_t value, char ret_digits[STR_U64_DIGITS_MAX]);
#define STR_HEX64_DIGITS 16
void str_print_hex64(uint64_t value, char ret_digits[STR_HEX64_DIGITS]);

/* What a character's first byte says of it (RFC 3629 section 4). */
struct utf8_form {
    unsigned char first_least, first_most;
    unsigned char second_least, second_most; /* each one behind it: 0x80 to 0xBF */
    unsigned char len;                       /* bytes of the character, 1 to 4 */
};
/* NULL: no character begins with that. */
const struct utf8_form *str_utf8_form(unsigned char first);
/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.  NUL is valid UTF-8. */
bool str_is_utf8(struct str s);
/* Bytes of the character at `text`, of which max_len are there: 1 to 4, or 0 if it is none. */
size_t str_utf8_len(const char *text, size_t max_len);

/* Equal in time that depends on the lengths only. */
bool str_equal_secret(struct str a, struct str b);

/* RFC 4648 section 5, without padding.  base64url_encoded_len(n) characters plus a NUL. */
#define BASE64URL_LEN(bytes) ((4 * (bytes) + 2) / 3)
void base64url_encode(const void *bytes, size_t len, char *ret_text);
/* false: a foreign character, stray bits, or more than max_bytes. */
MUST_USE bool base64url_decode(struct str text, void *ret_bytes, size_t max_bytes, size_t *ret_len);

/* Copies into a fixed field: cut to size - 1, always NUL-terminated.  Returns bytes copied. */
size_t str_copy(struct str s, char *ret_field, size_t size_bytes);
