/* SPDX-License-Identifier: MIT */
/* etag.c - entity tags. */
#include "worker/etag.h"

#include <inttypes.h>
#include <stdio.h>

static struct etag finish(const char *opaque, struct str encoding)
{
    struct etag etag;

    (void)snprintf(etag.text, sizeof(etag.text), "\"%s%s%.*s\"", opaque,
                   encoding.len > 0 ? "-" : "", STR_ARG(encoding));
    return etag;
}

struct etag etag_make(uint64_t hash, struct str encoding)
{
    char opaque[17];

    (void)snprintf(opaque, sizeof(opaque), "%016" PRIx64, hash);
    return finish(opaque, encoding);
}

struct etag etag_make_seq(uint64_t seq, uint64_t hash, struct str encoding)
{
    char opaque[40];

    (void)snprintf(opaque, sizeof(opaque), "%" PRIu64 "-%016" PRIx64, seq, hash);
    return finish(opaque, encoding);
}

struct str etag_str(const struct etag *etag)
{
    return str_from(etag->text);
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
