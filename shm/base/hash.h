/* SPDX-License-Identifier: MIT */
/*
 * hash.h - XXH3 64 bit (https://xxhash.com): hash tables, ETags, rate-limit buckets.
 *
 * Fast, not secret: for a table that strangers can fill, give a seed drawn at start.
 */
#pragma once

#define XXH_INLINE_ALL
#include <stdint.h>

#include <xxhash.h>

#include "shm/base/str.h"

static inline uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, len, seed);
}

static inline uint64_t hash_str(struct str s, uint64_t seed)
{
    return hash_bytes(s.data, s.len, seed);
}
