/* SPDX-License-Identifier: MIT */
/*
 * deadline.h - which connection has to be done by when: one list a kind of time limit.
 *
 * All members of a list have the same limit, so the oldest is always in front: to enter, to leave and
 * to look for the overdue cost O(1), however many connections there are.  Every open connection is in
 * exactly one list.  Process: worker; for conn.c alone.
 */
#pragma once

#include <stdint.h>

#include "shm/base/compiler.h"

struct conn;
struct settings;

enum deadline {
    DEADLINE_HEAD,   /* a whole head, from accept or from the first byte of a later message */
    DEADLINE_BODY,   /* a whole body */
    DEADLINE_IDLE,   /* the next message */
    DEADLINE_WRITE,  /* the client takes something */
    DEADLINE_LINGER, /* the client has read the refusal and closes */
    DEADLINE_NONE,   /* waits for us, or is a stream, which has rules of its own */
    DEADLINE_KINDS,
};

struct deadlines {
    struct conn *first[DEADLINE_KINDS];
    struct conn *last[DEADLINE_KINDS];
};

/* The clock starts at now_us. */
void deadline_enter(struct deadlines *deadlines, struct conn *conn, enum deadline kind,
                    uint64_t now_us);
void deadline_leave(struct deadlines *deadlines, struct conn *conn);
/* The longest waiting conn of this kind that is past its limit; NULL: nobody is. */
struct conn *deadline_overdue(const struct deadlines *deadlines, enum deadline kind,
                              const struct settings *settings, uint64_t now_us);
