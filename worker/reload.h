/* SPDX-License-Identifier: MIT */
/*
 * reload.h - takes a new game over between two requests; no connection notices.
 *
 * The master has judged the files; this worker builds the same game from the same bytes, and the
 * page, on a thread of libuv's pool.  What answers on their way out are made of stays until they are
 * written: the old game and page are kept until nobody holds a piece of them.
 *
 * Process  worker.  Errors: the old game stays, and the master is told.
 */
#pragma once

#include <stdint.h>

struct page;
struct worker;

/* Takes the fd in any case; answers the master with RELOADED or RELOAD_FAILED, now or later. */
void reload_begin(struct worker *worker, int files_fd, uint64_t generation);
/* Lets go of old games that nobody holds any more. */
void reload_free_old(struct worker *worker);
