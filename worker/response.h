/* SPDX-License-Identifier: MIT */
/*
 * response.h - the only writer of HTTP heads: status line, headers, the small error bodies.
 *
 * Every function ends in conn_answered(): after it the request's parts are gone.
 */
#pragma once

#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"
#include "worker/blob.h"

struct conn;
struct request;

/* What a head may carry besides the usual. */
struct response_extra {
    struct str content_type;     /* empty: application/json */
    struct str content_encoding; /* empty: none */
    struct str cache_control;    /* empty: no-store */
    struct str etag;             /* with quotes; empty: none */
    struct str allow;
    struct str set_cookie;
    struct str location;
    struct str content_security_policy;
    struct str websocket_version; /* Sec-WebSocket-Version, with a 426 (RFC 6455, 4.4) */
    uint32_t retry_after_s;       /* 0: none */
    bool vary_encoding;
};

/* A JSON body; `body` is copied. */
void response_json(struct conn *conn, unsigned status, struct str body,
                   const struct response_extra *extra);
/* {"error":"<code>"}, in developer mode also "detail"; 503 and 429 get Retry-After. */
void response_error(struct conn *conn, unsigned status, const char *code);
/* 429 {"error":"rate_limit_exceeded","retry_after_ms":n} + Retry-After, rounded up to seconds. */
void response_limited(struct conn *conn, uint64_t retry_after_us);
void response_method_not_allowed(struct conn *conn, struct str allow);
void response_empty(struct conn *conn, unsigned status, const struct response_extra *extra);
/* A ready body by reference. */
void response_blob(struct conn *conn, unsigned status, struct blob *body,
                   const struct response_extra *extra);
/* A whole 503 for a connection that is refused before it says anything. */
struct str response_busy(void);
/* 101 of RFC 6455; does not end the exchange: worker/ws.c goes on. */
void response_switching_protocols(struct conn *conn, struct str accept_key);
