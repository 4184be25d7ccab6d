/* SPDX-License-Identifier: MIT */
/*
 * http.c - llhttp finds the parts, this file judges them.
 *
 * How strict llhttp is depends on its build: bare CR, bare LF, folded lines and blanks before a colon
 * pass in some.  So each line is measured here: it begins where the one before it ended in CR LF (RFC
 * 9112, 2.2, 3, 5.1, 6, 11.2).  Bodies it never sees: those in chunks are chunked.c's.  Parts are
 * offsets from the first byte, in any memory.
 */
#include "worker/http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <llhttp.h>

#include "conf/settings.h"
#include "shm/base/buf.h"
#include "shm/base/check.h"
#include "worker/chunked.h"
#include "worker/session.h" /* SESSION_COOKIE_NAME */
#include "worker/target.h"

#define HEADERS_MAX 100      /* browsers behind two proxies send about 30 */
#define VERSION_BYTES 11     /* " HTTP/1.1\r\n" */
#define CHUNK_OVERHEAD_MAX 8 /* bytes on the wire for one byte of a chunked body */
#define SPARE_MAX 1024       /* parsers kept for the next message */
#define SPARE_RAW_BYTES_MAX (32u << 10)
#define RUN_ON HTTP_WHOLE /* of the steps below: nothing is wrong so far */

enum phase { PHASE_HEAD, PHASE_BODY, PHASE_CHUNKS, PHASE_DONE };

struct span {
    uint32_t at; /* from the request's first byte */
    uint32_t len;
};

/* What becomes of a header that comes twice. */
enum twice {
    TWICE_REFUSED,
    TWICE_FIRST,
    TWICE_LAST,    /* the proxy next to us wrote that one */
    TWICE_SESSION, /* the first with a session's cookie: some proxies pass on several lines */
};

struct http {
    llhttp_t parser;
    uint32_t head_bytes_max;
    uint32_t body_bytes_max;
    size_t chunk_bytes_max; /* of a body in chunks, framing and trailers included */
    struct buf raw;         /* a request that did not come in one piece */
    struct buf joined;      /* the body that was in chunks */
    struct http *next_spare;

    /* From here on: of one message, zeroed before the next. */
    struct request request;
    struct str content_length;
    struct str transfer_encoding;
    struct str expect;
    enum phase phase;
    enum http_status verdict; /* of a callback that stopped the parser; else RUN_ON */
    const char *base;         /* of all spans, while http_feed() runs */
    const char *judged_base;  /* what request's texts point into */
    size_t available;         /* bytes at base */
    size_t head_len;
    size_t body_len;    /* PHASE_BODY: announced */
    size_t chunk_bytes; /* PHASE_CHUNKS: on the wire so far */
    struct chunked chunked;
    uint32_t line_end; /* where the next line has to begin */
    uint32_t headers;
    bool in_name;
    bool want_continue;
    struct span target;
    struct span name;
    struct span value;
    uint32_t seen;         /* bit i: known[i] has a span */
    struct span spans[24]; /* valid where seen says so */
};

static struct http_module {
    struct http *spare;
    uint32_t spare_count;
} module;

#define FIELD(member) ((uint16_t)offsetof(struct http, member))

/* clang-format off */
static const struct known {
    struct str name; /* lower case */
    uint16_t field;  /* offset of a struct str in struct http */
    uint8_t twice;
} known[] = {
    {{"host", 4},                   FIELD(request.host),            TWICE_REFUSED},
    {{"origin", 6},                 FIELD(request.origin),          TWICE_REFUSED},
    {{"cookie", 6},                 FIELD(request.cookie),          TWICE_SESSION},
    {{"authorization", 13},         FIELD(request.authorization),   TWICE_REFUSED},
    {{"content-type", 12},          FIELD(request.content_type),    TWICE_REFUSED},
    {{"accept", 6},                 FIELD(request.accept),          TWICE_FIRST},
    {{"accept-encoding", 15},       FIELD(request.accept_encoding), TWICE_FIRST},
    {{"if-none-match", 13},         FIELD(request.if_none_match),   TWICE_FIRST},
    {{"x-forwarded-for", 15},       FIELD(request.forwarded_for),   TWICE_LAST},
    {{"", 0}, /* is no name: */     FIELD(request.forwarded_before[0]), TWICE_LAST},
    {{"", 0},                       FIELD(request.forwarded_before[1]), TWICE_LAST},
    {{"", 0},                       FIELD(request.forwarded_before[2]), TWICE_LAST},
    {{"x-forwarded-proto", 17},     FIELD(request.forwarded_proto), TWICE_LAST},
    {{"x-forwarded-host", 16},      FIELD(request.forwarded_host),  TWICE_LAST},
    {{"upgrade", 7},                FIELD(request.upgrade),         TWICE_FIRST},
    {{"sec-websocket-key", 17},     FIELD(request.ws_key),          TWICE_REFUSED},
    {{"sec-websocket-version", 21}, FIELD(request.ws_version),      TWICE_REFUSED},
    {{"user-agent", 10},            FIELD(request.user_agent),      TWICE_FIRST},
    {{"content-length", 14},        FIELD(content_length),          TWICE_REFUSED},
    {{"transfer-encoding", 17},     FIELD(transfer_encoding),       TWICE_REFUSED},
    {{"expect", 6},                 FIELD(expect),                  TWICE_REFUSED},
};
/* clang-format on */
static_assert(ARRAY_LEN(known) <= ARRAY_LEN(((struct http *)0)->spans), "a span for each");

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* ---- llhttp's callbacks: where the parts are ---- */

static int stop(struct http *http, enum http_status verdict)
{
    http->verdict = verdict;
    return HPE_USER;
}

static bool has_crlf_at(const struct http *http, size_t at)
{
    return at + 2 <= http->available && http->base[at] == '\r' && http->base[at + 1] == '\n';
}

static int on_url(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = parser->data;
    struct span *target = &http->target;
    uint32_t offset = (uint32_t)(at - http->base);

    if (target->len == 0) {
        if (offset < 2 || at[-1] != ' ' || at[-2] == ' ') {
            return stop(http, HTTP_BAD);
        }
        target->at = offset;
    } else if (offset != target->at + target->len) {
        return stop(http, HTTP_BAD);
    }
    target->len += (uint32_t)len;
    http->line_end = target->at + target->len + VERSION_BYTES;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = parser->data;
    uint32_t offset = (uint32_t)(at - http->base);

    if (!http->in_name) {
        if (offset != http->line_end || !has_crlf_at(http, offset - 2)) {
            return stop(http, HTTP_BAD);
        }
        if (++http->headers > HEADERS_MAX) {
            return stop(http, HTTP_HEAD_LONG);
        }
        http->in_name = true;
        http->name = (struct span){.at = offset};
        http->value = (struct span){0};
    } else if (offset != http->name.at + http->name.len) {
        return stop(http, HTTP_BAD);
    }
    http->name.len += (uint32_t)len;
    return 0;
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    struct http *http = parser->data;
    uint32_t offset = (uint32_t)(at - http->base);

    if (len == 0) {
        return 0;
    }
    if (http->value.len == 0) {
        http->value.at = offset;
    } else if (offset != http->value.at + http->value.len) {
        return stop(http, HTTP_BAD); /* a folded line */
    }
    http->value.len += (uint32_t)len;
    return 0;
}

/* What llhttp calls a name may hold a blank in some builds, and be empty. */
static bool name_is_token(const struct http *http)
{
    const char *name = http->base + http->name.at;

    return http->name.len > 0 && memchr(name, ' ', http->name.len) == NULL &&
           http->name.at + http->name.len < http->available && name[http->name.len] == ':';
}

/* Of a header that came before: does what comes now take its place? */
static bool counts_again(const struct http *http, enum twice twice, struct span before)
{
    struct str cookies = {http->base + before.at, before.len};
    struct str session;

    return twice == TWICE_LAST ||
           (twice == TWICE_SESSION && !http_cookie_next(&cookies, SESSION_COOKIE_NAME, &session));
}

static int remember_header(struct http *http)
{
    struct str name = {http->base + http->name.at, http->name.len};

    for (uint32_t i = 0; i < ARRAY_LEN(known); i++) {
        if (name.len != known[i].name.len || !str_equal_nocase(name, known[i].name)) {
            continue;
        }
        bool again = (http->seen & (1u << i)) != 0;
        if (again && known[i].twice == TWICE_REFUSED) {
            return stop(http, HTTP_BAD);
        }
        if (again && known[i].field == FIELD(request.forwarded_for)) { /* to the rows below */
            memmove(&http->spans[i + 1], &http->spans[i],
                    FORWARDED_BEFORE_MAX * sizeof(struct span));
            http->seen |= (http->seen & ((1u << FORWARDED_BEFORE_MAX) - 1) << i) << 1;
        }
        if (!again || counts_again(http, (enum twice)known[i].twice, http->spans[i])) {
            http->seen |= 1u << i;
            http->spans[i] = http->value;
        }
        return 0;
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    struct http *http = parser->data;

    if (!name_is_token(http)) {
        return stop(http, HTTP_BAD);
    }
    size_t at = http->name.at + http->name.len + 1;
    while (at < http->available && is_blank(http->base[at])) {
        at++;
    }
    if (http->value.len == 0) {
        http->value.at = (uint32_t)at; /* blanks only, or nothing */
    } else if (at != http->value.at) {
        return stop(http, HTTP_BAD); /* the value began on the next line */
    }
    http->line_end = http->value.at + http->value.len + 2;
    while (http->value.len > 0 && is_blank(http->base[http->value.at + http->value.len - 1])) {
        http->value.len--;
    }
    http->in_name = false;
    return remember_header(http);
}

static int on_headers_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED; /* so that we learn where the head ends */
}

static void fill_request(struct http *http)
{
    for (uint32_t rest = http->seen; rest != 0; rest &= rest - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(rest);
        struct str value = {http->base + http->spans[i].at, http->spans[i].len};

        memcpy((char *)http + known[i].field, &value, sizeof(value));
    }
}

static enum method method_of(const llhttp_t *parser)
{
    static const struct {
        uint8_t theirs;
        enum method ours;
    } methods[] = {{HTTP_GET, METHOD_GET},
                   {HTTP_HEAD, METHOD_HEAD},
                   {HTTP_POST, METHOD_POST},
                   {HTTP_OPTIONS, METHOD_OPTIONS}};

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        if (methods[i].theirs == parser->method) {
            return methods[i].ours;
        }
    }
    return METHOD_OTHER;
}

static bool judge_target(struct http *http)
{
    struct request *request = &http->request;
    struct str target = {http->base + http->target.at, http->target.len};

    return target_parse(target, request->method, &request->host, &request->path, &request->query);
}

/* How long the body is, and how it comes. */
static enum http_status judge_body(struct http *http)
{
    bool chunked = http->transfer_encoding.data != NULL;
    uint64_t announced = 0;

    if (chunked && (http->request.http_1_0 || http->content_length.data != NULL ||
                    !str_equal_nocase(http->transfer_encoding, STR("chunked")) ||
                    (http->parser.flags & F_CHUNKED) == 0)) {
        return HTTP_BAD;
    }
    if (http->content_length.data != NULL) {
        if (!str_to_u64(http->content_length, 0, UINT64_MAX, &announced)) {
            return HTTP_BAD;
        }
        if (announced > http->body_bytes_max) {
            return HTTP_BODY_LONG;
        }
    }
    if (http->expect.data != NULL && !http->request.http_1_0) {
        if (!str_equal_nocase(http->expect, STR("100-continue"))) {
            return HTTP_BAD;
        }
        http->want_continue = chunked || announced > 0;
    }
    http->body_len = (size_t)announced;
    http->phase = chunked ? PHASE_CHUNKS : announced > 0 ? PHASE_BODY : PHASE_DONE;
    return RUN_ON;
}

static enum http_status judge_head(struct http *http)
{
    struct request *request = &http->request;
    const llhttp_t *parser = &http->parser;
    size_t version_at = http->target.at + http->target.len;

    if (http->head_len > http->head_bytes_max) {
        return HTTP_HEAD_LONG;
    }
    if (http->head_len != (size_t)http->line_end + 2 || !has_crlf_at(http, http->line_end - 2) ||
        !has_crlf_at(http, http->line_end) || http->target.len == 0 ||
        memcmp(http->base + version_at, " HTTP/", 6) != 0) {
        return HTTP_BAD;
    }
    if (parser->http_major != 1) {
        return HTTP_VERSION;
    }
    fill_request(http);
    request->method = method_of(parser);
    request->http_1_0 = parser->http_minor == 0;
    request->keep_alive = request->http_1_0 ? (parser->flags & F_CONNECTION_KEEP_ALIVE) != 0
                                            : (parser->flags & F_CONNECTION_CLOSE) == 0;
    request->connection_upgrade = (parser->flags & F_CONNECTION_UPGRADE) != 0;
    bool host_fits =
        request->host.data == NULL ? request->http_1_0 : target_host_is_plain(request->host);
    if (!host_fits || !judge_target(http)) {
        return HTTP_BAD;
    }
    http->judged_base = http->base;
    return judge_body(http);
}

static enum http_status verdict_of(const struct http *http, llhttp_errno_t error)
{
    if (http->verdict != RUN_ON) {
        return http->verdict;
    }
    /* Some builds say so of a right version as well, when its line does not end after it. */
    bool is_right = http->parser.http_major == 1 && http->parser.http_minor <= 1;
    bool is_wrong = error == HPE_INVALID_VERSION || error == HPE_PAUSED_H2_UPGRADE;
    return is_wrong && !is_right ? HTTP_VERSION : HTTP_BAD;
}

/* The request is whole: its parts point into base (and its body into `joined`). */
static enum http_status finish(struct http *http, const char *base)
{
    struct request *request = &http->request;

    if (base != http->judged_base) {
        http->base = base;
        fill_request(http);
        (void)judge_target(http); /* judged before; now its parts point to where the bytes are */
    }
    if (http->joined.len > 0) {
        request->body = buf_str(&http->joined);
    } else {
        request->body = (struct str){base + http->head_len, http->body_len};
    }
    http->phase = PHASE_DONE;
    return HTTP_WHOLE;
}

static enum http_status more(struct http *http)
{
    if (http->want_continue) {
        http->want_continue = false;
        return HTTP_CONTINUE;
    }
    return HTTP_MORE;
}

static enum http_status feed_body(struct http *http, const char *bytes, size_t len,
                                  size_t *ret_used)
{
    size_t missing = http->head_len + http->body_len - http->raw.len;
    size_t take = len < missing ? len : missing;

    buf_append(&http->raw, bytes, take);
    if (http->raw.failed) {
        return HTTP_BODY_LONG; /* no memory: the bounds were looked at before */
    }
    *ret_used += take;
    return take == missing ? finish(http, http->raw.data) : more(http);
}

static enum http_status feed_chunks(struct http *http, const char *bytes, size_t len,
                                    size_t *ret_used)
{
    size_t used = 0;
    enum chunked_verdict verdict = chunked_feed(&http->chunked, bytes, len, &http->joined, &used);

    http->chunk_bytes += used;
    if (verdict == CHUNKED_BAD) {
        return HTTP_BAD;
    }
    if (verdict == CHUNKED_LONG || http->chunk_bytes > http->chunk_bytes_max) {
        return HTTP_BODY_LONG;
    }
    *ret_used += used;
    return verdict == CHUNKED_WHOLE ? finish(http, http->base) : more(http);
}

/* The head is whole; what stands behind it in the caller's bytes begins the body. */
static enum http_status begin_body(struct http *http, const char *bytes, size_t len, bool in_place,
                                   size_t *ret_used)
{
    const char *rest = bytes + *ret_used;
    size_t rest_len = len - *ret_used;

    if (http->phase == PHASE_DONE ||
        (http->phase == PHASE_BODY && in_place && rest_len >= http->body_len)) {
        *ret_used += http->body_len;
        return finish(http, http->base);
    }
    if (http->phase == PHASE_BODY) {
        if (in_place) {
            buf_append(&http->raw, bytes, http->head_len);
        }
        return feed_body(http, rest, rest_len, ret_used);
    }
    enum http_status status = feed_chunks(http, rest, rest_len, ret_used);
    if (in_place && (status == HTTP_MORE || status == HTTP_CONTINUE)) {
        buf_append(&http->raw, bytes, http->head_len);
    }
    return http->raw.failed ? HTTP_HEAD_LONG : status;
}

static enum http_status feed_head(struct http *http, const char *bytes, size_t len,
                                  size_t *ret_used)
{
    size_t before = http->raw.len;
    bool in_place = before == 0;

    if (!in_place) {
        /* Only what can still be head: the rest stays in the caller's hands. */
        size_t room = http->head_bytes_max + 1 - before;

        len = len < room ? len : room;
        buf_append(&http->raw, bytes, len);
        if (http->raw.failed) {
            return HTTP_HEAD_LONG;
        }
    }
    http->base = in_place ? bytes : http->raw.data;
    http->available = before + len;
    llhttp_errno_t error = llhttp_execute(&http->parser, http->base + before, len);
    if (error == HPE_OK) {
        if (before + len > http->head_bytes_max) {
            return HTTP_HEAD_LONG;
        }
        if (in_place) {
            buf_append(&http->raw, bytes, len);
        }
        *ret_used = len;
        return http->raw.failed ? HTTP_HEAD_LONG : HTTP_MORE;
    }
    if (error != HPE_PAUSED) {
        return verdict_of(http, error);
    }
    http->head_len = (size_t)(llhttp_get_error_pos(&http->parser) - http->base);
    enum http_status verdict = judge_head(http);
    if (verdict != RUN_ON) {
        return verdict;
    }
    if (!in_place) {
        http->raw.len = http->head_len;
    }
    *ret_used = http->head_len - before;
    return begin_body(http, bytes, len, in_place, ret_used);
}

enum http_status http_feed(struct http *http, const char *bytes, size_t len, size_t *ret_used)
{
    *ret_used = 0;
    switch (http->phase) {
    case PHASE_HEAD:
        return len > 0 ? feed_head(http, bytes, len, ret_used) : HTTP_MORE;
    case PHASE_BODY:
        return feed_body(http, bytes, len, ret_used);
    case PHASE_CHUNKS:
        http->base = http->raw.data;
        return feed_chunks(http, bytes, len, ret_used);
    case PHASE_DONE:
        break;
    }
    CHECK(false); /* http_next() comes between two requests */
    return HTTP_BAD;
}

static const llhttp_settings_t callbacks = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_headers_complete,
};

void http_next(struct http *http)
{
    llhttp_init(&http->parser, HTTP_REQUEST, &callbacks);
    http->parser.data = http;
    memset(&http->request, 0, offsetof(struct http, spans) - offsetof(struct http, request));
    http->verdict = RUN_ON;
    buf_reset(&http->raw);
    buf_reset(&http->joined);
}

struct http *http_new(const struct settings *settings)
{
    struct http *http = module.spare;

    if (http != NULL) {
        module.spare = http->next_spare;
        module.spare_count--;
    } else if ((http = calloc(1, sizeof(*http))) == NULL) {
        return NULL;
    }
    http->head_bytes_max = settings->http_head_bytes_max;
    http->body_bytes_max = settings->http_body_bytes_max;
    http->chunk_bytes_max =
        (size_t)CHUNK_OVERHEAD_MAX * http->body_bytes_max + http->head_bytes_max;
    http->raw.max_bytes = (size_t)http->head_bytes_max + http->body_bytes_max + 1;
    http->joined.max_bytes = http->body_bytes_max;
    http_next(http);
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL) {
        return;
    }
    buf_free(&http->joined);
    if (http->raw.cap_bytes > SPARE_RAW_BYTES_MAX || module.spare_count >= SPARE_MAX) {
        buf_free(&http->raw);
    }
    if (module.spare_count >= SPARE_MAX) {
        free(http);
        return;
    }
    http->next_spare = module.spare;
    module.spare = http;
    module.spare_count++;
}

void http_stamp(struct http *http, uint64_t request_id, uint64_t started_us)
{
    http->request.id = request_id;
    http->request.started_us = started_us;
}

const struct request *http_request(const struct http *http)
{
    return &http->request;
}

void http_forget_texts(struct http *http)
{
    memset((char *)&http->request + REQUEST_TEXTS_AT, 0, REQUEST_TEXTS_END - REQUEST_TEXTS_AT);
}

bool http_in_body(const struct http *http)
{
    return http->phase != PHASE_HEAD;
}
