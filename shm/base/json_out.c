/* SPDX-License-Identifier: MIT */
/* json_out.c - the bounded JSON writer. */
#include "shm/base/json_out.h"

static const char hex_digits[16] = "0123456789abcdef";

static void value_begin(struct json_out *json)
{
    if (json->need_comma) {
        buf_append_char(json->buf, ',');
    }
    json->need_comma = true;
}

static void nest_begin(struct json_out *json, char bracket)
{
    value_begin(json);
    buf_append_char(json->buf, bracket);
    json->need_comma = false;
}

static void nest_end(struct json_out *json, char bracket)
{
    buf_append_char(json->buf, bracket);
    json->need_comma = true;
}

void json_object_begin(struct json_out *json)
{
    nest_begin(json, '{');
}

void json_object_end(struct json_out *json)
{
    nest_end(json, '}');
}

void json_array_begin(struct json_out *json)
{
    nest_begin(json, '[');
}

void json_array_end(struct json_out *json)
{
    nest_end(json, ']');
}

void json_key(struct json_out *json, const char *key)
{
    value_begin(json);
    buf_append_char(json->buf, '"');
    buf_append_str(json->buf, str_from(key));
    buf_append_str(json->buf, STR("\":"));
    json->need_comma = false;
}

/*
 * What a character of `len` bytes becomes, or the empty slice if it stands for itself.  U+2028 and
 * U+2029 end a line in older scripts; '<' would end a script element.
 */
static struct str escaped(const char *text, size_t len, char (*scratch)[6])
{
    unsigned char byte = (unsigned char)text[0];

    if (len == 0) {
        return STR("\xEF\xBF\xBD"); /* U+FFFD */
    }
    if (len == 3 && byte == 0xE2 && (unsigned char)text[1] == 0x80 &&
        ((unsigned char)text[2] | 1) == 0xA9) {
        return (unsigned char)text[2] == 0xA8 ? STR("\\u2028") : STR("\\u2029");
    }
    switch (byte) {
    case '"':
        return STR("\\\"");
    case '\\':
        return STR("\\\\");
    case '\n':
        return STR("\\n");
    case '\r':
        return STR("\\r");
    case '\t':
        return STR("\\t");
    default:
        break;
    }
    if (len > 1) {
        return (struct str){0};
    }
    char *out = *scratch;
    out[0] = '\\';
    out[1] = 'u';
    out[2] = '0';
    out[3] = '0';
    out[4] = hex_digits[byte >> 4];
    out[5] = hex_digits[byte & 15];
    return (struct str){.data = out, .len = sizeof(*scratch)};
}

/* Nearly all bytes of nearly all answers. */
static bool is_plain(char c)
{
    return c >= 0x20 && c < 0x7F && c != '"' && c != '\\' && c != '<';
}

void json_escape(struct buf *out, struct str value)
{
    size_t plain = 0; /* where the bytes begin that are not copied yet */
    char scratch[6];

    for (size_t at = 0; at < value.len;) {
        if (is_plain(value.data[at])) {
            at++;
            continue;
        }
        size_t len = str_utf8_len(value.data + at, value.len - at);
        struct str instead = escaped(value.data + at, len, &scratch);
        size_t next = at + (len > 0 ? len : 1);
        if (instead.len > 0) {
            buf_append(out, value.data + plain, at - plain);
            buf_append_str(out, instead);
            plain = next;
        }
        at = next;
    }
    if (plain < value.len) {
        buf_append(out, value.data + plain, value.len - plain);
    }
}

void json_str(struct json_out *json, struct str value)
{
    value_begin(json);
    buf_append_char(json->buf, '"');
    json_escape(json->buf, value);
    buf_append_char(json->buf, '"');
}

void json_u64(struct json_out *json, uint64_t value)
{
    value_begin(json);
    buf_append_u64(json->buf, value);
}

void json_i64(struct json_out *json, int64_t value)
{
    value_begin(json);
    buf_append_i64(json->buf, value);
}

void json_raw(struct json_out *json, struct str value)
{
    value_begin(json);
    buf_append_str(json->buf, value);
}

void json_bool(struct json_out *json, bool value)
{
    json_raw(json, value ? STR("true") : STR("false"));
}

void json_null(struct json_out *json)
{
    json_raw(json, STR("null"));
}

void json_key_str(struct json_out *json, const char *key, struct str value)
{
    json_key(json, key);
    json_str(json, value);
}

void json_key_u64(struct json_out *json, const char *key, uint64_t value)
{
    json_key(json, key);
    json_u64(json, value);
}

void json_key_i64(struct json_out *json, const char *key, int64_t value)
{
    json_key(json, key);
    json_i64(json, value);
}

void json_key_bool(struct json_out *json, const char *key, bool value)
{
    json_key(json, key);
    json_bool(json, value);
}

void json_key_null(struct json_out *json, const char *key)
{
    json_key(json, key);
    json_null(json);
}
