/* SPDX-License-Identifier: MIT */
/*
 * arena.h - memory that lives and dies with one game.
 *
 * Whatever a game is made of is carved from large blocks and given back all at once, so that
 * freeing a game has no order to keep.  Bytes come zeroed and aligned for any type.  Memory that the
 * kernel refuses is a CHECK(): a game is bounded (conf/files.h), and a process that cannot hold it
 * has nothing to serve.
 */
#pragma once

#include <stddef.h>

#include "shm/base/str.h"

struct arena_block;

struct arena {
    struct arena_block *newest; /* NULL: nothing carved yet */
    size_t used_bytes;          /* of the newest block */
};

void *arena_alloc(struct arena *arena, size_t count, size_t item_bytes);
/* A copy with a NUL behind it (not counted in len). */
struct str arena_str(struct arena *arena, struct str s);
void arena_free(struct arena *arena);
