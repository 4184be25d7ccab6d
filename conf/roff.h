/* SPDX-License-Identifier: MIT */
/*
 * roff.h - text as the source of a manual page wants it.
 *
 * Process  tools.  Errors: the stream's own, seen by whoever closes it.
 */
#pragma once

#include <stdio.h>

/* Escapes what troff would read as its own: backslashes, hyphens that are typed, a control character
 * at the start of a line. */
void roff_write(FILE *out, const char *text);
/* "-p, --port PORT", bold and italic.  letter: 0 for none; argument: NULL for none. */
void roff_write_flag(FILE *out, char letter, const char *flag, const char *argument);
