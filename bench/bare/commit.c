/* SPDX-License-Identifier: MIT */
/*
 * commit.c - the least one durable row costs: begin, insert, commit, one after another.
 *
 *     commit COUNT DATABASE SQL_FILE...     writes {"p50_ms":...,"p99_ms":...}
 *
 * The yardstick for one flag at a time: the same tables and settings as ctfg's, no network, no game.
 */
#include "bench/bare/store.h"
#include "bench/clients/times.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

int main(int argc, char **argv)
{
    struct times times = {0};
    uint64_t count;

    if (argc < 4 || !str_to_u64(str_from(argv[1]), 1, 1000000, &count)) {
        fprintf(stderr, "usage: commit COUNT DATABASE SQL_FILE...\n");
        return 2;
    }
    struct store store = store_open(argv[2], argv + 3);

    for (uint64_t i = 1; i <= count; i++) {
        uint64_t started_us = clock_mono_us();

        store_run(store.begin);
        store_insert(&store, ROW_SOLVE, clock_real_us(), i);
        store_run(store.commit);
        times_add(&times, clock_mono_us() - started_us);
    }
    times_sort(&times);
    printf("{\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", times_share_ms(&times, 0.5),
           times_share_ms(&times, 0.99));
    return 0;
}
