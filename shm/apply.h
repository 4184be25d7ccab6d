/* SPDX-License-Identifier: MIT */
/*
 * apply.h - THE fold: (board, event) -> board.  For db alone, live, in a rebuild, in `ctfg check`.
 */
#pragma once

#include <stdbool.h>

#include "shm/board.h"
#include "shm/event.h"

/*
 * Applies one event to a bank: score, bits, counts, first solver, ranking, committed sequence.
 * Fills in event->place, prev_player_seq and prev_challenge_seq.
 *
 * live: between board_write_begin() and board_write_end().  During a rebuild (spare bank) pass
 * rank = false and call rank_rebuild() once at the end.
 * An event whose player has no slot, or that would count twice, changes only the sequence: false.
 */
bool apply_event(struct bank *bank, struct event *event, bool rank);
