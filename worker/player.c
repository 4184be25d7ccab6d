/* SPDX-License-Identifier: MIT */
/* player.c - copies one player out of the board, all of one version. */
#include "worker/player.h"

#include "shm/board.h"
#include "shm/rank.h"
#include "shm/state.h"
#include "worker/context.h"

bool player_read(const struct worker *worker, uint32_t player, unsigned tries,
                 struct player_view *ret_view)
{
    for (unsigned i = 0; i < tries; i++) {
        struct board_cut cut;

        if (!board_read_begin(&worker->board, &cut)) {
            return false;
        }
        bool known = players_read(cut.bank, player, ret_view);

        if (board_read_done(&worker->board, &cut)) {
            return known;
        }
    }
    return false;
}

bool player_read_now(struct worker *worker, uint32_t player, struct player_now *ret_now)
{
    for (unsigned i = 0; i < BOARD_READ_TRIES; i++) {
        struct board_cut cut;
        struct player_now now = {0};
        uint32_t place;

        if (!board_read_begin(&worker->board, &cut)) {
            return false;
        }
        bool known = players_read(cut.bank, player, &now.view);
        /* Those who never scored stand behind all who did, listed or not: that is no place. */
        bool has_place = known && now.view.raised_seq != 0;
        now.place = has_place && rank_find_place(cut.bank, player, &place) ? place + 1 : 0;
        now.seq = state_committed_seq(cut.bank);
        if (board_read_done(&worker->board, &cut)) {
            *ret_now = now;
            return known;
        }
    }
    return false;
}

struct str player_display_name(const struct player_view *view)
{
    return (view->flags & SHM_PLAYER_NAMED) != 0 ? str_from(view->name) : (struct str){"", 0};
}
