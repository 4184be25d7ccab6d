/* SPDX-License-Identifier: MIT */
/*
 * wish.h - what a request asks of a view, and the list of those that wait until one is built.
 *
 * A request's texts are gone when its handler has returned (http.h), and a build may take longer: so a
 * wish is made at once, and says all that an answer depends on.  It keeps the connection's id, not a
 * pointer: who closes meanwhile is not found.
 *
 * Process  worker; for view.c alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct request;

/* Room for If-None-Match: two of our tags (etag.h), weak ones.  Browsers send one. */
#define WISH_TAGS_BYTES 96

enum wish_form { WISH_PLAIN, WISH_GZIP, WISH_BR, WISH_FORMS };

struct wish {
    uint64_t conn_id;
    uint64_t asked_us;  /* clock_mono_us() */
    uint8_t form;       /* enum wish_form: the best that it takes, */
    uint8_t large_form; /* and of a view that is too large for brotli */
    uint8_t tags_len;
    char tags[WISH_TAGS_BYTES];
};

/* Oldest first.  All zero: empty. */
struct wish_list {
    struct wish *wishes;
    uint32_t first;
    uint32_t end;
    uint32_t max;
};

/* As Content-Encoding has it; "" for WISH_PLAIN. */
struct str wish_encoding(enum wish_form form);
struct wish wish_make(uint64_t conn_id, const struct request *request);
/* If-None-Match; empty when absent, or longer than there is room: that costs a whole answer where a
 * 304 would have done. */
struct str wish_tags(const struct wish *wish);

uint32_t wish_list_count(const struct wish_list *list);
/* false: no memory. */
MUST_USE bool wish_list_add(struct wish_list *list, const struct wish *wish);
/* Takes the oldest out, as a copy: its answer may add others.  false: the list is empty. */
MUST_USE bool wish_list_take(struct wish_list *list, struct wish *ret_wish);
