/* SPDX-License-Identifier: MIT */
/*
 * page_tree.h - finds the files of the organiser's page and the pictures of the game.
 *
 * From the page's folder: index.html, favicon.ico, css/, js/ and fonts/; only if there is an
 * index.html, for without one the built-in page is served and needs none of them.  From images/ of
 * the page's folder and of the game's: everything.  Regular files only (a socket or a FIFO would make
 * the reader wait), no hidden ones, at most PAGE_TREE_DEPTH_MAX folders deep.
 *
 * Process: master and tools, as files_read().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/diag.h"
#include "shm/base/compiler.h"

#define PAGE_TREE_DEPTH_MAX 8
#define PAGE_TREE_PATH_BYTES 1024

/* path: where it lies; name: what the page calls it ("/js/app.js").  false: stop. */
typedef bool page_tree_found(void *context, const char *path, const char *name);

/* false: `found` stopped it. */
MUST_USE bool page_tree_walk(const char *page_dir, const char *game_dir, struct diag *diag,
                             page_tree_found *found, void *context);
