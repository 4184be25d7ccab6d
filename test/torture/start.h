/* SPDX-License-Identifier: MIT */
/* start.h - a db's start from files in a folder, looked over in full: what does it find? */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "shm/base/compiler.h"
#include "test/torture/model.h"

#define START_DIR_BYTES 64

struct game;

/* An empty folder, in memory where there is such a place: nothing here waits for a real disk. */
void start_make_folder(char ret_path[START_DIR_BYTES]);
void start_empty_folder(const char *path);
void start_remove_folder(const char *path);

/* Opens, migrates, verifies and folds as a db does.  false: it does not open, is damaged, or does not
 * add up; said on out. */
MUST_USE bool start_from(const char *dir, const struct game *game, struct model *ret_found,
                         FILE *out);

/* A number of the command line, or the end of the program with status 2. */
uint64_t start_number_option(const char *text, uint64_t max);
