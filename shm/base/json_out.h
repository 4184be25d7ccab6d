/* SPDX-License-Identifier: MIT */
/*
 * json_out.h - writes JSON (RFC 8259) into a struct buf, commas included.
 *
 * The buffer's bound is the writer's bound: look at buf->failed when done.  Strings are taken as
 * UTF-8; a byte that is none becomes U+FFFD, control characters and '<' are escaped, so that an
 * answer can stand inside a page.  Any process.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"

struct json_out {
    struct buf *buf;
    bool need_comma; /* a value stands before this one in the same array or object */
};

#define JSON_OUT(buffer) ((struct json_out){.buf = (buffer)})

void json_object_begin(struct json_out *json);
void json_object_end(struct json_out *json);
void json_array_begin(struct json_out *json);
void json_array_end(struct json_out *json);
/* A key; its value comes next.  Keys are our own literals and are not escaped. */
void json_key(struct json_out *json, const char *key);
void json_str(struct json_out *json, struct str value);
void json_u64(struct json_out *json, uint64_t value);
void json_i64(struct json_out *json, int64_t value);
void json_bool(struct json_out *json, bool value);
void json_null(struct json_out *json);
/* Only what stands between a string's quotes, for who puts one together from parts. */
void json_escape(struct buf *out, struct str value);
/* Text that is JSON already. */
void json_raw(struct json_out *json, struct str value);

/* "key": value in one call. */
void json_key_str(struct json_out *json, const char *key, struct str value);
void json_key_u64(struct json_out *json, const char *key, uint64_t value);
void json_key_i64(struct json_out *json, const char *key, int64_t value);
void json_key_bool(struct json_out *json, const char *key, bool value);
void json_key_null(struct json_out *json, const char *key);
