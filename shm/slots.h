/* SPDX-License-Identifier: MIT */
/*
 * slots.h - a row of shared memory for each process, and THE table of metrics.
 *
 * A row is written by the process that owns it (relaxed: each number stands alone) and read by
 * whoever renders /metrics and by the master, who names the dead from it.  A row belongs to a place
 * (master, db, worker 1, worker 2, ...), not to a pid: a successor goes on counting, so counters
 * survive a death.  Rows begin on pages of their own.
 */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/segment.h"

#define SLOT_ROUTES_MAX 64
#define SLOT_MASTER 0
#define SLOT_DB 1
#define SLOT_WORKER(number) (1 + (number)) /* worker 1 has row 2 */

enum slot_state { SLOT_EMPTY, SLOT_STARTING, SLOT_READY, SLOT_DRAINING, SLOT_DEAD };

/* The first bound, then doubling; the last bucket is everything above.  Times are in microseconds, up
 * to 52 s; counts up to a million. */
#define HISTOGRAM_BUCKETS 22
#define HISTOGRAM_FIRST_US 50
#define HISTOGRAM_FIRST_COUNT 1

struct shm_histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* not cumulative */
    _Atomic uint64_t sum_us;                     /* counts: the sum of the values */
};

/*
 * name (without "ctfg_"), label or "", kind, unit-free help.  Counters end in _total on /metrics.
 * One line here is one line a process there.  Lines of one name differ by their label, stand together
 * and share one help.
 */
#define SLOT_METRICS(X)                                                                            \
    X(LOOP_LONGEST, "loop_longest_turn_seconds", "", SPAN,                                         \
      "Longest turn of a process's loop since its start.")                                         \
    X(CONNS_ACCEPTED, "connections_accepted", "", COUNTER, "Connections accepted by a worker.")    \
    X(CONNS_OPEN, "connections_open", "", GAUGE, "Connections a worker holds open.")               \
    X(CONNS_REFUSED, "connections_refused", "", COUNTER,                                           \
      "Connections refused at the limit (503).")                                                   \
    X(CONNS_TIMED_OUT, "connections_timed_out", "", COUNTER,                                       \
      "Connections closed by a time limit.")                                                       \
    X(ACCEPT_PAUSES, "accept_pauses", "", COUNTER, "Times a worker paused accepting to be fair.")  \
    X(TURNS_CUT, "turns_cut", "", COUNTER, "Turns of a loop that ended with clients unread.")      \
    X(REQUEST_BYTES, "http_received_bytes", "", COUNTER, "Bytes received from HTTP clients.")      \
    X(RESPONSE_BYTES, "http_sent_bytes", "", COUNTER, "Bytes sent to HTTP clients.")               \
    X(REQUESTS_BAD, "http_bad_requests", "", COUNTER, "Requests that HTTP parsing refused.")       \
    X(STREAMS_OPEN, "streams_open", "", GAUGE, "WebSocket streams a worker holds open.")           \
    X(STREAMS_OPENED, "streams_opened", "", COUNTER, "WebSocket streams opened.")                  \
    X(STREAMS_REFUSED, "streams_refused", "", COUNTER, "Upgrades refused: token or origin.")       \
    X(PLAYERS_ONLINE, "players_online", "", GAUGE,                                                 \
      "Players with a stream at a worker; who has some at two counts at both.")                    \
    X(STREAM_FRAMES, "stream_frames_sent", "", COUNTER, "Frames written to streams.")              \
    X(STREAM_BYTES, "stream_sent_bytes", "", COUNTER, "Bytes written to streams.")                 \
    X(STREAM_EVENTS, "stream_events", "", COUNTER, "Events read from the ring by a worker.")       \
    X(STREAM_SLOW, "stream_slow_clients", "", COUNTER,                                             \
      "Times a stream fell behind and was resumed.")                                               \
    X(STREAM_RESYNCS, "stream_resyncs", "", COUNTER, "Streams told to reload the snapshot.")       \
    X(STREAM_DROPPED, "stream_dropped", "", COUNTER, "Streams closed because they were too slow.") \
    X(STREAM_REAPED, "stream_reaped", "", COUNTER, "Streams closed for want of a pong.")           \
    X(STREAM_CURSOR, "stream_cursor_seq", "", GAUGE, "Newest event a worker has sent on.")         \
    X(LIMITED_SUBMIT, "rate_limited", "endpoint=\"submit\"", COUNTER,                              \
      "Requests answered 429, by endpoint.")                                                       \
    X(LIMITED_HINT, "rate_limited", "endpoint=\"hint\"", COUNTER,                                  \
      "Requests answered 429, by endpoint.")                                                       \
    X(LIMITED_NAME, "rate_limited", "endpoint=\"set-name\"", COUNTER,                              \
      "Requests answered 429, by endpoint.")                                                       \
    X(LIMITED_AWARD, "rate_limited", "endpoint=\"award\"", COUNTER,                                \
      "Requests answered 429, by endpoint.")                                                       \
    X(LIMITED_API, "rate_limited", "endpoint=\"other\"", COUNTER,                                  \
      "Requests answered 429, by endpoint.")                                                       \
    X(LIMITED_LOGIN, "rate_limited", "endpoint=\"login\"", COUNTER,                                \
      "Requests answered 429, by endpoint.")                                                       \
    X(LOGINS_OK, "logins", "result=\"ok\"", COUNTER, "Logins that were judged, by result.")        \
    X(LOGINS_BAD, "logins", "result=\"wrong\"", COUNTER, "Logins that were judged, by result.")    \
    X(PASSWORD_QUEUE, "password_queue", "", GAUGE, "Logins that wait for argon2id.")               \
    X(PASSWORD_REFUSED, "password_refused", "", COUNTER,                                           \
      "Logins refused: the argon2id queue is full.")                                               \
    X(GUESSES_WRONG, "guesses_wrong", "", COUNTER, "Wrong guesses.")                               \
    X(SOLVES, "solves", "", COUNTER, "Solves committed by db, awards included.")                   \
    X(AWARDS, "awards", "", COUNTER, "Solves committed by db that came from /api/award.")          \
    X(HINTS, "hints", "", COUNTER, "Hint purchases committed by db.")                              \
    X(DB_WAITING, "db_requests_waiting", "", GAUGE, "Requests of a worker that wait for db.")      \
    X(DB_RESENT, "db_requests_resent", "", COUNTER, "Requests sent again after db's death.")       \
    X(DB_TIMED_OUT, "db_requests_timed_out", "", COUNTER, "Requests answered 503 for want of db.") \
    X(DB_REFUSED, "db_requests_refused", "", COUNTER,                                              \
      "Requests answered 503 because too many of a worker waited for db.")                         \
    X(DB_QUEUE, "db_queue_depth", "", GAUGE, "Requests queued in db.")                             \
    X(DB_QUEUE_FULL, "db_queue_full", "", COUNTER,                                                 \
      "Requests db refused because its queue was full.")                                           \
    X(DB_BATCHES, "db_batches", "", COUNTER, "Transactions committed.")                            \
    X(DB_REPEATED, "db_requests_repeated", "", COUNTER, "Requests db recognised as sent before.")  \
    X(DB_STORE_ERRORS, "db_store_errors", "", COUNTER, "Transactions that failed.")                \
    X(DB_STORE_REFUSES, "db_store_refuses", "", GAUGE, "1 while the store refuses to be written.") \
    X(DB_GUESSES_STORED, "db_guesses_stored", "", COUNTER, "Rejected guesses stored.")             \
    X(DB_GUESSES_DROPPED, "db_guesses_dropped", "", COUNTER,                                       \
      "Rejected guesses dropped by overload.")                                                     \
    X(DB_WAL_BYTES, "db_wal_bytes", "", GAUGE, "Size of the write-ahead log.")                     \
    X(DB_CHECKPOINTS, "db_checkpoints", "", COUNTER, "Checkpoints of the write-ahead log.")        \
    X(DB_REBUILDS, "db_rebuilds", "", COUNTER, "Times the board was rebuilt from the event log.")  \
    X(RESTARTS_WORKER, "worker_restarts", "", COUNTER,                                             \
      "Workers forked again after a death (master).")                                              \
    X(RESTARTS_DB, "db_restarts", "", COUNTER, "Times db was forked again (master).")              \
    X(RELOADS, "reloads", "", COUNTER, "Reloads that took effect (master).")                       \
    X(RELOADS_REFUSED, "reloads_refused", "", COUNTER,                                             \
      "Reloads refused because of a bad file (master).")                                           \
    X(BACKLOG, "listen_backlog", "", GAUGE, "Effective listen backlog (master).")                  \
    X(VIEW_BUILDS, "view_builds", "", COUNTER, "Public views built anew.")                         \
    X(WEBSOCKET_BAD, "websocket_bad_frames", "", COUNTER, "Streams closed for a protocol error.")  \
    X(LOG_DEBUG, "log_lines", "level=\"debug\"", COUNTER, "Lines logged, by level.")               \
    X(LOG_INFO, "log_lines", "level=\"info\"", COUNTER, "Lines logged, by level.")                 \
    X(LOG_WARN, "log_lines", "level=\"warn\"", COUNTER, "Lines logged, by level.")                 \
    X(LOG_ERROR, "log_lines", "level=\"error\"", COUNTER, "Lines logged, by level.")               \
    X(LOG_LOST, "log_lines_lost", "", COUNTER, "Lines of the log that nobody took in time.")       \
    X(CPU, "process_cpu_seconds", "", SECONDS, "Processor time a process has used.")               \
    X(MEMORY, "process_resident_memory_bytes", "", GAUGE,                                          \
      "Memory of a process, what it uses of the shared segment included.")

/* SLOT_SECONDS counts microseconds, SLOT_SPAN is a gauge of them; /metrics shows both as seconds. */
enum slot_metric_kind { SLOT_COUNTER, SLOT_SECONDS, SLOT_GAUGE, SLOT_SPAN };

enum slot_metric {
#define SLOT_METRIC_ENUM(id, name, label, kind, help) METRIC_##id,
    SLOT_METRICS(SLOT_METRIC_ENUM)
#undef SLOT_METRIC_ENUM
        METRIC_COUNT
};

/* name, help, what its first bucket bounds */
#define SLOT_HISTOGRAMS(X)                                                                         \
    X(LOOP_STALL, "loop_stall_seconds", "Time one turn of a process's loop took.",                 \
      HISTOGRAM_FIRST_US)                                                                          \
    X(DB_REQUEST, "db_request_seconds", "From asking db to its answer, in a worker.",              \
      HISTOGRAM_FIRST_US)                                                                          \
    X(DB_COMMIT, "db_commit_seconds", "From BEGIN to the end of COMMIT.", HISTOGRAM_FIRST_US)      \
    X(DB_FSYNC, "db_fsync_seconds", "COMMIT alone: what the disk takes to keep a transaction.",    \
      HISTOGRAM_FIRST_US)                                                                          \
    X(DB_BATCH, "db_batch_requests", "Requests in a transaction (a count, not seconds).",          \
      HISTOGRAM_FIRST_COUNT)                                                                       \
    X(DB_CHECKPOINT, "db_checkpoint_seconds", "Time a checkpoint took.", HISTOGRAM_FIRST_US)       \
    X(STREAM_DELAY, "stream_delay_seconds", "From an event's commit to its frame.",                \
      HISTOGRAM_FIRST_US)                                                                          \
    X(WS_PING, "ws_ping_seconds", "Round trip of a WebSocket ping.", HISTOGRAM_FIRST_US)

enum slot_histogram {
#define SLOT_HISTOGRAM_ENUM(id, name, help, first) HISTOGRAM_##id,
    SLOT_HISTOGRAMS(SLOT_HISTOGRAM_ENUM)
#undef SLOT_HISTOGRAM_ENUM
        HISTOGRAM_COUNT
};

/*
 * status, reason: every one the server can answer with, and the only place that lists them.  A
 * request is counted in the cell of its status; SLOT_STATUS_LOST counts those whose client had gone
 * before the answer (status 0), SLOT_STATUS_OTHER what no line names, so that nothing is uncounted.
 */
#define SLOT_STATUSES(X)                                                                           \
    X(101, "Switching Protocols")                                                                  \
    X(200, "OK")                                                                                   \
    X(204, "No Content")                                                                           \
    X(304, "Not Modified")                                                                         \
    X(400, "Bad Request")                                                                          \
    X(401, "Unauthorized")                                                                         \
    X(402, "Payment Required")                                                                     \
    X(403, "Forbidden")                                                                            \
    X(404, "Not Found")                                                                            \
    X(405, "Method Not Allowed")                                                                   \
    X(408, "Request Timeout")                                                                      \
    X(409, "Conflict")                                                                             \
    X(413, "Content Too Large")                                                                    \
    X(426, "Upgrade Required")                                                                     \
    X(429, "Too Many Requests")                                                                    \
    X(431, "Request Header Fields Too Large")                                                      \
    X(503, "Service Unavailable")                                                                  \
    X(505, "HTTP Version Not Supported")

enum slot_status {
    SLOT_STATUS_LOST,
#define SLOT_STATUS_ENUM(status, reason) SLOT_STATUS_##status,
    SLOT_STATUSES(SLOT_STATUS_ENUM)
#undef SLOT_STATUS_ENUM
        SLOT_STATUS_OTHER,
    SLOT_STATUS_COUNT
};

/* Writer: the process whose row it is. */
struct shm_slot {
    _Alignas(SHM_PAGE_BYTES) _Atomic uint32_t pid;
    _Atomic uint32_t state; /* enum slot_state */
    _Atomic uint32_t route; /* row of the route table it is in, SHM_NONE: in none */
    _Atomic uint32_t reserved;
    _Atomic uint64_t started_us;   /* clock_real_us() */
    _Atomic uint64_t heartbeat_us; /* clock_mono_us(), written every SLOT_HEARTBEAT_MS */
    _Alignas(CACHE_LINE_BYTES) _Atomic uint64_t metrics[METRIC_COUNT];
    struct shm_histogram histograms[HISTOGRAM_COUNT];
    struct {
        _Atomic uint64_t by_status[SLOT_STATUS_COUNT];
        struct shm_histogram latency;
    } routes[SLOT_ROUTES_MAX];
};
static_assert(sizeof(struct shm_slot) % SHM_PAGE_BYTES == 0, "rows do not share pages");

#define SLOT_HEARTBEAT_MS 500

static inline bool slot_metric_is_gauge(enum slot_metric_kind kind)
{
    return kind == SLOT_GAUGE || kind == SLOT_SPAN;
}

struct slot_metric_row {
    const char *name;
    const char *label; /* empty: the name has one line */
    enum slot_metric_kind kind;
    const char *help;
};
extern const struct slot_metric_row slot_metric_table[METRIC_COUNT];
struct slot_histogram_row {
    const char *name;
    const char *help;
    uint64_t first; /* HISTOGRAM_FIRST_... */
};
extern const struct slot_histogram_row slot_histogram_table[HISTOGRAM_COUNT];
/* What /metrics calls a cell: "200", or "lost" and "other". */
extern const char *const slot_status_names[SLOT_STATUS_COUNT];

/* A row; NULL past the last. */
struct shm_slot *slots_at(const struct segment *segment, uint32_t row);
uint32_t slots_count(const struct segment *segment);

/* The owner, after fork: remembers its row, for the calls below; counters go on, gauges begin at 0.
 * Before it, and in tools, the calls below do nothing. */
void slots_own(const struct segment *segment, uint32_t row);
void slots_set_state(enum slot_state state);
/* It is alive; twice a second also: its memory, processor time and log lines. */
void slots_beat(uint64_t now_mono_us);
void slots_enter_route(uint32_t route); /* SHM_NONE: left */

/* The owner's numbers: loads and stores only, since nobody else writes them. */
void slots_add(enum slot_metric metric, uint64_t amount);
void slots_sub(enum slot_metric metric, uint64_t amount);
void slots_set(enum slot_metric metric, uint64_t value);
void slots_observe(enum slot_histogram histogram, uint64_t value);
void slots_observe_turn(uint64_t turn_us); /* of a loop: the histogram, and the longest one */
/* status 0: the client had gone before the answer. */
void slots_count_request(uint32_t route, uint32_t status, uint64_t latency_us);

/* master, when the owner is dead and has no successor yet: marks the row, empties its gauges. */
void slots_bury(const struct segment *segment, uint32_t row);

/* A reader's: one number of one row. */
uint64_t slots_read(const struct shm_slot *slot, enum slot_metric metric);
