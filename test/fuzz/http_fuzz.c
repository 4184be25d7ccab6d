/* SPDX-License-Identifier: MIT */
/*
 * http_fuzz.c - any bytes, cut anywhere, are the same requests or the same refusal.
 *
 * First byte: how the rest is cut.  The bytes are fed whole and cut; both must agree in every request
 * and every part of it, and every part must lie inside of what was fed.
 */
#include "worker/http.h"

#include <stdlib.h>
#include <string.h>

#include "conf/settings.h"
#include "shm/base/check.h"
#include "shm/base/hash.h"

#define REQUESTS_MAX 64

static const struct settings settings = {
    .http_head_bytes_max = 1024,
    .http_body_bytes_max = 512,
};

struct outcome {
    uint32_t requests;
    enum http_status last;
    size_t used; /* up to the end of the last request */
    uint64_t hashes[REQUESTS_MAX];
};

static uint64_t hash_of(const struct request *request)
{
    const struct str texts[] = {
        request->path,
        request->query,
        request->host,
        request->origin,
        request->cookie,
        request->authorization,
        request->content_type,
        request->accept_encoding,
        request->if_none_match,
        request->forwarded_for,
        request->forwarded_before[0],
        request->forwarded_before[1],
        request->forwarded_before[2],
        request->forwarded_proto,
        request->forwarded_host,
        request->upgrade,
        request->ws_key,
        request->ws_version,
        request->user_agent,
        request->body,
    };
    uint64_t hash = (uint64_t)request->method << 3 | (uint64_t)request->keep_alive << 2 |
                    (uint64_t)request->http_1_0 << 1 | (uint64_t)request->connection_upgrade;

    CHECK(request->path.len > 0);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        hash = hash_str(texts[i], hash + (texts[i].data != NULL ? 1 : 0));
    }
    return hash;
}

/* Every piece is memory of its own, so that a look past its end is seen. */
static struct outcome feed(const uint8_t *bytes, size_t len, size_t piece)
{
    struct outcome outcome = {.last = HTTP_MORE};
    struct http *http = http_new(&settings);
    size_t at = 0;

    CHECK(http != NULL);
    while (at < len && outcome.requests < REQUESTS_MAX) {
        size_t take = len - at < piece ? len - at : piece;
        char *copy = malloc(take);
        size_t used = 0;

        CHECK(copy != NULL);
        memcpy(copy, bytes + at, take);
        outcome.last = http_feed(http, copy, take, &used);
        CHECK(used <= take);
        at += used;
        if (outcome.last == HTTP_WHOLE) {
            outcome.hashes[outcome.requests++] = hash_of(http_request(http));
            outcome.used = at;
            http_next(http);
        }
        free(copy);
        if (outcome.last != HTTP_WHOLE && outcome.last != HTTP_MORE &&
            outcome.last != HTTP_CONTINUE) {
            break;
        }
        CHECK(used > 0);
    }
    http_free(http);
    return outcome;
}

/*
 * "Wait for it" is said only where the body is not there yet, and of two things that are wrong with a
 * head (too long, no HTTP) the one that is seen first is named: no difference in what is understood.
 */
static enum http_status kind_of(enum http_status status)
{
    switch (status) {
    case HTTP_MORE:
    case HTTP_CONTINUE:
        return HTTP_MORE;
    case HTTP_WHOLE:
        return HTTP_WHOLE;
    case HTTP_BAD:
    case HTTP_HEAD_LONG:
    case HTTP_BODY_LONG:
    case HTTP_VERSION:
        break;
    }
    return HTTP_BAD;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    struct outcome whole = feed(data + 1, size - 1, SIZE_MAX);
    struct outcome pieces = feed(data + 1, size - 1, (size_t)data[0] % 67 + 1);

    CHECK(whole.requests == pieces.requests);
    CHECK(memcmp(whole.hashes, pieces.hashes, sizeof(whole.hashes)) == 0);
    CHECK(whole.used == pieces.used);
    CHECK(kind_of(whole.last) == kind_of(pieces.last));
    return 0;
}
