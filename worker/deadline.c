/* SPDX-License-Identifier: MIT */
/* deadline.c - doubly linked lists through struct conn, oldest first. */
#include "worker/deadline.h"

#include <stddef.h>

#include "conf/settings.h"
#include "worker/conn.h"

void deadline_enter(struct deadlines *deadlines, struct conn *conn, enum deadline kind,
                    uint64_t now_us)
{
    struct conn *last = deadlines->last[kind];

    conn->deadline = (uint8_t)kind;
    conn->since_us = now_us;
    conn->list_next = NULL;
    conn->list_prev = last;
    if (last != NULL) {
        last->list_next = conn;
    } else {
        deadlines->first[kind] = conn;
    }
    deadlines->last[kind] = conn;
}

void deadline_leave(struct deadlines *deadlines, struct conn *conn)
{
    struct conn *next = conn->list_next;
    struct conn *prev = conn->list_prev;

    if (next != NULL) {
        next->list_prev = prev;
    } else {
        deadlines->last[conn->deadline] = prev;
    }
    if (prev != NULL) {
        prev->list_next = next;
    } else {
        deadlines->first[conn->deadline] = next;
    }
    conn->list_next = NULL;
    conn->list_prev = NULL;
}

static uint64_t limit_ms(enum deadline kind, const struct settings *settings)
{
    switch (kind) {
    case DEADLINE_HEAD:
        return settings->http_head_timeout_ms;
    case DEADLINE_BODY:
        return settings->http_body_timeout_ms;
    case DEADLINE_IDLE:
        return settings->http_idle_timeout_ms;
    case DEADLINE_WRITE:
        return settings->http_write_timeout_ms;
    case DEADLINE_LINGER:
        return CONN_LINGER_MS;
    case DEADLINE_NONE:
    case DEADLINE_KINDS:
        break;
    }
    return UINT64_MAX / 1000;
}

struct conn *deadline_overdue(const struct deadlines *deadlines, enum deadline kind,
                              const struct settings *settings, uint64_t now_us)
{
    struct conn *conn = deadlines->first[kind];

    if (conn == NULL || now_us < conn->since_us ||
        now_us - conn->since_us < limit_ms(kind, settings) * 1000) {
        return NULL;
    }
    return conn;
}
