/* SPDX-License-Identifier: MIT */
/* apply.c - the fold: what one committed event changes on a board, and nothing else does. */
#include "shm/apply.h"

#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/rank.h"
#include "shm/solved.h"
#include "shm/state.h"

static bool player_is_known(const struct bank *bank, uint32_t player)
{
    return player < bank->players_max &&
           (bank_load_u32(&bank->players[player].flags) & SHM_PLAYER_KNOWN) != 0;
}

/* A challenge that left the game has no slot and no bit: the store's unique index keeps it single. */
static bool apply_solve(struct bank *bank, struct event *event)
{
    struct shm_player *player = &bank->players[event->player];

    if (solved_test(bank, event->player, event->challenge)) {
        return false;
    }
    if (event->challenge < bank->challenges_max) {
        struct shm_challenge *challenge = &bank->challenges[event->challenge];
        uint32_t solves = bank_load_u32(&challenge->solves) + 1;

        solved_set(bank, event->player, event->challenge);
        bank_store_u32(&challenge->solves, solves);
        if (solves == 1) {
            bank_store_u32(&challenge->first_player, event->player);
            bank_store_u64(&challenge->first_seq, event->seq);
        }
        event->place = solves;
        event->prev_challenge_seq = bank_load_u64(&challenge->last_seq);
        bank_store_u64(&challenge->last_seq, event->seq);
    }
    bank_store_u32(&player->solves, bank_load_u32(&player->solves) + 1);
    return true;
}

static bool apply_hint(struct bank *bank, const struct event *event)
{
    if (solved_hint_bought(bank, event->player, event->hint)) {
        return false;
    }
    if (event->hint < bank->hints_max) {
        solved_set_hint(bank, event->player, event->hint);
    }
    return true;
}

static bool apply_by_type(struct bank *bank, struct event *event)
{
    switch ((enum event_type)event->type) {
    case EVENT_SOLVE:
        return apply_solve(bank, event);
    case EVENT_HINT:
        return apply_hint(bank, event);
    }
    return false; /* a type of a later version: it moves the sequence, no more */
}

static void add_points(struct shm_player *player, const struct event *event)
{
    bank_store_i64(&player->score_points, bank_load_i64(&player->score_points) + event->points);
    if (event->points > 0) { /* a hint does not change when the score was reached */
        bank_store_u64(&player->raised_seq, event->seq);
        bank_store_u64(&player->raised_ts_us, event->ts_us);
    }
}

static void chain_event(struct shm_player *player, struct event *event)
{
    event->prev_player_seq = bank_load_u64(&player->last_seq);
    bank_store_u64(&player->last_seq, event->seq);
    bank_store_u32(&player->flags, bank_load_u32(&player->flags) | SHM_PLAYER_HAS_EVENT);
}

bool apply_event(struct bank *bank, struct event *event, bool rank)
{
    event->place = 0;
    event->prev_player_seq = 0;
    event->prev_challenge_seq = 0;
    if (event->seq <= state_committed_seq(bank)) {
        return false; /* this bank contains it, or a reset has made it void */
    }
    bank_store_u64(&bank->head->committed_seq, event->seq);
    if (state_last_ts_us(bank) < event->ts_us) { /* a reset may be dated later than an old row */
        bank_store_u64(&bank->head->last_ts_us, event->ts_us);
    }
    if (!player_is_known(bank, event->player) || !apply_by_type(bank, event)) {
        return false;
    }
    struct shm_player *player = &bank->players[event->player];
    uint32_t old_place = 0;
    bool moves = rank && event->points != 0;

    if (moves) {
        CHECK(rank_find_place(bank, event->player, &old_place));
    }
    add_points(player, event);
    chain_event(player, event);
    if (moves) {
        (void)rank_move_player(bank, event->player, old_place);
    }
    return true;
}
