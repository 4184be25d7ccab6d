/* SPDX-License-Identifier: MIT */
/*
 * password.h - is this the player's password?  argon2id runs in libuv's pool, never on the loop.
 *
 * The queue is bounded (password_queue_max): a login herd against hashes is answered or refused, the
 * loop goes on either way.  Copies of passwords are wiped when they are no longer needed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct conn;
struct game_player;
struct worker;

#define PASSWORD_CONTEXT_BYTES 64

/* conn: NULL when the client has gone. */
typedef void (*password_answer)(struct worker *worker, struct conn *conn, const void *context,
                                bool is_right);

MUST_USE bool password_start(struct worker *worker);
/* Plain text, equal in time that does not depend on where they differ. */
bool password_equal_plain(struct str expected, struct str given);
/* A hash, later.  false: the queue is full, or there is no memory: 503. */
MUST_USE bool password_ask_hash(struct worker *worker, struct str hash, struct str given,
                                uint64_t conn_id, const void *context, size_t context_bytes,
                                password_answer answer);
/* A hash to try a wrong name against, so that a wrong name takes as long as a wrong password; empty
 * where the game has only plain passwords. */
struct str password_decoy_hash(struct worker *worker);
