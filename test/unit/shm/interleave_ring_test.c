/* SPDX-License-Identifier: MIT */
/*
 * interleave_ring_test.c - every outcome of a reader beside a db that laps it, resets the ring, and
 * dies at any of its stores; on a memory as weak as the language allows (memory_model.h).
 */
#include "test/unit/shm/memory_model.h"

#include "shm/ring.h"

#include "shm/ring.c"

#define SLOTS 2 /* so that the third event laps the first */

static struct shm_ring_head head;
static struct shm_ring_slot slots[SLOTS];
static struct ring ring;

static void start(void)
{
    proc_set_role(PROC_TEST);
    model_clear();
    ring = (struct ring){.head = &head, .slots = slots, .slot_count = SLOTS};
}

/* Each word of an event tells its sequence, so that a mixture is found out. */
static struct event event_of(uint64_t seq)
{
    uint32_t low = (uint32_t)seq;

    return (struct event){
        .seq = seq,
        .ts_us = seq,
        .player = low,
        .challenge = low,
        .points = (int32_t)low,
        .hint = low,
        .prev_player_seq = seq - 1,
        .type = (uint8_t)low,
    };
}

static bool is_whole(const struct event *event, uint64_t seq)
{
    return event->seq == seq && event->ts_us == seq && event->player == seq &&
           event->challenge == seq && event->points == (int32_t)seq && event->hint == seq &&
           event->prev_player_seq == seq - 1 && event->type == seq;
}

static uint64_t committed; /* what is on disk */

static void append_next(void)
{
    committed++;
    if (committed == 3) {
        committed++; /* no event has this number */
    }
    struct event event = event_of(committed);
    ring_append(&ring, &event);
}

/* Puts in again what is on disk: the events above `from`. */
static void refill(uint64_t from)
{
    ring_reset(&ring, from);
    for (uint64_t seq = from + 1; seq <= committed; seq++) {
        struct event event = event_of(seq);

        if (seq != 3) {
            ring_append(&ring, &event);
        }
    }
}

static void first_db(void)
{
    refill(0);
    append_next(); /* 1 */
    append_next(); /* 2 */
    append_next(); /* 4 laps 2 */
}

static void successor(void)
{
    refill(committed > SLOTS ? committed - SLOTS : 0);
    append_next();
}

/* A reset of the game: everything so far is void. */
static void db_that_resets(void)
{
    first_db();
    ring_reset(&ring, committed);
    append_next(); /* 5 */
}

static uint64_t wanted;
static uint64_t broken;
static uint64_t counts[RING_FUTURE + 1];

static void reader(void)
{
    struct event event;
    enum ring_read result = ring_read_event(&ring, wanted, &event);

    counts[result]++;
    broken += result == RING_OK && !is_whole(&event, wanted);
    broken += result == RING_OK && wanted == 3;
    broken += result == RING_GAP && wanted != 3;
}

static void read_each(uint64_t last)
{
    for (wanted = 1; wanted <= last; wanted++) {
        (void)model_read_all(reader);
    }
    assert_int_equal(broken, 0);
}

static enum ring_read read_newest(uint64_t seq)
{
    uint64_t before[RING_FUTURE + 1];

    memcpy(before, counts, sizeof(before));
    wanted = seq;
    model_read_newest(reader);
    for (int result = RING_OK; result <= RING_FUTURE; result++) {
        if (counts[result] != before[result]) {
            return (enum ring_read)result;
        }
    }
    return RING_OK;
}

static void no_outcome_is_a_mixture_of_two_events(void **state)
{
    (void)state;
    start();
    committed = broken = 0;
    memset(counts, 0, sizeof(counts));
    assert_true(model_write(db_that_resets, UINT32_MAX));
    read_each(6);
    for (int result = RING_OK; result <= RING_FUTURE; result++) {
        assert_true(counts[result] > 0); /* each kind of answer was among the outcomes */
    }
    assert_int_equal(read_newest(5), RING_OK);
    assert_int_equal(read_newest(4), RING_LAPPED);
    assert_int_equal(read_newest(6), RING_FUTURE);
}

static void a_db_that_dies_at_any_store_leaves_no_mixture_and_is_succeeded(void **state)
{
    (void)state;
    bool done = false;

    for (uint32_t stores = 0; !done; stores++) {
        start();
        committed = broken = 0;
        done = model_write(first_db, stores);
        read_each(4);
        assert_true(model_write(successor, UINT32_MAX));
        read_each(committed);
        assert_int_equal(read_newest(committed), RING_OK);
        assert_int_equal(read_newest(committed + 1), RING_FUTURE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_outcome_is_a_mixture_of_two_events),
        cmocka_unit_test(a_db_that_dies_at_any_store_leaves_no_mixture_and_is_succeeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
