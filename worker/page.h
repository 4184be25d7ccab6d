/* SPDX-License-Identifier: MIT */
/*
 * page.h - exact path -> bytes, type, ETag, compressed forms; the table is built before accepting.
 *
 * A request path is decoded once and looked up; it never reaches the filesystem, so there is nothing
 * to traverse.  Files: the organiser's own page if there is one, else the built-in page, and in both
 * cases the game's images.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct exchange;
struct game;
struct page;

/*
 * master (worker_prepare), or a pool thread during a reload.  last: the page before it, or NULL; what it
 * has compressed is copied from there, file by file, if the bytes are the same.  Only its own memory is
 * looked at: its game may be gone.  NULL: no memory.
 */
MUST_USE struct page *page_build(const struct game *game, const struct page *last);
void page_free(struct page *page);
/* Is somebody still sending a file of it?  Its bytes may be those of its game. */
bool page_is_in_use(const struct page *page);
/* Answers whatever path no route took: the file, 304, 404; 405 for a method a file does not have. */
void page_respond(struct exchange *exchange);
