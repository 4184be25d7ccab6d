/* SPDX-License-Identifier: MIT */
/*
 * decide.h - the rules: (board + what this batch has decided already, request) -> effect or refusal.
 *
 * Pure: no SQL, no sockets, no clock, nothing is changed; the caller stores what is decided and notes
 * it in the overlay.  The board is the live bank, which only db writes, so it is never torn here.
 * Process  db.
 */
#pragma once

#include <stdint.h>

#include "db/overlay.h"
#include "db/roster.h"
#include "shm/event.h"
#include "shm/wire.h"

struct bank;
struct game;

struct decide_view {
    const struct game *game;
    const struct bank *bank;
    const struct roster *roster;
    const struct overlay *overlay;
};

enum decide_effect {
    DECIDE_NOTHING,      /* status says why, or that it is so already */
    DECIDE_EVENT,        /* event, without seq and date */
    DECIDE_NAME,         /* user takes the name of the request; name_key, old_name_key */
    DECIDE_SESSION,      /* the request's session ends */
    DECIDE_PLAYER_EPOCH, /* all sessions of user end */
    DECIDE_GAME_EPOCH,   /* all sessions of everyone end */
};

struct decision {
    enum wire_status status;
    enum decide_effect effect;
    struct roster_user *user; /* of the player asked for; NULL: everyone */
    int64_t total_points;     /* of the player, with the effect */
    struct event event;
    uint64_t name_key;
    uint64_t old_name_key; /* 0: had none */
    uint32_t auth_epoch;   /* the user's, after DECIDE_PLAYER_EPOCH */
};

struct decision decide_submit(const struct decide_view *view, const struct wire_submit *request);
struct decision decide_hint(const struct decide_view *view, const struct wire_hint *request);
struct decision decide_name(const struct decide_view *view, const struct wire_name *request);
struct decision decide_revoke(const struct decide_view *view, const struct wire_revoke *request);
/* Ends all sessions of a user: what a logout becomes when there is no room to revoke one session. */
struct decision decide_player_epoch(const struct decide_view *view, struct roster_user *user);
