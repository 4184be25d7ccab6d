/* SPDX-License-Identifier: MIT */
/*
 * settings_load.h - from the files' bytes to struct settings.
 *
 * Precedence, lowest first: the table's defaults, ctfg.yaml, .env, and the overrides that files_read()
 * was given (environment, then flags).  Runs wherever game_load() does; reads no file itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "conf/arena.h"
#include "conf/diag.h"
#include "conf/files.h"
#include "conf/settings.h"
#include "shm/base/compiler.h"

/* true: every key has a checked value; texts are in the arena. */
MUST_USE bool settings_load(const struct game_files *files, struct arena *arena, struct diag *diag,
                            struct settings *ret_settings);

/* A key that a YAML file may have: "name", or "section.name". */
struct settings_yaml_key {
    const char *key;
    bool is_list;
};

struct settings_yaml_value {
    uint32_t line; /* 0: not seen in the file; in braces: of the section */
    bool is_set;
    struct str text;     /* of a single value */
    uint32_t item_count; /* of a list */
    const struct str *items;
};

/* Reads a YAML document that has only the given keys.  ret_values: one a key, in the arena.
 * false: not YAML, an unknown key, a list where a single value belongs, ...; diag says where. */
MUST_USE bool settings_read_yaml(struct str bytes, const char *file,
                                 const struct settings_yaml_key *keys, uint32_t key_count,
                                 struct arena *arena, struct diag *diag,
                                 struct settings_yaml_value *ret_values);
