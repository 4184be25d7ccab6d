/* SPDX-License-Identifier: MIT */
/*
 * reload.h - new game files, taken into service between two requests.
 *
 * The master reads and judges the files; a mistake leaves the old game in force and is logged line
 * by line.  Good files go to db first, sealed, and when it has them to the workers: so that no
 * worker offers a challenge db does not know.  A db that is busy, or dies, is handed them again.
 * Whoever does not answer is killed and forked again, with the game that is in force.  One reload at
 * a time; those asked for meanwhile become one more.
 *
 * Process  master; a part of struct master.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/control.h"

struct child;
struct game;
struct master;

/* A child compiles some thousand patterns at most in it. */
#define RELOAD_ANSWER_US 10000000
/* A db that is busy with a reset, or has just died, is asked again; */
#define RELOAD_AGAIN_US 100000
/* not for ever, */
#define RELOAD_DB_PATIENCE_US 60000000
/* and fewer times if it is the new game that it dies of. */
#define RELOAD_DB_DEATHS_MAX 2
/* How often developer mode looks for a changed byte. */
#define RELOAD_WATCH_US 1000000

enum reload_step {
    RELOAD_IDLE,
    RELOAD_WAITS_FOR_DB,
    RELOAD_DB_TAKES_IT,
    RELOAD_WORKERS_TAKE_IT,
};

struct reload {
    enum reload_step step;
    bool is_asked;
    struct game *next; /* while db takes it; afterwards it is master.game */
    int files_fd;      /* the sealed files; -1: none */
    uint64_t deadline_us;
    uint64_t again_us;   /* when db is told, or told again */
    uint64_t give_up_us; /* until when */
    uint32_t db_deaths;  /* of this reload, so far */
    uint64_t watch_due_us;
    uint64_t seen_hash; /* developer mode: of the files that were read last; 0: of none */
};

/* SIGHUP. */
void reload_ask(struct master *master);
/* CONTROL_RELOADED, _FAILED or _LATER from a child. */
void reload_on_answer(struct master *master, struct child *child, enum control_type answer);
/* A child died: it answers nothing any more, and its successor inherits what is in force. */
void reload_on_death(struct master *master, struct child *child);
/* Begins what was asked for, ends what takes too long, watches the files in developer mode. */
void reload_tick(struct master *master, uint64_t now_us);
/* The server leaves. */
void reload_abandon(struct master *master);
