/* SPDX-License-Identifier: MIT */
/* solved.c - solve and hint bits: columns of one 64-bit word a player. */
#include "shm/solved.h"

#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/base/hash.h"

#define BITS_A_WORD 64

static _Atomic uint64_t *solved_word(const struct bank *bank, uint32_t player, uint32_t column)
{
    return bank->solved + (size_t)column * bank->players_max + player;
}

static _Atomic uint64_t *bought_word(const struct bank *bank, uint32_t player, uint32_t column)
{
    return bank->bought + (size_t)column * bank->players_max + player;
}

static bool bit_test(const _Atomic uint64_t *word, uint32_t bit)
{
    return (bank_load_u64(word) >> (bit % BITS_A_WORD) & 1) != 0;
}

/* One writer: a load and a store are enough. */
static void bit_set(_Atomic uint64_t *word, uint32_t bit)
{
    bank_store_u64(word, bank_load_u64(word) | UINT64_C(1) << (bit % BITS_A_WORD));
}

/* First, so that a column that holds a bit is always one that is cleared. */
static void use_column(_Atomic uint32_t *used, uint32_t column)
{
    if (bank_load_u32(used) <= column) {
        bank_store_u32(used, column + 1);
    }
}

bool solved_test(const struct bank *bank, uint32_t player, uint32_t challenge)
{
    return player < bank->players_max && challenge < bank->challenges_max &&
           bit_test(solved_word(bank, player, challenge / BITS_A_WORD), challenge);
}

bool solved_hint_bought(const struct bank *bank, uint32_t player, uint32_t hint)
{
    return player < bank->players_max && hint < bank->hints_max &&
           bit_test(bought_word(bank, player, hint / BITS_A_WORD), hint);
}

/* Columns in use, however a torn reader finds it. */
static uint32_t columns_used(const _Atomic uint32_t *used, uint32_t columns)
{
    uint32_t count = bank_load_u32(used);

    return count < columns ? count : columns;
}

/* Only words with a bit in them count: somebody else's first bit of a column changes nothing. */
static uint64_t mix(uint64_t hash, uint32_t column, uint64_t word)
{
    const uint64_t pair[2] = {column, word};

    return word != 0 ? hash_bytes(pair, sizeof(pair), hash) : hash;
}

uint64_t solved_fingerprint(const struct bank *bank, uint32_t player)
{
    uint32_t solved = columns_used(&bank->head->solved_words, bank->solved_words);
    uint32_t bought = columns_used(&bank->head->bought_words, bank->bought_words);
    uint64_t hash = 0;

    if (player >= bank->players_max) {
        return 0;
    }
    for (uint32_t i = 0; i < solved; i++) {
        hash = mix(hash, i, bank_load_u64(solved_word(bank, player, i)));
    }
    for (uint32_t i = 0; i < bought; i++) {
        hash = mix(hash, bank->solved_words + i, bank_load_u64(bought_word(bank, player, i)));
    }
    return hash;
}

void solved_set(struct bank *bank, uint32_t player, uint32_t challenge)
{
    CHECK(player < bank->players_max && challenge < bank->challenges_max);
    use_column(&bank->head->solved_words, challenge / BITS_A_WORD);
    bit_set(solved_word(bank, player, challenge / BITS_A_WORD), challenge);
}

void solved_set_hint(struct bank *bank, uint32_t player, uint32_t hint)
{
    CHECK(player < bank->players_max && hint < bank->hints_max);
    use_column(&bank->head->bought_words, hint / BITS_A_WORD);
    bit_set(bought_word(bank, player, hint / BITS_A_WORD), hint);
}
