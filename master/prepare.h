/* SPDX-License-Identifier: MIT */
/*
 * prepare.h - the database is opened, migrated and checked before anything listens.
 *
 * It happens in a short-lived child with the rights of db, so that the master never holds a
 * database open and files belong to the user who will use them.
 */
#pragma once

#include <stddef.h>

#include "db/db.h"
#include "shm/base/compiler.h"

struct game;
struct user;

enum prepare_result {
    PREPARE_OK,      /* *ret_facts is filled in */
    PREPARE_FAILED,  /* ret_error has one sentence */
    PREPARE_STOPPED, /* SIGTERM or SIGINT came in between; the database is as it was */
};

/* master.  Waits as long as it takes: a migration of a large database is worth it. */
MUST_USE enum prepare_result prepare_database(const struct game *game, const struct user *user,
                                              int signal_fd, struct db_facts *ret_facts,
                                              char *ret_error, size_t error_bytes);
