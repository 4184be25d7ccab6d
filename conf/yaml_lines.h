/* SPDX-License-Identifier: MIT */
/*
 * yaml_lines.h - in which line of a small YAML file does each key stand.
 *
 * libcyaml reads the values but keeps no lines.  This walk sees the keys of files of one or two
 * levels in block style (one key a line), which is how such files are written; a mapping in braces
 * it passes over, and messages about it then name the line of the section.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

struct yaml_lines {
    struct str rest;
    struct str section;
    size_t section_indent; /* of its keys; 0: not known yet */
    uint32_t line;
};

struct yaml_lines yaml_lines_begin(struct str text);
/* The next key: its section is empty at the first level.  false: the end. */
MUST_USE bool yaml_lines_next(struct yaml_lines *lines, struct str *ret_section,
                              struct str *ret_key);

/* Goes on to the next line that a tab indents; false: none. */
MUST_USE bool yaml_lines_find_tab(struct yaml_lines *lines);
