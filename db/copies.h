/* SPDX-License-Identifier: MIT */
/*
 * copies.h - dated copies of the database beside it: what they are called, and how many stay.
 *
 *   events-before-reset-20260101T120000Z.db       made before every reset
 *   events-before-restore-20260101T120000Z.db     what `ctfg restore` found in its place; never deleted
 *   events.db.before-2-20260101T120000Z.db        made before an older file is upgraded by step 2
 *
 * Until it is whole and on disk a copy has COPIES_PARTIAL behind its name.
 *
 * Process  db and the tools.  Blocks on the disk: not for the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"

#define COPIES_PARTIAL ".partial"

/* "DIR/PREFIXdate.db", or with a number behind the date where that is taken.  false: too long. */
MUST_USE bool copies_path(const char *dir, const char *prefix, char *ret_path, size_t path_bytes);
/* Deletes the oldest files PREFIX*.db of the folder until `most` are left; never the one at `spared`.
 * Returns how many it deleted; what cannot be deleted stays.  What is left of copies with this prefix
 * that were interrupted goes too: call it when none is being made. */
uint32_t copies_prune(const char *dir, const char *prefix, uint32_t most, const char *spared);
/* What was made under partial's name is whole: gives it its own, unless that is taken, and syncs the
 * folder.  false: errno says why. */
MUST_USE bool copies_give_name(const char *partial, const char *path);
/* A new name in a folder is on disk only when the folder is.  path: of a file in it. */
MUST_USE bool copies_sync_folder(const char *path);
