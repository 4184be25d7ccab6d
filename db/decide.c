/* SPDX-License-Identifier: MIT */
/* decide.c - what may be solved, bought, named and ended. */

#include "db/decide.h"

#include "conf/game.h"
#include "conf/names.h"
#include "shm/challenges.h"
#include "shm/score.h"
#include "shm/solved.h"

static struct decision refuse(enum wire_status status)
{
    return (struct decision){.status = status};
}

/* A player of the present game, as the store knows them. */
static struct roster_user *player_of(const struct decide_view *view, uint32_t player)
{
    return game_player_at(view->game, player) == NULL ? NULL : roster_at_slot(view->roster, player);
}

static int64_t total_of(const struct decide_view *view, uint32_t player)
{
    return players_score(view->bank, player) + overlay_points(view->overlay, player);
}

static bool has_solved(const struct decide_view *view, uint32_t player, uint32_t challenge)
{
    return solved_test(view->bank, player, challenge) ||
           overlay_has_solved(view->overlay, player, challenge);
}

static bool has_bought(const struct decide_view *view, uint32_t player, uint32_t hint)
{
    return solved_hint_bought(view->bank, player, hint) ||
           overlay_has_bought(view->overlay, player, hint);
}

static bool is_open(const struct decide_view *view, uint32_t player,
                    const struct game_challenge *challenge)
{
    for (uint32_t i = 0; i < challenge->requirement_count; i++) {
        if (!has_solved(view, player, challenge->requirement_slots[i])) {
            return false;
        }
    }
    return true;
}

struct decision decide_submit(const struct decide_view *view, const struct wire_submit *request)
{
    struct roster_user *user = player_of(view, request->player);
    const struct game_challenge *challenge = game_challenge_at(view->game, request->challenge);
    bool is_award = (request->flags & EVENT_FROM_AWARD) != 0;
    struct challenge_view counts = {0};

    if (user == NULL || challenge == NULL ||
        !challenges_read(view->bank, request->challenge, &counts)) {
        return refuse(WIRE_UNKNOWN);
    }
    struct decision decision = {.user = user, .total_points = total_of(view, request->player)};

    if (has_solved(view, request->player, request->challenge)) {
        decision.status = WIRE_ALREADY;
        return decision;
    }
    if (!is_award && !is_open(view, request->player, challenge)) {
        decision.status = WIRE_LOCKED;
        return decision;
    }
    uint32_t solves = counts.solves + overlay_solves(view->overlay, request->challenge);

    decision.status = WIRE_OK;
    decision.effect = DECIDE_EVENT;
    decision.event = (struct event){
        .player = request->player,
        .user_id = user->id,
        .challenge = request->challenge,
        .challenge_id = challenge->id,
        .points = (int32_t)score_value(challenge->points, solves),
        .hint = SHM_NONE,
        .type = EVENT_SOLVE,
        .version = EVENT_VERSION,
        .flags = is_award ? EVENT_FROM_AWARD : 0,
    };
    decision.total_points += decision.event.points;
    return decision;
}

/* The id of the hint that comes next; hints are bought in order. */
static uint32_t next_hint_id(const struct decide_view *view, uint32_t player,
                             const struct game_challenge *challenge)
{
    uint32_t highest = 0;

    for (uint32_t i = 0; i < challenge->hint_count; i++) {
        const struct game_hint *hint = &challenge->hints[i];

        if (hint->id > highest && has_bought(view, player, hint->slot)) {
            highest = hint->id;
        }
    }
    return highest + 1;
}

struct decision decide_hint(const struct decide_view *view, const struct wire_hint *request)
{
    struct roster_user *user = player_of(view, request->player);
    const struct game_challenge *challenge = game_challenge_at(view->game, request->challenge);
    const struct game_hint *hint =
        challenge == NULL ? NULL : game_find_hint(challenge, request->hint_id);

    if (user == NULL || hint == NULL) {
        return refuse(WIRE_UNKNOWN);
    }
    struct decision decision = {.user = user, .total_points = total_of(view, request->player)};

    if (has_bought(view, request->player, hint->slot)) {
        decision.status = WIRE_ALREADY;
        return decision;
    }
    if (!is_open(view, request->player, challenge) ||
        hint->id != next_hint_id(view, request->player, challenge)) {
        decision.status = WIRE_LOCKED;
        return decision;
    }
    if (!score_can_buy(decision.total_points, hint->cost_points)) {
        decision.status = WIRE_INSUFFICIENT;
        return decision;
    }
    decision.status = WIRE_OK;
    decision.effect = DECIDE_EVENT;
    decision.event = (struct event){
        .player = request->player,
        .user_id = user->id,
        .challenge = request->challenge,
        .challenge_id = challenge->id,
        .points = -(int32_t)hint->cost_points,
        .hint_id = hint->id,
        .hint = hint->slot,
        .type = EVENT_HINT,
        .version = EVENT_VERSION,
    };
    decision.total_points += decision.event.points;
    return decision;
}

static bool is_taken_by_other(const struct decide_view *view, uint64_t key,
                              const struct roster_user *user)
{
    uint32_t slot;

    if (overlay_name_holder(view->overlay, key, &slot)) {
        return slot != OVERLAY_NOBODY && slot != user->slot;
    }
    uint32_t holder = roster_name_holder(view->roster, key);

    return holder != ROSTER_NOBODY && &view->roster->users[holder] != user;
}

/* "Anonymous-5" is what user 5 is called without a name: nobody else may be. */
static bool is_default_of_other(const char *name, uint32_t user_id)
{
    char folded[NAME_FIELD_BYTES];
    const struct str prefix = STR("anonymous-");
    uint64_t number;

    name_fold(name, folded);
    struct str digits = str_from(folded);
    if (!str_starts_with(digits, prefix)) {
        return false;
    }
    digits.data += prefix.len;
    digits.len -= prefix.len;
    return str_to_u64(digits, 0, UINT64_MAX, &number) && number != user_id;
}

/* 0: none that would fall free (an older file may hold a name twice: it is the first one's). */
static uint64_t own_name_key(const struct decide_view *view, const struct roster_user *user)
{
    uint64_t key = roster_name_key(view->roster, user->name);
    uint32_t holder = roster_name_holder(view->roster, key);

    return holder != ROSTER_NOBODY && &view->roster->users[holder] == user ? key : 0;
}

struct decision decide_name(const struct decide_view *view, const struct wire_name *request)
{
    struct roster_user *user = player_of(view, request->player);

    if (user == NULL) {
        return refuse(WIRE_UNKNOWN);
    }
    struct decision decision = {
        .user = user,
        .total_points = total_of(view, request->player),
        .name_key = roster_name_key(view->roster, request->name),
    };

    if (is_taken_by_other(view, decision.name_key, user) ||
        is_default_of_other(request->name, user->id)) {
        decision.status = WIRE_NAME_TAKEN;
        return decision;
    }
    if (!overlay_name_of(view->overlay, request->player, &decision.old_name_key)) {
        decision.old_name_key = own_name_key(view, user);
    }
    decision.status = WIRE_OK;
    decision.effect = DECIDE_NAME;
    return decision;
}

struct decision decide_player_epoch(const struct decide_view *view, struct roster_user *user)
{
    return (struct decision){
        .status = WIRE_OK,
        .effect = DECIDE_PLAYER_EPOCH,
        .user = user,
        .auth_epoch = user->auth_epoch + overlay_logouts(view->overlay, user->slot) + 1,
    };
}

struct decision decide_revoke(const struct decide_view *view, const struct wire_revoke *request)
{
    if (request->player == SHM_NONE && request->session_id == 0) {
        return (struct decision){.status = WIRE_OK, .effect = DECIDE_GAME_EPOCH};
    }
    /* Also of somebody who is no longer in the game: their sessions may live on. */
    struct roster_user *user = roster_at_slot(view->roster, request->player);

    if (user == NULL) {
        return refuse(WIRE_UNKNOWN);
    }
    if (request->session_id == 0) {
        return decide_player_epoch(view, user);
    }
    return (struct decision){.status = WIRE_OK, .effect = DECIDE_SESSION, .user = user};
}
