/* SPDX-License-Identifier: MIT */
/*
 * checkpoint.h - keeps the write-ahead log bounded without standing in a commit's way.
 *
 * The bulk moves on a thread of libuv's pool (a passive checkpoint on a connection of its own, beside
 * the commits); when little is left the loop moves that little, and the file is written over again, or
 * the pool empties it, and commits wait for that.
 *   in a lull     nothing came for CHECKPOINT_LULL_MS and there is more than CHECKPOINT_SMALL_BYTES
 *   in a long one the file's room is given back, where it is above half of the limit
 *   under load    three quarters of the limit are reached; past the limit and a half commits wait for the
 *                 pass.  As late as that, since a page that many commits have changed moves once
 *   a reader in the way   is not waited for: next try later, and later each time; when the file comes
 *                 near twice the limit all the same, commits are refused (checkpoint_is_blocked)
 * Process  db.  Owner: struct db.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "db/store.h"
#include "shm/base/compiler.h"

#define CHECKPOINT_LULL_MS 200
/* After so long a lull the room of a log above half of its limit is given back. */
#define CHECKPOINT_EMPTY_MS 5000
/* Moves in well under 20 ms: the loop may do it itself. */
#define CHECKPOINT_SMALL_BYTES (1u << 20)
/* Passes on the pool before the loop moves what is left, however much commits add meanwhile. */
#define CHECKPOINT_PASSES_MAX 4
#define CHECKPOINT_RETRY_MS_MIN 100
#define CHECKPOINT_RETRY_MS_MAX 8000

struct checkpoint {
    uv_work_t work;
    uv_loop_t *loop;
    struct store *store; /* of the pass that runs */
    uint64_t log_bytes_max;
    bool is_running;
    bool is_emptying; /* the store is the pool's */
    bool gives_back;  /* nobody is in a hurry: the pass ends with an empty file */
    uint32_t passes;
    uint64_t pending_before;
    uint64_t left_bytes;
    enum store_status status;
    uint64_t started_us;
    uint64_t not_before_us; /* after a reader was in the way */
    uint32_t retry_ms;      /* 0: nobody was */
};

void checkpoint_init(struct checkpoint *checkpoint, uv_loop_t *loop, uint64_t log_bytes_max);
/* After each batch and in each tick.  idle_us: since the last batch. */
void checkpoint_consider(struct checkpoint *checkpoint, struct store *store, uint64_t idle_us);
/* Commits wait for the pass that runs: it would not catch up with them, or has the store to itself. */
bool checkpoint_is_behind(const struct checkpoint *checkpoint, const struct store *store);
/* The log is near twice its limit and a reader in another process keeps it from shrinking: nothing
 * more may be written until that reader is gone. */
bool checkpoint_is_blocked(const struct checkpoint *checkpoint, const struct store *store);
/* The last one, on the way out, on this thread.  false: a reader is in the way, or the disk is full;
 * the log stays, and the next start goes on with it. */
MUST_USE bool checkpoint_final(struct store *store);
