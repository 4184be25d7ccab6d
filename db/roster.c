/* SPDX-License-Identifier: MIT */
/* roster.c - users by id, by slot and by display name. */

#include "db/roster.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "conf/game.h"
#include "conf/names.h"
#include "shm/base/check.h"
#include "shm/base/hash.h"
#include "shm/board.h"

static_assert(PLAYER_NAME_BYTES == NAME_FIELD_BYTES, "a checked name fits the board");

static struct roster_user *add_user(struct roster *roster, const struct roster_user *user)
{
    if (roster->count == roster->capacity) {
        roster->capacity = roster->capacity == 0 ? 1024 : roster->capacity * 2;
        roster->users = reallocarray(roster->users, roster->capacity, sizeof(*roster->users));
        CHECK(roster->users != NULL);
    }
    map_put(&roster->by_id, user->id, roster->count);
    roster->users[roster->count] = *user;
    return &roster->users[roster->count++];
}

static uint32_t index_of(const struct roster *roster, const struct roster_user *user)
{
    return (uint32_t)(user - roster->users);
}

static void take_slot(struct roster *roster, struct roster_user *user, uint32_t slot)
{
    uint64_t before;

    user->slot = slot;
    roster->by_slot[slot] = index_of(roster, user);
    if (map_get(&roster->on_board, user->id, &before) && before != slot) {
        roster->slots_moved = true;
    }
}

/* Cut between characters: what the board holds is shorter than what an older file may hold. */
static void copy_name(struct str name, char field[PLAYER_NAME_BYTES])
{
    if (name.len >= PLAYER_NAME_BYTES) {
        name.len = PLAYER_NAME_BYTES - 1;
        while (name.len > 0 && !str_is_utf8(name)) {
            name.len--;
        }
    }
    (void)str_copy(name, field, PLAYER_NAME_BYTES);
}

uint64_t roster_name_key(const struct roster *roster, const char *name)
{
    char folded[NAME_FIELD_BYTES];

    name_fold(name, folded);
    return hash_str(str_from(folded), roster->seed);
}

uint32_t roster_name_holder(const struct roster *roster, uint64_t name_key)
{
    uint64_t at;

    return map_get(&roster->by_name, name_key, &at) ? (uint32_t)at : ROSTER_NOBODY;
}

static void index_name(struct roster *roster, const struct roster_user *user)
{
    uint64_t key = roster_name_key(roster, user->name);

    /* An older file may hold a name twice: it stays the first one's. */
    if (user->name[0] != '\0' && roster_name_holder(roster, key) == ROSTER_NOBODY) {
        map_put(&roster->by_name, key, index_of(roster, user));
    }
}

void roster_rename(struct roster *roster, struct roster_user *user, const char *name)
{
    uint64_t old_key = roster_name_key(roster, user->name);

    if (roster_name_holder(roster, old_key) == index_of(roster, user)) {
        map_remove(&roster->by_name, old_key);
    }
    copy_name(str_from(name), user->name);
    index_name(roster, user);
}

/* ---- loading ---------------------------------------------------------------------------------- */

struct loading {
    struct roster *roster;
    const struct game *game;
};

static bool load_user(void *context, const struct store_user *row)
{
    struct loading *loading = context;
    const struct game_player *player = game_find_player(loading->game, row->username);
    struct roster_user user = {
        .id = row->id, .auth_epoch = row->auth_epoch, .slot = GAME_SLOT_NONE};

    copy_name(row->displayname, user.name);
    struct roster_user *added = add_user(loading->roster, &user);

    /* An older file may hold a player twice, as text and as a blob: the slot stays the first one's. */
    if (player != NULL && player->slot < loading->roster->slot_count &&
        roster_at_slot(loading->roster, player->slot) == NULL) {
        added->in_game = true;
        take_slot(loading->roster, added, player->slot);
    }
    index_name(loading->roster, added);
    return true;
}

static enum store_status add_missing_players(struct roster *roster, struct store *store,
                                             const struct game *game)
{
    enum store_status status = STORE_OK;
    bool begun = false;

    for (uint32_t i = 0; i < game->player_count && status == STORE_OK; i++) {
        const struct game_player *player = &game->players[i];
        struct roster_user user = {.slot = GAME_SLOT_NONE, .in_game = true};

        if (player->slot >= roster->slot_count || roster_at_slot(roster, player->slot) != NULL) {
            continue;
        }
        if (!begun) {
            status = store_begin(store);
            begun = status == STORE_OK;
        }
        if (status == STORE_OK) {
            status = store_insert_user(store, player->username, &user.id);
        }
        if (status == STORE_OK) {
            take_slot(roster, add_user(roster, &user), player->slot);
        }
    }
    if (begun && status == STORE_OK) {
        status = store_commit(store);
    }
    if (begun && status != STORE_OK) {
        store_rollback(store);
    }
    return status;
}

static void note_board(struct roster *roster, const struct board *board)
{
    if (board == NULL || !board_is_ready(board)) {
        return;
    }
    const struct bank *bank = board_live(board);
    struct bank_span span = bank_span(bank);

    for (uint32_t slot = bank_span_next(&span, 0); slot < bank->players_max;
         slot = bank_span_next(&span, slot + 1)) {
        struct player_view view;

        if (players_read(bank, slot, &view)) {
            map_put(&roster->on_board, view.user_id, slot);
        }
    }
}

enum store_status roster_load(struct roster *roster, struct store *store, const struct game *game,
                              const struct board *board, uint32_t slot_count, bool add_missing)
{
    struct loading loading = {.roster = roster, .game = game};

    *roster = (struct roster){
        .slot_count = slot_count,
        .by_slot = malloc(slot_count * sizeof(*roster->by_slot)),
    };
    CHECK(roster->by_slot != NULL);
    memset(roster->by_slot, 0xff, slot_count * sizeof(*roster->by_slot)); /* ROSTER_NOBODY */
    CHECK(getrandom(&roster->seed, sizeof(roster->seed), 0) == (ssize_t)sizeof(roster->seed));
    map_init(&roster->by_id, game->player_count);
    map_init(&roster->by_name, game->player_count);
    map_init(&roster->on_board, game->player_count);
    note_board(roster, board);
    enum store_status status = store_each_user(store, load_user, &loading);

    if (status == STORE_OK && add_missing) {
        status = add_missing_players(roster, store, game);
    }
    if (status != STORE_OK) {
        roster_free(roster);
    }
    return status;
}

void roster_free(struct roster *roster)
{
    free(roster->users);
    free(roster->by_slot);
    map_free(&roster->by_id);
    map_free(&roster->by_name);
    map_free(&roster->on_board);
    *roster = (struct roster){0};
}

/* ---- slots ------------------------------------------------------------------------------------ */

struct roster_user *roster_at_slot(const struct roster *roster, uint32_t slot)
{
    if (slot >= roster->slot_count || roster->by_slot[slot] == ROSTER_NOBODY) {
        return NULL;
    }
    return &roster->users[roster->by_slot[slot]];
}

static void find_slot_outside_game(struct roster *roster, struct roster_user *user)
{
    uint64_t before;

    if (map_get(&roster->on_board, user->id, &before) && before < roster->slot_count &&
        roster->by_slot[before] == ROSTER_NOBODY) {
        take_slot(roster, user, (uint32_t)before);
        return;
    }
    for (uint32_t slot = roster->slot_count; slot-- > 0;) {
        if (roster->by_slot[slot] == ROSTER_NOBODY) {
            take_slot(roster, user, slot);
            return;
        }
    }
}

struct roster_user *roster_with_slot(struct roster *roster, uint32_t user_id)
{
    struct roster_user stranger = {.id = user_id, .slot = GAME_SLOT_NONE};
    uint64_t at = (uint64_t)user_id - 1; /* most numbers count from 1: no need to search for them */
    bool known = at < roster->count && roster->users[at].id == user_id;
    struct roster_user *user = known || map_get(&roster->by_id, user_id, &at)
                                   ? &roster->users[at]
                                   : add_user(roster, &stranger);

    if (user->slot == GAME_SLOT_NONE) {
        find_slot_outside_game(roster, user);
    }
    return user;
}
