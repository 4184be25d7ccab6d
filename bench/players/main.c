/* SPDX-License-Identifier: MIT */
/*
 * main.c - the player emulator: thousands of players in one process and one loop.
 *
 *     players --port PORT --game DIR --db FILE --players N [--jitter SECONDS] [--files /a,/b] [--seed N]
 *
 * Plays a whole game against 127.0.0.1:PORT, waits until every stream has what the database holds,
 * and writes one JSON object to standard output.  bench/players.mjs starts servers and draws tables.
 * Exit status: 0 no error, 1 errors or a stream that missed something, 2 wrong use.
 */
#include <getopt.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "bench/players/player.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"

#define FILES_MAX 64
#define PLAYERS_MAX 9500          /* two descriptors each, of 20,000 */
#define RUN_MAX_US 7200000000ull  /* a run that takes longer is stuck */
#define SETTLE_MAX_US 15000000ull /* until the last frame has reached everyone */
#define LOOK_MS 20

struct event_row {
    uint64_t id;
    int64_t points;
};

static struct {
    struct player *players;
    uint32_t count;
    uint32_t done;
    double jitter_s;
    const char *db_path;
    struct str files[FILES_MAX];
    struct player_setting setting;
    struct plan plan;
    struct event_row *rows;
    size_t row_count;
    uint64_t started_us;
    uint64_t settled_us; /* all players were done; 0: not yet */
    uv_timer_t look;
} run;

static void on_player_done(void)
{
    run.done++;
}

static bool read_rows(void)
{
    sqlite3 *db;
    sqlite3_stmt *statement = NULL;
    size_t room = 0;
    bool ok = sqlite3_open_v2(run.db_path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(db, "SELECT id, points FROM events ORDER BY id", -1, &statement,
                                 NULL) == SQLITE_OK;

    run.row_count = 0;
    while (ok && sqlite3_step(statement) == SQLITE_ROW) {
        if (run.row_count == room) {
            room = room * 2 + 1024;
            run.rows = reallocarray(run.rows, room, sizeof(*run.rows));
            CHECK(run.rows != NULL);
        }
        run.rows[run.row_count++] = (struct event_row){
            .id = (uint64_t)sqlite3_column_int64(statement, 0),
            .points = sqlite3_column_int64(statement, 1),
        };
    }
    if (!ok) {
        fprintf(stderr, "players: %s: %s\n", run.db_path, sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return ok;
}

/* Did the stream receive what the database holds, once? */
static bool is_exact(const struct stream *stream)
{
    uint64_t events = 0;
    int64_t points = 0;

    for (size_t i = run.row_count; i > 0; i--) {
        const struct event_row *row = &run.rows[i - 1];

        if (stream->has_since && row->id <= stream->since) {
            break;
        }
        events++;
        points += row->points;
    }
    return stream->opened && !stream->lost && !stream->out_of_order && stream->points == points &&
           (!stream->has_since || stream->events == events);
}

static bool everyone_has(uint64_t last_id)
{
    for (uint32_t i = 0; i < run.count; i++) {
        if (run.players[i].stream.link != NULL && run.players[i].stream.last_id < last_id) {
            return false;
        }
    }
    return true;
}

/* Ends the loop when the game is over and every stream has its last event, or is overdue. */
static void on_look(uv_timer_t *timer)
{
    uint64_t now_us = clock_mono_us();

    if (run.settled_us == 0) {
        if (run.done < run.count && now_us - run.started_us < RUN_MAX_US) {
            return;
        }
        run.settled_us = now_us;
        CHECK(read_rows());
    }
    uint64_t last_id = run.row_count > 0 ? run.rows[run.row_count - 1].id : 0;

    if (everyone_has(last_id) || now_us - run.settled_us > SETTLE_MAX_US) {
        (void)uv_timer_stop(timer);
        uv_stop(timer->loop);
    }
}

static void split_files(char *list)
{
    for (char *path = strtok(list, ","); path != NULL && run.setting.file_count < FILES_MAX;
         path = strtok(NULL, ",")) {
        run.files[run.setting.file_count++] = str_from(path);
    }
    run.setting.files = run.files;
}

static uint64_t number_option(const char *text, uint64_t max)
{
    uint64_t value;

    if (!str_to_u64(str_from(text), 0, max, &value)) {
        fprintf(stderr, "players: %s: a number from 0 to %llu is wanted\n", text,
                (unsigned long long)max);
        exit(2);
    }
    return value;
}

static void read_options(int argc, char **argv, const char **ret_game)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},   {"game", required_argument, NULL, 'g'},
        {"db", required_argument, NULL, 'd'},     {"players", required_argument, NULL, 'n'},
        {"jitter", required_argument, NULL, 'j'}, {"files", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},   {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'p':
            CHECK(uv_ip4_addr("127.0.0.1", (int)number_option(optarg, 65535),
                              &run.setting.address) == 0);
            break;
        case 'g':
            *ret_game = optarg;
            break;
        case 'd':
            run.db_path = optarg;
            break;
        case 'n':
            run.count = (uint32_t)number_option(optarg, PLAYERS_MAX);
            break;
        case 'j':
            run.jitter_s = (double)number_option(optarg, 3600);
            break;
        case 'f':
            split_files(optarg);
            break;
        case 's':
            srandom((unsigned)number_option(optarg, 1u << 30));
            break;
        default:
            exit(2);
        }
    }
    if (run.setting.address.sin_port == 0 || *ret_game == NULL || run.db_path == NULL ||
        run.count == 0) {
        fprintf(stderr, "players: --port, --game, --db and --players are wanted\n");
        exit(2);
    }
}

static int report(void)
{
    struct rusage usage;
    struct tally_run all = {
        .players = run.count,
        .jitter_s = run.jitter_s,
        .elapsed_s = (double)(run.settled_us - run.started_us) / 1e6,
        .events_in_db = run.row_count,
    };

    CHECK(getrusage(RUSAGE_SELF, &usage) == 0);
    all.client_cpu_s = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    for (uint32_t i = 0; i < run.count; i++) {
        bool exact = is_exact(&run.players[i].stream);

        all.streams_exact += exact;
        all.streams_wrong += !exact;
        all.players_finished += run.players[i].finished;
    }
    uint64_t errors = tally_report(&all);

    return errors > 0 || all.streams_wrong > 0 || all.players_finished < run.count;
}

int main(int argc, char **argv)
{
    const char *game = NULL;

    srandom(1);
    read_options(argc, argv, &game);
    if (!plan_load(game, &run.plan)) {
        return 2;
    }
    if (run.plan.player_count < run.count) {
        fprintf(stderr, "players: credentials.csv has only %u players\n", run.plan.player_count);
        return 2;
    }
    run.players = calloc(run.count, sizeof(*run.players));
    CHECK(run.players != NULL);
    run.setting.plan = &run.plan;
    run.setting.on_done = on_player_done;
    run.setting.pause_max_ms = (uint64_t)(run.jitter_s * 100); /* a tenth of the jitter */
    run.started_us = clock_mono_us();
    for (uint32_t i = 0; i < run.count; i++) {
        uint64_t spread_ms = (uint64_t)(run.jitter_s * 1000);

        player_start(&run.players[i], &run.setting, i,
                     spread_ms > 0 ? (uint64_t)random() % spread_ms : 0);
    }
    CHECK(uv_timer_init(uv_default_loop(), &run.look) == 0);
    CHECK(uv_timer_start(&run.look, on_look, LOOK_MS, LOOK_MS) == 0);
    (void)uv_run(uv_default_loop(), UV_RUN_DEFAULT);
    return report();
}
