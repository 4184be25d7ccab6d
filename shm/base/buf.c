/* SPDX-License-Identifier: MIT */
/* buf.c - the growing byte buffer; doubles until its bound. */
#include "shm/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"

/* Most answers of the API fit without growing. */
#define FIRST_CAP_BYTES 256

bool buf_reserve(struct buf *buf, size_t len)
{
    if (buf->failed || len > buf->max_bytes || buf->len > buf->max_bytes - len) {
        buf->failed = true;
        return false;
    }
    size_t needed = buf->len + len;
    if (needed <= buf->cap_bytes) {
        return true;
    }
    size_t cap = buf->cap_bytes > 0 ? buf->cap_bytes : FIRST_CAP_BYTES;
    while (cap < needed && cap <= SIZE_MAX / 4) {
        cap *= 2;
    }
    if (cap > buf->max_bytes) {
        cap = buf->max_bytes;
    }
    /* One byte more than anybody may fill: the NUL that vsnprintf writes. */
    char *data = cap >= needed && cap < SIZE_MAX ? realloc(buf->data, cap + 1) : NULL;
    if (data == NULL) {
        buf->failed = true;
        return false;
    }
    buf->data = data;
    buf->cap_bytes = cap;
    return true;
}

static void append_number(struct buf *buf, uint64_t magnitude, bool negative)
{
    char text[1 + STR_U64_DIGITS_MAX];
    size_t sign = negative ? 1 : 0;

    text[0] = '-';
    buf_append(buf, text + 1 - sign, sign + str_print_u64(magnitude, text + 1));
}

void buf_append_u64(struct buf *buf, uint64_t value)
{
    append_number(buf, value, false);
}

void buf_append_i64(struct buf *buf, int64_t value)
{
    /* Negated as unsigned: -INT64_MIN does not exist. */
    append_number(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, value < 0);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_list again;

    va_start(args, format);
    va_copy(again, args);
    int wanted = vsnprintf(NULL, 0, format, args);
    if (wanted < 0) {
        buf->failed = true;
    } else if (wanted > 0 && buf_reserve(buf, (size_t)wanted)) {
        (void)vsnprintf(buf->data + buf->len, (size_t)wanted + 1, format, again);
        buf->len += (size_t)wanted;
    }
    va_end(again);
    va_end(args);
}

void buf_consume(struct buf *buf, size_t len)
{
    CHECK(len <= buf->len);
    if (len == 0) {
        return;
    }
    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len);
}

void buf_reset(struct buf *buf)
{
    buf->len = 0;
    buf->failed = false;
}

void buf_free(struct buf *buf)
{
    free(buf->data);
    *buf = BUF_INIT(buf->max_bytes);
}

struct str buf_str(const struct buf *buf)
{
    return (struct str){.data = buf->data, .len = buf->len};
}
