/* SPDX-License-Identifier: MIT */
/*
 * game_fuzz.c - every file of a game but ctfg.yaml: a game or a list of mistakes, never a crash.
 *
 * The first byte says which file the rest is; the others are those of a small game.  Most inputs are
 * refused by the loader of their own file, which is asked first, alone: that is several times as fast
 * as a whole game.  What it takes is loaded with the others, and as a reload of that small game, too.
 */
#include "conf/files.c" /* append_entry(), piece_check() */

#include "conf/challenges.h"
#include "conf/clusters.h"
#include "conf/credentials.h"
#include "conf/placeholder.h"
#include "shm/base/json_out.h"
#include "test/fuzz/game.h"

static const char *const names[] = {
    "challenges.json",    "credentials.csv",
    "game-clusters.yaml", ".env",
    "page:/index.html",   NULL, /* the rest is all files in one piece, as a reload hands them on */
};

static struct game *small;

static struct game_files files_with(const char *changed, struct str bytes)
{
    const struct {
        const char *name;
        struct str bytes;
    } all[] = {
        {"challenges.json", STR(FUZZ_CHALLENGES)},
        {"credentials.csv", STR(FUZZ_CREDENTIALS)},
        {"game-clusters.yaml", STR("control_cluster: c\nplayer_clusters: [a, b]\n")},
        {".env", STR("")},
        {"page:/index.html", STR("<p>")},
        {"environment", STR("")},
        {"overrides", STR("")},
    };
    struct diag diag = {0};
    struct reader reader = {.piece = BUF_INIT(PIECE_BYTES_MAX), .diag = &diag};
    struct piece_head head = {0};

    buf_append(&reader.piece, &head, sizeof(head));
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        bool is_changed = strcmp(all[i].name, changed) == 0;

        append_entry(&reader, all[i].name, all[i].name, is_changed ? bytes : all[i].bytes);
    }
    finish_head(&reader);
    CHECK(!reader.piece.failed && piece_check(reader.piece.data, reader.piece.len));
    return (struct game_files){.piece = reader.piece.data, .size_bytes = reader.piece.len};
}

static void check_player(const struct game *game, const struct game_player *player)
{
    CHECK(player->slot < game->player_slots);
    CHECK(game_player_at(game, player->slot) == player);
    CHECK(game_find_player(game, player->username) == player);
}

static void check_challenge(const struct game *game, const struct game_challenge *challenge)
{
    const struct placeholder_values values = {.username = STR("alice"), .user_id = 1};
    struct buf json = BUF_INIT(1u << 20);
    struct buf text = BUF_INIT(1u << 20);

    CHECK(challenge->slot < game->challenge_slots);
    CHECK(game_challenge_at(game, challenge->slot) == challenge);
    CHECK(game_find_challenge(game, challenge->id) == challenge);
    for (uint32_t i = 0; i < challenge->requirement_count; i++) {
        CHECK(challenge->requirement_slots[i] < game->challenge_slots);
    }
    for (uint32_t i = 0; i < challenge->hint_count; i++) {
        CHECK(challenge->hints[i].slot < game->hint_slots);
        CHECK(game_find_hint(challenge, challenge->hints[i].id) == &challenge->hints[i]);
    }
    json_escape(&json, challenge->description);
    placeholder_append_json(&text, buf_str(&json), game, &values);
    buf_free(&json);
    buf_free(&text);
}

static void check_game(const struct game *game)
{
    CHECK(game->challenge_count <= GAME_CHALLENGES_MAX && game->player_count <= GAME_PLAYERS_MAX);
    for (uint32_t i = 0; i < game->player_count; i++) {
        check_player(game, &game->players[i]);
    }
    for (uint32_t i = 0; i < game->challenge_count; i++) {
        check_challenge(game, &game->challenges[i]);
    }
}

static bool load(const struct game_files *files, const struct game *previous)
{
    struct diag diag = {0};
    struct game *game = NULL;
    bool ok = game_load(files, previous, &diag, &game);

    CHECK(ok == (diag.errors == 0));
    if (ok) {
        check_game(game);
        game_unref(game);
    }
    diag_free(&diag);
    return ok;
}

/* By its own loader: true if that has nothing to say, or the file has none. */
static bool is_taken_alone(const char *name, struct str bytes, const struct game_files *files)
{
    struct arena arena = {0};
    struct diag diag = {0};
    bool ok = true;

    if (strcmp(name, "challenges.json") == 0) {
        struct challenges challenges;

        ok = challenges_load(bytes, name, &arena, &diag, &challenges);
        challenges_release(&challenges);
    } else if (strcmp(name, "credentials.csv") == 0) {
        struct game_player *players;
        uint32_t count;

        ok = credentials_load(bytes, name, 1, &arena, &diag, &players, &count);
    } else if (strcmp(name, "game-clusters.yaml") == 0) {
        struct game game = {0};

        ok = clusters_load(files, &arena, &diag, &game);
    }
    CHECK(ok == (diag.errors == 0));
    diag_free(&diag);
    arena_free(&arena);
    return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (small == NULL) {
        fuzz_begin();
        small = fuzz_game();
    }
    if (size < 1) {
        return 0;
    }
    const char *name = names[data[0] % ARRAY_LEN(names)];
    char *copy = fuzz_copy(data + 1, size - 1);
    const struct str bytes = {copy, size - 1};
    struct game_files files = {.piece = copy, .size_bytes = size - 1};

    if (name != NULL) {
        files = files_with(name, bytes);
    }
    bool is_taken = name != NULL ? is_taken_alone(name, bytes, &files)
                                 : piece_check(files.piece, files.size_bytes);

    if (is_taken && load(&files, NULL)) {
        CHECK(load(&files, small));
    }
    if (name != NULL) {
        free(copy);
    }
    files_free(&files);
    return 0;
}
