/* SPDX-License-Identifier: MIT */
/*
 * ring.c - the last R events, one cache line each.
 *
 * The pairs, writer left, reader right:
 *   (A) seq = RING_WRITING, relaxed              (E) seq again, relaxed: still the wanted one?
 *   (C) each word, release             pairs with (C) each word, acquire
 *   (B) seq = the event's, release     pairs with (D) seq, acquire: the first look
 *   (F) newest_seq, release            pairs with (F) newest_seq, acquire
 *   (G) oldest_seq, release            pairs with (G) oldest_seq, acquire
 * A reader who takes a newer word at (C) finds (A), or what came after it, at (E).  (B) with (D) makes
 * a slot whole by itself; a reader who came through (F) has its words already.
 */
#include "shm/ring.h"

#include <sys/mman.h>

#include "shm/base/check.h"
#include "shm/base/proc.h"

void ring_attach(const struct segment *segment, struct ring *ret_ring)
{
    char *section = segment_section(segment, SHM_RING);

    *ret_ring = (struct ring){
        .head = (void *)section,
        .slots = (void *)(section + sizeof(struct shm_ring_head)),
        .slot_count = segment->header->sizes.ring_slots,
    };
}

static struct shm_ring_slot *slot_of(const struct ring *ring, uint64_t seq)
{
    return &ring->slots[seq & (ring->slot_count - 1)];
}

uint64_t ring_newest_seq(const struct ring *ring)
{
    /* acquire (F): every event up to this one is in its slot */
    return atomic_load_explicit(&ring->head->newest_seq, memory_order_acquire);
}

static uint64_t floor_of(const struct ring *ring)
{
    /* acquire (G): pairs with ring_reset() */
    return atomic_load_explicit(&ring->head->oldest_seq, memory_order_acquire);
}

uint64_t ring_oldest_seq(const struct ring *ring)
{
    uint64_t newest = ring_newest_seq(ring);
    uint64_t kept = newest >= ring->slot_count ? newest - ring->slot_count + 1 : 1;
    uint64_t floor = floor_of(ring);

    return floor > kept ? floor : kept;
}

static uint64_t join(uint32_t low, uint32_t high)
{
    return low | (uint64_t)high << 32;
}

static uint32_t low_half(uint64_t word)
{
    return (uint32_t)(word & UINT32_MAX);
}

static uint32_t high_half(uint64_t word)
{
    return (uint32_t)(word >> 32);
}

/* How far back the previous event lies; 0: there is none, or it is out of a field's reach. */
static uint32_t distance(uint64_t seq, uint64_t previous)
{
    return previous != 0 && previous < seq && seq - previous <= UINT32_MAX
               ? (uint32_t)(seq - previous)
               : 0;
}

static uint64_t back(uint64_t seq, uint32_t steps)
{
    return steps != 0 && steps < seq ? seq - steps : 0;
}

static void event_pack(const struct event *event, uint64_t words[RING_WORDS])
{
    uint32_t kind = event->type | (uint32_t)event->version << 8 | (uint32_t)event->flags << 16;

    words[0] = event->ts_us;
    words[1] = join(event->player, event->user_id);
    words[2] = join(event->challenge, event->challenge_id);
    words[3] = join((uint32_t)event->points, event->place);
    words[4] = join(event->hint, event->hint_id);
    words[5] = join(distance(event->seq, event->prev_player_seq),
                    distance(event->seq, event->prev_challenge_seq));
    words[6] = join(kind, 0);
}

static struct event event_unpack(uint64_t seq, const uint64_t words[RING_WORDS])
{
    uint32_t kind = low_half(words[6]);

    return (struct event){
        .seq = seq,
        .ts_us = words[0],
        .player = low_half(words[1]),
        .user_id = high_half(words[1]),
        .challenge = low_half(words[2]),
        .challenge_id = high_half(words[2]),
        .points = (int32_t)low_half(words[3]),
        .place = high_half(words[3]),
        .hint = low_half(words[4]),
        .hint_id = high_half(words[4]),
        .prev_player_seq = back(seq, low_half(words[5])),
        .prev_challenge_seq = back(seq, high_half(words[5])),
        .type = (uint8_t)(kind & UINT8_MAX),
        .version = (uint8_t)(kind >> 8 & UINT8_MAX),
        .flags = (uint16_t)(kind >> 16),
    };
}

/* The wanted id is between oldest and newest, and its slot holds `found` instead. */
static enum ring_read judge_other(uint64_t found, uint64_t wanted)
{
    /* Newer, or a newer one being written (RING_WRITING is above all): it has been overwritten.
     * Older: all events up to the newest are in their slots, so no event has this id. */
    return found > wanted ? RING_LAPPED : RING_GAP;
}

enum ring_read ring_read_event(const struct ring *ring, uint64_t seq, struct event *ret_event)
{
    uint64_t words[RING_WORDS];

    if (seq > ring_newest_seq(ring)) {
        return RING_FUTURE;
    }
    if (seq < ring_oldest_seq(ring)) {
        return RING_LAPPED;
    }
    struct shm_ring_slot *slot = slot_of(ring, seq);
    /* acquire (D): who sees this number sees its words; pairs with (B) */
    uint64_t found = atomic_load_explicit(&slot->seq, memory_order_acquire);

    if (found != seq) {
        return judge_other(found, seq);
    }
    for (int i = 0; i < RING_WORDS; i++) {
        /* acquire (C): a newer word brings its (A) along, for (E) to find */
        words[i] = atomic_load_explicit(&slot->words[i], memory_order_acquire);
    }
    /* relaxed (E): the acquires before it keep it behind them */
    if (atomic_load_explicit(&slot->seq, memory_order_relaxed) != seq) {
        return RING_LAPPED;
    }
    *ret_event = event_unpack(seq, words);
    return RING_OK;
}

static void assert_writer(void)
{
    CHECK(proc_role() == PROC_DB || proc_role() == PROC_TOOL || proc_role() == PROC_TEST);
}

void ring_append(struct ring *ring, const struct event *event)
{
    uint64_t words[RING_WORDS];
    struct shm_ring_slot *slot = slot_of(ring, event->seq);

    assert_writer();
    CHECK(event->seq > ring_newest_seq(ring) && event->seq < RING_WRITING);
    event_pack(event, words);
    /* relaxed (A): each release (C) carries it to who reads a new word, and to (E) */
    atomic_store_explicit(&slot->seq, RING_WRITING, memory_order_relaxed);
    for (int i = 0; i < RING_WORDS; i++) {
        /* release (C): who acquires this word finds (A) at (E) */
        atomic_store_explicit(&slot->words[i], words[i], memory_order_release);
    }
    /* release (B): who sees this number sees its words; pairs with (D) */
    atomic_store_explicit(&slot->seq, event->seq, memory_order_release);
    /* release (F): who sees this number finds the slot filled; pairs with ring_newest_seq() */
    atomic_store_explicit(&ring->head->newest_seq, event->seq, memory_order_release);
}

void ring_take_memory(const struct ring *ring)
{
    uintptr_t page = (uintptr_t)ring->slots / SHM_PAGE_BYTES * SHM_PAGE_BYTES;
    size_t len = (uintptr_t)ring->slots + ring->slot_count * sizeof(*ring->slots) - page;

    assert_writer();
    (void)madvise((void *)page, len, MADV_POPULATE_WRITE); /* before Linux 5.14: page by page */
}

void ring_reset(struct ring *ring, uint64_t floor_seq)
{
    assert_writer();
    /* release (G): before (F), so that who sees the ring empty also sees from where on */
    atomic_store_explicit(&ring->head->oldest_seq, floor_seq + 1, memory_order_release);
    /* release (F): pairs with ring_newest_seq() */
    atomic_store_explicit(&ring->head->newest_seq, floor_seq, memory_order_release);
}
