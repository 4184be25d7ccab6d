/* SPDX-License-Identifier: MIT */
/* checkpoint.c - passes on the pool, the last step in the loop, back-off when a reader is in the way. */

#include "db/checkpoint.h"

#include "shm/base/clock.h"
#include "shm/slots.h"

static void start_pass(struct checkpoint *checkpoint);

static void on_pool(uv_work_t *work)
{
    struct checkpoint *checkpoint = work->data;

    checkpoint->status =
        store_checkpoint(checkpoint->store, STORE_CHECKPOINT_PASSIVE, &checkpoint->left_bytes);
}

static void back_off(struct checkpoint *checkpoint)
{
    checkpoint->retry_ms =
        checkpoint->retry_ms == 0 ? CHECKPOINT_RETRY_MS_MIN : checkpoint->retry_ms * 2;
    if (checkpoint->retry_ms > CHECKPOINT_RETRY_MS_MAX) {
        checkpoint->retry_ms = CHECKPOINT_RETRY_MS_MAX;
    }
    if (checkpoint_is_blocked(checkpoint, checkpoint->store)) {
        checkpoint->retry_ms = CHECKPOINT_RETRY_MS_MIN; /* players wait for it */
    }
    checkpoint->not_before_us = clock_mono_us() + (uint64_t)checkpoint->retry_ms * 1000;
}

static void end(struct checkpoint *checkpoint)
{
    if (checkpoint->status == STORE_OK) {
        checkpoint->retry_ms = 0;
    } else {
        back_off(checkpoint);
    }
    slots_add(METRIC_DB_CHECKPOINTS, 1);
    slots_observe(HISTOGRAM_DB_CHECKPOINT, clock_mono_us() - checkpoint->started_us);
    slots_set(METRIC_DB_WAL_BYTES, store_log_bytes(checkpoint->store));
}

static void empty_on_pool(uv_work_t *work)
{
    struct checkpoint *checkpoint = work->data;

    checkpoint->status =
        store_checkpoint(checkpoint->store, STORE_CHECKPOINT_TRUNCATE, &checkpoint->left_bytes);
}

static void on_emptied(uv_work_t *work, int status)
{
    struct checkpoint *checkpoint = work->data;

    checkpoint->is_running = false;
    checkpoint->is_emptying = false;
    checkpoint->status = status == 0 ? checkpoint->status : STORE_FAILED;
    end(checkpoint);
}

/*
 * In the loop: little is left.  A file within the limit, as under load, is kept and written over:
 * growing it anew costs every commit an allocation and an inode (docs/benchmarks.md).  To empty one
 * takes the kernel some 0.5 ms a MiB, which the loop has no time for: the store is the pool's for that.
 */
static void move_the_rest(struct checkpoint *checkpoint)
{
    bool is_kept =
        !checkpoint->gives_back && store_log_bytes(checkpoint->store) <= checkpoint->log_bytes_max;

    if (is_kept) {
        checkpoint->status =
            store_checkpoint(checkpoint->store, STORE_CHECKPOINT_RESTART, &checkpoint->left_bytes);
        end(checkpoint);
        return;
    }
    checkpoint->is_emptying =
        uv_queue_work(checkpoint->loop, &checkpoint->work, empty_on_pool, on_emptied) == 0;
    checkpoint->is_running = checkpoint->is_emptying;
}

static void on_pass_done(uv_work_t *work, int status)
{
    struct checkpoint *checkpoint = work->data;

    checkpoint->is_running = false;
    if (status != 0 || checkpoint->status == STORE_FAILED) {
        back_off(checkpoint);
        return;
    }
    store_log_moved(checkpoint->store, checkpoint->pending_before, checkpoint->left_bytes);
    uint64_t left = store_log_pending_bytes(checkpoint->store);

    if (left <= CHECKPOINT_SMALL_BYTES) {
        move_the_rest(checkpoint);
    } else if (checkpoint->left_bytes > CHECKPOINT_SMALL_BYTES) {
        back_off(checkpoint); /* the pass could not move what was there: a reader needs it */
    } else if (++checkpoint->passes < CHECKPOINT_PASSES_MAX) {
        start_pass(checkpoint);
    } else {
        move_the_rest(checkpoint);
    }
}

static void start_pass(struct checkpoint *checkpoint)
{
    checkpoint->pending_before = store_log_pending_bytes(checkpoint->store);
    checkpoint->work.data = checkpoint;
    checkpoint->is_running =
        uv_queue_work(checkpoint->loop, &checkpoint->work, on_pool, on_pass_done) == 0;
}

void checkpoint_init(struct checkpoint *checkpoint, uv_loop_t *loop, uint64_t log_bytes_max)
{
    *checkpoint = (struct checkpoint){.loop = loop, .log_bytes_max = log_bytes_max};
}

void checkpoint_consider(struct checkpoint *checkpoint, struct store *store, uint64_t idle_us)
{
    if (checkpoint->is_running) {
        return;
    }
    uint64_t pending = store_log_pending_bytes(store);
    bool in_lull = idle_us >= CHECKPOINT_LULL_MS * 1000 && pending > CHECKPOINT_SMALL_BYTES;
    bool is_room_idle = idle_us >= CHECKPOINT_EMPTY_MS * 1000 &&
                        store_log_bytes(store) > checkpoint->log_bytes_max / 2;
    bool is_large =
        pending >= checkpoint->log_bytes_max / 4 * 3 || checkpoint_is_blocked(checkpoint, store);

    if ((!in_lull && !is_large && !is_room_idle) || clock_mono_us() < checkpoint->not_before_us) {
        return;
    }
    checkpoint->store = store;
    checkpoint->gives_back = is_room_idle;
    checkpoint->passes = 0;
    checkpoint->started_us = clock_mono_us();
    start_pass(checkpoint);
}

bool checkpoint_is_behind(const struct checkpoint *checkpoint, const struct store *store)
{
    return checkpoint->is_emptying ||
           (checkpoint->is_running && checkpoint->retry_ms == 0 &&
            store_log_pending_bytes(store) >
                checkpoint->log_bytes_max + checkpoint->log_bytes_max / 2);
}

/* By the size of the file: what has been moved still takes its room until all of it has been. */
bool checkpoint_is_blocked(const struct checkpoint *checkpoint, const struct store *store)
{
    uint64_t bound = checkpoint->log_bytes_max + checkpoint->log_bytes_max / 4 * 3;

    return checkpoint->retry_ms != 0 && store_log_bytes(store) >= bound;
}

bool checkpoint_final(struct store *store)
{
    uint64_t left;

    return store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, &left) == STORE_OK;
}
