/* SPDX-License-Identifier: MIT */
/* tally.c - durations and errors by kind of call. */
#include "bench/players/tally.h"

#include <jansson.h>
#include <stdio.h>

#include "bench/players/hist.h"

#define ERRORS_SAID_MAX 20

static struct {
    struct hist hist[TALLY_KINDS];
    uint64_t errors[TALLY_KINDS];
    uint32_t said;
} tally;

const char *tally_name(enum tally_kind kind)
{
    static const char *const names[TALLY_KINDS] = {
        "page",   "file",       "game",        "login", "name",  "scoreboard",
        "stream", "challenges", "wrong guess", "hint",  "solve", "delivery",
    };

    return names[kind];
}

void tally_add(enum tally_kind kind, uint64_t elapsed_us)
{
    hist_add(&tally.hist[kind], elapsed_us);
}

void tally_error(enum tally_kind kind, const char *why, unsigned status, struct str body)
{
    tally.errors[kind]++;
    if (tally.said < ERRORS_SAID_MAX) {
        tally.said++;
        fprintf(stderr, "players: %s: %s (status %u) %.*s\n", tally_name(kind), why, status,
                (int)(body.len < 200 ? body.len : 200), body.len > 0 ? body.data : "");
    }
}

static json_t *report_kind(enum tally_kind kind)
{
    const struct hist *hist = &tally.hist[kind];

    return json_pack("{s:s,s:I,s:I,s:f,s:f,s:f,s:f,s:f}", "kind", tally_name(kind), "count",
                     (json_int_t)hist->count, "errors", (json_int_t)tally.errors[kind], "mean_ms",
                     hist_mean_us(hist) / 1000, "p50_ms", hist_quantile_us(hist, 0.5) / 1000,
                     "p95_ms", hist_quantile_us(hist, 0.95) / 1000, "p99_ms",
                     hist_quantile_us(hist, 0.99) / 1000, "max_ms", (double)hist->max_us / 1000);
}

uint64_t tally_report(const struct tally_run *run)
{
    json_t *calls = json_array();
    uint64_t errors = 0;

    for (enum tally_kind kind = 0; kind < TALLY_KINDS; kind++) {
        (void)json_array_append_new(calls, report_kind(kind));
        errors += tally.errors[kind];
    }
    json_t *report = json_pack(
        "{s:i,s:f,s:f,s:f,s:I,s:i,s:i,s:i,s:I,s:o}", "players", (int)run->players, "jitter_s",
        run->jitter_s, "elapsed_s", run->elapsed_s, "client_cpu_s", run->client_cpu_s, "events",
        (json_int_t)run->events_in_db, "players_finished", (int)run->players_finished,
        "streams_exact", (int)run->streams_exact, "streams_wrong", (int)run->streams_wrong,
        "errors", (json_int_t)errors, "calls", calls);

    (void)json_dumpf(report, stdout, JSON_REAL_PRECISION(6));
    (void)putchar('\n');
    json_decref(report);
    return errors;
}
