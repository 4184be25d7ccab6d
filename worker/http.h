/* SPDX-License-Identifier: MIT */
/*
 * http.h - bytes to struct request, bounded (RFC 9112).  Knows no route and no player.
 *
 * llhttp without any lenient flag.  A request that arrives whole in one read is not copied: its
 * parts point into the read buffer.  One that does not is collected, raw, in memory of its own up to
 * the limits of settings.h (head: 431, body: 413).  Chunked bodies are joined.
 *
 * Owner    the connection: http_new() when a message begins, http_free() when its answer is sent.
 * Borrows  a struct request's texts live as long as the bytes fed in last: until the handler returns
 *          or http_next() is called, whichever is first.  Its numbers live until http_next().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct settings;

#define FORWARDED_BEFORE_MAX 3 /* proxies in a row, but one, that append a line of their own */

enum method {
    METHOD_GET,
    METHOD_HEAD,
    METHOD_POST,
    METHOD_OPTIONS,
    METHOD_OTHER, /* known to HTTP, in no route of ours: 405 */
};

struct request {
    uint64_t id; /* for the log and X-Request-Id: also the id db sees */
    enum method method;
    struct str path;  /* of the target, as it came: still encoded, before '?' */
    struct str query; /* behind '?', without it */
    struct str host;
    struct str origin; /* data == NULL: the header is absent; so below */
    struct str cookie; /* of several lines, the first with a session's */
    struct str authorization;
    struct str content_type;
    struct str accept;
    struct str accept_encoding;
    struct str if_none_match;
    struct str forwarded_for; /* X-Forwarded-For; of several lines, the last */
    struct str forwarded_before[FORWARDED_BEFORE_MAX]; /* the others, newest first */
    struct str forwarded_proto;                        /* X-Forwarded-Proto */
    struct str forwarded_host;                         /* X-Forwarded-Host */
    struct str upgrade;
    struct str ws_key;     /* Sec-WebSocket-Key */
    struct str ws_version; /* Sec-WebSocket-Version */
    struct str user_agent;
    struct str body;
    bool keep_alive; /* what the client and HTTP's version ask for */
    bool http_1_0;
    bool connection_upgrade; /* Connection: upgrade is among its tokens */
    uint64_t started_us;     /* clock_mono_us() of its first byte */
};

/* Its texts stand together: where they begin, and what stands behind them. */
#define REQUEST_TEXTS_AT offsetof(struct request, path)
#define REQUEST_TEXTS_END offsetof(struct request, keep_alive)

enum http_status {
    HTTP_MORE,      /* feed more bytes */
    HTTP_WHOLE,     /* one request is whole: answer it, then http_next() */
    HTTP_CONTINUE,  /* headers are whole, the client waits for "100 Continue": send it, feed on */
    HTTP_BAD,       /* 400 */
    HTTP_HEAD_LONG, /* 431 */
    HTTP_BODY_LONG, /* 413 */
    HTTP_VERSION,   /* 505 */
};

struct http;

MUST_USE struct http *http_new(const struct settings *settings);
void http_free(struct http *http); /* takes NULL */
/* Names the message that begins: before its first http_feed(). */
void http_stamp(struct http *http, uint64_t request_id, uint64_t started_us);
/*
 * Takes bytes, says how many were used: those behind a whole request are for the next one.  After
 * HTTP_MORE and HTTP_CONTINUE some may be left: feed them again.
 */
enum http_status http_feed(struct http *http, const char *bytes, size_t len, size_t *ret_used);
const struct request *http_request(const struct http *http);
/* Who looks for a text behind its handler finds an absent one, and no bytes of somebody else's. */
void http_forget_texts(struct http *http);
/* Are we in the head (or between messages), or in the body: for the two time limits. */
bool http_in_body(const struct http *http);
/* Makes it ready for the next message of the connection. */
void http_next(struct http *http);

/* One value of a query string, still encoded.  false: absent. */
bool http_query_value(struct str query, const char *name, struct str *ret_value);
/* The next cookie of that name, from a Cookie header or a whole Set-Cookie value sent back; *cookies
 * is what stands behind it.  false: there is none. */
bool http_cookie_next(struct str *cookies, const char *name, struct str *ret_value);
