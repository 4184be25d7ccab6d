/* SPDX-License-Identifier: MIT */
/* solved.c - solve and hint bits: a row of 64-bit words a player. */
#include "shm/solved.h"

#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/base/hash.h"

#define BITS_A_WORD 64

static bool bit_test(const _Atomic uint64_t *row, uint32_t bit)
{
    return (bank_load_u64(&row[bit / BITS_A_WORD]) >> (bit % BITS_A_WORD) & 1) != 0;
}

/* One writer: a load and a store are enough. */
static void bit_set(_Atomic uint64_t *row, uint32_t bit)
{
    _Atomic uint64_t *word = &row[bit / BITS_A_WORD];

    bank_store_u64(word, bank_load_u64(word) | UINT64_C(1) << (bit % BITS_A_WORD));
}

static _Atomic uint64_t *solved_row(const struct bank *bank, uint32_t player)
{
    return bank->solved + (size_t)player * bank->solved_words;
}

static _Atomic uint64_t *bought_row(const struct bank *bank, uint32_t player)
{
    return bank->bought + (size_t)player * bank->bought_words;
}

bool solved_test(const struct bank *bank, uint32_t player, uint32_t challenge)
{
    return player < bank->players_max && challenge < bank->challenges_max &&
           bit_test(solved_row(bank, player), challenge);
}

bool solved_hint_bought(const struct bank *bank, uint32_t player, uint32_t hint)
{
    return player < bank->players_max && hint < bank->hints_max &&
           bit_test(bought_row(bank, player), hint);
}

static uint64_t words_hash(const _Atomic uint64_t *words, uint32_t count, uint64_t hash)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = bank_load_u64(&words[i]);

        hash = hash_bytes(&word, sizeof(word), hash);
    }
    return hash;
}

uint64_t solved_fingerprint(const struct bank *bank, uint32_t player)
{
    if (player >= bank->players_max) {
        return 0;
    }
    uint64_t hash = words_hash(solved_row(bank, player), bank->solved_words, 0);

    return words_hash(bought_row(bank, player), bank->bought_words, hash);
}

void solved_set(struct bank *bank, uint32_t player, uint32_t challenge)
{
    CHECK(player < bank->players_max && challenge < bank->challenges_max);
    bit_set(solved_row(bank, player), challenge);
}

void solved_set_hint(struct bank *bank, uint32_t player, uint32_t hint)
{
    CHECK(player < bank->players_max && hint < bank->hints_max);
    bit_set(bought_row(bank, player), hint);
}
