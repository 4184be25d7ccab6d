/* SPDX-License-Identifier: MIT */
/*
 * tally.h - what came of every call: durations and errors by kind, and the report as JSON.
 *
 * One a program.  An error is anything but the one answer the emulator expects; the first few are
 * said on standard error with what the server answered.
 */
#pragma once

#include <stdint.h>

#include "shm/base/str.h"

enum tally_kind {
    TALLY_PAGE, /* connect, and the page itself */
    TALLY_FILE,
    TALLY_GAME, /* GET /api/game */
    TALLY_LOGIN,
    TALLY_NAME,
    TALLY_SCOREBOARD,
    TALLY_STREAM, /* connect, upgrade, first frame */
    TALLY_CHALLENGES,
    TALLY_WRONG, /* POST /api/submit with a wrong guess */
    TALLY_HINT,
    TALLY_SOLVE,    /* POST /api/submit with a right one: durable when answered */
    TALLY_DELIVERY, /* an event's ts until a stream has it */
    TALLY_KINDS,
};

/* What is said about the run as a whole. */
struct tally_run {
    uint32_t players;
    double jitter_s;
    double elapsed_s;
    double client_cpu_s;
    uint64_t events_in_db;
    uint32_t streams_exact; /* received every event exactly once */
    uint32_t streams_wrong;
    uint32_t players_finished;
};

const char *tally_name(enum tally_kind kind);
void tally_add(enum tally_kind kind, uint64_t elapsed_us);
void tally_error(enum tally_kind kind, const char *why, unsigned status, struct str body);
/* Writes the report as one JSON object to standard output.  Returns the number of errors. */
uint64_t tally_report(const struct tally_run *run);
