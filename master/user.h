/* SPDX-License-Identifier: MIT */
/*
 * user.h - whom children become when the server is started as root.
 *
 * The master looks the user up once, before the first fork; a child drops to it before it touches
 * anything.  The master stays what it is: it reads no byte of a player.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

#define USER_GROUPS_MAX 64

struct user {
    bool drops; /* false: children stay who started the server */
    uid_t uid;
    gid_t gid;
    int group_count;
    gid_t groups[USER_GROUPS_MAX];
};

/* master.  Logs one warning when root names nobody.  false: ret_error says why there is no such
 * user. */
MUST_USE bool user_find(struct str name, struct user *ret_user, char *ret_error,
                        size_t error_bytes);
/* A child, first thing: groups, user, and never more rights again.  false and errno. */
MUST_USE bool user_become(const struct user *user);
