/* SPDX-License-Identifier: MIT */
/* names.h - which display names are allowed (docs/api.md), and their folded form. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/str.h"

struct settings_list;

#define NAME_CHARS_MIN 2
#define NAME_CHARS_MAX 30
#define NAME_FIELD_BYTES 32

/* Trimmed, inner whitespace collapsed to one space: what is stored.  ret_name has NAME_FIELD_BYTES.
 * NULL: allowed.  Else the sentence for the player, which then is the answer's "error". */
const char *name_check(struct str wanted, const struct settings_list *blocked, char *ret_name);

/* Lower case: two names with the same folded form are the same name.  NAME_FIELD_BYTES. */
void name_fold(const char *name, char *ret_folded);
