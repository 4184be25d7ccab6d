/* SPDX-License-Identifier: MIT */
/* board.c - the sequence lock over a bank, and the one store that makes the other bank live. */
#include "shm/board.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/proc.h"

static void assert_writer(void)
{
    enum proc_role role = proc_role();

    /* A tool (`ctfg check`) folds into a segment of its own. */
    CHECK(role == PROC_DB || role == PROC_TOOL || role == PROC_TEST);
}

static struct bank bank_attach(const struct segment *segment, enum shm_section section)
{
    const struct shm_sizes *sizes = &segment->header->sizes;
    struct bank_plan plan = segment_bank_plan(sizes);
    char *start = segment_section(segment, section);

    return (struct bank){
        .head = (void *)start,
        .players = (void *)(start + plan.players_at),
        .challenges = (void *)(start + plan.challenges_at),
        .solved = (void *)(start + plan.solved_at),
        .bought = (void *)(start + plan.bought_at),
        .order = (void *)(start + plan.order_at),
        .solved_words = plan.solved_words,
        .bought_words = plan.bought_words,
        .players_max = sizes->players_max,
        .challenges_max = sizes->challenges_max,
        .hints_max = sizes->hints_max,
    };
}

void board_attach(const struct segment *segment, struct board *ret_board)
{
    *ret_board = (struct board){
        .control = segment_section(segment, SHM_BOARD),
        .banks = {bank_attach(segment, SHM_BANK_0), bank_attach(segment, SHM_BANK_1)},
    };
}

bool board_is_ready(const struct board *board)
{
    /* acquire: pairs with the release of `ready` in board_publish(): key and bank are there */
    return atomic_load_explicit(&board->control->ready, memory_order_acquire) != 0;
}

static uint32_t live_index(const struct board *board)
{
    /* acquire: pairs with the release of live_bank in board_publish(): the bank is built */
    return atomic_load_explicit(&board->control->live_bank, memory_order_acquire) & 1;
}

const struct bank *board_live(const struct board *board)
{
    return &board->banks[live_index(board)];
}

struct bank_span bank_span(const struct bank *bank)
{
    uint32_t low = bank_load_u32(&bank->head->players_low);
    uint32_t high = bank_load_u32(&bank->head->players_high);

    return (struct bank_span){
        .low_end = low < bank->players_max ? low : bank->players_max,
        .high_begin = high < bank->players_max ? bank->players_max - high : 0,
    };
}

/* The odd version that this thread has last waited for in vain, and whose it was. */
static _Thread_local struct board_given_up {
    const struct shm_bank_head *head;
    uint64_t version;
} given_up;

/* false: waited long enough.  *give_up_at_us is 0 before the first call. */
static bool wait_for_writer(int attempt, uint64_t *give_up_at_us)
{
    if (attempt < BOARD_READ_TRIES / 2) {
        cpu_relax();
        return true;
    }
    uint64_t now_us = clock_mono_us();

    if (*give_up_at_us == 0) {
        *give_up_at_us = now_us + BOARD_YIELD_MAX_US;
    }
    (void)sched_yield();
    return now_us < *give_up_at_us;
}

bool board_read_begin(const struct board *board, struct board_cut *ret_cut)
{
    if (!board_is_ready(board)) {
        return false;
    }
    struct board_given_up seen = {0};
    uint64_t give_up_at_us = 0;

    for (int attempt = 0; attempt < BOARD_READ_TRIES; attempt++) {
        const struct bank *bank = board_live(board);
        /* acquire: pairs with board_write_end() and board_publish(): that version's words are there */
        uint64_t version = atomic_load_explicit(&bank->head->version, memory_order_acquire);

        if ((version & 1) == 0) {
            *ret_cut = (struct board_cut){.bank = bank, .version = version};
            return true;
        }
        seen = (struct board_given_up){.head = bank->head, .version = version};
        /* Waited for before: whoever reads player after player would stand still at each of them. */
        if ((seen.head == given_up.head && seen.version == given_up.version) ||
            !wait_for_writer(attempt, &give_up_at_us)) {
            break;
        }
    }
    given_up = seen;
    return false;
}

/*
 * The version alone tells: a bank that stopped being live keeps its even version, and stays one
 * whole cut, until board_spare_clear() makes it odd before it touches anything.  No even version
 * ever comes back: each is above all that either bank has had.
 */
bool board_read_done(const struct board *board, const struct board_cut *cut)
{
    (void)board;
    /* relaxed: the acquire loads of the words before it keep it behind them (bank_word.h) */
    return atomic_load_explicit(&cut->bank->head->version, memory_order_relaxed) == cut->version;
}

void board_session_key(const struct board *board, uint8_t ret_key[32])
{
    for (size_t i = 0; i < ARRAY_LEN(board->control->session_key); i++) {
        /* relaxed: board_is_ready() has acquired it, and no later db changes it */
        uint64_t word = atomic_load_explicit(&board->control->session_key[i], memory_order_relaxed);
        memcpy(ret_key + i * sizeof(word), &word, sizeof(word));
    }
}

void board_set_session_key(struct board *board, const uint8_t key[32])
{
    assert_writer();
    for (size_t i = 0; i < ARRAY_LEN(board->control->session_key); i++) {
        uint64_t word;

        memcpy(&word, key + i * sizeof(word), sizeof(word));
        /* relaxed: the release of `ready` in board_publish() carries it to board_is_ready() */
        atomic_store_explicit(&board->control->session_key[i], word, memory_order_relaxed);
    }
}

static uint64_t own_version(const struct bank *bank)
{
    /* relaxed: db reads what it, or a dead predecessor, has stored; nobody else writes it */
    return atomic_load_explicit(&bank->head->version, memory_order_relaxed);
}

struct bank *board_write_begin(struct board *board)
{
    assert_writer();
    struct bank *bank = &board->banks[live_index(board)];
    uint64_t version = own_version(bank);

    /* Odd: the predecessor died inside an event.  Its successor must publish the other bank. */
    CHECK((version & 1) == 0);
    /* relaxed: every word stored after it is a release and carries it to board_read_done() */
    atomic_store_explicit(&bank->head->version, version + 1, memory_order_relaxed);
    return bank;
}

void board_write_end(struct board *board)
{
    assert_writer();
    struct bank *bank = &board->banks[live_index(board)];
    uint64_t version = own_version(bank);

    CHECK((version & 1) == 1);
    /* release: pairs with the acquire in board_read_begin(): who sees it sees all of the event */
    atomic_store_explicit(&bank->head->version, version + 1, memory_order_release);
}

static void clear_words(_Atomic uint64_t *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bank_store_u64(&words[i], 0);
    }
}

static void clear_head(struct shm_bank_head *head)
{
    bank_store_u64(&head->committed_seq, 0);
    bank_store_u64(&head->last_ts_us, 0);
    bank_store_u64(&head->floor_seq, 0);
    bank_store_u64(&head->auth_epoch, 0);
    bank_store_u64(&head->generation, 0);
    bank_store_u32(&head->player_count, 0);
    bank_store_u32(&head->phase, 0);
}

static void clear_use(struct shm_bank_head *head)
{
    bank_store_u32(&head->players_low, 0);
    bank_store_u32(&head->players_high, 0);
    bank_store_u32(&head->solved_words, 0);
    bank_store_u32(&head->bought_words, 0);
}

static void clear_player(struct shm_player *player)
{
    bank_store_i64(&player->score_points, 0);
    bank_store_u64(&player->raised_seq, 0);
    bank_store_u64(&player->raised_ts_us, 0);
    bank_store_u64(&player->last_seq, 0);
    bank_store_u32(&player->user_id, 0);
    bank_store_u32(&player->auth_epoch, 0);
    bank_store_u32(&player->solves, 0);
    bank_store_u32(&player->flags, 0);
    clear_words(player->name, SHM_NAME_WORDS);
}

static void clear_challenge(struct shm_challenge *challenge)
{
    bank_store_u32(&challenge->id, 0);
    bank_store_u32(&challenge->solves, 0);
    bank_store_u32(&challenge->first_player, SHM_NONE);
    bank_store_u32(&challenge->value_points, 0);
    bank_store_u64(&challenge->first_seq, 0);
    bank_store_u64(&challenge->last_seq, 0);
}

/* Places follow the players in use: there are never more of them. */
static void clear_players(struct bank *spare, const struct bank_span *span)
{
    uint32_t place = 0;

    for (uint32_t slot = bank_span_next(span, 0); slot < spare->players_max;
         slot = bank_span_next(span, slot + 1)) {
        clear_player(&spare->players[slot]);
        bank_store_u32(&spare->order[place++], SHM_NONE);
    }
}

static void clear_columns(struct bank *spare, const struct bank_span *span,
                          _Atomic uint64_t *columns, uint32_t used)
{
    for (uint32_t column = 0; column < used; column++) {
        _Atomic uint64_t *words = columns + (size_t)column * spare->players_max;

        clear_words(words, span->low_end);
        clear_words(words + span->high_begin, spare->players_max - span->high_begin);
    }
}

/* Only what was in use since it was last cleared.  A db that dies in here leaves that as it is, and
 * its successor clears all of it again. */
struct bank *board_spare_clear(struct board *board)
{
    assert_writer();
    struct bank *spare = &board->banks[live_index(board) ^ 1];
    struct bank_span span = bank_span(spare);

    /* relaxed: the releases of the clearing that follows carry it to late readers of this bank */
    atomic_store_explicit(&spare->head->version, own_version(spare) | 1, memory_order_relaxed);
    clear_head(spare->head);
    clear_players(spare, &span);
    for (uint32_t i = 0; i < spare->challenges_max; i++) {
        clear_challenge(&spare->challenges[i]);
    }
    clear_columns(spare, &span, spare->solved, bank_load_u32(&spare->head->solved_words));
    clear_columns(spare, &span, spare->bought, bank_load_u32(&spare->head->bought_words));
    clear_use(spare->head);
    return spare;
}

/* The end that has less far to go: players fill the slots from below, users outside of the game from
 * above.  Another order costs memory, nothing else. */
void bank_use_slot(struct bank *spare, uint32_t slot)
{
    struct bank_span span = bank_span(spare);

    assert_writer();
    CHECK(slot < spare->players_max);
    if (bank_span_next(&span, slot) == slot) {
        return;
    }
    if (slot - span.low_end < span.high_begin - slot) {
        bank_store_u32(&spare->head->players_low, slot + 1);
    } else {
        bank_store_u32(&spare->head->players_high, spare->players_max - slot);
    }
}

void board_publish(struct board *board)
{
    assert_writer();
    uint32_t live = live_index(board);
    struct bank *spare = &board->banks[live ^ 1];
    uint64_t above = own_version(&board->banks[live]);

    CHECK((own_version(spare) & 1) == 1); /* board_spare_clear() came first */
    if (above < own_version(spare)) {
        above = own_version(spare);
    }
    /* release: pairs with the acquire in board_read_begin(); even, above both banks' pasts */
    atomic_store_explicit(&spare->head->version, (above | 1) + 1, memory_order_release);
    /* release: pairs with the acquire in live_index(): who finds this bank finds it built */
    atomic_store_explicit(&board->control->live_bank, live ^ 1, memory_order_release);
    /* release: pairs with the acquire in board_is_ready(); matters the first time only */
    atomic_store_explicit(&board->control->ready, 1, memory_order_release);
}
