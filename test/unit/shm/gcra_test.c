/* SPDX-License-Identifier: MIT */
/* gcra_test.c - bursts, refunds, waiting times, and many processes on one word. */
#include "test/unit/shm/fixture.h"

#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/gcra.h"

static const struct gcra_limit submit = {.interval_us = 2000000, .burst = 10};
#define NOW_US UINT64_C(1000000000)

static uint32_t take_all(struct shm_limit *word, const struct gcra_limit *limit, uint64_t now_us)
{
    uint32_t taken = 0;
    uint64_t retry_us = 0;

    while (taken < 1000 && gcra_take(word, limit, now_us, &retry_us)) {
        taken++;
    }
    return taken;
}

static void a_fresh_word_holds_exactly_one_burst(void **state)
{
    (void)state;
    struct shm_limit word = {0};
    uint64_t retry_us = 0;

    assert_int_equal(gcra_left(&word, &submit, NOW_US, &retry_us), 10);
    assert_int_equal(take_all(&word, &submit, NOW_US), 10);
    assert_int_equal(gcra_left(&word, &submit, NOW_US, &retry_us), 0);
    assert_int_equal(retry_us, submit.interval_us);
}

static void a_token_comes_back_when_it_was_promised(void **state)
{
    (void)state;
    struct shm_limit word = {0};
    uint64_t retry_us = 0;

    assert_int_equal(take_all(&word, &submit, NOW_US), 10);
    assert_false(gcra_take(&word, &submit, NOW_US + 500000, &retry_us));
    assert_int_equal(retry_us, 1500000);
    assert_false(gcra_take(&word, &submit, NOW_US + 1999999, &retry_us));
    assert_int_equal(retry_us, 1);
    assert_true(gcra_take(&word, &submit, NOW_US + 2000000, &retry_us));
    assert_false(gcra_take(&word, &submit, NOW_US + 2000000, &retry_us));
}

static void a_long_rest_gives_one_burst_and_no_more(void **state)
{
    (void)state;
    struct shm_limit word = {0};

    assert_int_equal(take_all(&word, &submit, NOW_US), 10);
    assert_int_equal(take_all(&word, &submit, NOW_US + UINT64_C(1000) * submit.interval_us), 10);
    assert_int_equal(take_all(&word, &submit, NOW_US + UINT64_C(1003) * submit.interval_us), 3);
}

static void what_is_left_is_what_can_be_taken(void **state)
{
    (void)state;
    uint64_t dice = 5;

    for (int round = 0; round < 2000; round++) {
        struct gcra_limit limit = {1 + fixture_roll(&dice, 1000), 1 + fixture_roll(&dice, 20)};
        struct shm_limit word = {NOW_US + fixture_roll(&dice, 25000)};
        uint64_t retry_us = 0;
        uint32_t left = gcra_left(&word, &limit, NOW_US, &retry_us);

        assert_true(left <= limit.burst);
        assert_int_equal(left == 0, retry_us > 0);
        if (left == 0) {
            assert_int_equal(gcra_left(&word, &limit, NOW_US + retry_us, &retry_us), 1);
        } else {
            assert_int_equal(take_all(&word, &limit, NOW_US), left);
        }
    }
}

static void a_refund_gives_one_token_back(void **state)
{
    (void)state;
    struct shm_limit word = {0};
    uint64_t retry_us = 0;

    assert_int_equal(take_all(&word, &submit, NOW_US), 10);
    gcra_refund(&word, &submit, NOW_US);
    assert_int_equal(gcra_left(&word, &submit, NOW_US, &retry_us), 1);
    assert_int_equal(take_all(&word, &submit, NOW_US), 1);
}

static void a_refund_never_passes_the_burst(void **state)
{
    (void)state;
    struct shm_limit word = {0};
    uint64_t retry_us = 0;

    for (int i = 0; i < 5; i++) {
        gcra_refund(&word, &submit, NOW_US);
    }
    assert_int_equal(take_all(&word, &submit, NOW_US), 10);
    for (int i = 0; i < 50; i++) {
        gcra_refund(&word, &submit, NOW_US);
    }
    assert_int_equal(gcra_left(&word, &submit, NOW_US, &retry_us), 10);
    assert_int_equal(take_all(&word, &submit, NOW_US), 10);
}

static void a_burst_of_one_is_a_plain_interval(void **state)
{
    (void)state;
    const struct gcra_limit one = {.interval_us = 1000, .burst = 1};
    struct shm_limit word = {0};

    assert_int_equal(take_all(&word, &one, NOW_US), 1);
    assert_int_equal(take_all(&word, &one, NOW_US + 999), 0);
    assert_int_equal(take_all(&word, &one, NOW_US + 1000), 1);
}

static void a_stricter_rule_that_is_gone_binds_no_longer_than_the_new_one(void **state)
{
    (void)state;
    const struct gcra_limit strict = {.interval_us = UINT64_C(3600000000), .burst = 2};
    struct shm_limit word = {0};
    uint64_t retry_us = 0;

    assert_int_equal(take_all(&word, &strict, NOW_US), 2);
    assert_false(gcra_take(&word, &submit, NOW_US, &retry_us));
    assert_int_equal(retry_us, submit.interval_us);
    assert_false(gcra_take(&word, &submit, NOW_US + submit.interval_us - 1, &retry_us));
    assert_true(gcra_take(&word, &submit, NOW_US + submit.interval_us, &retry_us));
    assert_int_equal(take_all(&word, &submit, NOW_US + 20 * submit.interval_us), 10);
}

static void who_asks_is_not_told_of_a_stricter_rule_that_is_gone(void **state)
{
    (void)state;
    const struct gcra_limit strict = {.interval_us = UINT64_C(3600000000), .burst = 2};
    struct shm_limit word = {0};
    uint64_t retry_us = 0;

    assert_int_equal(take_all(&word, &strict, NOW_US), 2);
    assert_int_equal(gcra_left(&word, &submit, NOW_US, &retry_us), 0);
    assert_int_equal(retry_us, submit.interval_us);
    assert_int_equal(gcra_left(&word, &submit, NOW_US + submit.interval_us, &retry_us), 1);
    assert_true(gcra_take(&word, &submit, NOW_US + submit.interval_us, &retry_us));
}

static void players_and_kinds_have_words_of_their_own(void **state)
{
    (void)state;
    struct fixture fixture;
    struct limits limits;
    uint64_t retry_us = 0;

    fixture_make(&fixture, &fixture_sizes);
    limits_attach(&fixture.segment, &limits);
    /* From the first word of the section on, and up to the buckets: in nobody else's memory. */
    assert_ptr_equal(limits_of_player(&limits, 0, 0),
                     segment_section(&fixture.segment, SHM_LIMITS));
    assert_ptr_equal(limits_of_player(&limits, 69, LIMIT_KINDS - 1) + 1, limits.buckets);
    assert_int_equal(take_all(limits_of_player(&limits, 3, LIMIT_HINT), &submit, NOW_US), 10);
    for (uint32_t player = 0; player < 70; player++) {
        for (int kind = 0; kind < LIMIT_KINDS; kind++) {
            struct shm_limit *word = limits_of_player(&limits, player, (enum limit_kind)kind);
            bool used = player == 3 && kind == LIMIT_HINT;

            assert_int_equal(gcra_left(word, &submit, NOW_US, &retry_us), used ? 0 : 10);
        }
    }
    for (uint32_t bucket = 0; bucket < limits.bucket_count; bucket++) {
        assert_int_equal(gcra_left(&limits.buckets[bucket], &submit, NOW_US, &retry_us), 10);
    }
    fixture_end(&fixture);
}

static void keys_are_hashed_with_the_seed_of_the_segment(void **state)
{
    (void)state;
    struct fixture fixture;
    struct limits limits;
    uint32_t moved_by_kind = 0;
    uint32_t moved_by_seed = 0;

    fixture_make(&fixture, &fixture_sizes);
    limits_attach(&fixture.segment, &limits);
    assert_true(limits.hash_seed == fixture.segment.header->hash_seed);
    struct limits other = limits;
    other.hash_seed += 12345;
    for (int i = 0; i < 100; i++) {
        char text[16];
        int len = snprintf(text, sizeof(text), "10.0.0.%d", i);
        struct str key = {text, (size_t)len};
        struct shm_limit *word = limits_of_key(&limits, LIMIT_LOGIN_ADDRESS, key);

        assert_true(word >= limits.buckets && word < limits.buckets + limits.bucket_count);
        assert_ptr_equal(word, limits_of_key(&limits, LIMIT_LOGIN_ADDRESS, key));
        moved_by_kind += word != limits_of_key(&limits, LIMIT_LOGIN_NAME, key);
        moved_by_seed += word != limits_of_key(&other, LIMIT_LOGIN_ADDRESS, key);
    }
    assert_true(moved_by_kind > 80); /* 64 buckets: a few meet by chance */
    assert_true(moved_by_seed > 80);
    fixture_end(&fixture);
}

#define PROCESSES 4
#define TRIES 5000

/* Each child tries far more often than there are tokens, all at the same instant of the clock. */
static void many_processes_get_one_burst_between_them(void **state)
{
    (void)state;
    struct fixture fixture;
    struct limits limits;
    const struct gcra_limit limit = {.interval_us = 1000, .burst = 3000};
    pid_t children[PROCESSES];

    fixture_make(&fixture, &fixture_sizes);
    limits_attach(&fixture.segment, &limits);
    _Atomic uint32_t *taken =
        mmap(NULL, SHM_PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(taken, MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            struct shm_limit *word = limits_of_player(&limits, 0, LIMIT_API);
            uint64_t retry_us;

            for (int attempt = 0; attempt < TRIES; attempt++) {
                if (gcra_take(word, &limit, NOW_US, &retry_us)) {
                    atomic_fetch_add(taken, 1);
                }
            }
            _exit(0);
        }
        assert_true(children[i] > 0);
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status = 1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(atomic_load(taken), limit.burst);
    assert_int_equal(munmap((void *)taken, SHM_PAGE_BYTES), 0);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_word_holds_exactly_one_burst),
        cmocka_unit_test(a_token_comes_back_when_it_was_promised),
        cmocka_unit_test(a_long_rest_gives_one_burst_and_no_more),
        cmocka_unit_test(what_is_left_is_what_can_be_taken),
        cmocka_unit_test(a_refund_gives_one_token_back),
        cmocka_unit_test(a_refund_never_passes_the_burst),
        cmocka_unit_test(a_burst_of_one_is_a_plain_interval),
        cmocka_unit_test(a_stricter_rule_that_is_gone_binds_no_longer_than_the_new_one),
        cmocka_unit_test(who_asks_is_not_told_of_a_stricter_rule_that_is_gone),
        cmocka_unit_test(players_and_kinds_have_words_of_their_own),
        cmocka_unit_test(keys_are_hashed_with_the_seed_of_the_segment),
        cmocka_unit_test(many_processes_get_one_burst_between_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
