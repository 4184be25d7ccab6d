/* SPDX-License-Identifier: MIT */
/*
 * process.h - struct db: all that the db process is made of.  There is one, in db.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "db/batch.h"
#include "db/checkpoint.h"
#include "db/inbox.h"
#include "db/job.h"
#include "db/recent.h"
#include "db/roster.h"
#include "db/store.h"
#include "shm/board.h"
#include "shm/revoked.h"
#include "shm/ring.h"

struct game;
struct heritage;

struct db {
    struct heritage *heritage;
    uv_loop_t loop;
    struct game *game; /* the one in force */

    struct board board;
    struct ring ring;
    struct revoked revoked;

    struct store *store;            /* NULL: could not be opened again; every request is refused */
    enum store_status store_status; /* of the last batch: a change of it is logged, once */
    uint64_t reopen_at_us;          /* 0: the store is not suspected */
    uint64_t probe_at_us;           /* a store that refuses is tried again, at the earliest */
    struct store_meta meta;
    uint64_t last_ts_us; /* no event is dated before it */

    struct roster roster;
    struct recent recent;
    struct inbox inbox;
    struct batch batch;
    struct checkpoint checkpoint;
    struct job job; /* a reset or a reload: while it works no batch runs */

    uint64_t last_batch_us;
    uint64_t untrimmed_guesses;
    char dir[STORE_PATH_BYTES];
};

/* db/store_health.c */
struct store_options db_store_options(const struct db *db);
/* Tries a store that refuses, once a second. */
void db_probe_store(struct db *db);
/* Notes how the store fares: logs each change, once; asks for it to be opened anew. */
void db_note_store(struct db *db, enum store_status status, const char *error);
/* Opens a suspected store anew, at most once a second, and rebuilds if it holds something else. */
void db_mend_store(struct db *db);
/* Takes over what a rebuild has made, and publishes it. */
void db_adopt(struct db *db, struct rebuild *rebuild);
