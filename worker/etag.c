/* SPDX-License-Identifier: MIT */
/* etag.c - entity tags. */
#include "worker/etag.h"

#include <string.h>

#include "shm/base/check.h"

/* No printf: every file and board that is sent has a tag. */
static void put(struct etag *etag, struct str text)
{
    CHECK(text.len <= sizeof(etag->text) - etag->len); /* the longest has half of it */
    memcpy(etag->text + etag->len, text.data, text.len);
    etag->len += text.len;
}

static void put_rest(struct etag *etag, uint64_t hash, struct str encoding)
{
    char digits[STR_HEX64_DIGITS];

    str_print_hex64(hash, digits);
    put(etag, (struct str){digits, sizeof(digits)});
    if (encoding.len > 0) {
        put(etag, STR("-"));
        put(etag, encoding);
    }
    put(etag, STR("\""));
}

struct etag etag_make(uint64_t hash, struct str encoding)
{
    struct etag etag;

    etag.len = 0;
    put(&etag, STR("\""));
    put_rest(&etag, hash, encoding);
    return etag;
}

struct etag etag_make_seq(uint64_t seq, uint64_t hash, struct str encoding)
{
    char digits[STR_U64_DIGITS_MAX];
    struct etag etag;

    etag.len = 0;
    put(&etag, STR("\""));
    put(&etag, (struct str){digits, str_print_u64(seq, digits)});
    put(&etag, STR("-"));
    put_rest(&etag, hash, encoding);
    return etag;
}

struct str etag_str(const struct etag *etag)
{
    return (struct str){etag->text, etag->len};
}

bool etag_matches(struct str if_none_match, struct str etag)
{
    struct str candidate;

    /* Our tags hold no comma, so cutting at every comma cannot make a false match. */
    while (str_split(&if_none_match, ',', &candidate)) {
        candidate = str_trim(candidate);
        if (str_starts_with(candidate, STR("W/"))) {
            candidate.data += 2;
            candidate.len -= 2;
        }
        if (str_equal(candidate, etag) || str_equal(candidate, STR("*"))) {
            return true;
        }
    }
    return false;
}
