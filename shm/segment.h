/* SPDX-License-Identifier: MIT */
/*
 * segment.h - the shared memory itself: a memfd, its sizes, and how each process maps it.
 *
 * The master creates it before the first fork.  After fork a child calls segment_map_for(): db gets
 * everything writable; a worker gets what db owns PROT_READ, so a stray write is a crash of one
 * worker and never a wrong score (LMDB's reason for its read-only map).
 *
 * It is as large as the largest game may become, in addresses; in memory it is as large as what has
 * been touched.  So a reload that brings more players needs no new segment: docs/decisions/0006.
 *
 * Owner   whoever created or mapped it; segment_destroy().  Errors: false and errno.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/proc.h"
#include "shm/layout.h"

/* What 20,000 players, 500 challenges and a full ring touch stays below it. */
#define SEGMENT_USUAL_BYTES_MAX (64u << 20)
/* Of addresses.  The largest game there may be, with the largest ring, fits. */
#define SEGMENT_BYTES_MAX (UINT64_C(2) << 30)

struct segment {
    void *base;
    size_t size_bytes;
    int fd;
    const struct shm_header *header;
};

/* Where a bank's parts begin, from the bank's start; the same for both banks. */
struct bank_plan {
    uint32_t solved_words; /* columns of a 64-bit word a player */
    uint32_t bought_words;
    size_t players_at;
    size_t challenges_at;
    size_t solved_at;
    size_t bought_at;
    size_t order_at;
    size_t size_bytes;
};

/* The most there can ever be of each, and a ring and sets that suit them. */
struct shm_sizes segment_sizes_for(uint32_t players, uint32_t challenges, uint32_t hints,
                                   uint32_t ring_events, uint32_t workers);
struct bank_plan segment_bank_plan(const struct shm_sizes *sizes);
/* Bytes of a whole segment of these sizes; 0: it would pass SEGMENT_BYTES_MAX. */
size_t segment_bytes_for(const struct shm_sizes *sizes);

/* master.  Zeroed, header filled in, sealed against resizing. */
MUST_USE bool segment_create(const struct shm_sizes *sizes, struct segment *ret_segment);
/* A child after fork, once: replaces the inherited mapping by the role's own (same address not
 * guaranteed).  On failure the old mapping stands. */
MUST_USE bool segment_map_for(struct segment *segment, enum proc_role role);
/* An fd from elsewhere (upgrade, tests): checks seals, magic, version and every offset against its
 * size.  true: the fd belongs to *ret_segment; false: it stays the caller's. */
MUST_USE bool segment_open(int fd, struct segment *ret_segment);
void segment_destroy(struct segment *segment); /* takes an empty one */

void *segment_section(const struct segment *segment, enum shm_section section);
