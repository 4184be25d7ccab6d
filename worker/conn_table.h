/* SPDX-License-Identifier: MIT */
/* conn_table.h - all connections of a worker; for conn.c and turn.c alone. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "conf/game.h"
#include "worker/conn.h"
#include "worker/deadline.h"
#include "worker/overdue.h"

struct owed;

/* Bytes that were read and have to wait for the answer before them. */
struct conn_kept {
    size_t from;
    size_t len; /* behind from */
    char bytes[];
};

struct conn_table {
    struct conn **buckets; /* by id */
    uint64_t bucket_mask;
    struct deadlines deadlines;
    struct overdue overdue;
    uint32_t count;
    uint32_t since_access_log; /* answers since the last line */
    uint64_t drain_began_us;
    size_t kept_bytes;
    struct owed *owed;
    uint32_t slow[GAME_PLAYERS_MAX]; /* connections of each that take nothing, by slot */
    char read_bytes[CONN_READ_BYTES];
};

/* The end now: whatever is queued or kept is dropped.  The conn lives on until its close callback. */
void conn_end(struct conn *conn);
void conn_free_kept(struct conn *conn);
