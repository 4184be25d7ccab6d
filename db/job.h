/* SPDX-License-Identifier: MIT */
/*
 * job.h - what takes too long for the loop: a reset and a reload, on libuv's pool.
 *
 * While a job works no batch runs (requests wait in their queue), so the job has store, game and
 * spare bank to itself and nothing is committed that it does not see.  One at a time.  A pass of a
 * checkpoint ends in the loop with a step on the same store: a job that comes meanwhile waits for it.
 * Process  db.  Owner: struct db.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "db/inbox.h"
#include "db/rebuild.h"

struct db;

enum job_kind { JOB_NONE, JOB_RESET, JOB_RELOAD };

struct job {
    uv_work_t work;
    enum job_kind kind; /* JOB_NONE: batches run */
    uv_work_cb on_pool; /* NULL: has begun */
    uv_after_work_cb on_done;
    /* of a reset */
    struct request request;
    uint64_t floor_seq;
    uint64_t logged_reset; /* request id of the last one that this process has told the log of */
    /* of a reload */
    int files_fd;
    uint64_t generation;
    struct game *new_game;
    /* what became of it, for the loop */
    bool ok;
    enum store_status store_status;
    struct rebuild rebuild;
    char error[512];
};

static inline bool job_is_running(const struct job *job)
{
    return job->kind != JOB_NONE;
}

/* In every turn of the loop: a job that had to wait begins when it may. */
void job_go_on(struct db *db);
/* A WIRE_RESET: a backup, then an empty game.  Answers when done. */
void job_start_reset(struct db *db, const struct request *request);
/* Takes the descriptor.  Tells the master when done; at once to ask again when db is busy. */
void job_start_reload(struct db *db, int files_fd, uint64_t generation);
