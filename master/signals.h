/* SPDX-License-Identifier: MIT */
/*
 * signals.h - the signals the master is spoken to with, as a descriptor.
 *
 * They are blocked from the first moment on and read where the master waits anyway, so that no code
 * runs in a handler.  A child undoes it: what the master is told by signals, children are told by
 * their control socket, so a terminal's Ctrl-C to the whole group drains instead of killing.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"

/* What was asked for since the last look. */
struct signals_seen {
    bool child_died;
    bool reload;
    bool stop;
    bool upgrade;
    bool reopen_log;
};

/* master, once.  -1 and errno. */
MUST_USE int signals_open(void);
/* Never blocks.  Adds to *seen. */
void signals_read(int signal_fd, struct signals_seen *seen);
/* A child, after fork: nothing blocked; the master's signals and SIGPIPE do nothing. */
void signals_reset_in_child(void);
/* Before execve(2) of another program: as a shell would start it. */
void signals_reset_for_program(void);
