/* SPDX-License-Identifier: MIT */
/* model.c - answers -> what must be there; a store -> what is there; are they the same? */

#include "test/torture/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/check.h"

/* ---- from answers ----------------------------------------------------------------------------- */

static bool take_event(struct model *model, const struct model_event *event, FILE *out)
{
    for (uint32_t i = 0; i < model->event_count; i++) {
        const struct model_event *old = &model->events[i];

        if (old->request_id == event->request_id && old->id == event->id) {
            return true; /* asked again, answered again */
        }
        if (old->user_id == event->user_id && old->challenge_id == event->challenge_id &&
            old->hint_id == event->hint_id) {
            (void)fprintf(out, "events %" PRIu64 " and %" PRIu64 " are one thing, granted twice\n",
                          old->id, event->id);
            return false;
        }
    }
    if (model->event_count > 0 && (model->events[model->event_count - 1].id >= event->id ||
                                   model->events[model->event_count - 1].ts_us > event->ts_us)) {
        (void)fprintf(out, "event %" PRIu64 " does not come after the one before it\n", event->id);
        return false;
    }
    CHECK(model->event_count < MODEL_EVENTS_MAX);
    model->events[model->event_count++] = *event;
    if (model_score(model, event->user_id) < 0) {
        (void)fprintf(out, "user %" PRId64 " has less than nothing\n", event->user_id);
        return false;
    }
    return true;
}

static void take_revoke(struct model *model, const struct wire_revoke *revoke)
{
    if (revoke->session_id != 0) {
        CHECK(model->revocation_count < MODEL_REVOCATIONS_MAX);
        model->revocations[model->revocation_count++] =
            (struct store_revocation){revoke->session_id, revoke->expires_s};
    } else if (revoke->player == SHM_NONE) {
        model->auth_epoch++;
    } else {
        model->epochs[revoke->player]++;
    }
}

static bool take_name(struct model *model, const struct wire_name *name, FILE *out)
{
    for (uint32_t slot = 0; slot < MODEL_PLAYERS; slot++) {
        if (slot != name->player && strcmp(model->names[slot], name->name) == 0) {
            (void)fprintf(out, "the name %s is granted to two\n", name->name);
            return false;
        }
    }
    (void)snprintf(model->names[name->player], PLAYER_NAME_BYTES, "%s", name->name);
    return true;
}

bool model_take(struct model *model, const struct game *game, const struct request *request,
                const struct wire_result *result, FILE *out)
{
    struct model_event event = {
        .id = result->seq,
        .ts_us = result->ts_us,
        .request_id = request->head.request_id,
        .points = result->points,
    };

    if (result->status != WIRE_OK) {
        return true;
    }
    switch ((enum wire_type)request->head.type) {
    case WIRE_SUBMIT:
        event.user_id = request->submit.player + 1;
        event.challenge_id = game_challenge_at(game, request->submit.challenge)->id;
        return take_event(model, &event, out);
    case WIRE_HINT:
        event.user_id = request->hint.player + 1;
        event.challenge_id = game_challenge_at(game, request->hint.challenge)->id;
        event.hint_id = request->hint.hint_id;
        return take_event(model, &event, out);
    case WIRE_NAME:
        return take_name(model, &request->name, out);
    case WIRE_REVOKE:
        take_revoke(model, &request->revoke);
        return true;
    case WIRE_HELLO:
    case WIRE_GUESS:
    case WIRE_RESET: /* model_reset() */
    case WIRE_RESULT:
    case WIRE_POKE:
    case WIRE_TYPES:
        break;
    }
    return false;
}

void model_reset(struct model *model, uint64_t floor_seq)
{
    model->event_count = 0;
    memset(model->names, 0, sizeof(model->names));
    model->auth_epoch++;
    model->floor_seq = floor_seq;
}

int64_t model_score(const struct model *model, int64_t user_id)
{
    int64_t score = 0;

    for (uint32_t i = 0; i < model->event_count; i++) {
        score += model->events[i].user_id == user_id ? model->events[i].points : 0;
    }
    return score;
}

/* ---- from a store ----------------------------------------------------------------------------- */

static bool read_event(void *context, const struct store_event *row)
{
    struct model *model = context;

    if (model->event_count < MODEL_EVENTS_MAX) {
        model->events[model->event_count++] = (struct model_event){
            .id = row->id,
            .ts_us = row->ts_us,
            .request_id = row->request_id,
            .user_id = row->user_id,
            .challenge_id = row->challenge_id,
            .points = row->points,
            .hint_id = row->hint_id,
        };
    }
    return true;
}

static bool read_user(void *context, const struct store_user *user)
{
    struct model *model = context;

    if (user->id >= 1 && user->id <= MODEL_PLAYERS) {
        (void)snprintf(model->names[user->id - 1], PLAYER_NAME_BYTES, "%.*s",
                       STR_ARG(user->displayname));
        model->epochs[user->id - 1] = user->auth_epoch;
    }
    return true;
}

static bool read_revocation(void *context, const struct store_revocation *revocation)
{
    struct model *model = context;

    if (model->revocation_count < MODEL_REVOCATIONS_MAX) {
        model->revocations[model->revocation_count++] = *revocation;
    }
    return true;
}

enum store_status model_read(struct store *store, struct model *ret_model)
{
    struct store_meta meta;
    enum store_status status = store_read_meta(store, &meta);

    *ret_model = (struct model){0};
    if (status == STORE_OK) {
        ret_model->auth_epoch = meta.auth_epoch;
        ret_model->floor_seq = meta.floor_seq;
        status = store_each_event(store, 0, read_event, ret_model);
    }
    if (status == STORE_OK) {
        status = store_each_user(store, read_user, ret_model);
    }
    return status == STORE_OK ? store_each_revocation(store, read_revocation, ret_model) : status;
}

/* ---- the same? -------------------------------------------------------------------------------- */

static bool has_revocation(const struct model *model, const struct store_revocation *wanted)
{
    for (uint32_t i = 0; i < model->revocation_count; i++) {
        if (model->revocations[i].session_id == wanted->session_id) {
            return model->revocations[i].expires_s == wanted->expires_s;
        }
    }
    return false;
}

static bool is_same_event(const struct model_event *a, const struct model_event *b)
{
    return a->id == b->id && a->ts_us == b->ts_us && a->request_id == b->request_id &&
           a->user_id == b->user_id && a->challenge_id == b->challenge_id &&
           a->points == b->points && a->hint_id == b->hint_id;
}

static bool differs(FILE *out, const char *what, uint64_t which, uint64_t expected, uint64_t found)
{
    if (out != NULL) {
        (void)fprintf(out, "  %s %" PRIu64 ": %" PRIu64 " expected, %" PRIu64 " found\n", what,
                      which, expected, found);
    }
    return false;
}

static bool has_same_events(const struct model *expected, const struct model *found, FILE *out)
{
    uint32_t common =
        expected->event_count < found->event_count ? expected->event_count : found->event_count;
    bool same = true;

    if (expected->event_count != found->event_count) {
        same = differs(out, "events above", expected->floor_seq, expected->event_count,
                       found->event_count);
    }
    for (uint32_t i = 0; i < common; i++) {
        if (!is_same_event(&expected->events[i], &found->events[i])) {
            same = differs(out, "event at place", i, expected->events[i].id, found->events[i].id);
        }
    }
    return same;
}

bool model_equals(const struct model *expected, const struct model *found, FILE *out)
{
    bool same = has_same_events(expected, found, out);

    for (uint32_t slot = 0; slot < MODEL_PLAYERS; slot++) {
        if (strcmp(expected->names[slot], found->names[slot]) != 0) {
            same = differs(out, "letters of the name of slot", slot, strlen(expected->names[slot]),
                           strlen(found->names[slot]));
        }
        if (expected->epochs[slot] != found->epochs[slot]) {
            same = differs(out, "epoch of slot", slot, expected->epochs[slot], found->epochs[slot]);
        }
    }
    if (expected->auth_epoch != found->auth_epoch) {
        same = differs(out, "epoch of", 0, expected->auth_epoch, found->auth_epoch);
    }
    if (expected->floor_seq != found->floor_seq) {
        same = differs(out, "floor of", 0, expected->floor_seq, found->floor_seq);
    }
    if (expected->revocation_count != found->revocation_count) {
        same =
            differs(out, "revocations of", 0, expected->revocation_count, found->revocation_count);
    }
    for (uint32_t i = 0; i < expected->revocation_count; i++) {
        if (!has_revocation(found, &expected->revocations[i])) {
            same = differs(out, "revocation of session", expected->revocations[i].session_id, 1, 0);
        }
    }
    return same;
}
