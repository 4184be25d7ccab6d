/* SPDX-License-Identifier: MIT */
/*
 * doctor.h - looks at the machine and the settings before players do; judge.h says what it means.
 *
 * Process  tools (`ctfg doctor`: everything), and the master at its start (what costs nothing).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "master/judge.h"

struct files_source;
struct game;

#define DOCTOR_FINDINGS_MAX 24

struct doctor {
    const struct game *game;
    const struct files_source *source;
    bool is_start; /* of a server: only what is known counts */
    struct finding findings[DOCTOR_FINDINGS_MAX];
    uint32_t count;
};

/* All of it; takes as long as a look over the database, and some writes to its disk. */
void doctor_look(struct doctor *doctor);
/* The master: logs a warning for each finding that is not ok, of those that cost nothing and that
 * nobody else warns about. */
void doctor_warn(const struct game *game, const struct files_source *source);
