/* SPDX-License-Identifier: MIT */
/* session.c - signs and verifies cookies and stream tokens; the worker's keyed MAC is BLAKE2b. */
#include "worker/session.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/hash.h"
#include "shm/players.h"
#include "shm/state.h"
#include "worker/context.h"
#include "worker/http.h"

#define SESSION_VERSION 2
#define MAC_BYTES 16
/* A browser sends one for each path and domain it knows of; each that is wrong costs a MAC. */
#define COOKIES_TRIED_MAX 8

/* What is signed, byte by byte; little-endian on every machine we run on, and never leaves it. */
struct claims {
    uint8_t version;
    uint8_t kind; /* enum session_kind */
    uint16_t reserved;
    uint32_t user_id; /* users.id: outlives restarts and reloads */
    uint32_t player;  /* slot: where to look first */
    uint32_t auth_epoch;
    uint32_t player_epoch;
    uint32_t expires_s; /* since 1970, until 2106 */
    uint64_t session_id;
    uint64_t credential; /* credential_mark() of the player's password, or of the screen's */
};
static_assert(sizeof(struct claims) == 40, "no padding: the bytes are signed as they are");

struct signed_claims {
    struct claims claims;
    uint8_t mac[MAC_BYTES];
};
static_assert(sizeof(struct signed_claims) == 56, "no padding");
static_assert(BASE64URL_LEN(sizeof(struct signed_claims)) == SESSION_TEXT_LEN, "without padding");
static_assert(SESSION_TEXT_LEN < SESSION_TEXT_BYTES_MAX, "it fits");

/* What credential_mark() gave for a player: each request with a session asks. */
struct known_mark {
    uint32_t user_id; /* 0: none, or the room's screen */
    uint64_t credential_hash;
    uint64_t mark;
};
/* One place a user; who comes to the same place is computed anew.  96 KiB. */
#define KNOWN_MARKS 4096

/* The last claims of a user whose MAC was found good: the next request brings the same.  One place a
 * user; 1.8 MiB, of which only pages of users who come are ever touched. */
#define KNOWN_GOOD 32768

struct session_keys {
    bool loaded;
    uint8_t mac_key[32]; /* once loaded it stays: so does what is known below */
    struct known_mark known[KNOWN_MARKS];
    struct signed_claims good[KNOWN_GOOD];
};

bool session_start(struct worker *worker)
{
    if (sodium_init() < 0) {
        return false;
    }
    worker->keys = calloc(1, sizeof(*worker->keys));
    return worker->keys != NULL;
}

/* The key is made by db before it publishes the first bank, and never changes after. */
static const uint8_t *mac_key(struct worker *worker)
{
    struct session_keys *keys = worker->keys;

    if (!keys->loaded && board_is_ready(&worker->board)) {
        board_session_key(&worker->board, keys->mac_key);
        keys->loaded = true;
    }
    return keys->loaded ? keys->mac_key : NULL;
}

static void mac_of(const uint8_t *key, const void *bytes, size_t len, uint8_t ret_mac[MAC_BYTES])
{
    int failed = crypto_generichash(ret_mac, MAC_BYTES, bytes, len, key, 32);

    CHECK(failed == 0); /* only for sizes out of range, and ours are constants */
}

static void sign(const uint8_t *key, const struct claims *claims, uint8_t ret_mac[MAC_BYTES])
{
    mac_of(key, claims, sizeof(*claims), ret_mac);
}

/* In the same time for every wrong MAC; a right one that came before takes a tenth of it. */
static bool is_signed(struct session_keys *keys, const struct signed_claims *given)
{
    struct signed_claims *good = &keys->good[given->claims.user_id % KNOWN_GOOD];
    uint8_t mac[MAC_BYTES];

    /* Claims are no secret; what could be guessed byte by byte is the MAC. */
    if (good->claims.version == SESSION_VERSION &&
        memcmp(&good->claims, &given->claims, sizeof(good->claims)) == 0 &&
        sodium_memcmp(good->mac, given->mac, MAC_BYTES) == 0) {
        return true;
    }
    sign(keys->mac_key, &given->claims, mac);
    if (sodium_memcmp(mac, given->mac, MAC_BYTES) != 0) {
        return false;
    }
    *good = *given;
    return true;
}

/* What a cookie says of the password it was made for: nothing, to whoever lacks the key. */
static uint64_t credential_mark(struct session_keys *keys, uint32_t user_id,
                                uint64_t credential_hash)
{
    struct known_mark *known = &keys->known[user_id % KNOWN_MARKS];
    const uint64_t what[2] = {user_id, credential_hash};
    uint8_t mac[MAC_BYTES];

    if (known->user_id != user_id || known->credential_hash != credential_hash) {
        mac_of(keys->mac_key, what, sizeof(what), mac);
        *known = (struct known_mark){.user_id = user_id, .credential_hash = credential_hash};
        memcpy(&known->mark, mac, sizeof(known->mark));
    }
    return known->mark;
}

/* What a screen may see the board by, as a player by the password: a reload may change either. */
static uint64_t screen_credential_hash(const struct game *game)
{
    return game->settings.board_public ? 0 : hash_str(game->display_token, 0) | 1;
}

uint64_t session_draw_id(void)
{
    uint64_t id = 0;

    while (id == 0) {
        randombytes_buf(&id, sizeof(id));
    }
    return id;
}

void session_make(struct worker *worker, enum session_kind kind, uint32_t player,
                  uint64_t session_id, uint64_t ttl_s, char ret_text[SESSION_TEXT_BYTES_MAX])
{
    const struct bank *bank = board_live(&worker->board);
    const uint8_t *key = mac_key(worker);
    const struct game_player *who = game_player_at(worker->game, player);
    struct player_view view = {0};
    struct signed_claims made = {0};

    ret_text[0] = '\0'; /* verifies as nothing: the board is not there yet, or the player gone */
    if (key == NULL ||
        (player != SHM_NONE && (who == NULL || !players_read(bank, player, &view)))) {
        return;
    }
    made.claims = (struct claims){
        .version = SESSION_VERSION,
        .kind = (uint8_t)kind,
        .user_id = view.user_id,
        .player = player,
        .auth_epoch = (uint32_t)state_auth_epoch(bank),
        .player_epoch = view.auth_epoch,
        .expires_s = (uint32_t)((uint64_t)time(NULL) + ttl_s),
        .session_id = session_id,
        .credential = credential_mark(worker->keys, view.user_id,
                                      who == NULL ? screen_credential_hash(worker->game)
                                                  : who->credential_hash),
    };
    sign(key, &made.claims, made.mac);
    base64url_encode(&made, sizeof(made), ret_text);
}

bool session_verify(struct worker *worker, enum session_kind kind, struct str text,
                    struct session *ret_session)
{
    struct signed_claims given;
    size_t len;

    if (mac_key(worker) == NULL || !base64url_decode(text, &given, sizeof(given), &len) ||
        len != sizeof(given) || !is_signed(worker->keys, &given)) {
        return false;
    }
    if (given.claims.version != SESSION_VERSION || given.claims.kind != kind ||
        given.claims.expires_s <= (uint64_t)time(NULL)) {
        return false;
    }
    struct session session = {
        .player = SHM_NONE,
        .session_id = given.claims.session_id,
        .expires_s = given.claims.expires_s,
        .auth_epoch = given.claims.auth_epoch,
        .player_epoch = given.claims.player_epoch,
        .credential_hash = screen_credential_hash(worker->game),
    };
    if (kind != SESSION_DISPLAY_TOKEN) {
        session.player = players_find_user(board_live(&worker->board), given.claims.user_id,
                                           given.claims.player);
        const struct game_player *who = game_player_at(worker->game, session.player);

        if (who == NULL) {
            return false;
        }
        session.credential_hash = who->credential_hash;
    }
    if ((kind != SESSION_DISPLAY_TOKEN || !worker->game->settings.board_public) &&
        credential_mark(worker->keys, given.claims.user_id, session.credential_hash) !=
            given.claims.credential) {
        return false;
    }
    if (!session_still_good(worker, &session)) {
        return false;
    }
    *ret_session = session;
    return true;
}

bool session_verify_cookie(struct worker *worker, struct str cookie_header,
                           struct session *ret_session)
{
    struct str value;

    for (unsigned tried = 0;
         tried < COOKIES_TRIED_MAX && http_cookie_next(&cookie_header, SESSION_COOKIE_NAME, &value);
         tried++) {
        if (session_verify(worker, SESSION_COOKIE, value, ret_session)) {
            return true;
        }
    }
    return false;
}

static bool is_good_in(struct worker *worker, const struct bank *bank,
                       const struct session *session)
{
    const struct game_player *who = game_player_at(worker->game, session->player);
    uint32_t player_epoch;

    if (session->auth_epoch != (uint32_t)state_auth_epoch(bank)) {
        return false;
    }
    if (session->player == SHM_NONE) {
        return worker->game->settings.board_public ||
               session->credential_hash == screen_credential_hash(worker->game);
    }
    return players_auth_epoch(bank, session->player, &player_epoch) &&
           player_epoch == session->player_epoch && who != NULL &&
           who->credential_hash == session->credential_hash;
}

/*
 * In one cut, so that a bank which is being built anew is never believed.  When no cut is to be had, db
 * has died in the middle of an event: nobody writes, and epochs are whole words.
 */
bool session_still_good(struct worker *worker, const struct session *session)
{
    if (revoked_test(&worker->revoked, session->session_id)) {
        return false;
    }
    for (unsigned i = 0; i < BOARD_READ_TRIES; i++) {
        struct board_cut cut;

        if (!board_read_begin(&worker->board, &cut)) {
            break;
        }
        bool is_good = is_good_in(worker, cut.bank, session);

        if (board_read_done(&worker->board, &cut)) {
            return is_good;
        }
    }
    return is_good_in(worker, board_live(&worker->board), session);
}
