/* SPDX-License-Identifier: MIT */
/*
 * board.h - two banks of the game's tables and which of them is live.
 *
 * One version for all tables of a bank, so every snapshot is one cut through all of them.
 *
 *     struct board_cut cut;
 *     do {
 *         if (!board_read_begin(&board, &cut)) { ... keep the last good answer ... }
 *         ... copy what you need from cut.bank with the readers of players.h, rank.h, ... ...
 *     } while (!board_read_done(&board, &cut) && ...a bound...);
 *
 * Single words (is this challenge solved, what is the score) may be read from board_live() without
 * a cut: each is whole by itself.
 *
 * Process  db: board_write_*, board_spare, board_publish.  Any: the rest.
 * Order    write_begin stores an odd version (relaxed; the release stores of the tables that follow
 *          carry it), write_end stores the even one (release), read_begin loads it (acquire), the
 *          tables' loads are acquires, read_done loads it again (relaxed).  Boehm, "Can seqlocks get
 *          along with programming language memory models?", MSPC 2012.
 * Death    a db that dies in between leaves the live version odd: read_begin gives up after
 *          BOARD_READ_TRIES or BOARD_YIELD_MAX_US and returns false until the successor publishes
 *          the other bank.  A thread waits once for a version: it remembers the one it has given up
 *          on, and looks at that once from then on.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/layout.h"
#include "shm/segment.h"

/* Looks at an odd version: the first half with a pause in between, some ten microseconds and longer
 * than an event takes; the rest give the CPU away, for the kernel may have stopped db in the middle. */
#define BOARD_READ_TRIES 512
#define BOARD_YIELD_MAX_US 5000 /* no loop may rest longer: db is gone, or might as well be */

/* One bank, as pointers into this process's mapping.  Readers use it as if it were const. */
struct bank {
    struct shm_bank_head *head;
    struct shm_player *players;
    struct shm_challenge *challenges;
    _Atomic uint64_t *solved;
    _Atomic uint64_t *bought;
    _Atomic uint32_t *order;
    uint32_t solved_words;
    uint32_t bought_words;
    uint32_t players_max;
    uint32_t challenges_max;
    uint32_t hints_max;
};

/* All of it for one process: made once after the segment is mapped. */
struct board {
    struct shm_board_control *control;
    struct bank banks[SHM_BANKS];
};

struct board_cut {
    const struct bank *bank;
    uint64_t version;
};

/* Which player slots of a bank may hold somebody: [0, low_end) and [high_begin, players_max).
 *
 *     for (uint32_t slot = bank_span_next(&span, 0); slot < bank->players_max;
 *          slot = bank_span_next(&span, slot + 1)) */
struct bank_span {
    uint32_t low_end;
    uint32_t high_begin;
};

/* Any process. */
void board_attach(const struct segment *segment, struct board *ret_board);
/* False until a db has published for the first time. */
bool board_is_ready(const struct board *board);
struct bank_span bank_span(const struct bank *bank);
static inline uint32_t bank_span_next(const struct bank_span *span, uint32_t slot)
{
    return slot >= span->low_end && slot < span->high_begin ? span->high_begin : slot;
}
const struct bank *board_live(const struct board *board);
MUST_USE bool board_read_begin(const struct board *board, struct board_cut *ret_cut);
/* True: all that was read since begin belongs to one version. */
MUST_USE bool board_read_done(const struct board *board, const struct board_cut *cut);

/* The MAC key of cookies and tokens; valid once the board is ready. */
void board_session_key(const struct board *board, uint8_t ret_key[32]);

/* db only. */
void board_set_session_key(struct board *board, const uint8_t key[32]);
struct bank *board_write_begin(struct board *board); /* the live bank, version odd */
void board_write_end(struct board *board);
/* The bank nobody reads, zeroed, ready to be built. */
struct bank *board_spare_clear(struct board *board);
/* From now on the slot lies in the bank's span; before anything is stored in it. */
void bank_use_slot(struct bank *spare, uint32_t slot);
/* Makes the spare bank live by one store.  Its version goes on from the live one's. */
void board_publish(struct board *board);
