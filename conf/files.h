/* SPDX-License-Identifier: MIT */
/*
 * files.h - the bytes of all files of a game, in one piece of memory that can be handed on.
 *
 * The master reads the folder once (files_read) and, on a reload, hands the same bytes to workers
 * and db as a sealed memfd (files_seal, files_map): nobody but the master opens a file, and all
 * judge the same bytes.  The piece is: a count, then for each file its name, size and bytes; every
 * length is checked when it is mapped.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct diag;
struct options;

/* All files of one game together: a page with videos is somebody else's job. */
#define FILES_TOTAL_BYTES_MAX (256u << 20)
#define FILES_ONE_BYTES_MAX (32u << 20)
#define FILES_COUNT_MAX 4096

struct game_files {
    void *piece; /* heap, or a mapping when `mapped` */
    size_t size_bytes;
    bool mapped;
};

/* Where a game's files are, and what the command line and the environment say over ctfg.yaml. */
struct files_source {
    const char *game_dir;        /* -C/--game */
    const char *challenges_path; /* the positional argument; NULL: game_dir/challenges.json */
    const char *config_path;     /* --config; NULL: game_dir/ctfg.yaml if it is there */
    const char *web_root;        /* --web-root; NULL: the setting, else game_dir */
    /* "key=value" lines of flags and environment variables that override ctfg.yaml, in the order of
     * precedence, lowest first; travels inside the piece, so that a reload keeps them. */
    const char *overrides;
};

/* master, tools.  false: diag says which file cannot be read and why. */
MUST_USE bool files_read(const struct files_source *source, struct diag *diag,
                         struct game_files *ret_files);
/* master.  Of all that files_read() gives, to see that something has changed; 0: it cannot be read. */
uint64_t files_hash(const struct files_source *source);
/* master.  A sealed memfd (F_SEAL_WRITE, _SHRINK, _GROW) with the same bytes; -1 and errno. */
MUST_USE int files_seal(const struct game_files *files);
/* worker, db.  Takes the fd in any case.  false: not a sealed piece, or its lengths do not add up. */
MUST_USE bool files_map(int fd, struct game_files *ret_files);
void files_free(struct game_files *files);

/* What the name of a secret of $CREDENTIALS_DIRECTORY begins with. */
#define FILES_SECRET "secret:"

/* A file by name ("challenges.json", "ctfg.yaml", "credentials.csv", "game-clusters.yaml", ".env",
 * "overrides", "secret:CTFG_API_TOKEN", "page:/js/app.js").  false: not among them. */
bool files_find(const struct game_files *files, const char *name, struct str *ret_bytes);
/* What a message should call it: the path as the organiser knows it. */
const char *files_display_path(const struct game_files *files, const char *name);
/* The i-th file; false past the last. */
bool files_at(const struct game_files *files, uint32_t index, struct str *ret_name,
              struct str *ret_bytes);
