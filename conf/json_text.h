/* SPDX-License-Identifier: MIT */
/*
 * json_text.h - what Jansson does not do for files that people write: raw newlines inside strings, and
 * the line in which a value stands.
 *
 * Lines are looked up only when there is something to say about them, by walking the text again:
 * a file without mistakes costs nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"

/* The first control characters inside strings; a line of 0: there is none. */
struct json_text_raw {
    uint32_t blank_line;   /* of a line break or a tab, which people mean */
    uint32_t control_line; /* of any other, which got there by mistake */
    unsigned char control; /* that one */
};

/* Appends the text to *out with control characters inside strings escaped (a CR before an LF is left
 * out), and says where such stand. */
struct json_text_raw json_text_escape(struct str text, struct buf *out);
/* The line of `text` that byte `offset` of the escaped text comes from. */
uint32_t json_text_line_at(struct str text, size_t offset);

/* A place in an array of objects: the element, one of its keys, an item of the array there, and a key
 * of that item.  From `key` on all may be left out. */
struct json_place {
    uint32_t element;
    const char *key;
    int32_t item; /* -1: the key itself */
    const char *item_key;
};

/* The line where it begins; where the innermost part that exists does, if the last is missing.
 * The text must be valid JSON but for raw control characters. */
uint32_t json_text_find(struct str text, struct json_place place);
