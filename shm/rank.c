/* SPDX-License-Identifier: MIT */
/* rank.c - keeps players in order in one array of a bank, and copies lines of it out. */
#include "shm/rank.h"

#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/board.h"
#include "shm/score.h"
#include "shm/state.h"

static struct score_key key_of(const struct bank *bank, uint32_t player)
{
    const struct shm_player *row = &bank->players[player];

    return (struct score_key){
        .score_points = bank_load_i64(&row->score_points),
        .raised_seq = bank_load_u64(&row->raised_seq),
        .player = player,
    };
}

/*
 * How many places of [first, end) are taken by players who stand before `key`.  A torn reader may
 * meet a slot that is none: it ends up at some wrong place, and finds that out in the end.
 */
static uint32_t place_of_key(const struct bank *bank, const struct score_key *key, uint32_t first,
                             uint32_t end)
{
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        uint32_t player = bank_load_u32(&bank->order[middle]);
        struct score_key other = {0};

        if (player < bank->players_max) {
            other = key_of(bank, player);
        }
        if (score_compare(&other, key) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

bool rank_find_place(const struct bank *bank, uint32_t player, uint32_t *ret_place)
{
    if (player >= bank->players_max) {
        return false;
    }
    uint32_t count = state_player_count(bank);
    struct score_key key = key_of(bank, player);
    uint32_t place = place_of_key(bank, &key, 0, count);

    if (place >= count || bank_load_u32(&bank->order[place]) != player) {
        return false;
    }
    *ret_place = place;
    return true;
}

uint32_t rank_move_player(struct bank *live, uint32_t player, uint32_t old_place)
{
    uint32_t count = state_player_count(live);

    CHECK(player < live->players_max && old_place < count);
    CHECK(bank_load_u32(&live->order[old_place]) == player);
    struct score_key key = key_of(live, player);
    uint32_t place = place_of_key(live, &key, 0, old_place);

    if (place < old_place) { /* up: those overtaken move one place down */
        for (uint32_t i = old_place; i > place; i--) {
            bank_store_u32(&live->order[i], bank_load_u32(&live->order[i - 1]));
        }
    } else { /* down, or nowhere: those who pass move one place up */
        place = place_of_key(live, &key, old_place + 1, count) - 1;
        for (uint32_t i = old_place; i < place; i++) {
            bank_store_u32(&live->order[i], bank_load_u32(&live->order[i + 1]));
        }
    }
    bank_store_u32(&live->order[place], player);
    return place;
}

/* Does the player at place a stand behind the one at place b? */
static bool stands_behind(const struct bank *bank, uint32_t a, uint32_t b)
{
    struct score_key key_a = key_of(bank, bank_load_u32(&bank->order[a]));
    struct score_key key_b = key_of(bank, bank_load_u32(&bank->order[b]));

    return score_compare(&key_a, &key_b) > 0;
}

static void swap_places(struct bank *bank, uint32_t a, uint32_t b)
{
    uint32_t player = bank_load_u32(&bank->order[a]);

    bank_store_u32(&bank->order[a], bank_load_u32(&bank->order[b]));
    bank_store_u32(&bank->order[b], player);
}

/* Restores a heap whose root is the hindmost, below `root`. */
static void heap_sink(struct bank *bank, uint32_t root, uint32_t count)
{
    for (;;) {
        uint32_t child = 2 * root + 1;

        if (child >= count) {
            return;
        }
        if (child + 1 < count && stands_behind(bank, child + 1, child)) {
            child++;
        }
        if (!stands_behind(bank, child, root)) {
            return;
        }
        swap_places(bank, root, child);
        root = child;
    }
}

/* Heapsort: in place, so that nothing is allocated, and never quadratic. */
void rank_rebuild(struct bank *spare)
{
    struct bank_span span = bank_span(spare);
    uint32_t count = 0;

    for (uint32_t player = bank_span_next(&span, 0); player < spare->players_max;
         player = bank_span_next(&span, player + 1)) {
        if ((bank_load_u32(&spare->players[player].flags) & SHM_PLAYER_KNOWN) != 0) {
            bank_store_u32(&spare->order[count++], player);
        }
    }
    bank_store_u32(&spare->head->player_count, count);
    for (uint32_t root = count / 2; root > 0; root--) {
        heap_sink(spare, root - 1, count);
    }
    for (uint32_t end = count; end > 1; end--) {
        swap_places(spare, 0, end - 1);
        heap_sink(spare, 0, end - 1);
    }
}

uint32_t rank_copy_lines(const struct bank *bank, uint32_t first, uint32_t max_lines,
                         struct rank_line *lines)
{
    uint32_t count = state_player_count(bank);
    uint32_t copied = 0;

    for (uint32_t place = first; place < count && copied < max_lines; place++) {
        uint32_t player = bank_load_u32(&bank->order[place]);

        if (player >= bank->players_max) { /* torn: board_read_done() will say so */
            break;
        }
        const struct shm_player *row = &bank->players[player];

        lines[copied++] = (struct rank_line){
            .raised_seq = bank_load_u64(&row->raised_seq),
            .score_points = bank_load_i64(&row->score_points),
            .raised_ts_us = bank_load_u64(&row->raised_ts_us),
            .player = player,
            .solves = bank_load_u32(&row->solves),
            .place = place,
            .flags = bank_load_u32(&row->flags),
        };
    }
    return copied;
}

bool rank_read_lines(const struct board *board, uint32_t first, uint32_t max_lines,
                     struct rank_line *lines, uint32_t *ret_count, uint64_t *ret_seq)
{
    for (int attempt = 0; attempt < RANK_READ_TRIES; attempt++) {
        struct board_cut cut;

        if (!board_read_begin(board, &cut)) {
            return false; /* it has tried often enough by itself */
        }
        uint32_t count = rank_copy_lines(cut.bank, first, max_lines, lines);
        uint64_t seq = state_committed_seq(cut.bank);

        if (board_read_done(board, &cut)) {
            *ret_count = count;
            *ret_seq = seq;
            return true;
        }
    }
    return false;
}
