/* SPDX-License-Identifier: MIT */
/* mirror.c - keeps a private copy of the board current by reading what events have touched. */
#include "worker/mirror.h"

#include <stdlib.h>

#include "shm/base/clock.h"
#include "shm/board.h"
#include "shm/rank.h"
#include "shm/ring.h"
#include "shm/state.h"

/* Cuts tried for one refresh: each takes some 20 us for 20,000 players, so all stay near 1 ms. */
#define REFRESH_TRIES 64
/* Rows copied in one cut: some microseconds, far below the time between two events. */
#define ROWS_A_CUT 64
/* Beyond it reading everything anew is cheaper than reading event by event. */
#define EVENTS_A_REFRESH_MAX 4096
/* One event, one step of the version: odd, then even (board.h). */
#define VERSION_STEP 2

struct mirror *mirror_new(const struct board *board, const struct ring *ring)
{
    struct mirror *mirror = calloc(1, sizeof(*mirror));

    if (mirror == NULL) {
        return NULL;
    }
    mirror->board = board;
    mirror->ring = ring;
    mirror->players_max = board->banks[0].players_max;
    mirror->span.high_begin = mirror->players_max;
    mirror->order = calloc((size_t)mirror->players_max + 1, sizeof(*mirror->order));
    mirror->players = calloc((size_t)mirror->players_max + 1, sizeof(*mirror->players));
    mirror->read_in = calloc((size_t)mirror->players_max + 1, sizeof(*mirror->read_in));
    if (mirror->order == NULL || mirror->players == NULL || mirror->read_in == NULL) {
        mirror_free(mirror);
        return NULL;
    }
    return mirror;
}

void mirror_free(struct mirror *mirror)
{
    if (mirror != NULL) {
        free(mirror->order);
        free(mirror->players);
        free(mirror->read_in);
        free(mirror);
    }
}

static void read_row(struct mirror *mirror, const struct bank *bank, uint32_t player)
{
    if (!players_read(bank, player, &mirror->players[player])) {
        mirror->players[player] = (struct player_view){0};
    }
    mirror->read_in[player] = mirror->refresh;
}

/* Rows of the span from first on.  *ret_next: where the next cut begins. */
static bool copy_some_rows(struct mirror *mirror, uint32_t first, uint32_t *ret_next)
{
    for (int attempt = 0; attempt < REFRESH_TRIES; attempt++) {
        struct board_cut cut;

        if (!board_read_begin(mirror->board, &cut) || cut.bank != mirror->bank) {
            return false;
        }
        uint32_t at = first;

        for (uint32_t i = 0; i < ROWS_A_CUT && at < mirror->players_max; i++) {
            read_row(mirror, cut.bank, at);
            at = bank_span_next(&mirror->span, at + 1);
        }
        if (board_read_done(mirror->board, &cut)) {
            *ret_next = at;
            return true;
        }
    }
    return false;
}

/* It only grows: a row whose player is gone is read, and found empty. */
static void widen(struct bank_span *span, struct bank_span other)
{
    if (span->low_end < other.low_end) {
        span->low_end = other.low_end;
    }
    if (span->high_begin > other.high_begin) {
        span->high_begin = other.high_begin;
    }
}

/* The cut that a copy of everything begins at: what happens meanwhile is read again afterwards. */
static bool begin_at(struct mirror *mirror)
{
    for (int attempt = 0; attempt < REFRESH_TRIES; attempt++) {
        struct board_cut cut;

        if (!board_read_begin(mirror->board, &cut)) {
            return false;
        }
        mirror->bank = cut.bank;
        mirror->version = cut.version;
        mirror->seq = state_committed_seq(cut.bank);
        mirror->floor_seq = state_floor_seq(cut.bank);
        struct bank_span span = bank_span(cut.bank);

        if (board_read_done(mirror->board, &cut)) {
            widen(&mirror->span, span);
            return true;
        }
    }
    return false;
}

/* Rows are each whole afterwards, but of several moments since mirror->seq. */
static enum mirror_status copy_rows(struct mirror *mirror, uint64_t until_us)
{
    bool whole = mirror->is_copying || begin_at(mirror);

    if (!mirror->is_copying) {
        mirror->is_copying = true;
        mirror->copied_rows = bank_span_next(&mirror->span, 0);
        mirror->names_stale = false;
    }
    while (whole && mirror->copied_rows < mirror->players_max) {
        whole = copy_some_rows(mirror, mirror->copied_rows, &mirror->copied_rows);
        if (whole && mirror->copied_rows < mirror->players_max && clock_mono_us() >= until_us) {
            return MIRROR_COPYING;
        }
    }
    mirror->is_copying = false;
    if (!whole) {
        mirror->bank = NULL; /* all of it again next time */
    }
    return whole ? MIRROR_WHOLE : MIRROR_TORN;
}

enum catch_up { CAUGHT_UP, TRY_AGAIN, COPY_ANEW };

/* Reads again the rows that the events after mirror->seq have touched, up to and including seq. */
static enum catch_up read_touched(struct mirror *mirror, const struct bank *bank, uint64_t seq,
                                  uint64_t *ret_events)
{
    *ret_events = 0;
    if (seq < mirror->seq || seq - mirror->seq > EVENTS_A_REFRESH_MAX) {
        return COPY_ANEW;
    }
    for (uint64_t at = mirror->seq + 1; at <= seq; at++) {
        struct event event;

        switch (ring_read_event(mirror->ring, at, &event)) {
        case RING_OK:
            *ret_events += 1;
            if (event.player < mirror->players_max) {
                read_row(mirror, bank, event.player);
            }
            break;
        case RING_GAP:
            break;
        case RING_LAPPED:
            return COPY_ANEW;
        case RING_FUTURE:
            return TRY_AGAIN; /* on the board, not yet in the ring: a moment */
        }
    }
    return CAUGHT_UP;
}

static void copy_order(struct mirror *mirror, const struct bank *bank)
{
    struct rank_line lines[ROWS_A_CUT];
    uint32_t count = 0;
    uint32_t copied;

    do {
        copied = rank_copy_lines(bank, count, ROWS_A_CUT, lines);
        for (uint32_t i = 0; i < copied && count < mirror->players_max; i++) {
            mirror->order[count++] = lines[i].player;
        }
    } while (copied == ROWS_A_CUT && count < mirror->players_max);
    mirror->player_count = count;
}

/* One cut.  Anything but CAUGHT_UP leaves seq and version alone: the next try reads at least as
 * much again.  just_copied: rows are fresh, and a copy of everything would gain nothing. */
static enum catch_up try_cut(struct mirror *mirror, bool just_copied)
{
    struct board_cut cut;
    uint64_t events;

    if (!board_read_begin(mirror->board, &cut) || cut.bank != mirror->bank) {
        return COPY_ANEW;
    }
    if (cut.version == mirror->version && !just_copied) {
        return CAUGHT_UP;
    }
    uint64_t seq = state_committed_seq(cut.bank);
    uint64_t last_ts_us = state_last_ts_us(cut.bank);
    uint64_t floor_seq = state_floor_seq(cut.bank);
    enum catch_up status = read_touched(mirror, cut.bank, seq, &events);

    copy_order(mirror, cut.bank);
    if (!board_read_done(mirror->board, &cut) || status == TRY_AGAIN) {
        return TRY_AGAIN;
    }
    /* More steps than events: a name, an epoch, or the game anew. */
    bool other_steps = cut.version - mirror->version != events * VERSION_STEP;

    if (floor_seq != mirror->floor_seq || (other_steps && !just_copied)) {
        return COPY_ANEW;
    }
    if (status == CAUGHT_UP) {
        mirror->seq = seq;
        mirror->last_ts_us = last_ts_us;
        mirror->version = cut.version;
        mirror->names_stale = mirror->names_stale || other_steps;
    }
    return status;
}

enum mirror_status mirror_refresh(struct mirror *mirror, uint64_t until_us)
{
    bool just_copied = false;

    mirror->refresh++;
    for (int attempt = 0; attempt < REFRESH_TRIES; attempt++) {
        bool copy =
            mirror->bank == NULL || mirror->is_copying || (mirror->names_stale && !just_copied);
        enum catch_up status = copy ? COPY_ANEW : try_cut(mirror, just_copied);

        if (status == CAUGHT_UP) {
            return MIRROR_WHOLE;
        }
        if (status == TRY_AGAIN) {
            continue;
        }
        if (just_copied) {
            break; /* it does not hold still: earlier answers stand */
        }
        enum mirror_status copied = copy_rows(mirror, until_us);

        if (copied != MIRROR_WHOLE) {
            return copied;
        }
        just_copied = true;
    }
    return MIRROR_TORN;
}

bool mirror_is_listed(const struct player_view *view)
{
    return (view->flags & (SHM_PLAYER_NAMED | SHM_PLAYER_HAS_EVENT)) != 0;
}
