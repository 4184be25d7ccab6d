/* SPDX-License-Identifier: MIT */
/*
 * wire.h - what workers and db say to each other over the unix socket.
 *
 * One message: struct wire_head, then the body its type has.  Same machine, same binary: native byte
 * order, fixed sizes, a version that both must share.  A message that is too long, too short, of an
 * unknown type or another version costs its sender the connection (wire_check), never a CHECK().
 *
 * Request id  64 bits: worker slot (8), worker start in seconds (24), counter (32).  db stores it
 * with the event; a worker that lost its connection sends again what had no answer, with the same
 * id, and gets the first run's answer.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"

#define WIRE_VERSION 2
#define WIRE_MESSAGE_BYTES_MAX 512
#define WIRE_GUESS_BYTES_MAX 256
#define WIRE_NAME_BYTES 32

enum wire_type {
    /* worker -> db */
    WIRE_HELLO = 1, /* first message of a connection */
    WIRE_SUBMIT,    /* a right guess, or an award */
    WIRE_GUESS,     /* a wrong guess: stored, never answered */
    WIRE_HINT,
    WIRE_NAME,
    WIRE_REVOKE, /* logout of a session, of a player, of everyone */
    WIRE_RESET,
    /* db -> worker */
    WIRE_RESULT,
    WIRE_POKE, /* there is news in shared memory */
    WIRE_TYPES,
};

enum wire_status {
    WIRE_OK,
    WIRE_ALREADY,      /* already solved / already bought */
    WIRE_UNKNOWN,      /* no such player, challenge or hint in db's present game */
    WIRE_LOCKED,       /* requirements unmet, or hints out of order */
    WIRE_INSUFFICIENT, /* not enough points */
    WIRE_NAME_TAKEN,
    WIRE_STALE,        /* of before a reset or a logout of everyone: 503, nothing is done */
    WIRE_BUSY,         /* queue past its bound: 503 */
    WIRE_STORE_FAILED, /* disk full, read-only, locked, corrupt: 503, nothing is done (README of db/) */
    WIRE_STATUSES,
};

struct wire_head {
    uint32_t size_bytes; /* head and body */
    uint16_t type;       /* enum wire_type */
    uint16_t version;    /* WIRE_VERSION */
    uint64_t request_id;
};
static_assert(sizeof(struct wire_head) == 16, "no padding");

struct wire_hello {
    struct wire_head head;
    uint32_t worker_number;
    uint32_t pid;
};
static_assert(sizeof(struct wire_hello) == 24, "no padding");

struct wire_submit {
    struct wire_head head;
    uint64_t at_us; /* clock_real_us() of the worker: for the log; db's clock dates the event */
    uint32_t player;
    uint32_t challenge; /* slot */
    uint32_t flags;     /* enum event_flags; an award skips requirements */
    uint32_t epoch;     /* the game's auth epoch that it belongs to: of another, WIRE_STALE */
};
static_assert(sizeof(struct wire_submit) == 40, "no padding");

struct wire_guess {
    struct wire_head head;
    uint64_t at_us;
    uint32_t player;
    uint32_t challenge;
    uint32_t guess_bytes; /* of guess[] */
    uint32_t reserved;
    char guess[WIRE_GUESS_BYTES_MAX];
};
static_assert(sizeof(struct wire_guess) == 40 + WIRE_GUESS_BYTES_MAX, "no padding");

struct wire_hint {
    struct wire_head head;
    uint64_t at_us;
    uint32_t player;
    uint32_t challenge; /* slot */
    uint32_t hint_id;
    uint32_t epoch; /* as of wire_submit */
};
static_assert(sizeof(struct wire_hint) == 40, "no padding");

struct wire_name {
    struct wire_head head;
    uint32_t player;
    uint32_t epoch;             /* as of wire_submit */
    char name[WIRE_NAME_BYTES]; /* checked and NUL-padded by the worker */
};
static_assert(sizeof(struct wire_name) == 56, "no padding");

struct wire_revoke {
    struct wire_head head;
    uint32_t player; /* SHM_NONE: everyone */
    uint32_t reserved;
    uint64_t session_id; /* 0: all sessions of the player */
    uint64_t expires_s;  /* when the session would have ended by itself */
};
static_assert(sizeof(struct wire_revoke) == 40, "no padding");

struct wire_reset {
    struct wire_head head;
};

struct wire_result {
    struct wire_head head; /* request_id of the question */
    uint64_t seq;
    uint64_t ts_us;
    int64_t total_points;
    int32_t points;
    uint32_t place;
    uint32_t status; /* enum wire_status */
    uint32_t reserved;
};
static_assert(sizeof(struct wire_result) == 56, "no padding");

enum wire_news {
    WIRE_NEWS_EVENTS = 1u << 0, /* the ring has more */
    WIRE_NEWS_NAMES = 1u << 1,  /* a display name changed */
    WIRE_NEWS_AUTH = 1u << 2,   /* sessions ended: look at your streams */
    WIRE_NEWS_RESET = 1u << 3,  /* the game starts anew: tell every stream, then close it */
    WIRE_NEWS_BANK = 1u << 4,   /* another bank is live: rebuild whatever was derived */
};

struct wire_poke {
    struct wire_head head;
    uint64_t newest_seq;
    uint32_t news; /* enum wire_news */
    uint32_t reserved;
};
static_assert(sizeof(struct wire_poke) == 32, "no padding");

enum wire_verdict {
    WIRE_WHOLE,      /* *ret_head is valid and all its bytes are there */
    WIRE_INCOMPLETE, /* read more */
    WIRE_BAD,        /* drop the connection */
};

/* Judges the first message in len bytes.  On WIRE_WHOLE copies its head out. */
enum wire_verdict wire_check(const void *bytes, size_t len, struct wire_head *ret_head);
/* A head for a message of this type, size filled in from the type. */
struct wire_head wire_head_make(enum wire_type type, uint64_t request_id);
const char *wire_type_name(uint16_t type);
const char *wire_status_name(uint32_t status);
