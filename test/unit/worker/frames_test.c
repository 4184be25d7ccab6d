/* SPDX-License-Identifier: MIT */
/* frames_test.c - following frames gives every event once, from wherever one begins. */
#include "test/unit/worker/board_fixture.h"

#include "worker/frames.h"

#define PLAYERS 50

static struct frames frames;

static void make(struct board_fixture *fixture, uint32_t ring_slots)
{
    board_fixture_make(fixture, PLAYERS, ring_slots);
    assert_true(frames_start(&frames, &fixture->worker));
}

static void end(struct board_fixture *fixture)
{
    frames_end(&frames);
    board_fixture_end(fixture);
}

static void commit(struct board_fixture *fixture, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        board_fixture_solve(fixture, (uint32_t)(fixture->seq % PLAYERS), SHM_NONE, 1);
    }
}

/* Checks that a frame holds exactly the events after..last. */
static void assert_holds(const struct frame *frame)
{
    json_t *events = frame_json(frame->blob);

    assert_int_equal(json_array_size(events), frame->last_seq - frame->after_seq);
    for (uint64_t i = 0; i < json_array_size(events); i++) {
        assert_int_equal(json_number(json_array_get(events, i), "id"), frame->after_seq + 1 + i);
    }
    json_decref(events);
}

static void events_of_one_read_share_a_frame(void **state)
{
    struct board_fixture fixture;
    struct frame frame;

    (void)state;
    make(&fixture, 64);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NOTHING);
    commit(&fixture, 3);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
    assert_int_equal(frames_find(&frames, 0, &frame), FRAMES_FOUND);
    assert_int_equal(frame.last_seq, 3);
    assert_holds(&frame);
    assert_int_equal(frames_find(&frames, 3, &frame), FRAMES_CURRENT);
    assert_int_equal(frames_find(&frames, 99, &frame), FRAMES_CURRENT);
    end(&fixture);
}

static void who_stands_inside_a_frame_gets_the_rest_from_the_ring(void **state)
{
    struct board_fixture fixture;
    struct frame frame;
    struct frame own;

    (void)state;
    make(&fixture, 64);
    commit(&fixture, 5);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
    commit(&fixture, 5);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
    assert_int_equal(frames_find(&frames, 7, &frame), FRAMES_INSIDE);
    assert_int_equal(frame.last_seq, 10);
    assert_int_equal(frames_replay(&frames, &fixture.worker, 7, frame.last_seq, &own),
                     FRAMES_REPLAYED);
    assert_int_equal(own.last_seq, 10);
    assert_holds(&own);
    struct frame again;

    assert_int_equal(frames_replay(&frames, &fixture.worker, 7, 10, &again), FRAMES_REPLAYED);
    assert_ptr_equal(again.blob, own.blob); /* made once for all who ask */
    end(&fixture);
}

static void the_window_is_bounded_and_who_falls_out_is_told(void **state)
{
    struct board_fixture fixture;
    struct frame frame;

    (void)state;
    make(&fixture, 1024);
    fixture.worker.game->settings.stream_window_bytes = 2000;
    for (int i = 0; i < 100; i++) {
        commit(&fixture, 2);
        assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
        assert_true(frames.bytes <= 2000);
    }
    assert_int_equal(frames_find(&frames, 0, &frame), FRAMES_GONE);
    assert_int_equal(frames_find(&frames, 198, &frame), FRAMES_FOUND);
    uint64_t seq = frames.frames[frames.first].after_seq;

    assert_int_equal(frames_find(&frames, seq, &frame), FRAMES_FOUND);
    assert_int_equal(frames_find(&frames, seq - 1, &frame), FRAMES_GONE);
    end(&fixture);
}

static void a_burst_is_cut_into_frames_of_bounded_size(void **state)
{
    struct board_fixture fixture;
    struct frame frame;
    uint64_t seq = 0;
    size_t count = 0;

    (void)state;
    make(&fixture, 16384);
    commit(&fixture, 6000);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_MORE);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
    while (frames_find(&frames, seq, &frame) == FRAMES_FOUND) {
        assert_true(frame.blob->len < FRAME_PAYLOAD_BYTES + 4096);
        assert_holds(&frame);
        seq = frame.last_seq;
        count++;
    }
    assert_int_equal(seq, 6000);
    assert_true(count > 2);
    end(&fixture);
}

static void a_lapped_ring_is_lost(void **state)
{
    struct board_fixture fixture;
    struct frame frame;

    (void)state;
    make(&fixture, 64);
    commit(&fixture, 1);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
    commit(&fixture, 100);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_LOST);
    assert_int_equal(frames.sent_seq, 101);
    assert_int_equal(frames_find(&frames, 1, &frame), FRAMES_GONE);
    assert_int_equal(frames_replay(&frames, &fixture.worker, 1, 101, &frame), FRAMES_LAPPED);
    end(&fixture);
}

static void what_is_not_in_the_ring_yet_comes_later(void **state)
{
    struct board_fixture fixture;
    struct frame frame;

    (void)state;
    make(&fixture, 64);
    commit(&fixture, 2);
    assert_int_equal(frames_replay(&frames, &fixture.worker, 2, 5, &frame), FRAMES_LATER);
    end(&fixture);
}

static void an_event_nobody_may_see_moves_the_sequence_only(void **state)
{
    struct board_fixture fixture;
    struct frame frame;

    (void)state;
    make(&fixture, 64);
    struct event hidden = fixture_solve(1, SHM_NONE, 0, 10);

    board_fixture_commit(&fixture, hidden);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NOTHING);
    commit(&fixture, 1);
    assert_int_equal(frames_read(&frames, &fixture.worker), FRAMES_NEW);
    assert_int_equal(frames_find(&frames, 0, &frame), FRAMES_FOUND);
    assert_int_equal(frame.last_seq, 2);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_of_one_read_share_a_frame),
        cmocka_unit_test(who_stands_inside_a_frame_gets_the_rest_from_the_ring),
        cmocka_unit_test(the_window_is_bounded_and_who_falls_out_is_told),
        cmocka_unit_test(a_burst_is_cut_into_frames_of_bounded_size),
        cmocka_unit_test(a_lapped_ring_is_lost),
        cmocka_unit_test(what_is_not_in_the_ring_yet_comes_later),
        cmocka_unit_test(an_event_nobody_may_see_moves_the_sequence_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
