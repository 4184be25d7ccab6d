/* SPDX-License-Identifier: MIT */
/* game.c - all files into one struct game, its slots and its look-ups; see game.h. */
#include "conf/game.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conf/arena.h"
#include "conf/challenges.h"
#include "conf/clusters.h"
#include "conf/credentials.h"
#include "conf/diag.h"
#include "conf/env.h"
#include "conf/files.h"
#include "conf/index.h"
#include "conf/settings_load.h"
#include "conf/settings_table.h"
#include "shm/base/check.h"
#include "shm/base/hash.h"

/* Who has a slot, also when gone: what the next load keeps slots by. */
struct slot_owner {
    uint32_t id;         /* of the challenge, or of the hint's challenge */
    uint32_t hint_id;    /* hints only */
    struct str username; /* players only */
    uint32_t position;   /* in this game's list; GAME_SLOT_NONE: gone */
};

struct slots {
    uint32_t count;
    uint32_t room;
    struct slot_owner *owners; /* by slot */
    struct index by_owner;
};

/* What callers see is its first member. */
struct loaded_game {
    struct game game;
    struct arena arena;
    struct challenges parsed; /* owns the flags */
    struct slots challenges;
    struct slots hints;
    struct slots players;
    uint64_t hash_seed; /* strangers choose usernames and ids to ask for */
    uint32_t refs;
};

static struct loaded_game *loaded(const struct game *game)
{
    return (struct loaded_game *)(void *)game;
}

static uint64_t owner_hash(const struct slot_owner *owner, uint64_t seed)
{
    uint32_t ids[2] = {owner->id, owner->hint_id};

    return owner->username.data != NULL ? hash_str(owner->username, seed)
                                        : hash_bytes(ids, sizeof(ids), seed);
}

/* GAME_SLOT_NONE: it has none yet. */
static uint32_t slots_find(const struct slots *slots, const struct slot_owner *owner, uint64_t seed)
{
    uint64_t hash = owner_hash(owner, seed);

    for (uint32_t at = index_first(&slots->by_owner, hash); at != INDEX_END;
         at = index_next(&slots->by_owner, &hash)) {
        const struct slot_owner *other = &slots->owners[at];

        if (other->id == owner->id && other->hint_id == owner->hint_id &&
            str_equal(other->username, owner->username)) {
            return at;
        }
    }
    return GAME_SLOT_NONE;
}

static void slots_append(struct slots *slots, struct slot_owner owner, uint64_t seed)
{
    CHECK(slots->count < slots->room);
    slots->owners[slots->count] = owner;
    index_add(&slots->by_owner, owner_hash(&owner, seed), slots->count);
    slots->count++;
}

/* All of the previous game's slots, none of them taken, and room for `more`. */
static void slots_inherit(struct slots *slots, const struct slots *previous, uint32_t more,
                          struct loaded_game *game)
{
    slots->room = more + (previous != NULL ? previous->count : 0);
    slots->owners = arena_alloc(&game->arena, slots->room, sizeof(*slots->owners));
    index_init(&slots->by_owner, &game->arena, slots->room);
    for (uint32_t i = 0; previous != NULL && i < previous->count; i++) {
        struct slot_owner owner = previous->owners[i];

        owner.position = GAME_SLOT_NONE;
        if (owner.username.data != NULL) {
            owner.username = arena_str(&game->arena, owner.username);
        }
        slots_append(slots, owner, game->hash_seed);
    }
}

static uint32_t slots_take(struct slots *slots, struct slot_owner owner, uint64_t seed)
{
    uint32_t slot = slots_find(slots, &owner, seed);

    if (slot == GAME_SLOT_NONE) {
        slot = slots->count;
        slots_append(slots, owner, seed);
    } else {
        slots->owners[slot].position = owner.position;
    }
    return slot;
}

static void assign_challenges(struct loaded_game *game, const struct loaded_game *previous)
{
    struct challenges *parsed = &game->parsed;

    slots_inherit(&game->challenges, previous != NULL ? &previous->challenges : NULL, parsed->count,
                  game);
    slots_inherit(&game->hints, previous != NULL ? &previous->hints : NULL, parsed->hint_count,
                  game);
    for (uint32_t i = 0; i < parsed->count; i++) {
        struct game_challenge *challenge = &parsed->list[i];
        struct slot_owner owner = {.id = challenge->id, .position = i};

        challenge->slot = slots_take(&game->challenges, owner, game->hash_seed);
        challenge->hints = parsed->hints[i];
        for (uint32_t j = 0; j < challenge->hint_count; j++) {
            struct game_hint *hint = &parsed->hints[i][j];
            struct slot_owner hint_owner = {
                .id = challenge->id, .hint_id = hint->id, .position = j};

            hint->slot = slots_take(&game->hints, hint_owner, game->hash_seed);
        }
    }
    for (uint32_t i = 0; i < parsed->count; i++) {
        struct game_challenge *challenge = &parsed->list[i];

        for (uint32_t j = 0; j < challenge->requirement_count; j++) {
            uint32_t position = parsed->requirements[i][j];

            parsed->requirements[i][j] = parsed->list[position].slot;
        }
        challenge->requirement_slots = parsed->requirements[i];
    }
    game->game.challenges = parsed->list;
    game->game.challenge_count = parsed->count;
    game->game.challenge_slots = game->challenges.count;
    game->game.hint_slots = game->hints.count;
}

static void assign_players(struct loaded_game *game, const struct loaded_game *previous,
                           struct game_player *players, uint32_t count)
{
    slots_inherit(&game->players, previous != NULL ? &previous->players : NULL, count, game);
    for (uint32_t i = 0; i < count; i++) {
        struct slot_owner owner = {.username = players[i].username, .position = i};

        players[i].slot = slots_take(&game->players, owner, game->hash_seed);
    }
    game->game.players = players;
    game->game.player_count = count;
    game->game.player_slots = game->players.count;
}

/* Shared memory has room for so many.  Only many reloads with ever new names get here. */
static void check_slots(const struct game *game, struct diag *diag, const struct game_files *files)
{
    static const char *const advice = "since the start, gone ones included; restart the server to "
                                      "forget those";

    if (game->challenge_slots > GAME_CHALLENGES_MAX) {
        diag_error(diag, files_display_path(files, "challenges.json"), 0,
                   "there were more than %d challenges %s", GAME_CHALLENGES_MAX, advice);
    }
    if (game->hint_slots > GAME_HINTS_MAX) {
        diag_error(diag, files_display_path(files, "challenges.json"), 0,
                   "there were more than %d hints %s", GAME_HINTS_MAX, advice);
    }
    if (game->player_slots > GAME_PLAYERS_MAX) {
        diag_error(diag, files_display_path(files, "credentials.csv"), 0,
                   "there were more than %d players %s", GAME_PLAYERS_MAX, advice);
    }
}

static void load_page(struct loaded_game *game, const struct game_files *files)
{
    static const struct str prefix = STR("page:");
    struct game_page_file *pages;
    struct str name;
    struct str bytes;
    uint32_t count = 0;

    for (uint32_t i = 0; files_at(files, i, &name, &bytes); i++) {
        count += str_starts_with(name, prefix);
    }
    pages = arena_alloc(&game->arena, count, sizeof(*pages));
    game->game.page_files = pages;
    for (uint32_t i = 0; files_at(files, i, &name, &bytes); i++) {
        if (str_starts_with(name, prefix)) {
            struct str path = {name.data + prefix.len, name.len - prefix.len};

            *pages++ = (struct game_page_file){arena_str(&game->arena, path),
                                               arena_str(&game->arena, bytes)};
            game->game.own_page = game->game.own_page || str_equal(path, STR("/index.html"));
        }
    }
    game->game.page_file_count = count;
}

static void check_logo(const struct game *game, struct diag *diag, const struct game_files *files)
{
    char path[256];

    (void)snprintf(path, sizeof(path), "page:/images/%.*s", STR_ARG(game->settings.game_logo));
    struct str bytes;

    if (game->settings.game_logo.len > 0 && !files_find(files, path, &bytes)) {
        diag_warning(diag, files_display_path(files, "ctfg.yaml"), 0,
                     "game.logo: there is no such picture in images/");
    }
}

/* Whatever is forked later must find what the others have: the same database, the same queue. */
static void hold_settings(struct loaded_game *game, const struct game *previous)
{
    bool *wait = arena_alloc(&game->arena, settings_row_count, sizeof(*wait));

    for (uint32_t i = 0; previous != NULL && i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];

        if (row->at_restart && settings_differ(row, &previous->settings, &game->game.settings)) {
            settings_copy(row, &previous->settings, &game->arena, &game->game.settings);
            wait[i] = true;
        }
    }
    game->game.settings_wait = wait;
}

static struct str file_bytes(const struct game_files *files, const char *name)
{
    struct str bytes = STR("");

    (void)files_find(files, name, &bytes);
    return bytes;
}

bool game_load(const struct game_files *files, const struct game *previous, struct diag *diag,
               struct game **ret_game)
{
    const struct loaded_game *before = previous != NULL ? loaded(previous) : NULL;
    struct loaded_game *game = calloc(1, sizeof(*game));
    struct game_player *players = NULL;
    uint32_t player_count = 0;
    bool ok;

    CHECK(game != NULL);
    game->refs = 1;
    CHECK(getrandom(&game->hash_seed, sizeof(game->hash_seed), 0) == sizeof(game->hash_seed));
    game->game.generation = previous != NULL ? previous->generation + 1 : 1;
    uint32_t errors_before = diag->errors;

    ok = settings_load(files, &game->arena, diag, &game->game.settings);
    ok &= challenges_load(file_bytes(files, "challenges.json"),
                          files_display_path(files, "challenges.json"), &game->arena, diag,
                          &game->parsed);
    ok &= credentials_load(file_bytes(files, "credentials.csv"),
                           files_display_path(files, "credentials.csv"), game->hash_seed,
                           &game->arena, diag, &players, &player_count);
    ok &= clusters_load(files, &game->arena, diag, &game->game);
    env_read_tokens(files, &game->arena, diag, &game->game);
    if (ok && diag->errors == errors_before) {
        hold_settings(game, previous);
        assign_challenges(game, before);
        assign_players(game, before, players, player_count);
        load_page(game, files);
        check_slots(&game->game, diag, files);
        check_logo(&game->game, diag, files);
    }
    if (diag->errors > errors_before) {
        game_unref(&game->game);
        return false;
    }
    *ret_game = &game->game;
    return true;
}

struct game *game_ref(struct game *game)
{
    loaded(game)->refs++;
    return game;
}

void game_unref(struct game *game)
{
    if (game == NULL || --loaded(game)->refs > 0) {
        return;
    }
    challenges_release(&loaded(game)->parsed);
    arena_free(&loaded(game)->arena);
    free(loaded(game));
}

const struct game_challenge *game_find_challenge(const struct game *game, uint32_t id)
{
    struct slot_owner owner = {.id = id};

    return game_challenge_at(
        game, slots_find(&loaded(game)->challenges, &owner, loaded(game)->hash_seed));
}

const struct game_player *game_find_player(const struct game *game, struct str username)
{
    struct slot_owner owner = {.username = username.data != NULL ? username : STR("")};

    return game_player_at(game,
                          slots_find(&loaded(game)->players, &owner, loaded(game)->hash_seed));
}

static uint32_t position_at(const struct slots *slots, uint32_t slot)
{
    return slot < slots->count ? slots->owners[slot].position : GAME_SLOT_NONE;
}

const struct game_challenge *game_challenge_at(const struct game *game, uint32_t slot)
{
    uint32_t position = position_at(&loaded(game)->challenges, slot);

    return position == GAME_SLOT_NONE ? NULL : &game->challenges[position];
}

const struct game_player *game_player_at(const struct game *game, uint32_t slot)
{
    uint32_t position = position_at(&loaded(game)->players, slot);

    return position == GAME_SLOT_NONE ? NULL : &game->players[position];
}

const struct game_hint *game_find_hint(const struct game_challenge *challenge, uint32_t hint_id)
{
    return hint_id >= 1 && hint_id <= challenge->hint_count ? &challenge->hints[hint_id - 1] : NULL;
}
