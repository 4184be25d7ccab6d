/* SPDX-License-Identifier: MIT */
/* event_json.c - events as JSON: contract of the stream, fields in one order everywhere. */
#include "worker/event_json.h"

#include <stdio.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/players.h"
#include "worker/context.h"
#include "worker/player.h"

/* A name is four words: it may change between two of them. */
#define NAME_TRIES 8

bool event_is_shown(const struct event *event)
{
    return event->player != GAME_SLOT_NONE &&
           (event->type == EVENT_SOLVE || event->type == EVENT_HINT);
}

/*
 * The player's name of now.  When no cut is to be had, db has died in the middle of an event: nobody
 * writes, and the name is read as it stands.  Had db just been changing this one it is half of each, but
 * ends within its bytes, and json_out.h makes UTF-8 of it.
 */
static void read_name(const struct worker *worker, const struct event *event,
                      char name[PLAYER_NAME_BYTES])
{
    struct player_view view;

    bool is_known = player_read(worker, event->player, NAME_TRIES, &view) ||
                    players_read(board_live(&worker->board), event->player, &view);

    if (is_known && view.name[0] != '\0') {
        (void)str_copy(str_from(view.name), name, PLAYER_NAME_BYTES);
    } else {
        players_default_name(event->user_id, name);
    }
}

static void write_challenge(struct json_out *json, const struct worker *worker,
                            const struct event *event)
{
    const struct game_challenge *challenge = game_challenge_at(worker->game, event->challenge);

    json_key_u64(json, "challenge_id", event->challenge_id);
    if (challenge != NULL) {
        json_key_str(json, "challenge", challenge->title);
    } else {
        char title[32]; /* it is not part of the game any more */

        (void)snprintf(title, sizeof(title), "Challenge %u", event->challenge_id);
        json_key_str(json, "challenge", str_from(title));
    }
}

void event_json_write(struct json_out *json, const struct worker *worker, const struct event *event,
                      enum event_form form)
{
    bool is_hint = event->type == EVENT_HINT;
    char name[PLAYER_NAME_BYTES];

    read_name(worker, event, name);
    json_object_begin(json);
    json_key_u64(json, "id", event->seq);
    json_key_str(json, "type", is_hint && form == EVENT_LIVE ? STR("hint") : STR("score"));
    json_key_str(json, "displayname", str_from(name));
    json_key_u64(json, "user_id", event->user_id);
    json_key_u64(json, "ts", event->ts_us / 1000);
    write_challenge(json, worker, event);
    json_key_i64(json, "points", event->points);
    if (is_hint) {
        json_key_u64(json, "hint_id", event->hint_id);
    } else if (event->place > 0) {
        json_key_u64(json, "place", event->place);
        json_key_u64(json, "solves", event->place); /* the n-th solver makes n solves */
    }
    if ((event->flags & EVENT_FROM_AWARD) != 0 && form != EVENT_PAST) {
        json_key_str(json, "reload", STR("true"));
    }
    json_object_end(json);
}

void event_json_resync(struct json_out *json, uint64_t seq)
{
    json_object_begin(json);
    json_key_str(json, "type", STR("system"));
    json_key_str(json, "event", STR("resync"));
    json_key_u64(json, "seq", seq);
    json_key_u64(json, "ts", clock_real_us() / 1000);
    json_object_end(json);
}

void event_json_reset(struct json_out *json)
{
    json_object_begin(json);
    json_key_str(json, "type", STR("system"));
    json_key_str(json, "event", STR("reset"));
    json_key_bool(json, "logout", true);
    json_key_u64(json, "ts", clock_real_us() / 1000);
    json_object_end(json);
}
