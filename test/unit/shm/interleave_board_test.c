/* SPDX-License-Identifier: MIT */
/*
 * interleave_board_test.c - every outcome of a reader beside a db that applies, switches banks, and
 * dies at any of its stores; on a memory as weak as the language allows (memory_model.h).
 */
#include "test/unit/shm/memory_model.h"

#include "shm/board.h"

/* Fewer tries than in life: each multiplies the outcomes, and two show all that a loop can do. */
#undef BOARD_READ_TRIES
#define BOARD_READ_TRIES 2

#include "shm/board.c"

static struct model_bank {
    struct shm_bank_head head;
    struct shm_player players[1];
    struct shm_challenge challenges[1];
    _Atomic uint64_t solved[1];
    _Atomic uint64_t bought[1];
    _Atomic uint32_t order[1];
} banks[SHM_BANKS];
static struct shm_board_control control;
static struct board board;

static struct bank bank_of(struct model_bank *bank)
{
    return (struct bank){
        .head = &bank->head,
        .players = bank->players,
        .challenges = bank->challenges,
        .solved = bank->solved,
        .bought = bank->bought,
        .order = bank->order,
        .solved_words = 1,
        .bought_words = 1,
        .players_max = 1,
        .challenges_max = 1,
        .hints_max = 1,
    };
}

static void start(void)
{
    proc_set_role(PROC_TEST);
    model_clear();
    board = (struct board){.control = &control, .banks = {bank_of(&banks[0]), bank_of(&banks[1])}};
}

/* What an event leaves: sequence, score and solve word always agree.  The tables are in use, so that
 * a bank that is cleared has words to clear. */
static void put_state(struct bank *bank, uint64_t seq)
{
    bank_use_slot(bank, 0);
    if (bank_load_u32(&bank->head->solved_words) == 0) {
        bank_store_u32(&bank->head->solved_words, 1);
    }
    bank_store_u64(&bank->head->committed_seq, seq);
    bank_store_i64(&bank->players[0].score_points, (int64_t)seq * 10);
    bank_store_u64(&bank->solved[0], seq * 100);
}

static uint64_t committed; /* what is on disk: a successor rebuilds it */

static void apply_next(void)
{
    committed++;
    put_state(board_write_begin(&board), committed);
    board_write_end(&board);
}

static void rebuild(void)
{
    put_state(board_spare_clear(&board), committed);
    board_publish(&board);
}

/* The first db: builds, applies, switches banks twice. */
static void first_db(void)
{
    rebuild();
    apply_next();
    rebuild();
    apply_next();
    rebuild();
}

static void successor(void)
{
    rebuild();
    apply_next();
}

static uint64_t whole_cuts;
static uint64_t broken_cuts;
static uint64_t last_seq;
static bool last_was_whole;

static void reader(void)
{
    struct board_cut cut;

    given_up = (struct board_given_up){0}; /* of the outcome before this one */
    last_was_whole = false;
    if (!board_read_begin(&board, &cut)) {
        return;
    }
    uint64_t seq = bank_load_u64(&cut.bank->head->committed_seq);
    int64_t score = bank_load_i64(&cut.bank->players[0].score_points);
    uint64_t solved = bank_load_u64(&cut.bank->solved[0]);

    if (!board_read_done(&board, &cut)) {
        return;
    }
    whole_cuts++;
    broken_cuts += score != (int64_t)seq * 10 || solved != seq * 100;
    last_seq = seq;
    last_was_whole = true;
}

/* The same with the words in the other order: which one is stored first must not matter. */
static void reader_backwards(void)
{
    struct board_cut cut;

    given_up = (struct board_given_up){0};
    if (!board_read_begin(&board, &cut)) {
        return;
    }
    uint64_t solved = bank_load_u64(&cut.bank->solved[0]);
    int64_t score = bank_load_i64(&cut.bank->players[0].score_points);
    uint64_t seq = bank_load_u64(&cut.bank->head->committed_seq);

    if (board_read_done(&board, &cut)) {
        whole_cuts++;
        broken_cuts += score != (int64_t)seq * 10 || solved != seq * 100;
    }
}

static void no_outcome_shows_half_a_board(void **state)
{
    (void)state;
    start();
    committed = whole_cuts = broken_cuts = 0;
    assert_true(model_write(first_db, UINT32_MAX));
    assert_true(model_read_all(reader) > 100); /* the model does explore */
    (void)model_read_all(reader_backwards);
    assert_true(whole_cuts > 0);
    assert_int_equal(broken_cuts, 0);
    model_read_newest(reader);
    assert_true(last_was_whole);
    assert_int_equal(last_seq, 2);
}

static void a_db_that_dies_at_any_store_shows_no_half_and_is_succeeded(void **state)
{
    (void)state;
    bool done = false;

    for (uint32_t stores = 0; !done; stores++) {
        start();
        committed = whole_cuts = broken_cuts = 0;
        done = model_write(first_db, stores);
        (void)model_read_all(reader);
        assert_int_equal(broken_cuts, 0);
        assert_true(model_write(successor, UINT32_MAX));
        (void)model_read_all(reader);
        assert_int_equal(broken_cuts, 0);
        model_read_newest(reader);
        assert_true(last_was_whole);
        assert_int_equal(last_seq, committed);
    }
}

/* Two deaths in a row: the successor, too, dies at any store of its own. */
static void a_successor_that_dies_is_succeeded_as_well(void **state)
{
    (void)state;
    bool done = false;

    for (uint32_t first = 0; !done; first += 3) {
        bool second_done = false;

        for (uint32_t second = 0; !second_done; second += 2) {
            start();
            committed = broken_cuts = 0;
            done = model_write(first_db, first);
            second_done = model_write(successor, second);
            assert_true(model_write(successor, UINT32_MAX));
            model_read_newest(reader);
            assert_true(last_was_whole);
            assert_int_equal(last_seq, committed);
            assert_int_equal(broken_cuts, 0);
        }
    }
}

/* Two banks, one after the other; what a look without a cut finds is one of them, built. */
static void two_banks(void)
{
    committed = 5;
    rebuild();
    committed = 6;
    rebuild();
}

static void reader_without_a_cut(void)
{
    if (!board_is_ready(&board)) {
        return;
    }
    uint64_t seq = bank_load_u64(&board_live(&board)->head->committed_seq);

    whole_cuts++;
    broken_cuts += seq != 5 && seq != 6;
}

static void a_look_without_a_cut_finds_a_built_bank(void **state)
{
    (void)state;
    start();
    whole_cuts = broken_cuts = 0;
    assert_true(model_write(two_banks, UINT32_MAX));
    (void)model_read_all(reader_without_a_cut);
    assert_true(whole_cuts > 1);
    assert_int_equal(broken_cuts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_outcome_shows_half_a_board),
        cmocka_unit_test(a_db_that_dies_at_any_store_shows_no_half_and_is_succeeded),
        cmocka_unit_test(a_successor_that_dies_is_succeeded_as_well),
        cmocka_unit_test(a_look_without_a_cut_finds_a_built_bank),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
