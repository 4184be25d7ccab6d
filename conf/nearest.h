/* SPDX-License-Identifier: MIT */
/* nearest.h - "did you mean ...?": which known word a mistyped one is closest to. */
#pragma once

#include <stdint.h>

#include "shm/base/str.h"

/* The known word with the fewest edits from `word`; NULL: none is close enough to be a slip. */
const char *nearest_word(struct str word, const char *const *known, uint32_t count);
