/* SPDX-License-Identifier: MIT */
/* index.c - open addressing with linear probing; see index.h. */
#include "conf/index.h"

#include "shm/base/check.h"

void index_init(struct index *index, struct arena *arena, uint32_t entries)
{
    uint32_t cells = 4;

    CHECK(entries < 1u << 28);
    while (cells < entries * 2) {
        cells *= 2;
    }
    index->cells = arena_alloc(arena, cells, sizeof(*index->cells));
    index->mask = cells - 1;
}

void index_add(struct index *index, uint64_t hash, uint32_t position)
{
    uint32_t at = (uint32_t)hash & index->mask;

    while (index->cells[at] != 0) {
        at = (at + 1) & index->mask;
    }
    index->cells[at] = position + 1;
}

uint32_t index_first(const struct index *index, uint64_t hash)
{
    /* An empty cell gives 0 - 1 = INDEX_END. */
    return index->cells == NULL ? INDEX_END : index->cells[(uint32_t)hash & index->mask] - 1;
}

uint32_t index_next(const struct index *index, uint64_t *hash)
{
    *hash += 1;
    return index_first(index, *hash);
}
