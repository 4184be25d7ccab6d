/* SPDX-License-Identifier: MIT */
/* page_path.c - decoding and judging of request paths. */
#include "worker/page_path.h"

/* Hexadecimal digits in a name that make a hash: a year or a version number has fewer. */
#define HASH_DIGITS_MIN 8

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* false: a '%' without two digits, or too long. */
static bool percent_decode(struct str encoded, char room[PAGE_PATH_BYTES_MAX], size_t *ret_len)
{
    size_t len = 0;

    for (size_t at = 0; at < encoded.len; at++) {
        char c = encoded.data[at];

        if (len == PAGE_PATH_BYTES_MAX) {
            return false;
        }
        if (c == '%') {
            int high = at + 2 < encoded.len ? hex_value(encoded.data[at + 1]) : -1;
            int low = at + 2 < encoded.len ? hex_value(encoded.data[at + 2]) : -1;

            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high << 4 | low);
            at += 2;
        }
        room[len++] = c;
    }
    *ret_len = len;
    return true;
}

static bool has_foreign_character(struct str path)
{
    for (size_t i = 0; i < path.len; i++) {
        unsigned char byte = (unsigned char)path.data[i];

        if (byte < 0x20 || byte == 0x7f || byte == '\\') {
            return true;
        }
    }
    return false;
}

/* "/a/b", "/" and "/a/" are fine; "//", "/./" and "/../" are not. */
static bool has_odd_segment(struct str path)
{
    struct str rest = {path.data + 1, path.len - 1};
    struct str segment;

    while (str_split(&rest, '/', &segment)) {
        bool is_last = rest.data == NULL;

        if ((segment.len == 0 && !is_last) || str_equal(segment, STR(".")) ||
            str_equal(segment, STR(".."))) {
            return true;
        }
    }
    return false;
}

bool page_path_decode(struct str encoded, char room[PAGE_PATH_BYTES_MAX], struct str *ret_path)
{
    size_t len;

    if (!percent_decode(encoded, room, &len)) {
        return false;
    }
    struct str path = {room, len};

    if (len == 0 || path.data[0] != '/' || has_foreign_character(path) || has_odd_segment(path) ||
        !str_is_utf8(path)) {
        return false;
    }
    *ret_path = path;
    return true;
}

static bool is_number_below(struct str path, struct str prefix)
{
    uint64_t number;

    return str_starts_with(path, prefix) &&
           str_to_u64((struct str){path.data + prefix.len, path.len - prefix.len}, 0, UINT32_MAX,
                      &number);
}

bool page_path_is_view(struct str path)
{
    return str_equal(path, STR("/challenges")) || str_equal(path, STR("/scoreboard")) ||
           str_equal(path, STR("/name")) || str_equal(path, STR("/board")) ||
           is_number_below(path, STR("/challenge/")) || is_number_below(path, STR("/player/"));
}

bool page_path_has_hash(struct str path)
{
    uint32_t run = 0;     /* hexadecimal digits since the last '-' or '.' */
    bool counts = false;  /* nothing else stood in between */
    bool decimal = false; /* one of them is 0-9: "deadbeef" is a word */
    bool letter = false;  /* one of them is a-f: "20261128" is a date */

    for (size_t i = 0; i < path.len; i++) {
        char c = path.data[i];

        if (c == '.' && counts && decimal && letter && run >= HASH_DIGITS_MIN) {
            return true;
        }
        if (c == '-' || c == '.') {
            run = 0;
            counts = true;
            decimal = false;
            letter = false;
        } else if (hex_value(c) >= 0) {
            run++;
            decimal = decimal || (c >= '0' && c <= '9');
            letter = letter || c > '9';
        } else {
            counts = false;
        }
    }
    return false;
}
