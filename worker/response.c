/* SPDX-License-Identifier: MIT */
/*
 * response.c - heads are put together from pieces in one fixed buffer, handed on whenever it is full.
 *
 * What all heads of a second share (Date and the two headers that tell browsers to be careful) is
 * made once a second.
 */
#include "worker/response.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/slots.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/http.h"

#define HEAD_BYTES 1024
#define COMMON_BYTES 128
#define ERROR_BODY_BYTES 256

static struct response_module {
    uint64_t made_us; /* 0: never */
    size_t common_len;
    char common[COMMON_BYTES];
} module;

/* A head under construction. */
struct head {
    struct conn *conn;
    size_t len;
    char bytes[HEAD_BYTES];
};

/* clang-format off */
/* In developer mode: what a code means for whoever writes a page or a tool. */
static const struct detail {
    const char *code;
    const char *sentence;
} details[] = {
    {"already_purchased",   "The player has bought this hint: GET /api/challenges has its text."},
    {"bad_handshake",       "The upgrade lacks a Sec-WebSocket-Key that RFC 6455 allows."},
    {"bad_request",         "The request breaks a rule of HTTP: its line, a header, Host or framing."},
    {"foreign_origin",      "Origin is neither the request's own host nor in http.allowed_origins."},
    {"insufficient_points", "The player's total is less than the hint's cost."},
    {"invalid_credentials", "No player has this username with this password."},
    {"invalid_json",        "The body is empty or not a JSON object in UTF-8, or names a field twice."},
    {"invalid_parameters",  "A parameter of the query is missing or out of range."},
    {"locked",              "The requirements are not solved, or an earlier hint is not bought."},
    {"method_not_allowed",  "The header Allow names the methods of this path."},
    {"missing_parameters",  "A field of the body is missing, null or of the wrong JSON type."},
    {"not_found",           "Neither an endpoint nor a file of the page has this path."},
    {"unauthorized",        "The cookie or token is missing, expired or revoked, or not configured."},
    {"unavailable",         "Nothing can be stored now, or too much waits: the log has the reason."},
    {"unknown_challenge",   "No challenge has this id."},
    {"unknown_hint",        "The challenge has no hint with this id."},
    {"unknown_id",          "No challenge has this id."},
    {"unknown_user",        "No player has this name or id."},
};
/* clang-format on */

static struct str status_line_of(unsigned status)
{
    switch (status) {
#define STATUS_LINE(number, reason)                                                                \
    case number:                                                                                   \
        return STR("HTTP/1.1 " #number " " reason "\r\n");
        SLOT_STATUSES(STATUS_LINE)
#undef STATUS_LINE
    default:
        CHECK(false); /* a handler answers with a status of the table */
        return (struct str){0};
    }
}

/* ---- pieces ---- */

static void put(struct head *head, struct str text)
{
    if (text.len > HEAD_BYTES - head->len) {
        conn_put(head->conn, (struct str){head->bytes, head->len});
        head->len = 0;
        if (text.len > HEAD_BYTES) {
            conn_put(head->conn, text);
            return;
        }
    }
    memcpy(head->bytes + head->len, text.data, text.len);
    head->len += text.len;
}

static void put_number(struct head *head, uint64_t value)
{
    char digits[STR_U64_DIGITS_MAX];

    put(head, (struct str){digits, str_print_u64(value, digits)});
}

static void put_hex(struct head *head, uint64_t value)
{
    char digits[STR_HEX64_DIGITS];

    str_print_hex64(value, digits);
    put(head, (struct str){digits, sizeof(digits)});
}

static void put_header(struct head *head, struct str name_and_colon, struct str value)
{
    if (value.len > 0) {
        put(head, name_and_colon);
        put(head, value);
        put(head, STR("\r\n"));
    }
}

/* RFC 9110, 5.6.7; strftime() would ask the locale. */
static void make_common(uint64_t now_us)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)(clock_real_us() / 1000000);
    struct tm utc;

    CHECK(gmtime_r(&seconds, &utc) != NULL);
    int len = snprintf(module.common, sizeof(module.common),
                       "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n"
                       "X-Content-Type-Options: nosniff\r\n"
                       "Referrer-Policy: no-referrer\r\n",
                       days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900,
                       utc.tm_hour, utc.tm_min, utc.tm_sec);
    CHECK(len > 0 && (size_t)len < sizeof(module.common));
    module.common_len = (size_t)len;
    module.made_us = now_us;
}

static void put_common(struct head *head)
{
    uint64_t now_us = head->conn->worker->now_us;

    if (module.common_len == 0 || now_us - module.made_us >= 1000000) {
        make_common(now_us);
    }
    put(head, (struct str){module.common, module.common_len});
}

/* Whoever sends Upgrade names it here as well (RFC 9110, 7.8). */
static void put_connection(struct head *head, const struct response_extra *extra)
{
    struct str upgrade = extra->websocket_version.len > 0 ? STR("Upgrade") : STR("");
    struct str lasting = head->conn->close_after_answer             ? STR("close")
                         : http_request(head->conn->http)->http_1_0 ? STR("keep-alive")
                                                                    : STR("");

    if (upgrade.len + lasting.len == 0) {
        return;
    }
    put(head, STR("Connection: "));
    put(head, upgrade);
    put(head, upgrade.len > 0 && lasting.len > 0 ? STR(", ") : STR(""));
    put(head, lasting);
    put(head, STR("\r\n"));
}

static void put_extra(struct head *head, const struct response_extra *extra)
{
    put_header(head, STR("Content-Encoding: "), extra->content_encoding);
    put_header(head, STR("ETag: "), extra->etag);
    put_header(head, STR("Allow: "), extra->allow);
    put_header(head, STR("Set-Cookie: "), extra->set_cookie);
    put_header(head, STR("Location: "), extra->location);
    put_header(head, STR("Content-Security-Policy: "), extra->content_security_policy);
    if (extra->websocket_version.len > 0) {
        put(head, STR("Upgrade: websocket\r\n"));
        put_header(head, STR("Sec-WebSocket-Version: "), extra->websocket_version);
    }
    if (extra->vary_encoding) {
        put(head, STR("Vary: Accept-Encoding\r\n"));
    }
}

static bool has_body(unsigned status)
{
    return status != 204 && status != 304;
}

/* Where an answer is worth another try, its head says when. */
static uint32_t retry_after_s(unsigned status, const struct response_extra *extra)
{
    if (extra->retry_after_s > 0) {
        return extra->retry_after_s;
    }
    return status == 503 || status == 429 ? 1 : 0;
}

static void put_request_id(struct head *head)
{
    put(head, STR("X-Request-Id: "));
    put_hex(head, http_request(head->conn->http)->id);
    put(head, STR("\r\n"));
}

static void put_head(struct conn *conn, unsigned status, size_t body_len,
                     const struct response_extra *extra)
{
    static const struct response_extra none;
    struct head head = {.conn = conn, .len = 0};

    extra = extra != NULL ? extra : &none;
    put(&head, status_line_of(status));
    put_common(&head);
    put_request_id(&head);
    if (has_body(status)) {
        if (body_len > 0 || extra->content_type.len > 0) { /* a file may be empty */
            put_header(&head, STR("Content-Type: "),
                       extra->content_type.len > 0 ? extra->content_type : STR("application/json"));
        }
        put(&head, STR("Content-Length: "));
        put_number(&head, body_len);
        put(&head, STR("\r\n"));
    }
    put_header(&head, STR("Cache-Control: "),
               extra->cache_control.len > 0 ? extra->cache_control : STR("no-store"));
    put_extra(&head, extra);
    if (status == 401) {
        /* RFC 9110, 15.5.2.  Not Basic, for which a browser would ask on top of our page. */
        put(&head, STR("WWW-Authenticate: Bearer realm=\"ctfg\"\r\n"));
    }
    if (retry_after_s(status, extra) > 0) {
        put(&head, STR("Retry-After: "));
        put_number(&head, retry_after_s(status, extra));
        put(&head, STR("\r\n"));
    }
    put_connection(&head, extra);
    put(&head, STR("\r\n"));
    conn_put(conn, (struct str){head.bytes, head.len});
}

static bool wants_body(const struct conn *conn)
{
    return http_request(conn->http)->method != METHOD_HEAD;
}

/* ---- answers ---- */

void response_json(struct conn *conn, unsigned status, struct str body,
                   const struct response_extra *extra)
{
    put_head(conn, status, body.len, extra);
    if (wants_body(conn)) {
        conn_put(conn, body);
    }
    conn_answered(conn, status);
}

void response_blob(struct conn *conn, unsigned status, struct blob *body,
                   const struct response_extra *extra)
{
    put_head(conn, status, body->len, extra);
    if (wants_body(conn)) {
        conn_put_blob(conn, body, 0, body->len);
    }
    conn_answered(conn, status);
}

void response_empty(struct conn *conn, unsigned status, const struct response_extra *extra)
{
    put_head(conn, status, 0, extra);
    conn_answered(conn, status);
}

/* NULL: there is none, or players are not to be bothered with it. */
static const char *detail_of(const struct conn *conn, const char *code)
{
    if (!conn->worker->game->settings.developer_mode) {
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(details); i++) {
        if (strcmp(details[i].code, code) == 0) {
            return details[i].sentence;
        }
    }
    return NULL;
}

static void answer_error(struct conn *conn, unsigned status, const char *code,
                         const struct response_extra *extra)
{
    char body[ERROR_BODY_BYTES];
    const char *detail = detail_of(conn, code);
    int len = detail == NULL ? snprintf(body, sizeof(body), "{\"error\":\"%s\"}", code)
                             : snprintf(body, sizeof(body), "{\"error\":\"%s\",\"detail\":\"%s\"}",
                                        code, detail);

    CHECK(len > 0 && (size_t)len < sizeof(body)); /* codes are our own short literals */
    response_json(conn, status, (struct str){body, (size_t)len}, extra);
}

void response_error(struct conn *conn, unsigned status, const char *code)
{
    answer_error(conn, status, code, NULL);
}

void response_limited(struct conn *conn, uint64_t retry_after_us)
{
    char body[ERROR_BODY_BYTES];
    uint64_t ms = retry_after_us / 1000 + (retry_after_us % 1000 != 0);
    uint64_t seconds = ms / 1000 + (ms % 1000 != 0);
    int len =
        snprintf(body, sizeof(body), "{\"error\":\"rate_limit_exceeded\",\"retry_after_ms\":%llu}",
                 (unsigned long long)ms);

    CHECK(len > 0 && (size_t)len < sizeof(body));
    response_json(conn, 429, (struct str){body, (size_t)len},
                  &(struct response_extra){.retry_after_s = seconds < UINT32_MAX ? (uint32_t)seconds
                                                                                 : UINT32_MAX});
}

void response_method_not_allowed(struct conn *conn, struct str allow)
{
    answer_error(conn, 405, "method_not_allowed", &(struct response_extra){.allow = allow});
}

struct str response_busy(void)
{
    return STR("HTTP/1.1 503 Service Unavailable\r\n"
               "Content-Type: application/json\r\n"
               "Content-Length: 23\r\n"
               "Cache-Control: no-store\r\n"
               "Retry-After: 1\r\n"
               "Connection: close\r\n"
               "\r\n"
               "{\"error\":\"unavailable\"}");
}

void response_switching_protocols(struct conn *conn, struct str accept_key)
{
    struct head head = {.conn = conn, .len = 0};

    put(&head, status_line_of(101));
    put(&head, STR("Upgrade: websocket\r\n"
                   "Connection: Upgrade\r\n"));
    put_request_id(&head);
    put_header(&head, STR("Sec-WebSocket-Accept: "), accept_key);
    put(&head, STR("\r\n"));
    conn_put(conn, (struct str){head.bytes, head.len});
}
