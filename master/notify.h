/* SPDX-License-Identifier: MIT */
/*
 * notify.h - what systemd is told (sd_notify(3)); silent where there is none.
 *
 * Process  master only.  Errors: none; whoever cannot be told is not missed.
 */
#pragma once

#include <stdint.h>

#include "shm/base/compiler.h"

/* The unit is up, or up again after notify_reloading().  status: one line for `systemctl status`. */
void notify_ready(const char *status);
void notify_reloading(void);
/* It may take so long, whatever the unit's TimeoutStopSec says. */
void notify_stopping(uint64_t most_us);
void notify_status(const char *format, ...) PRINTF_LIKE(1, 2);
/* A start that takes long for a good reason: give it so much more time. */
void notify_extend_start(uint64_t more_us);
/* How long systemd waits for notify_watchdog() before it kills; 0: it does not. */
uint64_t notify_watchdog_limit_us(void);
void notify_watchdog(void);
