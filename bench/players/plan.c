/* SPDX-License-Identifier: MIT */
/* plan.c - challenges.json and credentials.csv as the emulator needs them. */
#include "bench/players/plan.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/read_file.h"
#include "conf/arena.h"
#include "conf/credentials.h"
#include "conf/diag.h"
#include "conf/json_text.h"
#include "shm/base/buf.h"

#define FILE_BYTES_MAX (32u << 20)

static struct arena memory; /* everything a plan is made of; freed with the program */

static bool read_game_file(const char *dir, const char *name, struct buf *out)
{
    char path[4096];
    int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
    bool ok = len > 0 && (size_t)len < sizeof(path) && read_file(path, out);

    if (!ok) {
        fprintf(stderr, "players: cannot read %s/%s\n", dir, name);
    }
    return ok;
}

static struct str json_quoted(const char *text)
{
    char *quoted = json_dumps(json_string(text), JSON_ENCODE_ANY);
    struct str copy = arena_str(&memory, str_from(quoted));

    free(quoted);
    return copy;
}

/* The place of an id among the challenges; their number: it is not there. */
static uint32_t place_of(json_t *list, json_int_t id)
{
    uint32_t place = 0;

    while (place < json_array_size(list) &&
           json_integer_value(json_object_get(json_array_get(list, place), "id")) != id) {
        place++;
    }
    return place;
}

static bool read_challenge(json_t *list, json_t *entry, struct plan_challenge *challenge)
{
    const char *flag = json_string_value(json_object_get(entry, "testflag"));
    json_t *requirements = json_object_get(entry, "requirements");
    json_t *hints = json_object_get(entry, "hints");

    challenge->id = (uint32_t)json_integer_value(json_object_get(entry, "id"));
    if (flag == NULL) {
        fprintf(stderr, "players: challenge %u has no testflag\n", challenge->id);
        return false;
    }
    challenge->flag_json = json_quoted(flag);
    challenge->requirement_count = (uint32_t)json_array_size(requirements);
    challenge->requirements =
        arena_alloc(&memory, challenge->requirement_count + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < challenge->requirement_count; i++) {
        challenge->requirements[i] =
            place_of(list, json_integer_value(json_array_get(requirements, i)));
        if (challenge->requirements[i] >= json_array_size(list)) {
            return false;
        }
    }
    for (size_t i = 0; i < json_array_size(hints) && i < PLAN_HINTS_MAX; i++) {
        challenge->hint_costs[challenge->hint_count++] =
            json_integer_value(json_object_get(json_array_get(hints, i), "cost"));
    }
    return true;
}

static bool read_challenges(const char *game_dir, struct plan *plan)
{
    struct buf raw = BUF_INIT(FILE_BYTES_MAX);
    struct buf text = BUF_INIT(FILE_BYTES_MAX);
    json_error_t error;

    if (!read_game_file(game_dir, "challenges.json", &raw)) {
        return false;
    }
    (void)json_text_escape(buf_str(&raw), &text);
    json_t *list = json_loadb(text.data, text.len, 0, &error);

    if (!json_is_array(list)) {
        fprintf(stderr, "players: challenges.json: %s\n", error.text);
        return false;
    }
    plan->challenge_count = (uint32_t)json_array_size(list);
    plan->challenges = arena_alloc(&memory, plan->challenge_count + 1, sizeof(*plan->challenges));
    for (uint32_t i = 0; i < plan->challenge_count; i++) {
        if (!read_challenge(list, json_array_get(list, i), &plan->challenges[i])) {
            return false;
        }
    }
    json_decref(list);
    buf_free(&raw);
    buf_free(&text);
    return true;
}

static bool read_players(const char *game_dir, struct plan *plan)
{
    struct buf raw = BUF_INIT(FILE_BYTES_MAX);
    struct diag diag = {0};
    struct game_player *list;

    if (!read_game_file(game_dir, "credentials.csv", &raw)) {
        return false;
    }
    if (!credentials_load(buf_str(&raw), "credentials.csv", 1, &memory, &diag, &list,
                          &plan->player_count)) {
        diag_print(&diag);
        return false;
    }
    plan->players = arena_alloc(&memory, plan->player_count + 1, sizeof(*plan->players));
    for (uint32_t i = 0; i < plan->player_count; i++) {
        json_t *login =
            json_pack("{s:s%,s:s%}", "username", list[i].username.data, list[i].username.len,
                      "password", list[i].password.data, list[i].password.len);
        char *body = json_dumps(login, JSON_COMPACT);

        plan->players[i].login_json = arena_str(&memory, str_from(body));
        free(body);
        json_decref(login);
    }
    buf_free(&raw);
    diag_free(&diag);
    return true;
}

bool plan_load(const char *game_dir, struct plan *ret_plan)
{
    struct plan plan = {0};

    if (!read_challenges(game_dir, &plan) || !read_players(game_dir, &plan)) {
        return false;
    }
    *ret_plan = plan;
    return true;
}
