/* SPDX-License-Identifier: MIT */
/*
 * board_test.c - cuts through the board, two banks, and a db that dies in between.
 *
 * Who waits for a writer gives the CPU away: those calls come to this file's sched_yield().
 */
#include "test/unit/shm/fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/base/clock.h"

static _Atomic uint64_t yields;

int sched_yield(void)
{
    atomic_fetch_add(&yields, 1);
    return (int)syscall(SYS_sched_yield);
}

static uint64_t version_of(const struct bank *bank)
{
    return atomic_load_explicit(&bank->head->version, memory_order_relaxed);
}

static void a_board_is_not_ready_before_its_first_bank(void **state)
{
    (void)state;
    struct fixture fixture;
    struct board_cut cut;

    fixture_make(&fixture, &fixture_sizes);
    assert_false(board_is_ready(&fixture.board));
    assert_false(board_read_begin(&fixture.board, &cut));
    fixture_publish(&fixture, 3);
    assert_true(board_is_ready(&fixture.board));
    assert_true(board_read_begin(&fixture.board, &cut));
    assert_true(board_read_done(&fixture.board, &cut));
    fixture_end(&fixture);
}

static void an_event_ends_every_open_cut(void **state)
{
    (void)state;
    struct fixture fixture;
    struct board_cut cut;
    struct event event = fixture_solve(1, 0, 0, 100);

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 3);
    assert_true(board_read_begin(&fixture.board, &cut));
    assert_true(fixture_apply(&fixture, &event));
    assert_false(board_read_done(&fixture.board, &cut));
    assert_true(board_read_begin(&fixture.board, &cut));
    assert_int_equal(state_committed_seq(cut.bank), 1);
    assert_true(board_read_done(&fixture.board, &cut));
    fixture_end(&fixture);
}

static void a_cut_survives_the_other_bank_going_live_but_not_its_own_clearing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct board_cut cut;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 3);
    assert_true(board_read_begin(&fixture.board, &cut));
    fixture_publish(&fixture, 4);
    assert_ptr_not_equal(cut.bank, board_live(&fixture.board));
    assert_int_equal(state_player_count(cut.bank), 3);
    assert_true(board_read_done(&fixture.board, &cut));
    (void)board_spare_clear(&fixture.board);
    assert_false(board_read_done(&fixture.board, &cut));
    board_publish(&fixture.board);
    assert_false(board_read_done(&fixture.board, &cut)); /* the number never comes back */
    fixture_end(&fixture);
}

static void versions_only_rise_and_end_even(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t before = 0;

    fixture_make(&fixture, &fixture_sizes);
    for (uint64_t seq = 1; seq < 20; seq++) {
        struct event event = fixture_solve(seq, 0, (uint32_t)seq, 1);

        fixture_publish(&fixture, 3);
        assert_true(version_of(board_live(&fixture.board)) > before);
        before = version_of(board_live(&fixture.board));
        assert_true(fixture_apply(&fixture, &event));
        assert_true(version_of(board_live(&fixture.board)) > before);
        before = version_of(board_live(&fixture.board));
        assert_int_equal(before % 2, 0);
    }
    fixture_end(&fixture);
}

static void a_cleared_spare_holds_nothing(void **state)
{
    (void)state;
    struct fixture fixture;
    struct challenge_view challenge;
    struct player_view player;

    fixture_make(&fixture, &fixture_sizes);
    for (int round = 0; round < 2; round++) { /* so that both banks have been full */
        struct event solve = fixture_solve(1, 2, 129, 100);
        struct event hint = fixture_hint(2, 2, 129, 69, 10);

        fixture_publish(&fixture, 70);
        assert_true(fixture_apply(&fixture, &solve));
        assert_true(fixture_apply(&fixture, &hint));
    }
    const struct bank *spare = board_spare_clear(&fixture.board);
    assert_int_equal(state_committed_seq(spare), 0);
    assert_int_equal(state_player_count(spare), 0);
    assert_false(players_read(spare, 2, &player));
    assert_int_equal(players_score(spare, 2), 0);
    assert_false(challenges_read(spare, 129, &challenge));
    assert_false(solved_test(spare, 2, 129));
    assert_false(solved_hint_bought(spare, 2, 69));
    fixture_end(&fixture);
}

static void the_session_key_is_what_was_set(void **state)
{
    (void)state;
    struct fixture fixture;
    uint8_t key[32];
    uint8_t read_back[32];

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = (uint8_t)(i * 7 + 1);
    }
    fixture_make(&fixture, &fixture_sizes);
    board_set_session_key(&fixture.board, key);
    fixture_publish(&fixture, 1);
    board_session_key(&fixture.board, read_back);
    assert_memory_equal(key, read_back, sizeof(key));
    fixture_end(&fixture);
}

/* A db process that is killed half-way through an event, and another half-way through a rebuild. */
static void die_inside_an_event(struct fixture *fixture)
{
    struct bank *live = board_write_begin(&fixture->board);
    struct event event = fixture_solve(2, 1, 1, 50);

    (void)apply_event(live, &event, true);
    (void)kill(getpid(), SIGKILL);
}

static void die_inside_a_rebuild(struct fixture *fixture)
{
    (void)fixture_fill_spare(fixture, 2);
    (void)kill(getpid(), SIGKILL);
}

static void run_until_killed(struct fixture *fixture, void (*what)(struct fixture *))
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        if (segment_map_for(&fixture->segment, PROC_DB)) {
            board_attach(&fixture->segment, &fixture->board);
            what(fixture);
        }
        _exit(9);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void a_db_killed_inside_an_event_is_succeeded(void **state)
{
    (void)state;
    struct fixture fixture;
    struct board_cut cut;
    struct rank_line line;
    uint32_t count;
    uint64_t seq = 77;
    struct event first = fixture_solve(1, 0, 0, 100);
    struct event second = fixture_solve(2, 1, 1, 50);

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 2);
    assert_true(fixture_apply(&fixture, &first));
    run_until_killed(&fixture, die_inside_an_event);
    uint64_t died_at = version_of(board_live(&fixture.board));
    assert_int_equal(died_at % 2, 1);
    /* Readers are told within the bound: they do not spin. */
    assert_false(board_read_begin(&fixture.board, &cut));
    assert_false(rank_read_lines(&fixture.board, 0, 1, &line, &count, &seq));
    assert_int_equal(seq, 77);
    /* The successor rebuilds in the other bank. */
    struct bank *spare = fixture_fill_spare(&fixture, 2);
    assert_true(apply_event(spare, &first, false));
    assert_true(apply_event(spare, &second, false));
    rank_rebuild(spare);
    assert_false(board_read_begin(&fixture.board, &cut));
    board_publish(&fixture.board);
    assert_true(version_of(board_live(&fixture.board)) > died_at);
    assert_true(rank_read_lines(&fixture.board, 0, 1, &line, &count, &seq));
    assert_int_equal(seq, 2);
    assert_int_equal(line.player, 0);
    struct event third = fixture_solve(3, 1, 0, 100);
    assert_true(fixture_apply(&fixture, &third));
    assert_true(rank_read_lines(&fixture.board, 0, 1, &line, &count, &seq));
    assert_int_equal(line.player, 1);
    fixture_end(&fixture);
}

/* How often was the CPU given away for one more look? */
static uint64_t yields_of_a_failed_look(const struct fixture *fixture)
{
    struct board_cut cut;
    uint64_t before = atomic_load(&yields);

    assert_false(board_read_begin(&fixture->board, &cut));
    return atomic_load(&yields) - before;
}

static void a_dead_version_is_waited_for_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct board_cut cut;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 2);
    for (unsigned deaths = 0; deaths < 3; deaths++) {
        run_until_killed(&fixture, die_inside_an_event);
        assert_true(yields_of_a_failed_look(&fixture) > 0);
        for (unsigned i = 0; i < 1000; i++) {
            assert_int_equal(yields_of_a_failed_look(&fixture), 0);
        }
        fixture_publish(&fixture, 2);
        assert_true(board_read_begin(&fixture.board, &cut));
        assert_true(board_read_done(&fixture.board, &cut));
    }
    fixture_end(&fixture);
}

/* The same number on another board is another db's. */
static void a_dead_version_of_another_board_is_waited_for(void **state)
{
    (void)state;
    struct fixture fixtures[2];

    for (unsigned i = 0; i < 2; i++) {
        fixture_make(&fixtures[i], &fixture_sizes);
        fixture_publish(&fixtures[i], 2);
        run_until_killed(&fixtures[i], die_inside_an_event);
        assert_true(yields_of_a_failed_look(&fixtures[i]) > 0);
    }
    fixture_end(&fixtures[0]);
    fixture_end(&fixtures[1]);
}

static void a_db_killed_inside_a_rebuild_is_succeeded(void **state)
{
    (void)state;
    struct fixture fixture;
    struct board_cut cut;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 2);
    run_until_killed(&fixture, die_inside_a_rebuild);
    assert_true(board_read_begin(&fixture.board, &cut)); /* the live bank was not touched */
    assert_true(board_read_done(&fixture.board, &cut));
    fixture_publish(&fixture, 3);
    assert_true(board_read_begin(&fixture.board, &cut));
    assert_int_equal(state_player_count(cut.bank), 3);
    assert_true(board_read_done(&fixture.board, &cut));
    fixture_end(&fixture);
}

/* ---- one writer, two readers, at once ---- */

#define RACE_PLAYERS 12
#define RACE_CUTS 300         /* whole cuts a reader must get, */
#define RACE_SECONDS 60       /* within this time */
#define RACE_REBUILD_EVERY 64 /* events */

struct race {
    struct fixture fixture;
    _Atomic uint32_t cuts[2];
    _Atomic bool stop;
    _Atomic uint32_t broken;
};

/* Event n gives points_of(n) to somebody: the sum of all scores follows from the sequence alone. */
static int32_t points_of(uint64_t seq)
{
    return (int32_t)(seq % 5);
}

static int64_t total_of(uint64_t seq)
{
    static const int64_t partial[5] = {0, 1, 3, 6, 10};

    return (int64_t)(seq / 5) * 10 + partial[seq % 5];
}

struct reader {
    struct race *race;
    uint32_t number;
};

static void look_once(struct race *race, uint32_t number)
{
    struct rank_line lines[RACE_PLAYERS];
    struct board_cut cut;
    int64_t total = 0;

    if (!board_read_begin(&race->fixture.board, &cut)) {
        return;
    }
    uint32_t count = rank_copy_lines(cut.bank, 0, RACE_PLAYERS, lines);
    uint64_t seq = state_committed_seq(cut.bank);
    for (uint32_t player = 0; player < RACE_PLAYERS; player++) {
        total += players_score(cut.bank, player);
    }
    if (!board_read_done(&race->fixture.board, &cut)) {
        return;
    }
    bool whole = count == RACE_PLAYERS && total == total_of(seq);
    for (uint32_t i = 0; whole && i < count; i++) {
        total -= lines[i].score_points;
        whole = i == 0 || lines[i - 1].score_points >= lines[i].score_points;
    }
    if (!whole || total != 0) {
        atomic_fetch_add(&race->broken, 1);
    }
    atomic_fetch_add(&race->cuts[number], 1);
}

static void *read_until_stopped(void *context)
{
    const struct reader *reader = context;

    while (!atomic_load(&reader->race->stop)) {
        look_once(reader->race, reader->number);
    }
    return NULL;
}

static bool readers_are_done(struct race *race)
{
    return atomic_load(&race->cuts[0]) >= RACE_CUTS && atomic_load(&race->cuts[1]) >= RACE_CUTS;
}

static struct event race_event(uint64_t seq)
{
    /* A challenge outside the game may be solved for ever. */
    return fixture_solve(seq, (uint32_t)(seq * 7 % RACE_PLAYERS), SHM_NONE, points_of(seq));
}

static void rebuild_up_to(struct race *race, uint64_t last)
{
    struct bank *spare = fixture_fill_spare(&race->fixture, RACE_PLAYERS);

    for (uint64_t seq = 1; seq <= last; seq++) {
        struct event event = race_event(seq);

        (void)apply_event(spare, &event, false);
    }
    rank_rebuild(spare);
    board_publish(&race->fixture.board);
}

static void a_cut_taken_while_db_writes_is_whole(void **state)
{
    (void)state;
    struct race race = {.stop = false};
    struct reader readers[2] = {{&race, 0}, {&race, 1}};
    pthread_t threads[2];
    uint64_t deadline_us = clock_mono_us() + RACE_SECONDS * UINT64_C(1000000);

    fixture_make(&race.fixture, &fixture_sizes);
    fixture_publish(&race.fixture, RACE_PLAYERS);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_until_stopped, &readers[i]), 0);
    }
    for (uint64_t seq = 1; !readers_are_done(&race) && clock_mono_us() < deadline_us; seq++) {
        struct event event = race_event(seq);

        (void)fixture_apply(&race.fixture, &event);
        if (seq % RACE_REBUILD_EVERY == 0) {
            rebuild_up_to(&race, seq);
        }
        (void)sched_yield(); /* readers need a gap to be lucky in */
    }
    atomic_store(&race.stop, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_true(readers_are_done(&race));
    assert_int_equal(race.broken, 0);
    fixture_end(&race.fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_board_is_not_ready_before_its_first_bank),
        cmocka_unit_test(an_event_ends_every_open_cut),
        cmocka_unit_test(a_cut_survives_the_other_bank_going_live_but_not_its_own_clearing),
        cmocka_unit_test(versions_only_rise_and_end_even),
        cmocka_unit_test(a_cleared_spare_holds_nothing),
        cmocka_unit_test(the_session_key_is_what_was_set),
        cmocka_unit_test(a_db_killed_inside_an_event_is_succeeded),
        cmocka_unit_test(a_dead_version_is_waited_for_once),
        cmocka_unit_test(a_dead_version_of_another_board_is_waited_for),
        cmocka_unit_test(a_db_killed_inside_a_rebuild_is_succeeded),
        cmocka_unit_test(a_cut_taken_while_db_writes_is_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
