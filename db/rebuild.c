/* SPDX-License-Identifier: MIT */
/* rebuild.c - apply_event() in a loop, and what the loop needs around it. */

#include "db/rebuild.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "conf/game.h"
#include "shm/apply.h"
#include "shm/base/check.h"
#include "shm/challenges.h"
#include "shm/layout.h"
#include "shm/rank.h"
#include "shm/score.h"
#include "shm/slots.h"
#include "shm/state.h"

#define HUGE_PAGE_BYTES (2u << 20)

struct fold {
    struct rebuild *rebuild;
    struct bank *bank;
    uint64_t log_newest; /* the last id there is */
};

struct event rebuild_event_of_row(const struct game *game, const struct roster_user *user,
                                  const struct store_event *row)
{
    const struct game_challenge *challenge = game_find_challenge(game, (uint32_t)row->challenge_id);
    const struct game_hint *hint =
        challenge == NULL || row->hint_id == 0 ? NULL : game_find_hint(challenge, row->hint_id);

    return (struct event){
        .seq = row->id,
        .ts_us = row->ts_us,
        .player = user->slot,
        .user_id = user->id,
        .challenge = challenge == NULL ? SHM_NONE : challenge->slot,
        .challenge_id = (uint32_t)row->challenge_id,
        .points = (int32_t)row->points,
        .hint_id = row->hint_id,
        .hint = hint == NULL ? SHM_NONE : hint->slot,
        .type = row->type,
        .version = EVENT_VERSION,
        .flags = row->flags,
    };
}

/* The user's row on the spare bank; a stranger takes theirs with the first event. */
static const struct roster_user *player_of_row(struct fold *fold, const struct store_event *row)
{
    struct roster *roster = &fold->rebuild->roster;
    struct roster_user *user = roster_with_slot(roster, (uint32_t)row->user_id);

    if (user->slot == GAME_SLOT_NONE) {
        fold->rebuild->without_slot++;
    } else if (!user->in_game) {
        struct player_view view;

        if (!players_read(fold->bank, user->slot, &view)) {
            players_put(fold->bank, user->slot, user->id, user->auth_epoch, SHM_PLAYER_KNOWN,
                        user->name);
            if (fold->rebuild->keep_order) {
                rank_rebuild(fold->bank);
            }
        }
    }
    return user;
}

/* Of a million events only the last thousands are kept for the ring and for receipts. */
static bool is_among_last(const struct fold *fold, uint64_t seq, uint32_t count)
{
    return seq + count > fold->log_newest;
}

static void remember(struct fold *fold, const struct store_event *row, const struct event *event)
{
    struct receipt receipt = {
        .request_id = row->request_id,
        .seq = event->seq,
        .ts_us = event->ts_us,
        .total_points = players_score(fold->bank, event->player),
        .points = event->points,
        .place = event->place,
    };

    recent_add(&fold->rebuild->recent, &receipt);
}

static bool fold_event(void *context, const struct store_event *row)
{
    struct fold *fold = context;
    struct rebuild *rebuild = fold->rebuild;

    if (rebuild->end_seq != 0 && row->id >= rebuild->end_seq) {
        return false;
    }
    struct event event = rebuild_event_of_row(rebuild->game, player_of_row(fold, row), row);

    (void)apply_event(fold->bank, &event, rebuild->keep_order);
    rebuild->newest_seq = event.seq;
    if (rebuild->last_ts_us < event.ts_us) {
        rebuild->last_ts_us = event.ts_us;
    }
    rebuild->events++;
    if (rebuild->tail != NULL && is_among_last(fold, event.seq, rebuild->ring_slots)) {
        rebuild->tail[rebuild->tail_count++ % rebuild->ring_slots] = event;
    }
    if (is_among_last(fold, event.seq, RECENT_MAX)) {
        remember(fold, row, &event);
    }
    return true;
}

static void put_game(const struct rebuild *rebuild, struct bank *bank)
{
    const struct game *game = rebuild->game;

    state_set_generation(bank, game->generation);
    state_set_auth_epoch(bank, rebuild->meta.auth_epoch);
    state_set_floor(bank, rebuild->meta.floor_seq, rebuild->meta.last_ts_us);
    for (uint32_t i = 0; i < game->challenge_count; i++) {
        const struct game_challenge *challenge = &game->challenges[i];

        challenges_put(bank, challenge->slot, challenge->id, score_value(challenge->points, 0));
    }
    for (uint32_t i = 0; i < rebuild->roster.count; i++) {
        const struct roster_user *user = &rebuild->roster.users[i];

        if (user->in_game) {
            players_put(bank, user->slot, user->id, user->auth_epoch,
                        SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME, user->name);
        }
    }
}

/* In huge pages where the kernel has them: four thousand faults less. */
static void make_tail(struct rebuild *rebuild)
{
    size_t bytes = rebuild->ring_slots * sizeof(*rebuild->tail);

    rebuild->tail = calloc(rebuild->ring_slots, sizeof(*rebuild->tail));
    CHECK(rebuild->tail != NULL);
    uintptr_t page =
        ((uintptr_t)rebuild->tail + SHM_PAGE_BYTES - 1) / SHM_PAGE_BYTES * SHM_PAGE_BYTES;

    if (bytes > HUGE_PAGE_BYTES) {
        (void)madvise((void *)page, bytes - SHM_PAGE_BYTES, MADV_HUGEPAGE);
    }
}

enum store_status rebuild_run(struct rebuild *rebuild)
{
    const struct bank *any = &rebuild->board->banks[0];
    enum store_status status = store_read_meta(rebuild->store, &rebuild->meta);

    if (status == STORE_OK) {
        status = roster_load(&rebuild->roster, rebuild->store, rebuild->game, rebuild->board,
                             any->players_max, rebuild->add_missing);
    }
    uint64_t log_newest = 0;
    uint64_t log_newest_ts_us = 0;

    if (status == STORE_OK) {
        status = store_newest(rebuild->store, &log_newest, &log_newest_ts_us);
    }
    if (status != STORE_OK) {
        roster_free(&rebuild->roster);
        return status;
    }
    recent_init(&rebuild->recent);
    if (rebuild->ring_slots != 0) {
        make_tail(rebuild);
    }
    struct fold fold = {
        .rebuild = rebuild, .bank = board_spare_clear(rebuild->board), .log_newest = log_newest};

    rebuild->newest_seq = rebuild->meta.floor_seq;
    rebuild->last_ts_us = rebuild->meta.last_ts_us;
    put_game(rebuild, fold.bank);
    rank_rebuild(fold.bank);
    status = store_each_event(rebuild->store, rebuild->meta.floor_seq, fold_event, &fold);
    if (status == STORE_OK && !rebuild->keep_order) {
        rank_rebuild(fold.bank);
    }
    if (status != STORE_OK) {
        rebuild_free(rebuild);
    }
    return status;
}

/* Events of a challenge that was not in the game have no place in the ring, and lead to none before
 * them.  It may have come back: then its last solve is not the one there that the board now counts. */
static bool ring_has_places(const struct rebuild *rebuild, const struct ring *ring)
{
    const struct game *game = rebuild->game;
    const struct bank *bank = board_live(rebuild->board);

    for (uint32_t i = 0; i < game->challenge_count; i++) {
        struct challenge_view view;
        struct event event;

        if (challenges_read(bank, game->challenges[i].slot, &view) && view.last_seq != 0 &&
            ring_read_event(ring, view.last_seq, &event) == RING_OK && event.place != view.solves) {
            return false;
        }
    }
    return true;
}

/* The ring outlives a dead db.  Is what it holds the beginning of what the log holds? */
static bool ring_agrees(const struct rebuild *rebuild, const struct ring *ring)
{
    uint64_t newest = ring_newest_seq(ring);
    uint64_t kept =
        rebuild->tail_count < rebuild->ring_slots ? rebuild->tail_count : rebuild->ring_slots;
    struct event event;

    if (rebuild->roster.slots_moved || newest == 0 || newest > rebuild->newest_seq || kept == 0 ||
        !ring_has_places(rebuild, ring)) {
        return false;
    }
    for (uint64_t i = rebuild->tail_count - kept; i < rebuild->tail_count; i++) {
        const struct event *row = &rebuild->tail[i % rebuild->ring_slots];

        if (row->seq == newest) {
            return ring_read_event(ring, newest, &event) == RING_OK && event.ts_us == row->ts_us &&
                   event.user_id == row->user_id && event.challenge_id == row->challenge_id;
        }
    }
    return false;
}

void rebuild_count_event(const struct event *event)
{
    slots_add(event->type == EVENT_SOLVE ? METRIC_SOLVES : METRIC_HINTS, 1);
    if ((event->flags & EVENT_FROM_AWARD) != 0) {
        slots_add(METRIC_AWARDS, 1);
    }
}

void rebuild_publish(struct rebuild *rebuild, struct ring *ring)
{
    uint64_t kept =
        rebuild->tail_count < rebuild->ring_slots ? rebuild->tail_count : rebuild->ring_slots;

    /* A first board shows events of earlier servers: those count for nobody. */
    uint64_t counted_seq = board_is_ready(rebuild->board)
                               ? state_committed_seq(board_live(rebuild->board))
                               : UINT64_MAX;

    CHECK(kept == 0 || rebuild->tail != NULL);
    board_publish(rebuild->board);
    if (!ring_agrees(rebuild, ring)) {
        const struct event *oldest =
            kept == 0 ? NULL : &rebuild->tail[(rebuild->tail_count - kept) % rebuild->ring_slots];

        ring_reset(ring, oldest == NULL ? rebuild->newest_seq : oldest->seq - 1);
    }
    if (kept == ring->slot_count) {
        ring_take_memory(ring);
    }
    for (uint64_t i = rebuild->tail_count - kept; i < rebuild->tail_count; i++) {
        const struct event *event = &rebuild->tail[i % rebuild->ring_slots];

        if (event->seq > ring_newest_seq(ring)) {
            ring_append(ring, event);
        }
        if (event->seq > counted_seq) {
            rebuild_count_event(event);
        }
    }
    free(rebuild->tail);
    rebuild->tail = NULL;
}

void rebuild_free(struct rebuild *rebuild)
{
    roster_free(&rebuild->roster);
    recent_free(&rebuild->recent);
    free(rebuild->tail);
    rebuild->tail = NULL;
}
