/* SPDX-License-Identifier: MIT */
/* requirements.h - which challenges wait for each other in a circle. */
#pragma once

#include <stdint.h>

#include "conf/arena.h"
#include "conf/challenges.h"

/* position: of the challenge whose requirement closes the circle; cycle: "3 -> 5 -> 3", by ids. */
typedef void requirements_found(void *context, uint32_t position, const char *cycle);

/* Calls `found` for every requirement that closes a circle, as seen from the first challenge on. */
void requirements_find_cycles(const struct challenges *challenges, struct arena *arena,
                              requirements_found *found, void *context);
