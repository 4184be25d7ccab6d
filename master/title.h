/* SPDX-License-Identifier: MIT */
/*
 * title.h - what the master does, in its process title: for ps, and for `ctfg upgrade`.
 *
 * A title is read from outside, whatever versions the two programs are of; shared memory is not.
 * Process  master writes; a tool reads (title_read).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "shm/base/compiler.h"

struct master;

#define TITLE_SERVES "ctfg: master"
#define TITLE_REFUSED "ctfg: master, upgrades refused: " /* a number follows; it serves */
#define TITLE_STARTS "ctfg: master, starting"
#define TITLE_TRIES "ctfg: master, trying an upgrade"
#define TITLE_UPGRADES "ctfg: master, upgrading"
#define TITLE_STOPS "ctfg: master, stopping"
#define TITLE_DB "ctfg: db"
#define TITLE_BYTES 64

/* At the start, and after each turn of the loop: a title that has not changed costs nothing. */
void title_refresh(const struct master *master);
/* false: there is no such process. */
MUST_USE bool title_read(pid_t pid, char ret_title[TITLE_BYTES]);
