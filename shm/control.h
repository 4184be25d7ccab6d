/* SPDX-License-Identifier: MIT */
/*
 * control.h - what the master and a child say to each other over the child's socketpair.
 *
 * SOCK_SEQPACKET: one message is one datagram, with at most one descriptor (SCM_RIGHTS, unix(7)).
 * EOF at the child: the master is gone, leave in order.  EOF at the master: the child is gone.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"

enum control_type {
    /* child -> master */
    CONTROL_READY = 1,     /* serves from now on */
    CONTROL_RELOADED,      /* value: generation that is in force */
    CONTROL_RELOAD_FAILED, /* the old game stays */
    CONTROL_RELOAD_LATER,  /* db: busy, so nobody has looked at it; it is to be handed out again */
    CONTROL_DRAINED,       /* about to exit, nothing lost */
    CONTROL_HANDED_OVER,   /* an upgrade: only streams are left, closed and forgotten without us */
    /* master -> child */
    CONTROL_RELOAD,     /* fd: the sealed files of the new game; value: its generation */
    CONTROL_DRAIN,      /* value: milliseconds there are; close streams with 1001 and leave */
    CONTROL_UPGRADE,    /* value: milliseconds to spread the closes (1012) over, once handed over */
    CONTROL_LOG_REOPEN, /* fd: the log from now on */
    CONTROL_TYPES,
};

struct control_message {
    uint32_t type; /* enum control_type */
    uint32_t reserved;
    uint64_t value;
};
static_assert(sizeof(struct control_message) == 16, "no padding");

/* fd: sent along, stays the caller's; -1: none.  false and errno (EAGAIN: the peer reads nothing). */
MUST_USE bool control_send(int control_fd, enum control_type type, uint64_t value, int fd);

enum control_received {
    CONTROL_MESSAGE,
    CONTROL_NOTHING, /* EAGAIN */
    CONTROL_EOF,
    CONTROL_BROKEN, /* wrong size or type: treat the peer as gone */
};
/* Never blocks.  *ret_fd: the caller's, or -1. */
enum control_received control_receive(int control_fd, struct control_message *ret_message,
                                      int *ret_fd);
