/* SPDX-License-Identifier: MIT */
/* players.c - reads a player out of a bank, and writes the parts that no event carries. */
#include "shm/players.h"

#include <string.h>

#include "shm/bank_word.h"
#include "shm/base/check.h"
#include "shm/base/str.h"
#include "shm/state.h"

static_assert(PLAYER_NAME_BYTES == SHM_NAME_WORDS * sizeof(uint64_t), "a name fills its words");

static void name_load(const struct shm_player *row, char name[PLAYER_NAME_BYTES])
{
    for (size_t i = 0; i < SHM_NAME_WORDS; i++) {
        uint64_t word = bank_load_u64(&row->name[i]);

        memcpy(name + i * sizeof(word), &word, sizeof(word));
    }
    name[PLAYER_NAME_BYTES - 1] = '\0'; /* also when words of two names met outside a cut */
}

static void name_store(struct shm_player *row, const char *display_name)
{
    char name[PLAYER_NAME_BYTES] = {0};

    (void)str_copy(str_from(display_name), name, sizeof(name));
    for (size_t i = 0; i < SHM_NAME_WORDS; i++) {
        uint64_t word;

        memcpy(&word, name + i * sizeof(word), sizeof(word));
        bank_store_u64(&row->name[i], word);
    }
}

static bool has_text(const char *display_name)
{
    return display_name != NULL && display_name[0] != '\0';
}

/* NULL: no such slot, or nobody in it. */
static const struct shm_player *known_player(const struct bank *bank, uint32_t player)
{
    const struct shm_player *row = player < bank->players_max ? &bank->players[player] : NULL;

    return row != NULL && (bank_load_u32(&row->flags) & SHM_PLAYER_KNOWN) != 0 ? row : NULL;
}

void players_default_name(uint32_t user_id, char ret_name[PLAYER_NAME_BYTES])
{
    static const char prefix[] = "Anonymous-";
    char *digits = ret_name + sizeof(prefix) - 1;

    static_assert(sizeof(prefix) + STR_U64_DIGITS_MAX <= PLAYER_NAME_BYTES, "it fits");
    memcpy(ret_name, prefix, sizeof(prefix) - 1);
    digits[str_print_u64(user_id, digits)] = '\0';
}

bool players_read(const struct bank *bank, uint32_t player, struct player_view *ret_view)
{
    const struct shm_player *row = known_player(bank, player);

    if (row == NULL) {
        return false;
    }
    uint32_t flags = bank_load_u32(&row->flags);

    *ret_view = (struct player_view){
        .score_points = bank_load_i64(&row->score_points),
        .raised_seq = bank_load_u64(&row->raised_seq),
        .raised_ts_us = bank_load_u64(&row->raised_ts_us),
        .last_seq = bank_load_u64(&row->last_seq),
        .user_id = bank_load_u32(&row->user_id),
        .auth_epoch = bank_load_u32(&row->auth_epoch),
        .solves = bank_load_u32(&row->solves),
        .flags = flags,
    };
    if ((flags & SHM_PLAYER_NAMED) != 0) {
        name_load(row, ret_view->name);
    } else {
        players_default_name(ret_view->user_id, ret_view->name);
    }
    return true;
}

bool players_auth_epoch(const struct bank *bank, uint32_t player, uint32_t *ret_epoch)
{
    const struct shm_player *row = known_player(bank, player);

    if (row == NULL) {
        return false;
    }
    *ret_epoch = bank_load_u32(&row->auth_epoch);
    return true;
}

int64_t players_score(const struct bank *bank, uint32_t player)
{
    return player < bank->players_max ? bank_load_i64(&bank->players[player].score_points) : 0;
}

static bool is_user(const struct bank *bank, uint32_t player, uint32_t user_id)
{
    const struct shm_player *row = &bank->players[player];

    return (bank_load_u32(&row->flags) & SHM_PLAYER_KNOWN) != 0 &&
           bank_load_u32(&row->user_id) == user_id;
}

uint32_t players_find_user(const struct bank *bank, uint32_t user_id, uint32_t hint)
{
    struct bank_span span = bank_span(bank);

    if (hint < bank->players_max && is_user(bank, hint, user_id)) {
        return hint;
    }
    for (uint32_t player = bank_span_next(&span, 0); player < bank->players_max;
         player = bank_span_next(&span, player + 1)) {
        if (is_user(bank, player, user_id)) {
            return player;
        }
    }
    return SHM_NONE;
}

void players_put(struct bank *spare, uint32_t player, uint32_t user_id, uint32_t auth_epoch,
                 uint32_t flags, const char *display_name)
{
    bank_use_slot(spare, player);
    struct shm_player *row = &spare->players[player];
    bool is_new = (bank_load_u32(&row->flags) & SHM_PLAYER_KNOWN) == 0;

    flags = (flags & ~(uint32_t)SHM_PLAYER_NAMED) | SHM_PLAYER_KNOWN;
    bank_store_u32(&row->user_id, user_id);
    bank_store_u32(&row->auth_epoch, auth_epoch);
    name_store(row, display_name);
    bank_store_u32(&row->flags, has_text(display_name) ? flags | SHM_PLAYER_NAMED : flags);
    if (is_new) {
        bank_store_u32(&spare->head->player_count, state_player_count(spare) + 1);
    }
}

void players_set_name(struct bank *bank, uint32_t player, const char *display_name)
{
    CHECK(player < bank->players_max);
    struct shm_player *row = &bank->players[player];
    uint32_t flags = bank_load_u32(&row->flags) & ~(uint32_t)SHM_PLAYER_NAMED;

    name_store(row, display_name);
    bank_store_u32(&row->flags, has_text(display_name) ? flags | SHM_PLAYER_NAMED : flags);
}

void players_set_auth_epoch(struct bank *bank, uint32_t player, uint32_t epoch)
{
    CHECK(player < bank->players_max);
    bank_store_u32(&bank->players[player].auth_epoch, epoch);
}
