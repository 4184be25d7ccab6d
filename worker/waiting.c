/* SPDX-License-Identifier: MIT */
/* waiting.c - rows in an array, linked by index: a list in order, a chain a bucket, a free list. */
#include "worker/waiting.h"

#include <stdlib.h>

#define BUCKETS (2u * DBCLIENT_WAITING_MAX)
#define NO_ROW UINT32_MAX

struct waiting {
    uint32_t count;
    uint32_t first;
    uint32_t last;
    uint32_t free;      /* rows that were used before */
    uint32_t untouched; /* rows from here on were never used: their pages do not exist yet */
    uint32_t buckets[BUCKETS];
    struct waiting_row rows[DBCLIENT_WAITING_MAX];
};

static_assert((BUCKETS & (BUCKETS - 1)) == 0, "a power of 2");

struct waiting *waiting_new(void)
{
    struct waiting *waiting = calloc(1, sizeof(*waiting));

    if (waiting == NULL) {
        return NULL;
    }
    waiting->first = NO_ROW;
    waiting->last = NO_ROW;
    waiting->free = NO_ROW;
    for (uint32_t i = 0; i < BUCKETS; i++) {
        waiting->buckets[i] = NO_ROW;
    }
    return waiting;
}

void waiting_free(struct waiting *waiting)
{
    free(waiting);
}

uint32_t waiting_count(const struct waiting *waiting)
{
    return waiting->count;
}

/* The low half of an id is a counter of this worker's: spread as well as can be. */
static uint32_t *bucket_of(struct waiting *waiting, uint64_t request_id)
{
    return &waiting->buckets[request_id & (BUCKETS - 1)];
}

static struct waiting_row *row_at(struct waiting *waiting, uint32_t index)
{
    return index != NO_ROW ? &waiting->rows[index] : NULL;
}

static uint32_t index_of(const struct waiting *waiting, const struct waiting_row *row)
{
    return (uint32_t)(row - waiting->rows);
}

static uint32_t take_free_row(struct waiting *waiting)
{
    uint32_t index = waiting->free;

    if (index != NO_ROW) {
        waiting->free = waiting->rows[index].next;
        return index;
    }
    return waiting->untouched < DBCLIENT_WAITING_MAX ? waiting->untouched++ : NO_ROW;
}

struct waiting_row *waiting_add(struct waiting *waiting, uint64_t request_id)
{
    uint32_t index = take_free_row(waiting);
    struct waiting_row *row = row_at(waiting, index);
    uint32_t *bucket = bucket_of(waiting, request_id);

    if (row == NULL) {
        return NULL;
    }
    *row = (struct waiting_row){
        .context = {.request_id = request_id},
        .next_in_bucket = *bucket,
        .next = NO_ROW,
        .prev = waiting->last,
    };
    *bucket = index;
    if (waiting->last != NO_ROW) {
        waiting->rows[waiting->last].next = index;
    } else {
        waiting->first = index;
    }
    waiting->last = index;
    waiting->count++;
    return row;
}

struct waiting_row *waiting_find(struct waiting *waiting, uint64_t request_id)
{
    struct waiting_row *row = row_at(waiting, *bucket_of(waiting, request_id));

    while (row != NULL && row->context.request_id != request_id) {
        row = row_at(waiting, row->next_in_bucket);
    }
    return row;
}

void waiting_remove(struct waiting *waiting, struct waiting_row *row)
{
    uint32_t index = index_of(waiting, row);
    uint32_t *link = bucket_of(waiting, row->context.request_id);

    while (*link != index) {
        link = &waiting->rows[*link].next_in_bucket;
    }
    *link = row->next_in_bucket;
    *(row->prev != NO_ROW ? &waiting->rows[row->prev].next : &waiting->first) = row->next;
    *(row->next != NO_ROW ? &waiting->rows[row->next].prev : &waiting->last) = row->prev;
    row->next = waiting->free;
    waiting->free = index;
    waiting->count--;
}

struct waiting_row *waiting_first(struct waiting *waiting)
{
    return row_at(waiting, waiting->first);
}

struct waiting_row *waiting_next(struct waiting *waiting, const struct waiting_row *row)
{
    return row_at(waiting, row->next);
}
