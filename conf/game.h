/* SPDX-License-Identifier: MIT */
/*
 * game.h - a whole game, loaded from its files: immutable once made.
 *
 * game_load() turns the bytes of all files (conf/files.h) into one struct game, or into a list of
 * every mistake in them.  It reads no file, opens no socket, logs nothing, keeps no global state, so
 * it may run on a thread of libuv's pool.
 *
 * Slots    A challenge, a hint and a player each have a slot: their place in the tables of shared
 *          memory.  Slots are sticky: a reload passes the previous game, and whatever has the same
 *          id (or username) keeps its slot, also when it is gone in between; new ones are appended.
 *          The same chain of loads gives the same slots in every process, so nobody has to tell.
 * Process  master (start, SIGHUP, `ctfg check`), worker and db (SIGHUP).
 * Owner    the caller of game_load(), until game_unref().  In a worker, connections borrow it by
 *          game_ref() and game_unref().
 * Units    points as in the file; see settings.h for its own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/settings.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct diag;       /* conf/diag.h */
struct flag;       /* conf/flag.h */
struct game_files; /* conf/files.h */

/* Upper bounds of what a game may hold; more is a mistake in the file, said with its line. */
#define GAME_PLAYERS_MAX 50000
#define GAME_CHALLENGES_MAX 2000
#define GAME_HINTS_MAX 8000 /* of all challenges together */
#define GAME_HINTS_PER_CHALLENGE_MAX 32
#define GAME_REQUIREMENTS_MAX 64
#define GAME_POINTS_MAX 1000000
#define GAME_ID_MAX 2147483647
#define GAME_USERNAME_BYTES_MAX 64
#define GAME_PASSWORD_BYTES_MAX 256
#define GAME_TEXT_BYTES_MAX 65536
#define GAME_TITLE_BYTES_MAX 200
#define GAME_CLUSTERS_MAX 256
#define GAME_SLOT_NONE UINT32_MAX

struct game_hint {
    uint32_t slot; /* among all hints of the game */
    uint32_t id;   /* 1, 2, 3, ... inside its challenge: hints are bought in this order */
    uint32_t cost_points;
    struct str text; /* Markdown */
};

struct game_challenge {
    uint32_t slot;
    uint32_t id;
    struct str title;
    struct str category;
    struct str difficulty;
    uint32_t points;
    struct str description; /* Markdown with inline HTML and placeholders */
    struct str content;     /* the same; data == NULL: the file has none */
    const struct flag *flag;
    uint32_t hint_count;
    const struct game_hint *hints;
    uint32_t requirement_count;
    const uint32_t *requirement_slots; /* challenges that must be solved first */
};

struct game_player {
    uint32_t slot;
    struct str username;
    struct str password; /* plain text, or an encoded argon2id hash */
    bool password_is_hash;
    uint64_t credential_hash; /* of the password as it stands in the file: tells a changed one */
};

/* A file the page is made of: the organiser's own, or of the game's images. */
struct game_page_file {
    struct str path; /* "/index.html", "/js/app.js": starts with '/', no "." or ".." inside */
    struct str bytes;
};

struct game {
    struct settings settings;  /* as in force: what a reload cannot change is as at the start */
    const bool *settings_wait; /* by row of settings_rows[]: the files want another value */

    uint32_t challenge_count;
    const struct game_challenge *challenges; /* in the order of the file */
    uint32_t challenge_slots;                /* slots handed out so far, gone challenges included */
    uint32_t hint_slots;

    uint32_t player_count;
    const struct game_player *players; /* in the order of the file */
    uint32_t player_slots;

    struct str control_cluster; /* empty: no game-clusters.yaml */
    uint32_t player_cluster_count;
    const struct str *player_clusters;

    uint32_t page_file_count;
    const struct game_page_file *page_files;
    bool own_page; /* the organiser's index.html takes the place of the built-in page */

    struct str api_token;     /* CTFG_API_TOKEN; empty: what it guards is off */
    struct str admin_token;   /* CTFG_ADMIN_TOKEN */
    struct str display_token; /* CTFG_DISPLAY_TOKEN: the room's screen without a login */

    uint64_t generation; /* 1 at start, one more a reload */
};

/*
 * Builds a game from its files.  previous: the game whose slots are kept, and whose settings where only
 * a restart changes them, or NULL at start.
 * true: *ret_game is the caller's; diag may hold warnings.
 * false: diag holds every mistake that could be found, at least one.
 */
MUST_USE bool game_load(const struct game_files *files, const struct game *previous,
                        struct diag *diag, struct game **ret_game);

/* One thread only (the loop's): plain counts. */
struct game *game_ref(struct game *game);
void game_unref(struct game *game); /* the last one frees it; takes NULL */

/* NULL: nobody and nothing by that name.  Hashed, seeded: O(1) whatever strangers ask for. */
const struct game_challenge *game_find_challenge(const struct game *game, uint32_t id);
const struct game_player *game_find_player(const struct game *game, struct str username);
/* By slot; NULL: the slot's owner is not part of this game (any more). */
const struct game_challenge *game_challenge_at(const struct game *game, uint32_t slot);
const struct game_player *game_player_at(const struct game *game, uint32_t slot);
/* NULL: the challenge has no hint of this id. */
const struct game_hint *game_find_hint(const struct game_challenge *challenge, uint32_t hint_id);
