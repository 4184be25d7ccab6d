/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - a worker gives up every system call it does not need, for good.
 *
 * Workers read what strangers send.  Should one of them ever be made to run a stranger's code, that
 * code opens no file, starts no program and calls nobody: the kernel refuses (seccomp(2)).
 *
 * Process  worker, on its loop's thread, when everything it needs is open and before it says that it
 *          is ready.  The pool's threads, begun earlier or later, are under the same filter.
 * Errors   an unknown call is answered ENOSYS, as by a kernel that lacks it: libraries know ways
 *          round that.  A call that only an intruder makes ends the process by SIGSYS, which the
 *          master logs.  docs/security.md has the list, docs/decisions/ why it is so.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"

struct settings;

/*
 * Before the loop is made, unless process.sandbox is off.  A ring of io_uring goes round every filter;
 * libuv makes one for itself where the kernel lets it, and from 1.49 on whatever its environment
 * says, and would then end in the sandbox, which does not let it use that.  Told that there are
 * none, it does without.
 */
void sandbox_forbid_rings(const struct settings *settings);

/* No way back.  false: errno is ENOTSUP when this build has no list (sanitizers call what they like;
 * another processor than x86-64 and arm64), else what the kernel said. */
MUST_USE bool sandbox_enter(void);

/* By process.sandbox.  false: it has to be on and the kernel refuses; both are logged here. */
MUST_USE bool sandbox_start(const struct settings *settings);
