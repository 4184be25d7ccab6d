/* SPDX-License-Identifier: MIT */
/* arena.c - blocks in a list, newest first; see arena.h. */
#include "conf/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"

/* Big enough that a game of usual size takes a handful, small enough to waste little. */
#define ARENA_BLOCK_BYTES ((size_t)64 << 10)

struct arena_block {
    struct arena_block *older;
    size_t size_bytes;
    alignas(max_align_t) char bytes[];
};

void *arena_alloc(struct arena *arena, size_t count, size_t item_bytes)
{
    size_t wanted;

    CHECK(!__builtin_mul_overflow(count, item_bytes, &wanted) && wanted < SIZE_MAX / 2);
    wanted = (wanted + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (arena->newest == NULL || arena->newest->size_bytes - arena->used_bytes < wanted) {
        size_t size_bytes = wanted > ARENA_BLOCK_BYTES ? wanted : ARENA_BLOCK_BYTES;
        struct arena_block *block = calloc(1, sizeof(*block) + size_bytes);

        CHECK(block != NULL);
        block->older = arena->newest;
        block->size_bytes = size_bytes;
        arena->newest = block;
        arena->used_bytes = 0;
    }
    void *piece = arena->newest->bytes + arena->used_bytes;

    arena->used_bytes += wanted;
    return piece;
}

struct str arena_str(struct arena *arena, struct str s)
{
    char *copy = arena_alloc(arena, s.len + 1, 1);

    if (s.len > 0) {
        memcpy(copy, s.data, s.len);
    }
    return (struct str){copy, s.len};
}

void arena_free(struct arena *arena)
{
    while (arena->newest != NULL) {
        struct arena_block *older = arena->newest->older;

        free(arena->newest);
        arena->newest = older;
    }
    arena->used_bytes = 0;
}
