/* SPDX-License-Identifier: MIT */
/*
 * placeholder.h - @USERNAME@ and its siblings (contract.md section 1) in a challenge's text.
 *
 * A text is split once, at load: placeholder_scan() tells whether there is anything to replace, so
 * that most challenges cost one copy.
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
/* Appends the text with its placeholders replaced. */
void placeholder_append(struct buf *out, struct str text, const struct game *game,
                        const struct placeholder_values *values);
/* Upper-case hex of (name, CRC-32 of it) XORed with the contract's key. */
void placeholder_obfuscate(struct buf *out, struct str name);
