/* SPDX-License-Identifier: MIT */
/*
 * race.c - board, ring, rate limits and revoked sessions under ThreadSanitizer: a db that dies and is
 * succeeded, again and again, beside threads that do what workers do.
 *
 *     race [--seconds 5] [--seed N]
 *
 * A thread stands for a process: joining one and starting the next orders them as a fork does.  The
 * Makefile builds this and shm/ with -fsanitize=thread.  One JSON object on standard output.
 * Exit status: 0 nothing found, 1 a torn read or a token too many, 66 a data race (ThreadSanitizer).
 */

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "shm/apply.h"
#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/proc.h"
#include "shm/base/str.h"
#include "shm/board.h"
#include "shm/challenges.h"
#include "shm/gcra.h"
#include "shm/players.h"
#include "shm/rank.h"
#include "shm/revoked.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/state.h"
#include "test/torture/random.h"

#define PLAYERS 8
#define CHALLENGES 32
#define EPOCH                                                                                      \
    (PLAYERS * CHALLENGES) /* events: then everyone has solved everything, and a reset comes */
#define POINTS 10
#define READERS 3
#define EVENTS_IN_A_LIFE 200
#define BURST 5
#define NEVER_US UINT64_C(1000000000000) /* no token comes back while this runs */

static struct {
    struct segment segment;
    struct board board;
    struct ring ring;
    struct revoked revoked;
    struct limits limits;
    struct random random; /* of the db threads, one at a time */
    uint64_t committed;   /* what is on disk: a db thread leaves it to the next */
    uint64_t lives;
    _Atomic bool stop;
    _Atomic uint64_t revoked_up_to; /* sessions 1 to this are revoked for certain */
    _Atomic uint64_t cuts;
    _Atomic uint64_t events_read;
    _Atomic uint64_t torn;
    _Atomic uint64_t tokens;
} run;

static uint64_t floor_of(uint64_t seq)
{
    return seq / EPOCH * EPOCH;
}

static struct event event_of(uint64_t seq)
{
    uint32_t number = (uint32_t)((seq - 1) % EPOCH);

    return (struct event){
        .seq = seq,
        .ts_us = seq,
        .player = number % PLAYERS,
        .user_id = number % PLAYERS + 1,
        .challenge = number / PLAYERS,
        .challenge_id = number / PLAYERS + 1,
        .points = POINTS,
        .hint = SHM_NONE,
        .type = EVENT_SOLVE,
        .version = EVENT_VERSION,
    };
}

/* ---- db ---------------------------------------------------------------------------------------- */

static struct bank *clear_spare(void)
{
    struct bank *spare = board_spare_clear(&run.board);

    for (uint32_t player = 0; player < PLAYERS; player++) {
        players_put(spare, player, player + 1, 0, SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME, "name");
    }
    for (uint32_t challenge = 0; challenge < CHALLENGES; challenge++) {
        challenges_put(spare, challenge, challenge + 1, POINTS);
    }
    state_set_floor(spare, floor_of(run.committed), run.committed);
    return spare;
}

/* What db does at its start, and at a reset; stops before `die_after` events. */
static bool rebuild(uint64_t die_after)
{
    struct bank *spare = clear_spare();
    uint64_t first = floor_of(run.committed) + 1;

    for (uint64_t seq = first; seq <= run.committed; seq++) {
        struct event event = event_of(seq);

        if (seq - first == die_after) {
            return false;
        }
        (void)apply_event(spare, &event, false);
    }
    rank_rebuild(spare);
    board_publish(&run.board);
    if (ring_newest_seq(&run.ring) != run.committed) {
        ring_reset(&run.ring, run.committed > 16 ? run.committed - 16 : 0);
        for (uint64_t seq = ring_newest_seq(&run.ring) + 1; seq <= run.committed; seq++) {
            struct event event = event_of(seq);

            ring_append(&run.ring, &event);
        }
    }
    return true;
}

/* One event; false: it dies inside, somewhere. */
static bool play_event(bool dies)
{
    run.committed++;
    struct event event = event_of(run.committed);
    uint32_t where = dies ? random_below(&run.random, 4) : 4;

    if (where == 0) {
        return false;
    }
    struct bank *bank = board_write_begin(&run.board);

    if (where == 1) {
        bank_store_u64(&bank->head->committed_seq, event.seq);
        bank_store_i64(&bank->players[event.player].score_points, -1);
        return false;
    }
    (void)apply_event(bank, &event, true);
    if (where == 2) {
        return false;
    }
    board_write_end(&run.board);
    if (where == 3) {
        return false;
    }
    ring_append(&run.ring, &event);
    if (run.committed % 64 == 0) {
        uint64_t session = run.committed / 64;

        if (revoked_add(&run.revoked, session, session + 2, session)) {
            atomic_store_explicit(&run.revoked_up_to, session, memory_order_release);
        }
    }
    return run.committed % EPOCH != 0 || rebuild(UINT64_MAX);
}

static void *one_life(void *context)
{
    uint32_t events = random_below(&run.random, EVENTS_IN_A_LIFE);
    uint64_t die_after =
        random_below(&run.random, 8) == 0 ? random_below(&run.random, 64) : UINT64_MAX;

    if (!rebuild(die_after)) {
        return context;
    }
    for (uint32_t i = 0; i < events; i++) {
        CHECK(play_event(false));
    }
    (void)play_event(true);
    return context;
}

/* ---- workers ----------------------------------------------------------------------------------- */

static void add(_Atomic uint64_t *count, uint64_t more)
{
    (void)atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

static void look_at_board(void)
{
    struct rank_line lines[PLAYERS];
    uint32_t count;
    uint64_t seq;
    uint64_t solves = 0;
    bool whole = true;

    if (!rank_read_lines(&run.board, 0, PLAYERS, lines, &count, &seq)) {
        return; /* a db has died in the middle of an event: the last board stays */
    }
    for (uint32_t i = 0; i < count; i++) {
        solves += lines[i].solves;
        whole = whole && lines[i].score_points == (int64_t)lines[i].solves * POINTS &&
                (i == 0 || lines[i - 1].score_points >= lines[i].score_points);
    }
    uint64_t expected = seq % EPOCH;

    whole = whole && count == PLAYERS &&
            (solves == expected || (expected == 0 && (solves == EPOCH || seq == 0)));
    add(&run.cuts, 1);
    add(&run.torn, whole ? 0 : 1);
}

static void look_at_ring(uint64_t *cursor)
{
    struct event event;
    uint64_t newest = ring_newest_seq(&run.ring);

    if (*cursor > newest || *cursor < ring_oldest_seq(&run.ring)) {
        *cursor = ring_oldest_seq(&run.ring);
    }
    if (ring_read_event(&run.ring, *cursor, &event) == RING_OK) {
        struct event expected = event_of(*cursor);
        bool whole = event.seq == *cursor && event.ts_us == expected.ts_us &&
                     event.player == expected.player && event.challenge == expected.challenge &&
                     event.points == expected.points && event.type == expected.type;

        add(&run.events_read, 1);
        add(&run.torn, whole ? 0 : 1);
        (*cursor)++;
    }
}

static void look_at_sessions(void)
{
    uint64_t session = atomic_load_explicit(&run.revoked_up_to, memory_order_acquire);

    if (session > 0 && !revoked_test(&run.revoked, session) &&
        atomic_load_explicit(&run.revoked_up_to, memory_order_acquire) < session + 2) {
        add(&run.torn, 1);
    }
}

static void take_token(struct random *random)
{
    const struct gcra_limit limit = {.interval_us = NEVER_US, .burst = BURST};
    struct shm_limit *word = limits_of_player(&run.limits, 0, LIMIT_SUBMIT);
    uint64_t retry_us;

    if (!gcra_take(word, &limit, 1, &retry_us)) {
        return;
    }
    if (random_below(random, 2) == 0) {
        gcra_refund(word, &limit, 1);
    } else {
        add(&run.tokens, 1);
    }
}

static void *read_on(void *context)
{
    struct random random = {.state = (uint64_t)(uintptr_t)context};
    uint64_t cursor = 1;

    while (!atomic_load_explicit(&run.stop, memory_order_relaxed)) {
        look_at_board();
        look_at_ring(&cursor);
        look_at_sessions();
        take_token(&random);
    }
    return NULL;
}

/* ---- all --------------------------------------------------------------------------------------- */

static void set_up(void)
{
    static const struct shm_sizes sizes = {
        .players_max = PLAYERS,
        .challenges_max = CHALLENGES,
        .hints_max = 8,
        .ring_slots = 32,
        .process_slots = 1,
        .address_buckets = 64,
        .revoked_slots = 64,
    };

    proc_set_role(PROC_TEST);
    CHECK(segment_create(&sizes, &run.segment));
    board_attach(&run.segment, &run.board);
    ring_attach(&run.segment, &run.ring);
    revoked_attach(&run.segment, &run.revoked);
    limits_attach(&run.segment, &run.limits);
}

static uint64_t number_option(const char *text)
{
    uint64_t value;

    if (!str_to_u64(str_from(text), 0, UINT32_MAX, &value)) {
        (void)fprintf(stderr, "race: %s: a number is wanted\n", text);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"seconds", required_argument, NULL, 't'},
                                            {"seed", required_argument, NULL, 's'},
                                            {NULL, 0, NULL, 0}};
    pthread_t readers[READERS];
    uint64_t seconds = 5;
    int option;

    run.random.state = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 't') {
            seconds = number_option(optarg);
        } else if (option == 's') {
            run.random.state = number_option(optarg);
        } else {
            exit(2);
        }
    }
    set_up();
    for (uintptr_t i = 0; i < READERS; i++) {
        CHECK(pthread_create(&readers[i], NULL, read_on, (void *)(i + 1)) == 0);
    }
    for (uint64_t end_us = clock_mono_us() + seconds * 1000000; clock_mono_us() < end_us;) {
        pthread_t db;

        CHECK(pthread_create(&db, NULL, one_life, NULL) == 0 && pthread_join(db, NULL) == 0);
        run.lives++;
    }
    atomic_store_explicit(&run.stop, true, memory_order_relaxed);
    for (int i = 0; i < READERS; i++) {
        CHECK(pthread_join(readers[i], NULL) == 0);
    }
    uint64_t torn = run.torn;
    uint64_t tokens = run.tokens;

    printf("{\"lives\":%" PRIu64 ",\"events\":%" PRIu64 ",\"cuts\":%" PRIu64
           ",\"events_read\":%" PRIu64 ",\"torn\":%" PRIu64 ",\"tokens\":%" PRIu64
           ",\"burst\":%d}\n",
           run.lives, run.committed, (uint64_t)run.cuts, (uint64_t)run.events_read, torn, tokens,
           BURST);
    segment_destroy(&run.segment);
    return torn > 0 || tokens > BURST || run.cuts == 0 || run.events_read == 0;
}
