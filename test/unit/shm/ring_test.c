/* SPDX-License-Identifier: MIT */
/* ring_test.c - the last R events: what is read, what is gone, what was never there. */
#include "test/unit/shm/fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "shm/base/clock.h"
#include "shm/ring.h"

#define RING_SLOTS 64 /* fixture_sizes */

struct ring_fixture {
    struct fixture fixture;
    struct ring ring;
};

static void start(struct ring_fixture *at)
{
    fixture_make(&at->fixture, &fixture_sizes);
    ring_attach(&at->fixture.segment, &at->ring);
    assert_int_equal(at->ring.slot_count, RING_SLOTS);
}

/* Every field follows from the sequence, so that any mixture of two events is found out. */
static struct event event_of(uint64_t seq)
{
    uint32_t low = (uint32_t)seq;

    return (struct event){
        .seq = seq,
        .ts_us = seq * UINT64_C(1000003),
        .player = low * 3,
        .user_id = low * 5,
        .challenge = low * 7,
        .challenge_id = low * 11,
        .points = -(int32_t)(low * 13 % 100000),
        .hint_id = low * 17,
        .hint = low * 19,
        .type = EVENT_HINT,
        .version = EVENT_VERSION,
        .flags = (uint16_t)(low & 1),
        .place = low * 23,
        .prev_player_seq = seq > 3 ? seq - 3 : 0,
        .prev_challenge_seq = seq > 9 ? seq - 9 : 0,
    };
}

static bool events_equal(const struct event *a, const struct event *b)
{
    return a->seq == b->seq && a->ts_us == b->ts_us && a->player == b->player &&
           a->user_id == b->user_id && a->challenge == b->challenge &&
           a->challenge_id == b->challenge_id && a->points == b->points &&
           a->hint_id == b->hint_id && a->hint == b->hint && a->type == b->type &&
           a->version == b->version && a->flags == b->flags && a->place == b->place &&
           a->prev_player_seq == b->prev_player_seq &&
           a->prev_challenge_seq == b->prev_challenge_seq;
}

static void append(struct ring *ring, uint64_t seq)
{
    struct event event = event_of(seq);

    ring_append(ring, &event);
}

static void assert_reads(const struct ring *ring, uint64_t seq)
{
    struct event wanted = event_of(seq);
    struct event event;

    assert_int_equal(ring_read_event(ring, seq, &event), RING_OK);
    assert_true(events_equal(&event, &wanted));
}

static void an_event_comes_out_as_it_went_in(void **state)
{
    (void)state;
    struct ring_fixture at;

    start(&at);
    for (uint64_t seq = 1; seq <= 500; seq++) {
        append(&at.ring, seq);
        assert_int_equal(ring_newest_seq(&at.ring), seq);
        assert_reads(&at.ring, seq);
    }
    for (uint64_t seq = ring_oldest_seq(&at.ring); seq <= 500; seq++) {
        assert_reads(&at.ring, seq);
    }
    assert_int_equal(ring_oldest_seq(&at.ring), 500 - RING_SLOTS + 1);
    fixture_end(&at.fixture);
}

static void extreme_values_come_out_as_they_went_in(void **state)
{
    (void)state;
    struct ring_fixture at;
    struct event event;
    struct event extreme = {
        .seq = UINT64_C(1) << 60,
        .ts_us = UINT64_MAX,
        .player = SHM_NONE,
        .user_id = UINT32_MAX,
        .challenge = SHM_NONE,
        .challenge_id = UINT32_MAX,
        .points = INT32_MIN,
        .hint_id = UINT32_MAX,
        .hint = SHM_NONE,
        .type = UINT8_MAX,
        .version = UINT8_MAX,
        .flags = UINT16_MAX,
        .place = UINT32_MAX,
        .prev_player_seq = (UINT64_C(1) << 60) - UINT32_MAX,
        .prev_challenge_seq = 1, /* out of its field's reach */
    };

    start(&at);
    ring_append(&at.ring, &extreme);
    assert_int_equal(ring_read_event(&at.ring, extreme.seq, &event), RING_OK);
    extreme.prev_challenge_seq = 0;
    assert_true(events_equal(&event, &extreme));
    fixture_end(&at.fixture);
}

static void gaps_lapped_and_future_events_are_told_apart(void **state)
{
    (void)state;
    struct ring_fixture at;
    struct event event;

    start(&at);
    assert_int_equal(ring_read_event(&at.ring, 1, &event), RING_FUTURE);
    assert_int_equal(ring_read_event(&at.ring, 0, &event), RING_LAPPED);
    append(&at.ring, 1);
    append(&at.ring, 2);
    append(&at.ring, 5);
    assert_int_equal(ring_read_event(&at.ring, 3, &event), RING_GAP);
    assert_int_equal(ring_read_event(&at.ring, 4, &event), RING_GAP);
    assert_int_equal(ring_read_event(&at.ring, 6, &event), RING_FUTURE);
    assert_int_equal(ring_read_event(&at.ring, UINT64_MAX, &event), RING_FUTURE);
    assert_reads(&at.ring, 1);
    append(&at.ring, 1 + RING_SLOTS);
    assert_int_equal(ring_read_event(&at.ring, 1, &event), RING_LAPPED);
    assert_reads(&at.ring, 2);
    append(&at.ring, 1000); /* a leap: nothing before it but its own lap is left */
    assert_int_equal(ring_read_event(&at.ring, 5, &event), RING_LAPPED);
    assert_int_equal(ring_read_event(&at.ring, 999, &event), RING_GAP);
    assert_reads(&at.ring, 1000);
    fixture_end(&at.fixture);
}

static void a_reset_forgets_and_goes_on_above(void **state)
{
    (void)state;
    struct ring_fixture at;
    struct event event;

    start(&at);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        append(&at.ring, seq);
    }
    ring_reset(&at.ring, 10);
    assert_int_equal(ring_newest_seq(&at.ring), 10);
    assert_int_equal(ring_oldest_seq(&at.ring), 11);
    for (uint64_t seq = 0; seq <= 10; seq++) {
        assert_int_equal(ring_read_event(&at.ring, seq, &event), RING_LAPPED);
    }
    append(&at.ring, 12);
    assert_int_equal(ring_read_event(&at.ring, 11, &event), RING_GAP);
    assert_reads(&at.ring, 12);
    fixture_end(&at.fixture);
}

static void a_successor_refills_what_its_predecessor_left(void **state)
{
    (void)state;
    struct ring_fixture at;
    struct event event;

    start(&at);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        append(&at.ring, seq);
    }
    /* The predecessor died while it wrote event 101. */
    atomic_store_explicit(&at.ring.slots[101 % RING_SLOTS].seq, RING_WRITING, memory_order_relaxed);
    assert_int_equal(ring_read_event(&at.ring, 101 - RING_SLOTS, &event), RING_LAPPED);
    ring_reset(&at.ring, 60);
    assert_int_equal(ring_read_event(&at.ring, 100, &event), RING_FUTURE);
    for (uint64_t seq = 61; seq <= 101; seq++) {
        append(&at.ring, seq);
    }
    assert_int_equal(ring_read_event(&at.ring, 60, &event), RING_LAPPED);
    for (uint64_t seq = 61; seq <= 101; seq++) {
        assert_reads(&at.ring, seq);
    }
    fixture_end(&at.fixture);
}

/* ---- a reader that is lapped again and again ---- */

#define RACE_READS 20000
#define RACE_SECONDS 60

struct race {
    struct ring_fixture at;
    _Atomic bool stop;
};

static void *append_until_stopped(void *context)
{
    struct race *race = context;

    for (uint64_t seq = 1; !atomic_load(&race->stop); seq++) {
        append(&race->at.ring, seq);
    }
    return NULL;
}

static void a_reader_who_is_lapped_never_reads_a_mixture(void **state)
{
    (void)state;
    struct race race = {.stop = false};
    pthread_t writer;
    uint64_t dice = 99;
    uint64_t whole = 0;
    uint64_t broken = 0;
    uint64_t deadline_us = clock_mono_us() + RACE_SECONDS * UINT64_C(1000000);

    start(&race.at);
    assert_int_equal(pthread_create(&writer, NULL, append_until_stopped, &race), 0);
    while (whole < RACE_READS && clock_mono_us() < deadline_us) {
        uint64_t newest = ring_newest_seq(&race.at.ring);
        uint64_t back = fixture_roll(&dice, RING_SLOTS + 2);
        struct event event;

        if (newest <= back || ring_read_event(&race.at.ring, newest - back, &event) != RING_OK) {
            continue;
        }
        struct event wanted = event_of(newest - back);
        whole++;
        broken += !events_equal(&event, &wanted);
    }
    atomic_store(&race.stop, true);
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(whole, RACE_READS);
    assert_int_equal(broken, 0);
    fixture_end(&race.at.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_out_as_it_went_in),
        cmocka_unit_test(extreme_values_come_out_as_they_went_in),
        cmocka_unit_test(gaps_lapped_and_future_events_are_told_apart),
        cmocka_unit_test(a_reset_forgets_and_goes_on_above),
        cmocka_unit_test(a_successor_refills_what_its_predecessor_left),
        cmocka_unit_test(a_reader_who_is_lapped_never_reads_a_mixture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
