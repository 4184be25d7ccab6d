/* SPDX-License-Identifier: MIT */
/* state.c - the words of a bank's head. */
#include "shm/state.h"

#include "shm/bank_word.h"

uint64_t state_committed_seq(const struct bank *bank)
{
    return bank_load_u64(&bank->head->committed_seq);
}

uint64_t state_last_ts_us(const struct bank *bank)
{
    return bank_load_u64(&bank->head->last_ts_us);
}

uint64_t state_floor_seq(const struct bank *bank)
{
    return bank_load_u64(&bank->head->floor_seq);
}

uint64_t state_auth_epoch(const struct bank *bank)
{
    return bank_load_u64(&bank->head->auth_epoch);
}

uint64_t state_generation(const struct bank *bank)
{
    return bank_load_u64(&bank->head->generation);
}

uint32_t state_player_count(const struct bank *bank)
{
    uint32_t count = bank_load_u32(&bank->head->player_count);

    return count < bank->players_max ? count : bank->players_max;
}

void state_set_auth_epoch(struct bank *bank, uint64_t epoch)
{
    bank_store_u64(&bank->head->auth_epoch, epoch);
}

void state_set_floor(struct bank *bank, uint64_t floor_seq, uint64_t last_ts_us)
{
    bank_store_u64(&bank->head->floor_seq, floor_seq);
    /* The reset is the last thing that happened: the sequence and the clock go on from it. */
    if (state_committed_seq(bank) < floor_seq) {
        bank_store_u64(&bank->head->committed_seq, floor_seq);
    }
    if (state_last_ts_us(bank) < last_ts_us) {
        bank_store_u64(&bank->head->last_ts_us, last_ts_us);
    }
}

void state_set_generation(struct bank *bank, uint64_t generation)
{
    bank_store_u64(&bank->head->generation, generation);
}
