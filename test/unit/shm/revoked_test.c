/* SPDX-License-Identifier: MIT */
/* revoked_test.c - sessions that were logged out, and what happens when their set is full. */
#include "test/unit/shm/fixture.h"

#include "shm/revoked.h"

static void start(struct fixture *fixture, struct revoked *revoked)
{
    fixture_make(fixture, &fixture_sizes);
    revoked_attach(&fixture->segment, revoked);
}

static void a_revoked_session_stays_revoked(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;

    start(&fixture, &revoked);
    assert_false(revoked_test(&revoked, 77));
    assert_true(revoked_add(&revoked, 77, 1000, 500));
    assert_true(revoked_test(&revoked, 77));
    assert_false(revoked_test(&revoked, 78));
    assert_true(revoked_add(&revoked, 77, 1000, 500)); /* again: no second place */
    fixture_end(&fixture);
}

static void no_session_is_zero(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;

    start(&fixture, &revoked);
    assert_false(revoked_test(&revoked, 0));
    assert_false(revoked_add(&revoked, 0, 1000, 500));
    fixture_end(&fixture);
}

static void a_full_set_says_so_and_loses_nobody(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;
    uint64_t added[1000];
    uint32_t count = 0;
    uint32_t refused = 0;

    start(&fixture, &revoked);
    for (uint64_t session = 1; session <= 200; session++) {
        if (revoked_add(&revoked, session, 1000, 500)) {
            added[count++] = session;
        } else {
            refused++;
        }
    }
    assert_true(count <= 64);
    assert_true(count > 32); /* 64 places, 16 looked at: nearly all get used */
    assert_true(refused > 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(revoked_test(&revoked, added[i]));
    }
    fixture_end(&fixture);
}

static void an_expired_session_makes_room(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;
    uint64_t session = 1;

    start(&fixture, &revoked);
    while (revoked_add(&revoked, session, 1000, 500)) {
        session++;
    }
    assert_false(revoked_add(&revoked, session, 2000, 1000)); /* valid in its last second, too */
    assert_true(revoked_add(&revoked, session, 2000, 1001));
    assert_true(revoked_test(&revoked, session));
    fixture_end(&fixture);
}

static void a_slot_that_is_held_counts_when_it_is_put(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;
    uint32_t slot;
    uint32_t again;
    uint32_t held = 0;

    start(&fixture, &revoked);
    assert_true(revoked_begin_holding(&revoked));
    assert_true(revoked_hold(&revoked, 77, 500, &slot));
    assert_false(revoked_test(&revoked, 77));
    revoked_give_back(&revoked, slot);
    assert_false(revoked_test(&revoked, 77));
    assert_true(revoked_hold(&revoked, 77, 500, &again));
    assert_int_equal(again, slot);
    revoked_put(&revoked, slot, 77, 1000);
    assert_true(revoked_test(&revoked, 77));
    assert_true(revoked_hold(&revoked, 77, 500, &again)); /* a second logout of the same */
    assert_int_equal(again, slot);
    revoked_give_back(&revoked, again);
    assert_true(revoked_test(&revoked, 77));
    while (revoked_hold(&revoked, 100 + held, 500, &slot)) { /* each another one */
        held++;
        assert_true(held < 64);
    }
    assert_true(held > 32);
    assert_false(revoked_add(&revoked, 100 + held, 1000, 500));
    free(revoked.held);
    fixture_end(&fixture);
}

static void one_session_holds_one_slot_however_often(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;
    uint32_t slot;
    uint32_t again;

    start(&fixture, &revoked);
    assert_true(revoked_begin_holding(&revoked));
    for (int change = 0; change < 2; change++) { /* new in the first, known in the second */
        assert_true(revoked_hold(&revoked, 77, 500, &slot));
        assert_true(revoked_hold(&revoked, 77, 500, &again));
        assert_int_equal(again, slot);
        revoked_put(&revoked, slot, 77, 1000);
        revoked_put(&revoked, again, 77, 1000);
        assert_true(revoked_test(&revoked, 77));
    }
    free(revoked.held);
    fixture_end(&fixture);
}

static void a_slot_that_is_held_is_no_longer_who_has_expired(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;
    uint64_t session = 1;
    uint32_t slot;
    uint32_t other;

    start(&fixture, &revoked);
    assert_true(revoked_begin_holding(&revoked));
    while (revoked_add(&revoked, session, 1000, 500)) {
        session++;
    }
    assert_true(revoked_hold(&revoked, session, 1001, &slot));
    uint64_t expired = atomic_load(&revoked.slots[slot].session_id);

    assert_true(revoked_hold(&revoked, expired, 1001, &other));
    assert_int_not_equal(other, slot);
    revoked_put(&revoked, slot, session, 2000);
    revoked_put(&revoked, other, expired, 1000);
    assert_true(revoked_test(&revoked, session));
    free(revoked.held);
    fixture_end(&fixture);
}

/* Takes what it can get for sessions from `first` on; all given back, or all put. */
static uint32_t hold_all(struct revoked *revoked, uint64_t first, uint64_t now_s, bool put)
{
    uint32_t slots[64];
    uint32_t held = 0;

    while (held < ARRAY_LEN(slots) && revoked_hold(revoked, first + held, now_s, &slots[held])) {
        held++;
    }
    for (uint32_t i = 0; i < held; i++) {
        if (put) {
            revoked_put(revoked, slots[i], first + i, 1000);
        } else {
            revoked_give_back(revoked, slots[i]);
        }
    }
    return held;
}

static void a_slot_that_is_no_longer_held_is_there_for_others(void **state)
{
    (void)state;
    struct fixture fixture;
    struct revoked revoked;

    start(&fixture, &revoked);
    assert_true(revoked_begin_holding(&revoked));
    assert_true(hold_all(&revoked, 1000, 500, false) > 32);
    assert_true(hold_all(&revoked, 2000, 500, true) > 32);
    assert_true(hold_all(&revoked, 3000, 1001, true) > 32); /* the ones before have expired */
    free(revoked.held);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revoked_session_stays_revoked),
        cmocka_unit_test(no_session_is_zero),
        cmocka_unit_test(a_full_set_says_so_and_loses_nobody),
        cmocka_unit_test(an_expired_session_makes_room),
        cmocka_unit_test(a_slot_that_is_held_counts_when_it_is_put),
        cmocka_unit_test(one_session_holds_one_slot_however_often),
        cmocka_unit_test(a_slot_that_is_held_is_no_longer_who_has_expired),
        cmocka_unit_test(a_slot_that_is_no_longer_held_is_there_for_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
