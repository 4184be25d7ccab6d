/* SPDX-License-Identifier: MIT */
/*
 * journal.h - an event as the systemd journal keeps it: the line, and each value in a field of its own.
 *
 * MESSAGE is the line as log.h writes it elsewhere, PRIORITY its level; CTFG_PROC is the process, and
 * a value named "request" is CTFG_REQUEST: `journalctl CTFG_REQUEST=00c3...` finds a request's lines.
 *
 * Any process.  Nothing waits: what the journal does not take at once goes to standard error, which
 * it reads as well.
 * Source   systemd's "Native Journal Protocol"; systemd.exec(5) for JOURNAL_STREAM.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct log_field;

/* Is it the journal that reads this descriptor? */
bool journal_reads(int fd);

/* Before the first journal_send(), and in a child: a socket of its own. */
void journal_start(void);

/*
 * priority: of syslog(3), 0 to 7.  fields: as log_write() takes them.  false: the journal does not
 * take it; errno says why.
 */
MUST_USE bool journal_send(int priority, struct str line, struct str process,
                           const struct log_field *fields);
