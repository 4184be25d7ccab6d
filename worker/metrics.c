/* SPDX-License-Identifier: MIT */
/* metrics.c - renders the table of shm/slots.h, and says whether this server is alive and ready. */
#include "worker/metrics.h"

#include <inttypes.h>
#include <stdio.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "shm/state.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/response.h"
#include "worker/route.h"

#define DB_SILENT_US 3000000 /* six heartbeats; a commit on a slow disk takes less */

#ifndef CTFG_VERSION
#define CTFG_VERSION "unknown"
#endif

/* 64 routes, 7 histograms and 50 numbers a process: some 200 KB with eight workers. */
#define METRICS_BYTES_MAX (4u << 20)
#define LABEL_BYTES 128

/* ---- pieces of the format ---- */

static void write_head(struct buf *out, const char *name, const char *suffix, const char *type,
                       const char *help)
{
    buf_printf(out, "# HELP ctfg_%s%s %s\n# TYPE ctfg_%s%s %s\n", name, suffix, help, name, suffix,
               type);
}

static void write_gauge(struct buf *out, const char *name, const char *help, uint64_t value)
{
    write_head(out, name, "", "gauge", help);
    buf_printf(out, "ctfg_%s %" PRIu64 "\n", name, value);
}

/* Microseconds as seconds, without the detour of a double. */
static void write_seconds(struct buf *out, uint64_t value_us)
{
    buf_printf(out, "%" PRIu64 ".%06" PRIu64, value_us / 1000000, value_us % 1000000);
}

static uint64_t load(const _Atomic uint64_t *number)
{
    /* relaxed: each number of a row stands alone (shm/slots.c) */
    return atomic_load_explicit(number, memory_order_relaxed);
}

/* A histogram copied out of shared memory, or the sum of several. */
struct sums {
    uint64_t buckets[HISTOGRAM_BUCKETS];
    uint64_t sum;
};

static void add_histogram(struct sums *sums, const struct shm_histogram *histogram)
{
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sums->buckets[i] += load(&histogram->buckets[i]);
    }
    sums->sum += load(&histogram->sum_us);
}

/* Cumulative, as the format wants it.  is_count: the values are no durations (db_batch_requests). */
static void write_histogram(struct buf *out, const char *name, const char *labels, bool is_count,
                            const struct sums *sums)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += sums->buckets[i];
        buf_printf(out, "ctfg_%s_bucket{%s,le=\"", name, labels);
        if (i + 1 == HISTOGRAM_BUCKETS) {
            buf_append_str(out, STR("+Inf"));
        } else if (is_count) {
            buf_append_u64(out, (uint64_t)HISTOGRAM_FIRST_US << i);
        } else {
            write_seconds(out, (uint64_t)HISTOGRAM_FIRST_US << i);
        }
        buf_printf(out, "\"} %" PRIu64 "\n", total);
    }
    buf_printf(out, "ctfg_%s_sum{%s} ", name, labels);
    if (is_count) {
        buf_append_u64(out, sums->sum);
    } else {
        write_seconds(out, sums->sum);
    }
    buf_printf(out, "\nctfg_%s_count{%s} %" PRIu64 "\n", name, labels, total);
}

/* ---- rows: one a process ---- */

static const struct shm_slot *live_row(const struct segment *segment, uint32_t row)
{
    const struct shm_slot *slot = slots_at(segment, row);

    /* relaxed: 0 until a process has ever owned it (shm/slots.c) */
    bool used = slot != NULL && atomic_load_explicit(&slot->pid, memory_order_relaxed) != 0;
    return used ? slot : NULL;
}

static void row_label(uint32_t row, char label[LABEL_BYTES])
{
    if (row == SLOT_MASTER) {
        (void)snprintf(label, LABEL_BYTES, "process=\"master\"");
    } else if (row == SLOT_DB) {
        (void)snprintf(label, LABEL_BYTES, "process=\"db\"");
    } else {
        (void)snprintf(label, LABEL_BYTES, "process=\"worker-%u\"", row - SLOT_WORKER(0));
    }
}

static void write_numbers(struct buf *out, const struct segment *segment)
{
    char label[LABEL_BYTES];

    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        const struct slot_metric_row *row = &slot_metric_table[metric];
        bool is_counter = row->kind == SLOT_COUNTER;
        const char *suffix = is_counter ? "_total" : "";

        write_head(out, row->name, suffix, is_counter ? "counter" : "gauge", row->help);
        for (uint32_t i = 0; i < slots_count(segment); i++) {
            const struct shm_slot *slot = live_row(segment, i);

            if (slot != NULL) {
                row_label(i, label);
                buf_printf(out, "ctfg_%s%s{%s} %" PRIu64 "\n", row->name, suffix, label,
                           slots_read(slot, (enum slot_metric)metric));
            }
        }
    }
}

static void write_histograms(struct buf *out, const struct segment *segment)
{
    char label[LABEL_BYTES];

    for (int histogram = 0; histogram < HISTOGRAM_COUNT; histogram++) {
        const struct slot_histogram_row *row = &slot_histogram_table[histogram];

        write_head(out, row->name, "", "histogram", row->help);
        for (uint32_t i = 0; i < slots_count(segment); i++) {
            const struct shm_slot *slot = live_row(segment, i);

            if (slot != NULL) {
                struct sums sums = {0};

                add_histogram(&sums, &slot->histograms[histogram]);
                row_label(i, label);
                write_histogram(out, row->name, label, histogram == HISTOGRAM_DB_BATCH, &sums);
            }
        }
    }
}

static void write_processes(struct buf *out, const struct segment *segment)
{
    static const char *const words[] = {"empty", "starting", "ready", "draining", "dead"};
    uint64_t now_us = clock_real_us();
    char label[LABEL_BYTES];

    write_head(out, "process_uptime_seconds", "", "gauge", "Time since a process has started.");
    for (uint32_t i = 0; i < slots_count(segment); i++) {
        const struct shm_slot *slot = live_row(segment, i);

        if (slot == NULL) {
            continue;
        }
        uint64_t started_us = load(&slot->started_us);
        /* relaxed: as above */
        uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);

        row_label(i, label);
        buf_printf(out, "ctfg_process_uptime_seconds{%s,state=\"%s\"} ", label,
                   state < ARRAY_LEN(words) ? words[state] : "unknown");
        write_seconds(out, now_us > started_us ? now_us - started_us : 0);
        buf_append_char(out, '\n');
    }
}

/* ---- requests: by route, added up over the workers ---- */

struct route_sum {
    uint64_t by_status[SLOT_STATUS_CLASSES];
    uint64_t requests;
    struct sums latency;
};

static void sum_route(const struct segment *segment, uint32_t route, struct route_sum *sum)
{
    *sum = (struct route_sum){0};
    for (uint32_t i = 0; i < slots_count(segment); i++) {
        const struct shm_slot *slot = slots_at(segment, i);

        for (uint32_t status = 0; status < SLOT_STATUS_CLASSES; status++) {
            uint64_t requests = load(&slot->routes[route].by_status[status]);

            sum->by_status[status] += requests;
            sum->requests += requests;
        }
        add_histogram(&sum->latency, &slot->routes[route].latency);
    }
}

static void route_label(uint32_t route, char label[LABEL_BYTES])
{
    const char *method = "";
    const char *name = route_name(route, &method);

    (void)snprintf(label, LABEL_BYTES, "method=\"%s\",route=\"%s\"", method,
                   name != NULL ? name : "unknown");
}

static void write_requests(struct buf *out, const struct segment *segment)
{
    static const char *const classes[SLOT_STATUS_CLASSES] = {"lost", "1xx", "2xx",
                                                             "3xx",  "4xx", "5xx"};
    struct route_sum sum;
    char label[LABEL_BYTES];

    write_head(out, "http_requests", "_total", "counter",
               "Requests answered, by route and status; lost: the client had gone.");
    for (uint32_t route = 0; route < route_count() && route < SLOT_ROUTES_MAX; route++) {
        sum_route(segment, route, &sum);
        route_label(route, label);
        for (uint32_t status = 0; status < SLOT_STATUS_CLASSES; status++) {
            if (sum.by_status[status] > 0) {
                buf_printf(out, "ctfg_http_requests_total{%s,code=\"%s\"} %" PRIu64 "\n", label,
                           classes[status], sum.by_status[status]);
            }
        }
    }
    write_head(out, "http_request_seconds", "", "histogram",
               "From a whole request to its answer, by route.");
    for (uint32_t route = 0; route < route_count() && route < SLOT_ROUTES_MAX; route++) {
        sum_route(segment, route, &sum);
        route_label(route, label);
        if (sum.requests > 0) {
            write_histogram(out, "http_request_seconds", label, false, &sum.latency);
        }
    }
}

/* ---- the game ---- */

static void write_game(struct buf *out, const struct worker *worker)
{
    const struct segment *segment = worker->heritage->segment;
    const struct bank *bank = board_live(&worker->board);
    uint64_t now_us = clock_real_us();
    uint64_t created_us = segment->header->created_us;

    write_head(out, "build_info", "", "gauge", "The program's version; always 1.");
    buf_append_str(out, STR("ctfg_build_info{version=\"" CTFG_VERSION "\"} 1\n"));
    write_head(out, "uptime_seconds", "", "gauge", "Time since the master made the shared memory.");
    buf_append_str(out, STR("ctfg_uptime_seconds "));
    write_seconds(out, now_us > created_us ? now_us - created_us : 0);
    buf_append_char(out, '\n');
    write_gauge(out, "players", "Players in credentials.csv.", worker->game->player_count);
    write_gauge(out, "players_on_board", "Players the board knows, also of earlier lists.",
                state_player_count(bank));
    write_gauge(out, "challenges", "Challenges of the game.", worker->game->challenge_count);
    write_gauge(out, "game_generation", "1 at start, one more a reload.", worker->game->generation);
    write_gauge(out, "sequence", "The newest committed event.", state_committed_seq(bank));
    write_gauge(out, "sequence_oldest", "The oldest event still in shared memory.",
                ring_oldest_seq(&worker->ring));
    write_gauge(out, "reset_sequence", "The last reset: events up to it are void.",
                state_floor_seq(bank));
    write_gauge(out, "shared_memory_bytes", "Size of the shared segment.", segment->size_bytes);
}

void metrics_write(struct buf *out, const struct worker *worker)
{
    const struct segment *segment = worker->heritage->segment;

    write_game(out, worker);
    write_processes(out, segment);
    write_numbers(out, segment);
    write_requests(out, segment);
    write_histograms(out, segment);
}

/* ---- the operators' endpoints ---- */

void api_metrics(struct exchange *exchange)
{
    const struct response_extra extra = {
        .content_type = STR("text/plain; version=0.0.4; charset=utf-8"),
    };
    struct buf body = BUF_INIT(METRICS_BYTES_MAX);

    metrics_write(&body, exchange->worker);
    if (body.failed) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_json(exchange->conn, 200, buf_str(&body), &extra);
    }
    buf_free(&body);
}

static void answer_sentence(struct exchange *exchange, unsigned status, struct str sentence)
{
    const struct response_extra extra = {.content_type = STR("text/plain; charset=utf-8")};

    response_json(exchange->conn, status, sentence, &extra);
}

void api_healthz(struct exchange *exchange)
{
    answer_sentence(exchange, 200, STR("ok\n"));
}

/* It hangs, or its disk does: the master ends it in time, but no flag is accepted until then. */
static bool db_is_silent(const struct worker *worker)
{
    const struct shm_slot *db = slots_at(worker->heritage->segment, SLOT_DB);
    /* relaxed: a number that stands alone */
    uint64_t beat_us = atomic_load_explicit(&db->heartbeat_us, memory_order_relaxed);

    return clock_mono_us() > beat_us + DB_SILENT_US;
}

void api_readyz(struct exchange *exchange)
{
    const struct worker *worker = exchange->worker;

    if (!board_is_ready(&worker->board)) {
        answer_sentence(exchange, 503, STR("The db process has not published the board yet.\n"));
    } else if (!dbclient_is_connected(worker)) {
        answer_sentence(exchange, 503, STR("This worker has no connection to the db process.\n"));
    } else if (db_is_silent(worker)) {
        answer_sentence(exchange, 503, STR("The db process has not been heard of for seconds.\n"));
    } else if (slots_read(slots_at(worker->heritage->segment, SLOT_DB), METRIC_DB_STORE_REFUSES) !=
               0) {
        answer_sentence(exchange, 503, STR("The database cannot be written; the log says why.\n"));
    } else if (worker->draining) {
        answer_sentence(exchange, 503, STR("This worker is draining.\n"));
    } else {
        answer_sentence(exchange, 200, STR("ready\n"));
    }
}
