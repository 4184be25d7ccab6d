/* SPDX-License-Identifier: MIT */
/*
 * bank_word.h - how a word of a bank is stored and loaded: the one place that names these orders.
 *
 * Inside a bank every store is a release and every load an acquire.  A reader whose load takes its
 * value from one of our stores thereby also sees the odd version that was stored before it, so the
 * closing look of board_read_done() cannot miss it.  There is one writer, db, which reads its own
 * words with the same loads: on x86-64 and arm64 they cost what plain ones do, or nearly.
 *
 * For the .c files of shm/ that own a table of the bank; nobody else touches these words.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

static inline void bank_store_u32(_Atomic uint32_t *word, uint32_t value)
{
    /* release: carries the odd version of board_write_begin(); pairs with bank_load_u32() */
    atomic_store_explicit(word, value, memory_order_release);
}

static inline void bank_store_u64(_Atomic uint64_t *word, uint64_t value)
{
    /* release: carries the odd version of board_write_begin(); pairs with bank_load_u64() */
    atomic_store_explicit(word, value, memory_order_release);
}

static inline void bank_store_i64(_Atomic int64_t *word, int64_t value)
{
    /* release: carries the odd version of board_write_begin(); pairs with bank_load_i64() */
    atomic_store_explicit(word, value, memory_order_release);
}

static inline uint32_t bank_load_u32(const _Atomic uint32_t *word)
{
    /* acquire: who sees the new word sees the odd version too; pairs with bank_store_u32() */
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline uint64_t bank_load_u64(const _Atomic uint64_t *word)
{
    /* acquire: who sees the new word sees the odd version too; pairs with bank_store_u64() */
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline int64_t bank_load_i64(const _Atomic int64_t *word)
{
    /* acquire: who sees the new word sees the odd version too; pairs with bank_store_i64() */
    return atomic_load_explicit(word, memory_order_acquire);
}
