/* SPDX-License-Identifier: MIT */
/*
 * waiting.h - the requests that db has not answered yet: found by id, kept in the order of asking.
 *
 * The order is the order of resending and, since all have the same time limit, of running out of
 * time.  A fixed table of DBCLIENT_WAITING_MAX rows: nothing is allocated while the game runs.
 * Process: worker; for dbclient.c alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "worker/dbclient.h"

#define WAITING_MESSAGE_BYTES 64 /* guesses are longer, and never wait */

struct waiting_row {
    struct dbclient_context context;
    dbclient_answer answer;
    bool sent; /* on the present connection or an earlier one */
    uint32_t next_in_bucket;
    uint32_t next; /* asked later */
    uint32_t prev;
    uint32_t message_bytes;
    _Alignas(8) unsigned char message[WAITING_MESSAGE_BYTES];
};

struct waiting;

MUST_USE struct waiting *waiting_new(void);
void waiting_free(struct waiting *waiting); /* takes NULL */
uint32_t waiting_count(const struct waiting *waiting);
/* A row at the end, with its context.request_id set; NULL: the table is full. */
struct waiting_row *waiting_add(struct waiting *waiting, uint64_t request_id);
struct waiting_row *waiting_find(struct waiting *waiting, uint64_t request_id);
void waiting_remove(struct waiting *waiting, struct waiting_row *row);
/* In the order of asking; NULL: there is none (any more). */
struct waiting_row *waiting_first(struct waiting *waiting);
struct waiting_row *waiting_next(struct waiting *waiting, const struct waiting_row *row);
