/* SPDX-License-Identifier: MIT */
/*
 * session.h - signed cookies and stream tokens: make, verify.  No session table.
 *
 * Both are base64url of {version, kind, user id, slot hint, epochs, session id, expires, mark of the
 * password} and a keyed MAC (crypto_generichash, 16 bytes) over it.  Verifying is constant time in the
 * MAC, then looks at the kind, the expiry, the auth epochs in shared memory, the revoked set, and
 * whether the player's password is still the one of the login: another one ends the session, be it
 * by a reload, a restart, or a name that was gone in between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct worker;

#define SESSION_COOKIE_NAME "ctfg_session"
#define SESSION_TEXT_LEN 75        /* of a whole one; of one that verifies as nothing: 0 */
#define SESSION_TEXT_BYTES_MAX 128 /* of a cookie's value or a token, with NUL */

enum session_kind {
    SESSION_COOKIE = 1,
    SESSION_STREAM_TOKEN = 2,  /* of a player */
    SESSION_DISPLAY_TOKEN = 3, /* of the room's screen: no player */
};

struct session {
    uint32_t player; /* slot; SHM_NONE: the room's screen */
    uint64_t session_id;
    uint64_t expires_s;  /* since 1970 */
    uint32_t auth_epoch; /* the game's and the player's when it was made: session_still_good() */
    uint32_t player_epoch;
    uint64_t credential_hash; /* struct game_player's, or the screen's, when it was verified */
};

MUST_USE bool session_start(struct worker *worker);
/* A new session of a player; the text is NUL-terminated. */
void session_make(struct worker *worker, enum session_kind kind, uint32_t player,
                  uint64_t session_id, uint64_t ttl_s, char ret_text[SESSION_TEXT_BYTES_MAX]);
/* Draws a session id that is never 0. */
uint64_t session_draw_id(void);
MUST_USE bool session_verify(struct worker *worker, enum session_kind kind, struct str text,
                             struct session *ret_session);
/* Cookie header -> session: of the first of its cookies that is good. */
MUST_USE bool session_verify_cookie(struct worker *worker, struct str cookie_header,
                                    struct session *ret_session);
/* Is a session that was good when its stream opened still good? */
bool session_still_good(struct worker *worker, const struct session *session);
