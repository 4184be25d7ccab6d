/* SPDX-License-Identifier: MIT */
/*
 * store.h - what db asks of a store; SQLite is its first implementation.  No SQLite words here.
 *
 * Process  db, and the tools (`ctfg check`, `ctfg backup`).  One thread at a time, but for the two
 *          calls that say otherwise (store_checkpoint, store_backup).
 * Owner    store_open() makes it, store_close() ends it.
 * Errors   an enum; after anything but STORE_OK and STORE_DUPLICATE inside a transaction the whole
 *          transaction is void and store_rollback() must be called.  store_error() says more, for
 *          the log.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "shm/event.h"

struct store;

enum store_status {
    STORE_OK,
    STORE_DUPLICATE, /* the unique index has the last word: this row is there already */
    STORE_FULL,      /* no space on the device */
    STORE_READ_ONLY,
    STORE_BUSY, /* another process holds a lock */
    STORE_LOG_FULL, /* the log is at its bound, and a reader in another process keeps it from shrinking */
    STORE_CORRUPT,
    STORE_FAILED, /* anything else: store_error() */
};

#define STORE_FILE "events.db"
#define STORE_PATH_BYTES 4096

struct store_options {
    const char *dir;        /* holds events.db */
    const char *file;       /* NULL: STORE_FILE */
    bool read_only;         /* an older file is then looked at as a migrated copy */
    bool private_copy;      /* with read_only: of this moment, so that a slow reader holds no log */
    bool create;            /* make a database where there is none, migrate an older one */
    bool in_loop;           /* a lock of another process is waited for 20 ms, not for two seconds */
    uint64_t log_bytes_max; /* what the log's file is cut back to; 0: no limit */
    uint32_t copies_kept_max; /* of those made before an older file is upgraded; 0: only that one */
};

/* What outlives a restart besides events and users. */
struct store_meta {
    uint8_t session_key[32];
    uint64_t auth_epoch;
    uint64_t floor_seq;  /* the last reset */
    uint64_t last_ts_us; /* no event is dated before it */
    uint64_t last_reset_request;
};

/* An older file without `create` or `read_only` is refused: migrating is for db_prepare() to do. */
MUST_USE enum store_status store_open(const struct store_options *options, struct store **ret_store,
                                      char *ret_error, size_t error_bytes);
void store_close(struct store *store); /* takes NULL */
const char *store_error(const struct store *store);
const char *store_status_name(enum store_status status);

MUST_USE enum store_status store_read_meta(struct store *store, struct store_meta *ret_meta);

/* Users: by ascending id.  displayname is empty when there is none.  false from `each` stops. */
struct store_user {
    uint32_t id;
    uint32_t auth_epoch;
    struct str username;
    struct str displayname;
};
typedef bool (*store_user_fn)(void *context, const struct store_user *user);
MUST_USE enum store_status store_each_user(struct store *store, store_user_fn each, void *context);

/* A row as it is on disk; request_id 0: none. */
struct store_event {
    uint64_t id;
    uint64_t ts_us;
    uint64_t request_id;
    int64_t user_id;
    int64_t challenge_id;
    int64_t points;
    uint32_t hint_id; /* 0: a solve */
    uint16_t flags;   /* enum event_flags */
    uint8_t type;     /* enum event_type */
};
typedef bool (*store_event_fn)(void *context, const struct store_event *event);
/* Events with after < id, ascending. */
MUST_USE enum store_status store_each_event(struct store *store, uint64_t after,
                                            store_event_fn each, void *context);
/* The solve (hint_id 0) or purchase that stands for this user; *ret_event.id 0: none does. */
MUST_USE enum store_status store_find_event(struct store *store, int64_t user_id,
                                            int64_t challenge_id, uint32_t hint_id,
                                            struct store_event *ret_event);
/* The highest event id and the latest date; 0 and 0 without events. */
MUST_USE enum store_status store_newest(struct store *store, uint64_t *ret_id, uint64_t *ret_ts_us);

/* Reading only: until store_rollback() all is as of one moment, that of the first call after this.
 * The log cannot shrink meanwhile. */
MUST_USE enum store_status store_hold(struct store *store);

/* Writing: begin, any of these, then commit (durable when it returns) or rollback.  A commit that
 * fails is rolled back, and what it has written by then is made void. */
MUST_USE enum store_status store_begin(struct store *store);
MUST_USE enum store_status store_commit(struct store *store);
/* A transaction that leaves everything as it is, yet is written and synced: does the disk work? */
enum store_status store_commit_nothing(struct store *store);
void store_rollback(struct store *store);
/* *ret_id: the new event's id. */
MUST_USE enum store_status store_insert_event(struct store *store, const struct store_event *event,
                                              uint64_t *ret_id);
MUST_USE enum store_status store_insert_guess(struct store *store, uint64_t ts_us, uint32_t user_id,
                                              uint32_t challenge_id, struct str guess);
/* Keeps the newest `kept`; deletes at most `most` rows a call, and says how many. */
MUST_USE enum store_status store_trim_guesses(struct store *store, uint64_t kept, uint32_t most,
                                              uint32_t *ret_deleted);
MUST_USE enum store_status store_insert_user(struct store *store, struct str username,
                                             uint32_t *ret_id);
MUST_USE enum store_status store_set_display_name(struct store *store, uint32_t user_id,
                                                  struct str name);
MUST_USE enum store_status store_set_auth_epoch(struct store *store, uint32_t user_id,
                                                uint32_t epoch);
MUST_USE enum store_status store_write_meta(struct store *store, const struct store_meta *meta);
/* Deletes all events, guesses and display names; ids go on from where they were. */
MUST_USE enum store_status store_clear_game(struct store *store);

/* For `ctfg export`: rows with the names of their users, oldest first. */
enum store_rows {
    STORE_ROWS_SOLVES,
    STORE_ROWS_HINTS,
    STORE_ROWS_SUBMISSIONS, /* solves and rejected guesses */
};
struct store_row {
    uint64_t id; /* 0: of a guess */
    uint64_t ts_us;
    int64_t user_id;
    int64_t challenge_id;
    int64_t points;
    int64_t hint_id;
    struct str username; /* empty: there is no such user */
    struct str displayname;
    struct str guess; /* of a rejected guess */
    uint16_t flags;   /* enum event_flags */
    bool is_guess;
};
typedef bool (*store_row_fn)(void *context, const struct store_row *row);
MUST_USE enum store_status store_each_row(struct store *store, enum store_rows which,
                                          store_row_fn each, void *context);
/* Empty when there is no such user; cut to name_bytes - 1. */
MUST_USE enum store_status store_copy_username(struct store *store, uint32_t user_id,
                                               char *ret_name, size_t name_bytes);

struct store_revocation {
    uint64_t session_id;
    uint64_t expires_s;
};
typedef bool (*store_revocation_fn)(void *context, const struct store_revocation *revocation);
MUST_USE enum store_status store_insert_revocation(struct store *store,
                                                   const struct store_revocation *revocation,
                                                   uint64_t now_s);
MUST_USE enum store_status store_each_revocation(struct store *store, store_revocation_fn each,
                                                 void *context);

/* The log of what is not yet in the main file: the size of its file, */
uint64_t store_log_bytes(const struct store *store);
/* what of it a checkpoint has still to move, */
uint64_t store_log_pending_bytes(const struct store *store);
enum store_checkpoint {
    STORE_CHECKPOINT_PASSIVE, /* moves what it can, in nobody's way; on any thread, one at a time */
    STORE_CHECKPOINT_RESTART, /* moves the rest, keeps the file to be written over again; */
    STORE_CHECKPOINT_TRUNCATE, /* moves the rest and empties the file: both on the store's own thread,
                                  or one that has the store to itself meanwhile */
};
/* and moving it there.  STORE_BUSY: a reader still needs the rest.  *ret_left_bytes: not yet moved,
 * for the store's own thread to hand to store_log_moved(). */
MUST_USE enum store_status store_checkpoint(struct store *store, enum store_checkpoint how,
                                            uint64_t *ret_left_bytes);
/* The store's own thread: a passive checkpoint has left so much of what was there at its start. */
void store_log_moved(struct store *store, uint64_t pending_before, uint64_t left_bytes);

/* A consistent copy at path, one file, synced; path must not exist.  On any thread: it works on a
 * connection of its own, the owner may go on writing. */
MUST_USE enum store_status store_backup(const struct store *store, const char *path,
                                        char *ret_error, size_t error_bytes);
/* The same under a name that is there only when the copy is whole. */
MUST_USE enum store_status store_keep_copy(const struct store *store, const char *path,
                                           char *ret_error, size_t error_bytes);

/* For `ctfg check` and db_prepare(). */
/* STORE_CORRUPT: ret_error has the first finding.  quick: without comparing indexes to rows. */
MUST_USE enum store_status store_verify(struct store *store, bool quick, char *ret_error,
                                        size_t error_bytes);
MUST_USE enum store_status store_count_moved_aside(struct store *store, uint64_t *ret_rows);
/* What the rows add up to, without the board's code: one line a user, one a challenge. */
struct store_sum {
    int64_t id;     /* of the user or the challenge */
    int64_t points; /* of a user */
    uint64_t solves;
    uint64_t first_id; /* of a challenge: its first solve */
};
typedef bool (*store_sum_fn)(void *context, const struct store_sum *sum);
MUST_USE enum store_status store_each_user_sum(struct store *store, uint64_t up_to,
                                               store_sum_fn each, void *context);
MUST_USE enum store_status store_each_challenge_sum(struct store *store, uint64_t up_to,
                                                    store_sum_fn each, void *context);
