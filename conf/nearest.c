/* SPDX-License-Identifier: MIT */
/* nearest.c - Levenshtein's distance over short words; see nearest.h. */
#include "conf/nearest.h"

#include <stddef.h>
#include <string.h>

#define NEAREST_WORD_BYTES_MAX 63

static uint32_t edit_distance(struct str a, struct str b)
{
    uint32_t row[NEAREST_WORD_BYTES_MAX + 1];

    for (uint32_t j = 0; j <= b.len; j++) {
        row[j] = j;
    }
    for (uint32_t i = 1; i <= a.len; i++) {
        uint32_t diagonal = row[0];

        row[0] = i;
        for (uint32_t j = 1; j <= b.len; j++) {
            uint32_t best = diagonal + (a.data[i - 1] == b.data[j - 1] ? 0 : 1);

            diagonal = row[j];
            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            row[j] = best;
        }
    }
    return row[b.len];
}

const char *nearest_word(struct str word, const char *const *known, uint32_t count)
{
    const char *nearest = NULL;
    uint32_t nearest_edits = UINT32_MAX;

    if (word.len > NEAREST_WORD_BYTES_MAX) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct str candidate = str_from(known[i]);

        if (candidate.len > NEAREST_WORD_BYTES_MAX) {
            continue;
        }
        uint32_t edits = edit_distance(word, candidate);

        /* More than half of the word wrong is no slip but another word. */
        if (edits < nearest_edits && edits * 2 <= candidate.len) {
            nearest = known[i];
            nearest_edits = edits;
        }
    }
    return nearest;
}
