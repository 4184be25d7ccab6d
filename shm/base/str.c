/* SPDX-License-Identifier: MIT */
/* str.c - slices of text: compare, cut, and turn into numbers or bytes, strictly. */
#include "shm/base/str.h"

#include <string.h>

#include "shm/base/check.h"

struct str str_from(const char *c_string)
{
    return c_string == NULL ? (struct str){0}
                            : (struct str){.data = c_string, .len = strlen(c_string)};
}

bool str_equal(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static unsigned char ascii_lower(char c)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 'A' && byte <= 'Z' ? (unsigned char)(byte + 32) : byte;
}

bool str_equal_nocase(struct str a, struct str b)
{
    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        if (ascii_lower(a.data[i]) != ascii_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal((struct str){s.data, prefix.len}, prefix);
}

bool str_starts_with_nocase(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_equal_nocase((struct str){s.data, prefix.len}, prefix);
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_skip_bom(struct str s)
{
    return str_starts_with(s, STR("\xef\xbb\xbf")) ? (struct str){s.data + 3, s.len - 3} : s;
}

struct str str_trim(struct str s)
{
    while (s.len > 0 && is_blank(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_blank(s.data[s.len - 1])) {
        s.len--;
    }
    return s;
}

bool str_split(struct str *rest, char separator, struct str *ret_part)
{
    if (rest->data == NULL) {
        return false;
    }
    const char *found = rest->len > 0 ? memchr(rest->data, separator, rest->len) : NULL;
    if (found == NULL) {
        *ret_part = *rest;
        *rest = (struct str){0};
        return true;
    }
    size_t len = (size_t)(found - rest->data);
    *ret_part = (struct str){.data = rest->data, .len = len};
    *rest = (struct str){.data = found + 1, .len = rest->len - len - 1};
    return true;
}

/* Any decimal number of at least one digit that fits 64 bits. */
static bool digits_to_u64(struct str s, uint64_t *ret_value)
{
    uint64_t value = 0;

    if (s.len == 0) {
        return false;
    }
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] < '0' || s.data[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(s.data[i] - '0');
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *ret_value = value;
    return true;
}

bool str_to_u64(struct str s, uint64_t min, uint64_t max, uint64_t *ret_value)
{
    uint64_t value;

    if (!digits_to_u64(s, &value) || value < min || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool str_to_i64(struct str s, int64_t min, int64_t max, int64_t *ret_value)
{
    const uint64_t least_magnitude = (uint64_t)INT64_MAX + 1; /* of INT64_MIN */
    bool negative = s.len > 0 && s.data[0] == '-';
    uint64_t magnitude;

    if (negative) {
        s = (struct str){.data = s.data + 1, .len = s.len - 1};
    }
    if (!digits_to_u64(s, &magnitude) ||
        magnitude > (negative ? least_magnitude : (uint64_t)INT64_MAX)) {
        return false;
    }
    int64_t value = (int64_t)(negative ? 0 - magnitude : magnitude);
    if (value < min || value > max) {
        return false;
    }
    *ret_value = value;
    return true;
}

size_t str_print_u64(uint64_t value, char ret_digits[STR_U64_DIGITS_MAX])
{
    char digits[STR_U64_DIGITS_MAX];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(ret_digits, digits + at, sizeof(digits) - at);
    return sizeof(digits) - at;
}

void str_print_hex64(uint64_t value, char ret_digits[STR_HEX64_DIGITS])
{
    for (size_t i = STR_HEX64_DIGITS; i-- > 0; value >>= 4) {
        ret_digits[i] = "0123456789abcdef"[value & 15];
    }
}

bool str_is_utf8(struct str s)
{
    for (size_t at = 0; at < s.len;) {
        size_t len = str_utf8_len(s.data + at, s.len - at);
        if (len == 0) {
            return false;
        }
        at += len;
    }
    return true;
}

/* clang-format off */
static const struct utf8_form utf8_forms[] = {
    {0x00, 0x7F, 0x00, 0x00, 1},
    {0xC2, 0xDF, 0x80, 0xBF, 2},
    {0xE0, 0xE0, 0xA0, 0xBF, 3},
    {0xE1, 0xEC, 0x80, 0xBF, 3},
    {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3},
    {0xF0, 0xF0, 0x90, 0xBF, 4},
    {0xF1, 0xF3, 0x80, 0xBF, 4},
    {0xF4, 0xF4, 0x80, 0x8F, 4},
};
/* clang-format on */

const struct utf8_form *str_utf8_form(unsigned char first)
{
    for (size_t i = 0; i < ARRAY_LEN(utf8_forms); i++) {
        if (first >= utf8_forms[i].first_least && first <= utf8_forms[i].first_most) {
            return &utf8_forms[i];
        }
    }
    return NULL;
}

size_t str_utf8_len(const char *text, size_t max_len)
{
    const unsigned char *bytes = (const unsigned char *)text;
    const struct utf8_form *form = max_len > 0 ? str_utf8_form(bytes[0]) : NULL;

    if (form == NULL || form->len > max_len) {
        return 0;
    }
    if (form->len > 1 && (bytes[1] < form->second_least || bytes[1] > form->second_most)) {
        return 0;
    }
    for (size_t at = 2; at < form->len; at++) {
        if ((bytes[at] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return form->len;
}

bool str_equal_secret(struct str a, struct str b)
{
    volatile unsigned char difference = 0; /* volatile: the compiler may not leave the loop early */

    if (a.len != b.len) {
        return false;
    }
    for (size_t i = 0; i < a.len; i++) {
        difference = (unsigned char)(difference | (a.data[i] ^ b.data[i]));
    }
    return difference == 0;
}

size_t str_copy(struct str s, char *ret_field, size_t size_bytes)
{
    CHECK(size_bytes > 0);
    size_t len = s.len < size_bytes - 1 ? s.len : size_bytes - 1;
    if (len > 0) {
        memcpy(ret_field, s.data, len);
    }
    ret_field[len] = '\0';
    return len;
}
