/* SPDX-License-Identifier: MIT */
/*
 * rank.h - who stands where on the scoreboard.
 *
 * The ranking holds every player, best first: more points; then who reached them first (the lower
 * sequence of the event that last raised the score; never raised comes last); then the lower player
 * number.  Never by name.  It is derived: rank_rebuild() gives the same order from players[] alone.
 *
 * Process  db writes (rank_move_player, rank_rebuild); every process reads (rank_read_lines).
 * Owner    the segment.  Nothing here allocates or frees; no pointer outlives the mapping.
 * Order    rank_move_player() runs between board_write_begin() and board_write_end() on the live
 *          bank (version odd, then even); rank_rebuild() works on the spare bank, which nobody
 *          reads before board_publish().  rank_read_lines() copies, then compares bank and version.
 * Death    a db that dies in between leaves the version odd.  Readers keep what they had until its
 *          successor publishes the other bank: nobody waits, nobody sees half an event.
 * Units    scores in points (may be negative), sequences as event ids, places from 0 (the page adds
 *          1), players by their number in players[], not by their database id.
 * Errors   nothing is logged here; see rank_read_lines().
 * Cost     rank_find_place: O(log n).  rank_move_player: O(log n) and one store a place moved.
 *          rank_rebuild: O(n log n), in place.  rank_read_lines: one copy, no system call, no
 *          allocation.
 * Source   README.md, P3; shm/README.md, who writes what.  Reading by version: Boehm,
 *          "Can seqlocks get along with programming language memory models?", MSPC 2012.
 *          Tests: test/unit/shm/rank_test.c (order, ties), test/promise/p3_board.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h" /* MUST_USE */

struct bank;  /* shm/board.h: one of the two copies of the game sections */
struct board; /* shm/board.h: both, and which is live */

/* Copies a reader tries before it gives up: 64 pages of 100 lines are far below one tick. */
#define RANK_READ_TRIES 64

/* One line of the board, as copied out: private to the reader, never in shared memory. */
struct rank_line {
    uint64_t raised_seq; /* event that last raised the score; 0: none did */
    int64_t score_points;
    uint64_t raised_ts_us; /* its time */
    uint32_t player;
    uint32_t solves;
    uint32_t place;
    uint32_t flags; /* enum shm_player_flags */
};
static_assert(sizeof(struct rank_line) == 40, "no padding: snapshots hash lines as bytes");

/*
 * Puts one player, whose score has just changed, where it now belongs.  db only, inside
 * apply_event().  old_place is where rank_find_place() found them before the change: afterwards
 * their key no longer tells.  Returns the new place.  A player who does not stand there is a broken
 * invariant: CHECK() aborts.
 */
uint32_t rank_move_player(struct bank *live, uint32_t player, uint32_t old_place);

/* Orders everyone afresh.  db only, on the spare bank: at start, after a reset or a re-scoring. */
void rank_rebuild(struct bank *spare);

/*
 * Copies up to max_lines lines from place first into lines[].  Any process.
 *
 * true:  *ret_count lines, all from one version of the board, which contains the events up to and
 *        including *ret_seq and no others.  Fewer than max_lines means the end was reached.
 * false: the board moved under all RANK_READ_TRIES copies.  lines[] is undefined, the rest
 *        untouched; use the previous answer and try again at the next tick.
 */
MUST_USE bool rank_read_lines(const struct board *board, uint32_t first, uint32_t max_lines,
                              struct rank_line *lines, uint32_t *ret_count, uint64_t *ret_seq);

/*
 * The place of one player from 0: a binary search by their present key.  false: not on the board, or
 * torn.  Inside a cut, or on the spare bank.
 */
MUST_USE bool rank_find_place(const struct bank *bank, uint32_t player, uint32_t *ret_place);

/* One copy inside a cut that the caller opened and closes (board_read_begin/done).  Returns lines. */
uint32_t rank_copy_lines(const struct bank *bank, uint32_t first, uint32_t max_lines,
                         struct rank_line *lines);
