/* SPDX-License-Identifier: MIT */
/* wish.c - decides what a request asks of a view while its texts are there; a list of such. */
#include "worker/wish.h"

#include <stdlib.h>
#include <string.h>

#include "shm/base/clock.h"
#include "worker/compress.h"
#include "worker/http.h"

static const struct str encodings[WISH_FORMS] = {
    [WISH_PLAIN] = {"", 0},
    [WISH_GZIP] = {"gzip", 4},
    [WISH_BR] = {"br", 2},
};

struct str wish_encoding(enum wish_form form)
{
    return encodings[form];
}

static enum wish_form form_for(struct str accept_encoding, bool have_br)
{
    struct str encoding = compress_choose(accept_encoding, have_br, true);

    for (int form = 0; form < WISH_FORMS; form++) {
        if (str_equal(encoding, encodings[form])) {
            return (enum wish_form)form;
        }
    }
    return WISH_PLAIN;
}

struct wish wish_make(uint64_t conn_id, const struct request *request)
{
    struct str tags = request->if_none_match;
    struct wish wish = {
        .conn_id = conn_id,
        .asked_us = clock_mono_us(),
        .form = (uint8_t)form_for(request->accept_encoding, true),
        .large_form = (uint8_t)form_for(request->accept_encoding, false),
    };

    if (tags.len > 0 && tags.len <= sizeof(wish.tags)) {
        memcpy(wish.tags, tags.data, tags.len);
        wish.tags_len = (uint8_t)tags.len;
    }
    return wish;
}

struct str wish_tags(const struct wish *wish)
{
    return (struct str){wish->tags, wish->tags_len};
}

uint32_t wish_list_count(const struct wish_list *list)
{
    return list->end - list->first;
}

bool wish_list_add(struct wish_list *list, const struct wish *wish)
{
    if (list->end == list->max) {
        uint32_t max = list->max * 2 + 64;
        struct wish *wishes = realloc(list->wishes, max * sizeof(*wishes));

        if (wishes == NULL) {
            return false;
        }
        list->wishes = wishes;
        list->max = max;
    }
    list->wishes[list->end++] = *wish;
    return true;
}

bool wish_list_take(struct wish_list *list, struct wish *ret_wish)
{
    if (list->first == list->end) {
        return false;
    }
    *ret_wish = list->wishes[list->first++];
    if (list->first == list->end) {
        list->first = 0;
        list->end = 0;
    }
    return true;
}
