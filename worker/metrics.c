/* SPDX-License-Identifier: MIT */
/* metrics.c - renders the table of shm/slots.h, and says whether this server is alive and ready. */
#include "worker/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "shm/state.h"
#include "worker/accept.h"
#include "worker/api.h"
#include "worker/context.h"
#include "worker/dbclient.h"
#include "worker/response.h"
#include "worker/route.h"

#define DB_SILENT_US 3000000 /* six heartbeats; a commit on a slow disk takes less */

#ifndef CTFG_VERSION
#define CTFG_VERSION "unknown"
#endif

/* 64 routes, 8 histograms and 60 numbers a process: some 200 KB with eight workers. */
#define METRICS_BYTES_MAX (4u << 20)
#define LABEL_BYTES 128

/* ---- pieces of the format ---- */

struct page {
    struct buf *out;
    bool open_metrics; /* its families are named without "_total", it ends with a mark */
};

static void write_head(struct page *page, const char *name, const char *type, const char *help)
{
    const char *suffix = !page->open_metrics && strcmp(type, "counter") == 0 ? "_total" : "";

    buf_printf(page->out, "# HELP ctfg_%s%s %s\n# TYPE ctfg_%s%s %s\n", name, suffix, help, name,
               suffix, type);
}

static void write_gauge(struct page *page, const char *name, const char *help, uint64_t value)
{
    write_head(page, name, "gauge", help);
    buf_printf(page->out, "ctfg_%s %" PRIu64 "\n", name, value);
}

/* Microseconds as seconds, without the detour of a double. */
static void write_seconds(struct page *page, uint64_t value_us)
{
    buf_printf(page->out, "%" PRIu64 ".%06" PRIu64, value_us / 1000000, value_us % 1000000);
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

/* Cumulative, as the format wants it.  first: what the first bucket bounds (shm/slots.h). */
static void write_histogram(struct page *page, const char *name, const char *labels, uint64_t first,
                            const struct sums *sums)
{
    bool is_count = first == HISTOGRAM_FIRST_COUNT;
    uint64_t total = 0;

    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        total += sums->buckets[i];
        buf_printf(page->out, "ctfg_%s_bucket{%s,le=\"", name, labels);
        if (i + 1 == HISTOGRAM_BUCKETS) {
            buf_append_str(page->out, STR("+Inf"));
        } else if (is_count) {
            buf_append_u64(page->out, first << i);
        } else {
            write_seconds(page, first << i);
        }
        buf_printf(page->out, "\"} %" PRIu64 "\n", total);
    }
    buf_printf(page->out, "ctfg_%s_sum{%s} ", name, labels);
    if (is_count) {
        buf_append_u64(page->out, sums->sum);
    } else {
        write_seconds(page, sums->sum);
    }
    buf_printf(page->out, "\nctfg_%s_count{%s} %" PRIu64 "\n", name, labels, total);
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

/* A lap of the ring would be lost to the worker's streams. */
static void write_lag(struct page *page, const struct worker *worker)
{
    const struct segment *segment = worker->heritage->segment;
    uint64_t newest = ring_newest_seq(&worker->ring);
    char label[LABEL_BYTES];

    write_head(page, "stream_lag_events", "gauge",
               "Events in the ring that a worker has not read.");
    for (uint32_t i = SLOT_WORKER(1); i < slots_count(segment); i++) {
        const struct shm_slot *slot = live_row(segment, i);

        if (slot != NULL) {
            uint64_t cursor = slots_read(slot, METRIC_STREAM_CURSOR);

            row_label(i, label);
            buf_printf(page->out, "ctfg_stream_lag_events{%s} %" PRIu64 "\n", label,
                       newest > cursor ? newest - cursor : 0);
        }
    }
}

static void write_number(struct page *page, const struct slot_metric_row *row, const char *process,
                         uint64_t value)
{
    buf_printf(page->out, "ctfg_%s%s{%s%s%s} ", row->name,
               slot_metric_is_gauge(row->kind) ? "" : "_total", process,
               row->label[0] != '\0' ? "," : "", row->label);
    if (row->kind == SLOT_SECONDS || row->kind == SLOT_SPAN) {
        write_seconds(page, value);
    } else {
        buf_append_u64(page->out, value);
    }
    buf_append_char(page->out, '\n');
}

static void write_numbers(struct page *page, const struct segment *segment)
{
    const char *family = "";
    char label[LABEL_BYTES];

    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        const struct slot_metric_row *row = &slot_metric_table[metric];

        if (strcmp(row->name, family) != 0) {
            write_head(page, row->name, slot_metric_is_gauge(row->kind) ? "gauge" : "counter",
                       row->help);
            family = row->name;
        }
        for (uint32_t i = 0; i < slots_count(segment); i++) {
            const struct shm_slot *slot = live_row(segment, i);

            if (slot != NULL) {
                row_label(i, label);
                write_number(page, row, label, slots_read(slot, (enum slot_metric)metric));
            }
        }
    }
}

static void write_histograms(struct page *page, const struct segment *segment)
{
    char label[LABEL_BYTES];

    for (int histogram = 0; histogram < HISTOGRAM_COUNT; histogram++) {
        const struct slot_histogram_row *row = &slot_histogram_table[histogram];

        write_head(page, row->name, "histogram", row->help);
        for (uint32_t i = 0; i < slots_count(segment); i++) {
            const struct shm_slot *slot = live_row(segment, i);

            if (slot != NULL) {
                struct sums sums = {0};

                add_histogram(&sums, &slot->histograms[histogram]);
                row_label(i, label);
                write_histogram(page, row->name, label, row->first, &sums);
            }
        }
    }
}

static void write_processes(struct page *page, const struct segment *segment)
{
    static const char *const words[] = {"empty", "starting", "ready", "draining", "dead"};
    uint64_t now_us = clock_real_us();
    char label[LABEL_BYTES];

    write_head(page, "process_uptime_seconds", "gauge", "Time since a process has started.");
    for (uint32_t i = 0; i < slots_count(segment); i++) {
        const struct shm_slot *slot = live_row(segment, i);

        if (slot == NULL) {
            continue;
        }
        uint64_t started_us = load(&slot->started_us);
        /* relaxed: as above */
        uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);

        row_label(i, label);
        buf_printf(page->out, "ctfg_process_uptime_seconds{%s,state=\"%s\"} ", label,
                   state < ARRAY_LEN(words) ? words[state] : "unknown");
        write_seconds(page, now_us > started_us ? now_us - started_us : 0);
        buf_append_char(page->out, '\n');
    }
}

/* ---- requests: by route, added up over the workers ---- */

struct route_sum {
    uint64_t by_status[SLOT_STATUS_COUNT];
    uint64_t requests;
    struct sums latency;
};

static void sum_route(const struct segment *segment, uint32_t route, struct route_sum *sum)
{
    *sum = (struct route_sum){0};
    for (uint32_t i = 0; i < slots_count(segment); i++) {
        const struct shm_slot *slot = slots_at(segment, i);

        for (uint32_t status = 0; status < SLOT_STATUS_COUNT; status++) {
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

static void write_requests(struct page *page, const struct segment *segment)
{
    struct route_sum sum;
    char label[LABEL_BYTES];

    write_head(page, "http_requests", "counter",
               "Requests answered, by route and status; lost: the client had gone.");
    for (uint32_t route = 0; route < route_count() && route < SLOT_ROUTES_MAX; route++) {
        sum_route(segment, route, &sum);
        route_label(route, label);
        for (uint32_t status = 0; status < SLOT_STATUS_COUNT; status++) {
            /* 200 from the start: rates of a route that nobody has asked yet are 0, not absent */
            if (sum.by_status[status] > 0 || status == SLOT_STATUS_200) {
                buf_printf(page->out, "ctfg_http_requests_total{%s,code=\"%s\"} %" PRIu64 "\n",
                           label, slot_status_names[status], sum.by_status[status]);
            }
        }
    }
    write_head(page, "http_request_seconds", "histogram",
               "From a whole request to its answer, by route.");
    for (uint32_t route = 0; route < route_count() && route < SLOT_ROUTES_MAX; route++) {
        sum_route(segment, route, &sum);
        route_label(route, label);
        if (sum.requests > 0) {
            write_histogram(page, "http_request_seconds", label, HISTOGRAM_FIRST_US, &sum.latency);
        }
    }
}

/* ---- the game ---- */

static void write_game(struct page *page, const struct worker *worker)
{
    const struct segment *segment = worker->heritage->segment;
    const struct bank *bank = board_live(&worker->board);
    uint64_t now_us = clock_real_us();
    uint64_t created_us = segment->header->created_us;

    write_head(page, "build_info", "gauge", "The program's version; always 1.");
    buf_append_str(page->out, STR("ctfg_build_info{version=\"" CTFG_VERSION "\"} 1\n"));
    write_head(page, "uptime_seconds", "gauge", "Time since the master made the shared memory.");
    buf_append_str(page->out, STR("ctfg_uptime_seconds "));
    write_seconds(page, now_us > created_us ? now_us - created_us : 0);
    buf_append_char(page->out, '\n');
    write_gauge(page, "players", "Players in credentials.csv.", worker->game->player_count);
    write_gauge(page, "players_on_board", "Players the board knows, also of earlier lists.",
                state_player_count(bank));
    write_gauge(page, "challenges", "Challenges of the game.", worker->game->challenge_count);
    write_gauge(page, "game_generation", "1 at start, one more a reload.",
                worker->game->generation);
    write_gauge(page, "sequence", "The newest committed event.", state_committed_seq(bank));
    write_gauge(page, "sequence_oldest", "The oldest event still in shared memory.",
                ring_oldest_seq(&worker->ring));
    write_gauge(page, "reset_sequence", "The last reset: events up to it are void.",
                state_floor_seq(bank));
    write_gauge(page, "shared_memory_bytes", "Size of the shared segment.", segment->size_bytes);
}

/* What is bounded, and where a setting decides: for how near the numbers above are to it. */
static void write_limits(struct page *page, const struct worker *worker)
{
    const struct settings *settings = &worker->game->settings;
    const struct shm_sizes *sizes = &worker->heritage->segment->header->sizes;
    const struct {
        const char *name;
        uint64_t value;
        const char *help;
    } limits[] = {
        /* clang-format off */
        {"connections_limit", accept_conns_most(worker),
         "Connections a worker holds at most (http.connections, or what the limit of open files leaves)."},
        {"password_queue_limit", settings->password_queue_max,
         "Logins that may wait for argon2id in a worker (limits.password_queue)."},
        {"stream_window_limit_bytes", settings->stream_window_bytes,
         "Recent frames a worker keeps for slow clients (stream.window)."},
        {"ring_limit_events", sizes->ring_slots,
         "Events kept in shared memory (stream.ring)."},
        {"db_requests_waiting_limit", DBCLIENT_WAITING_MAX,
         "Requests of a worker that may wait for db."},
        {"db_queue_depth_limit", settings->db_queue_max,
         "Requests that may wait in db (database.queue)."},
        {"db_batch_limit_requests", settings->db_batch_max,
         "Requests in a transaction at most (database.batch)."},
        {"db_wal_limit_bytes", settings->wal_bytes_max,
         "Limit of the write-ahead log (database.wal_size): at 3/4 of it, it is checkpointed at once."},
        {"db_guesses_limit", settings->guesses_kept_max,
         "Rejected guesses kept (database.guesses_kept)."},
        {"players_limit", sizes->players_max,
         "Players there is room for until a restart."},
        {"challenges_limit", sizes->challenges_max,
         "Challenges there is room for until a restart."},
        {"hints_limit", sizes->hints_max,
         "Hints there is room for until a restart."},
        /* clang-format on */
    };

    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        write_gauge(page, limits[i].name, limits[i].help, limits[i].value);
    }
}

void metrics_write(struct buf *out, const struct worker *worker, bool open_metrics)
{
    const struct segment *segment = worker->heritage->segment;
    struct page page = {.out = out, .open_metrics = open_metrics};

    write_game(&page, worker);
    write_limits(&page, worker);
    write_processes(&page, segment);
    write_numbers(&page, segment);
    write_lag(&page, worker);
    write_requests(&page, segment);
    write_histograms(&page, segment);
    if (open_metrics) {
        buf_append_str(out, STR("# EOF\n"));
    }
}

/* ---- the operators' endpoints ---- */

static bool accepts_open_metrics(struct str accept)
{
    static const char type[] = "application/openmetrics-text";

    return accept.len > 0 && memmem(accept.data, accept.len, type, sizeof(type) - 1) != NULL;
}

void api_metrics(struct exchange *exchange)
{
    bool open_metrics = accepts_open_metrics(exchange->request->accept);
    const struct response_extra extra = {
        .content_type = open_metrics
                            ? STR("application/openmetrics-text; version=1.0.0; charset=utf-8")
                            : STR("text/plain; version=0.0.4; charset=utf-8"),
    };
    struct buf body = BUF_INIT(METRICS_BYTES_MAX);

    metrics_write(&body, exchange->worker, open_metrics);
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

/* Its socket takes connections all the time, the master holds it: only its row tells that it serves. */
static bool db_is_away(const struct worker *worker)
{
    const struct shm_slot *db = slots_at(worker->heritage->segment, SLOT_DB);

    /* relaxed: a number that stands alone */
    return atomic_load_explicit(&db->state, memory_order_relaxed) != SLOT_READY;
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
    } else if (db_is_away(worker)) {
        answer_sentence(exchange, 503,
                        STR("The db process has ended and does not serve again yet.\n"));
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
