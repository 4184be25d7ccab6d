/* SPDX-License-Identifier: MIT */
/* etag.c - entity tags. */
#include "worker/etag.h"

#include "shm/base/buf.h"
#include "shm/base/check.h"

/* No printf: every file and board that is sent has a tag. */
static void put_rest(struct buf *out, uint64_t hash, struct str encoding)
{
    char digits[STR_HEX64_DIGITS];

    str_print_hex64(hash, digits);
    buf_append(out, digits, sizeof(digits));
    if (encoding.len > 0) {
        buf_append_char(out, '-');
        buf_append_str(out, encoding);
    }
    buf_append_char(out, '"');
    CHECK(!out->failed); /* the longest has room for half as much again */
}

struct etag etag_make(uint64_t hash, struct str encoding)
{
    struct etag etag;
    struct buf out = BUF_IN(etag.text);

    buf_append_char(&out, '"');
    put_rest(&out, hash, encoding);
    etag.len = out.len;
    return etag;
}

struct etag etag_make_seq(uint64_t seq, uint64_t hash, struct str encoding)
{
    struct etag etag;
    struct buf out = BUF_IN(etag.text);

    buf_append_char(&out, '"');
    buf_append_u64(&out, seq);
    buf_append_char(&out, '-');
    put_rest(&out, hash, encoding);
    etag.len = out.len;
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
