/* SPDX-License-Identifier: MIT */
/*
 * layout.h - the plan of the shared segment: every struct in it, in order, with writer and readers.
 *
 * Read aloud it is the single-writer table of the design.  Offsets, fixed widths, fixed arrays; no
 * pointer.  Whatever changes after the first fork is _Atomic.  Two kinds of pages (segment.h): what
 * db owns is mapped read-only in workers; slots and rate limits are writable for all.
 *
 *   section          writer                          readers
 *   header           master, before the first fork   all
 *   slots            the process that owns the row   whoever renders /metrics, master, siblings
 *   rate limits      any worker, one CAS             workers
 *   board control    db                              all
 *   bank 0, bank 1   db                              all
 *   ring             db                              all
 *   revoked sessions db                              all
 *
 * Memory order  Inside a bank every store is a release and every load an acquire: a reader who has
 * seen one new word is sure to see the odd version that was stored before it (board.h).
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

#include "shm/base/compiler.h"

#define SHM_MAGIC UINT64_C(0x316d687367667463) /* "ctfgshm1", little-endian */
#define SHM_LAYOUT_VERSION 2
#define SHM_PAGE_BYTES 4096
#define SHM_BANKS 2
#define SHM_NAME_WORDS 4 /* a display name: 32 bytes with its NUL */
#define SHM_NONE UINT32_MAX

enum shm_section {
    SHM_SLOTS,
    SHM_LIMITS,
    SHM_BOARD, /* from here on: db writes, workers map read-only */
    SHM_BANK_0,
    SHM_BANK_1,
    SHM_RING,
    SHM_REVOKED,
    SHM_SECTIONS,
};

/* How many of each there can ever be.  The pages of those there are not do not exist: a memfd has
 * only the pages somebody has touched, so a game grows into its tables without a new segment. */
struct shm_sizes {
    uint32_t players_max;
    uint32_t challenges_max;
    uint32_t hints_max;
    uint32_t ring_slots;      /* a power of 2 */
    uint32_t process_slots;   /* master, db, workers */
    uint32_t address_buckets; /* a power of 2 */
    uint32_t revoked_slots;   /* a power of 2 */
    uint32_t reserved;
};
static_assert(sizeof(struct shm_sizes) == 32, "no padding");

/* Writer: master before the first fork.  Never changes after. */
struct shm_header {
    uint64_t magic;
    uint32_t layout_version;
    uint32_t header_bytes;
    uint64_t size_bytes; /* of the whole segment */
    uint64_t hash_seed;  /* for tables strangers can fill */
    uint64_t created_us; /* clock_real_us() */
    struct shm_sizes sizes;
    uint64_t offset_bytes[SHM_SECTIONS]; /* from the start of the segment, page-aligned */
    uint64_t section_bytes[SHM_SECTIONS];
};
static_assert(sizeof(struct shm_header) == 72 + 16 * SHM_SECTIONS, "no padding");
static_assert(sizeof(struct shm_header) <= SHM_PAGE_BYTES, "the header is the first page");

/* ---- board: which bank is live (writer: db) ---- */

struct shm_board_control {
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t live_bank; /* 0 or 1 */
    _Atomic uint32_t ready;                                /* 1 once a db has published a bank */
    _Atomic uint64_t session_key[4]; /* MAC key of cookies and tokens: before the first publish */
};
static_assert(sizeof(struct shm_board_control) == CACHE_LINE_BYTES, "a line of its own");

/* ---- one bank: head, players, challenges, solve bits, hint bits, ranking (writer: db) ---- */

struct shm_bank_head {
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t version; /* odd while an event is being applied */
    _Atomic uint64_t committed_seq;                      /* the last event this bank contains */
    _Atomic uint64_t last_ts_us;                         /* of that event */
    _Atomic uint64_t floor_seq;    /* events up to this one are void: the last reset */
    _Atomic uint64_t auth_epoch;   /* older cookies and tokens are dead */
    _Atomic uint64_t generation;   /* of the game this bank was built with */
    _Atomic uint32_t player_count; /* players on the board: order[0 .. player_count) */
    _Atomic uint32_t phase;        /* enum state_phase (state.h) */

    /* How far the tables are in use, since they were last cleared: what lies beyond was never
     * touched, is zero, and nobody may look there in a loop, or its pages come into being. */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint32_t players_low; /* slots [0, players_low) */
    _Atomic uint32_t players_high; /* and the last so many: users outside of the game */
    _Atomic uint32_t solved_words; /* columns of solved[], of bought[] */
    _Atomic uint32_t bought_words;
};
static_assert(sizeof(struct shm_bank_head) == 2 * CACHE_LINE_BYTES, "two lines");

enum shm_player_flags {
    SHM_PLAYER_KNOWN = 1u << 0,   /* the slot is taken */
    SHM_PLAYER_NAMED = 1u << 1,   /* has chosen a display name */
    SHM_PLAYER_IN_GAME = 1u << 2, /* is in credentials.csv: may log in */
    SHM_PLAYER_HAS_EVENT = 1u << 3,
};

struct shm_player {
    _Atomic int64_t score_points;
    _Atomic uint64_t raised_seq;   /* event that last raised the score; 0: none */
    _Atomic uint64_t raised_ts_us; /* its time */
    _Atomic uint64_t last_seq;     /* the player's newest event: head of a chain through the ring */
    _Atomic uint32_t user_id;      /* users.id */
    _Atomic uint32_t auth_epoch;   /* this player's older sessions are dead */
    _Atomic uint32_t solves;
    _Atomic uint32_t flags;                /* enum shm_player_flags */
    _Atomic uint64_t name[SHM_NAME_WORDS]; /* display name, NUL-padded */
};
static_assert(sizeof(struct shm_player) == 80, "no padding");

struct shm_challenge {
    _Atomic uint32_t id;
    _Atomic uint32_t solves;
    _Atomic uint32_t first_player; /* slot, or SHM_NONE */
    _Atomic uint32_t value_points; /* what a solve is worth now */
    _Atomic uint64_t first_seq;
    _Atomic uint64_t last_seq; /* newest solve: head of a chain through the ring */
};
static_assert(sizeof(struct shm_challenge) == 32, "no padding");

/*
 * Behind the head, each part at a multiple of 64 bytes (segment.h computes the offsets):
 *   struct shm_player      players[players_max]
 *   struct shm_challenge   challenges[challenges_max]
 *   _Atomic uint64_t       solved[solved_words][players_max]   bit c: challenge slot c is solved
 *   _Atomic uint64_t       bought[bought_words][players_max]   bit h: hint slot h is bought
 *   _Atomic uint32_t       order[players_max]                  player slots, best first
 * A column of words for every 64 challenges: those a game does not have take up no page.
 */

/* ---- ring: the last R events (writer: db) ---- */

#define RING_WORDS 7
#define RING_WRITING UINT64_MAX

struct shm_ring_head {
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t newest_seq; /* 0: empty */
    _Atomic uint64_t oldest_seq; /* nothing older was ever put in: start, reset */
};
static_assert(sizeof(struct shm_ring_head) == CACHE_LINE_BYTES, "a line of its own");

/* One committed event.  Lives until the ring laps it.  The slot of an event is seq % R. */
struct shm_ring_slot {
    _Atomic uint64_t seq;               /* event id, or RING_WRITING while words[] changes */
    _Atomic uint64_t words[RING_WORDS]; /* struct event, packed by ring.c */
};
static_assert(sizeof(struct shm_ring_slot) == CACHE_LINE_BYTES, "one event, one cache line");

/* ---- revoked sessions (writer: db): a hashed set of session ids that were logged out ---- */

struct shm_revoked_slot {
    _Atomic uint64_t session_id; /* 0: free */
    _Atomic uint64_t expires_s;  /* since 1970: free again after this */
};
static_assert(sizeof(struct shm_revoked_slot) == 16, "no padding");

/* ---- rate limits (writer: any worker, one compare-and-swap) ---- */

enum limit_kind {
    LIMIT_SUBMIT,
    LIMIT_HINT,
    LIMIT_NAME,
    LIMIT_AWARD,
    LIMIT_API,
    LIMIT_LOGIN_NAME,
    LIMIT_LOGIN_ADDRESS,
    LIMIT_KINDS,
    LIMIT_NONE = LIMIT_KINDS, /* a route without a limit */
};

/* One limit of one player or one hashed (kind, address or name or token): a GCRA word (gcra.h).
 * The section is players[players_max][LIMIT_KINDS], then buckets[address_buckets]. */
struct shm_limit {
    _Atomic uint64_t word;
};
static_assert(sizeof(struct shm_limit) == 8, "one word, one compare-and-swap");
