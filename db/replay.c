/* SPDX-License-Identifier: MIT */
/* replay.c - two folds and one sum of the same log, compared number by number. */

#include "db/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "conf/game.h"
#include "shm/challenges.h"
#include "shm/players.h"
#include "shm/rank.h"

void replay_finding(struct replay *replay, const char *format, ...)
{
    va_list values;

    if (++replay->findings > REPLAY_FINDINGS_MAX) {
        return;
    }
    va_start(values, format);
    (void)fputs("  wrong: ", replay->out);
    (void)vfprintf(replay->out, format, values);
    (void)fputc('\n', replay->out);
    va_end(values);
}

/* ---- two routes ------------------------------------------------------------------------------- */

static bool fold(struct replay *replay, bool keep_order)
{
    struct rebuild rebuild = {
        .store = replay->store,
        .game = replay->game,
        .board = &replay->board,
        .end_seq = replay->up_to + 1,
        .keep_order = keep_order,
    };

    if (rebuild_run(&rebuild) != STORE_OK) {
        (void)fprintf(replay->out, "The events cannot be read: %s\n", store_error(replay->store));
        return false;
    }
    board_publish(&replay->board);
    replay->events = rebuild.events;
    roster_free(&replay->roster);
    replay->roster = rebuild.roster;
    rebuild.roster = (struct roster){0};
    rebuild_free(&rebuild);
    return true;
}

static void compare_players(struct replay *replay, const struct bank *first,
                            const struct bank *second)
{
    for (uint32_t slot = 0; slot < first->players_max; slot++) {
        struct player_view a = {0};
        struct player_view b = {0};
        uint32_t place_a = 0;
        uint32_t place_b = 0;
        bool has_a = players_read(first, slot, &a);
        bool has_b = players_read(second, slot, &b);

        if (has_a != has_b) {
            replay_finding(replay, "slot %" PRIu32 " is taken in one replay only", slot);
            continue;
        }
        if (!has_a) {
            continue;
        }
        if (a.score_points != b.score_points || a.solves != b.solves ||
            a.raised_seq != b.raised_seq || a.last_seq != b.last_seq) {
            replay_finding(replay,
                           "user %" PRIu32 " has %" PRId64 " points, %" PRIu32
                           " solves in one replay, %" PRId64 ", %" PRIu32 " in the other",
                           a.user_id, a.score_points, a.solves, b.score_points, b.solves);
        }
        if (!rank_find_place(first, slot, &place_a) || !rank_find_place(second, slot, &place_b) ||
            place_a != place_b) {
            replay_finding(replay,
                           "user %" PRIu32 " is at place %" PRIu32 " in one replay, %" PRIu32
                           " in the other",
                           a.user_id, place_a + 1, place_b + 1);
        }
    }
}

static void compare_challenges(struct replay *replay, const struct bank *first,
                               const struct bank *second)
{
    for (uint32_t slot = 0; slot < first->challenges_max; slot++) {
        struct challenge_view a = {0};
        struct challenge_view b = {0};

        if (challenges_read(first, slot, &a) != challenges_read(second, slot, &b) ||
            a.solves != b.solves || a.first_seq != b.first_seq ||
            a.first_player != b.first_player) {
            replay_finding(replay, "challenge %" PRIu32 " differs between the two replays", a.id);
        }
    }
}

/* ---- sums ------------------------------------------------------------------------------------- */

static bool compare_user_sum(void *context, const struct store_sum *sum)
{
    struct replay *replay = context;
    const struct bank *bank = board_live(&replay->board);
    struct player_view view = {0};
    uint64_t at;

    if (!map_get(&replay->roster.by_id, (uint64_t)sum->id, &at) ||
        !players_read(bank, replay->roster.users[at].slot, &view)) {
        replay_finding(replay, "user %" PRId64 " has events but is not on the board", sum->id);
    } else if (view.score_points != sum->points || view.solves != sum->solves) {
        replay_finding(replay,
                       "user %" PRId64 " has %" PRId64 " points, %" PRIu32
                       " solves on the board, %" PRId64 ", %" PRIu64 " in the table",
                       sum->id, view.score_points, view.solves, sum->points, sum->solves);
    }
    return true;
}

static bool compare_challenge_sum(void *context, const struct store_sum *sum)
{
    struct replay *replay = context;
    const struct game_challenge *challenge = game_find_challenge(replay->game, (uint32_t)sum->id);
    struct challenge_view view;

    if (challenge == NULL) {
        return true; /* solved, and then taken out of the game: it keeps its points, has no row */
    }
    if (!challenges_read(board_live(&replay->board), challenge->slot, &view) ||
        view.solves != sum->solves || view.first_seq != sum->first_id) {
        replay_finding(replay, "challenge %" PRId64 " differs between board and table", sum->id);
    }
    return true;
}

static bool count_sum(void *context, const struct store_sum *sum)
{
    uint32_t *users = context;

    (void)sum;
    (*users)++;
    return true;
}

bool replay_run(struct replay *replay)
{
    uint32_t users = 0; /* with events: at worst none of them is in the game */

    if (store_each_user_sum(replay->store, replay->up_to, count_sum, &users) != STORE_OK) {
        (void)fprintf(replay->out, "The events cannot be read: %s\n", store_error(replay->store));
        return false;
    }
    struct shm_sizes sizes =
        segment_sizes_for(replay->game->player_slots + users, replay->game->challenge_slots,
                          replay->game->hint_slots, 1, 1);

    if (!segment_create(&sizes, &replay->segment)) {
        (void)fprintf(replay->out, "There is no memory for a replay: %s\n", strerror(errno));
        return false;
    }
    board_attach(&replay->segment, &replay->board);
    if (!fold(replay, true)) {
        return false;
    }
    const struct bank *second = board_live(&replay->board);

    if (!fold(replay, false)) {
        return false;
    }
    const struct bank *first = board_live(&replay->board);

    compare_players(replay, first, second);
    compare_challenges(replay, first, second);
    if (store_each_user_sum(replay->store, replay->up_to, compare_user_sum, replay) != STORE_OK ||
        store_each_challenge_sum(replay->store, replay->up_to, compare_challenge_sum, replay) !=
            STORE_OK) {
        (void)fprintf(replay->out, "The events cannot be added up: %s\n",
                      store_error(replay->store));
        return false;
    }
    return true;
}

void replay_free(struct replay *replay)
{
    roster_free(&replay->roster);
    segment_destroy(&replay->segment);
}
