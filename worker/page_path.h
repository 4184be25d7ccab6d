/* SPDX-License-Identifier: MIT */
/*
 * page_path.h - judges the path of a request before it is looked up: pure functions.
 *
 * A path is decoded exactly once.  What is no plain path afterwards (dot segments, an empty segment,
 * a backslash, NUL or control characters, bytes that are no UTF-8) names nothing: 404.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* Longer paths are in no table. */
#define PAGE_PATH_BYTES_MAX 1024

/* true: *ret_path lies in `room` and is a plain path from '/'. */
MUST_USE bool page_path_decode(struct str encoded, char room[PAGE_PATH_BYTES_MAX],
                               struct str *ret_path);
/* A view of the built-in page, which tells them apart itself: "/scoreboard", "/player/17", ... */
bool page_path_is_view(struct str path);
/* Does the file's name hold a hash of its content ("app-1a2b3c4d.js", "app.1a2b3c4d.css")? */
bool page_path_has_hash(struct str path);
