/* SPDX-License-Identifier: MIT */
/*
 * placeholder.h - @USERNAME@ and its siblings (docs/organiser.md) in a challenge's text.
 *
 * A text is looked through and escaped as JSON once, at load: placeholder_scan() tells whether there is
 * anything to replace, so that most challenges cost one copy.  Placeholders hold no character that
 * JSON escapes, so they are found in the escaped text as well, and only the values are escaped later.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"

struct game;

/* Who reads the text. */
struct placeholder_values {
    struct str username;
    uint32_t user_id;
    struct str displayname; /* empty: [unset] */
};

/* Does the text hold any placeholder? */
bool placeholder_scan(struct str text);
/* Appends a text that is JSON already, with its placeholders replaced by values escaped likewise. */
void placeholder_append_json(struct buf *out, struct str json, const struct game *game,
                             const struct placeholder_values *values);
/* Upper-case hex of (name, CRC-32 of it) XORed with the contract's key. */
void placeholder_obfuscate(struct buf *out, struct str name);
