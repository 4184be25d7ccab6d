/* SPDX-License-Identifier: MIT */
/*
 * lock.h - one server a database: a lock file beside it, with the holder's pid inside.
 *
 * flock(2) on events.db.lock: the kernel gives it up with its holder, however that dies, so the next
 * db takes it at once.  The file itself stays.
 * Process  db for as long as it lives; db_prepare() while it works.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "shm/base/compiler.h"

enum lock_result { LOCK_TAKEN, LOCK_HELD_BY_OTHER, LOCK_IMPOSSIBLE /* errno */ };

/* Tries for wait_ms.  LOCK_TAKEN: *ret_fd is the caller's; closing it gives the lock up.
 * LOCK_HELD_BY_OTHER: *ret_pid is the holder's, 0 if it is not known. */
enum lock_result lock_take(const char *dir, uint32_t wait_ms, int *ret_fd, pid_t *ret_pid);
/* Who holds it; 0: nobody. */
pid_t lock_holder(const char *dir);
