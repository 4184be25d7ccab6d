/* SPDX-License-Identifier: MIT */
/*
 * proc.h - which process am I, and what does ps call me.
 *
 * A function that only one process may call says so in its header and checks it:
 * ASSERT_PROC(PROC_DB).  (Varnish's ASSERT_MGT, bin/varnishd/common/heritage.h.)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/check.h"
#include "shm/base/compiler.h"

enum proc_role {
    PROC_MASTER, /* until proc_set_role() says otherwise */
    PROC_WORKER,
    PROC_DB,
    PROC_TOOL, /* `ctfg check`, `ctfg backup`, ...: a command that serves nobody */
    PROC_TEST, /* a unit test: may call everything */
};

/* Right after fork, once. */
void proc_set_role(enum proc_role role);
enum proc_role proc_role(void);
/* "master", "worker", "db", "tool", "test". */
const char *proc_role_name(enum proc_role role);

/* main(), first thing: remembers where the kernel keeps argv, so that titles have room. */
void proc_title_init(int argc, char **argv);
/* What ps shows, e.g. "ctfg: worker 1"; cut at the room there is.  Also sets the thread's comm. */
void proc_title_set(const char *title);

/* Physical memory in use, shared pages included.  false: there is no /proc. */
MUST_USE bool proc_memory_bytes(uint64_t *ret_bytes);
/* Processor time used so far, in microseconds: of a forked child since its fork. */
uint64_t proc_cpu_us(void);

#define ASSERT_PROC(wanted) CHECK(proc_role() == (wanted) || proc_role() == PROC_TEST)
