/* SPDX-License-Identifier: MIT */
/*
 * json_error.h - what is wrong with a file that Jansson could not read, in an organiser's words.
 *
 * Jansson's sentence is about its tokens, and quotes what it stumbled over, which may be a flag.
 * Ours is chosen by that sentence and by the byte in front of it, and says how to mend it.
 */
#pragma once

#include <jansson.h>

#include "conf/diag.h"
#include "shm/base/str.h"

/* text: as in the file.  escaped: what json_text_escape() made of it and json_loadb() refused. */
void json_error_report(struct str text, struct str escaped, const json_error_t *error,
                       const char *file, struct diag *diag);
