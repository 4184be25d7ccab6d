/* SPDX-License-Identifier: MIT */
/*
 * log_file.h - where lines go: standard error, or the file of log.file.
 *
 * Process  master.  It opens the file; children get the descriptor, at fork or by CONTROL_LOG_REOPEN,
 *          since they may not open files, nor this one.
 * Rotation rename the file, then SIGUSR1 to the master: nothing is lost, nothing is copied.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shm/base/compiler.h"

struct master;
struct settings;

/* At start.  false: ret_error says why. */
MUST_USE bool log_file_start(const struct settings *settings, char *ret_error, size_t error_bytes);
/* SIGUSR1.  If it cannot be opened the old one stays, and is told so. */
void log_file_reopen(struct master *master);
