/* SPDX-License-Identifier: MIT */
/*
 * interleave_gcra_test.c - every schedule of a few workers at one rate-limit word, each of whom may
 * die before any of its accesses; on a memory where a relaxed load may find an older value.
 *
 * gcra.c's own code runs as coroutines that stop before each access to the word.  The schedule is a
 * path through a tree of choices (who goes on, who dies, which value a load finds); all paths are
 * walked.  A compare-and-swap always meets the newest value: that is what makes it one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#define WORKERS_MAX 3
#define VALUES_MAX 32
#define CHOICES_MAX 64
#define STACK_BYTES (64u << 10)

struct worker {
    ucontext_t context;
    bool ended;    /* done, or dead */
    uint32_t seen; /* index of the newest value it knows */
    uint32_t takes;
    uint32_t refusals;
    char stack[STACK_BYTES];
};

static struct {
    struct worker workers[WORKERS_MAX];
    uint32_t worker_count;
    uint32_t deaths_left;
    ucontext_t scheduler;
    struct worker *running;
    uint64_t values[VALUES_MAX]; /* of the word, in order */
    uint32_t value_count;
    uint32_t choices[CHOICES_MAX];
    uint32_t options[CHOICES_MAX];
    uint32_t depth;
    uint32_t known;
} model;

static uint32_t choose(uint32_t options)
{
    assert_true(model.depth < CHOICES_MAX);
    if (model.depth == model.known) {
        model.choices[model.known++] = 0;
    }
    model.options[model.depth] = options;
    return model.choices[model.depth++];
}

/* false: all paths have been walked. */
static bool next_path(void)
{
    for (model.known = model.depth; model.known > 0; model.known--) {
        if (++model.choices[model.known - 1] < model.options[model.known - 1]) {
            return true;
        }
    }
    return false;
}

/* The others may come first. */
static void stop_here(void)
{
    assert_int_equal(swapcontext(&model.running->context, &model.scheduler), 0);
}

static uint64_t word_load_any(void)
{
    struct worker *worker = model.running;

    stop_here();
    worker->seen += choose(model.value_count - worker->seen);
    return model.values[worker->seen];
}

static bool word_swap(uint64_t *expected, uint64_t desired)
{
    struct worker *worker = model.running;

    stop_here();
    worker->seen = model.value_count - 1;
    if (model.values[worker->seen] != *expected) {
        *expected = model.values[worker->seen];
        return false;
    }
    assert_true(model.value_count < VALUES_MAX);
    model.values[model.value_count++] = desired;
    worker->seen++;
    return true;
}

#undef atomic_load_explicit
#undef atomic_compare_exchange_strong_explicit
#define atomic_load_explicit(word, order) ((void)(word), word_load_any())
#define atomic_compare_exchange_strong_explicit(word, expected, desired, success, failure)         \
    ((void)(word), word_swap((expected), (desired)))

#include "shm/gcra.c"

#define NOW_US 1000
#define INTERVAL_US 10
#define BURST 2
static const struct gcra_limit limit = {.interval_us = INTERVAL_US, .burst = BURST};
static struct shm_limit word; /* its value is in model.values */

static uint64_t tokens_out(uint64_t value)
{
    return value > NOW_US ? (value - NOW_US) / INTERVAL_US : 0;
}

/* Was the burst used up at any time from this value on? */
static bool was_empty_since(uint32_t first)
{
    for (uint32_t i = first; i < model.value_count; i++) {
        if (tokens_out(model.values[i]) == BURST) {
            return true;
        }
    }
    return false;
}

static void take(void)
{
    uint64_t retry_us = 0;
    uint32_t known = model.running->seen;

    if (gcra_take(&word, &limit, NOW_US, &retry_us)) {
        model.running->takes++;
    } else {
        model.running->refusals++;
        assert_true(was_empty_since(known));
        assert_in_range(retry_us, 1, INTERVAL_US);
    }
}

static void one_take(void)
{
    take();
}

/* A right answer: the token goes back. */
static void take_and_refund(void)
{
    uint32_t before = model.running->takes;

    take();
    if (model.running->takes > before) {
        gcra_refund(&word, &limit, NOW_US);
    }
}

static void run_worker(uint32_t number, uint32_t refunds)
{
    if (number < refunds) {
        take_and_refund();
    } else {
        one_take();
    }
    model.running->ended = true;
    stop_here();
}

static void start(uint32_t workers, uint32_t deaths, uint32_t refunds)
{
    model.worker_count = workers;
    model.deaths_left = deaths;
    model.depth = 0;
    model.value_count = 1;
    model.values[0] = 0;
    for (uint32_t i = 0; i < workers; i++) {
        struct worker *worker = &model.workers[i];

        worker->ended = false;
        worker->seen = worker->takes = worker->refusals = 0;
        assert_int_equal(getcontext(&worker->context), 0);
        worker->context.uc_stack.ss_sp = worker->stack;
        worker->context.uc_stack.ss_size = STACK_BYTES;
        worker->context.uc_link = &model.scheduler;
        makecontext(&worker->context, (void (*)(void))run_worker, 2, i, refunds);
    }
}

static struct worker *nth_alive(uint32_t n)
{
    for (uint32_t i = 0; i < model.worker_count; i++) {
        if (!model.workers[i].ended && n-- == 0) {
            return &model.workers[i];
        }
    }
    return NULL;
}

static uint32_t count_alive(void)
{
    uint32_t alive = 0;

    for (uint32_t i = 0; i < model.worker_count; i++) {
        alive += !model.workers[i].ended;
    }
    return alive;
}

static void run_one_path(void)
{
    uint32_t alive;

    while ((alive = count_alive()) > 0) {
        uint32_t choice = choose(model.deaths_left > 0 ? alive * 2 : alive);

        model.running = nth_alive(choice % alive);
        if (choice >= alive) {
            model.running->ended = true; /* killed: never scheduled again */
            model.deaths_left--;
        } else {
            assert_int_equal(swapcontext(&model.scheduler, &model.running->context), 0);
        }
    }
}

static void check_word(void)
{
    for (uint32_t i = 1; i < model.value_count; i++) {
        uint64_t value = model.values[i];

        assert_true(value >= NOW_US && value <= NOW_US + BURST * INTERVAL_US);
        assert_int_equal((value - NOW_US) % INTERVAL_US, 0);
    }
}

static uint64_t walk_all(uint32_t workers, uint32_t deaths, uint32_t refunds)
{
    uint64_t paths = 0;

    model.known = 0;
    do {
        start(workers, deaths, refunds);
        run_one_path();
        check_word();
        if (model.deaths_left == deaths) { /* nobody died: the word says who holds a token */
            uint32_t takes = 0;

            for (uint32_t i = refunds; i < workers; i++) {
                takes += model.workers[i].takes;
            }
            assert_int_equal(tokens_out(model.values[model.value_count - 1]), takes);
        }
        paths++;
    } while (next_path());
    return paths;
}

static void three_workers_never_share_out_more_than_the_burst(void **state)
{
    (void)state;
    assert_true(walk_all(3, 0, 0) > 1000); /* it does explore */
}

static void a_refund_gives_back_one_token_whoever_comes_between(void **state)
{
    (void)state;
    assert_true(walk_all(3, 0, 1) > 1000);
    assert_true(walk_all(2, 0, 2) > 1000);
}

static void a_worker_that_dies_at_any_access_leaves_a_word_that_goes_on(void **state)
{
    (void)state;
    assert_true(walk_all(2, 2, 0) > 10);
    assert_true(walk_all(2, 1, 2) > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_workers_never_share_out_more_than_the_burst),
        cmocka_unit_test(a_refund_gives_back_one_token_whoever_comes_between),
        cmocka_unit_test(a_worker_that_dies_at_any_access_leaves_a_word_that_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
