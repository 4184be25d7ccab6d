/* SPDX-License-Identifier: MIT */
/*
 * judge.h - what `ctfg doctor` thinks of a number: pure, so that every verdict has a test.
 *
 * Each function fills in one finding: how bad, what, how it is, and the command or line that mends it.
 * doctor.c finds the numbers.  Process: tools, and the master at its start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct db_health;     /* db/db.h */
struct settings_list; /* conf/settings.h */

enum judge_level { JUDGE_OK, JUDGE_WARN, JUDGE_FAIL };

struct finding {
    enum judge_level level;
    char what[160];
    char value[320];
    char mend[320]; /* empty when it is ok */
};

/* A page, its stream, and one more that is being closed. */
#define JUDGE_CONNS_A_PLAYER 3
/* Descriptors of a worker that are no connections. */
#define JUDGE_SPARE_FILES 64
/* A submit waits for one fsync: this is noticed, */
#define JUDGE_FSYNC_SLOW_US 20000
/* and this is no disk to play on. */
#define JUDGE_FSYNC_UNFIT_US 200000
/* Tokens below this are found by trying. */
#define JUDGE_TOKEN_BYTES_LEAST 8
/* Networks larger than this are nobody's proxies. */
#define JUDGE_IPV4_PREFIX_LEAST 8
#define JUDGE_IPV6_PREFIX_LEAST 16

/* is_server: the limit is that of a server that runs, not of this shell. */
void judge_open_files(uint64_t limit, bool is_server, uint32_t conns_per_worker, uint32_t workers,
                      uint32_t players, struct finding *ret_finding);
/* somaxconn 0: the kernel does not say. */
void judge_backlog(uint32_t somaxconn, uint32_t wanted, struct finding *ret_finding);
void judge_clock(bool is_known, bool is_synchronised, int64_t error_us,
                 struct finding *ret_finding);
void judge_disk(const char *dir, uint64_t free_bytes, uint64_t database_bytes,
                uint64_t log_bytes_max, struct finding *ret_finding);
void judge_fsync(const char *dir, uint64_t median_us, struct finding *ret_finding);
void judge_database(const char *dir, const struct db_health *health, struct finding *ret_finding);
/* address: as in listen.address. */
void judge_proxies(const char *address, uint32_t trusted, struct finding *ret_finding);
void judge_trust(const struct settings_list *trusted, struct finding *ret_finding);
void judge_token(const char *name, size_t bytes, struct finding *ret_finding);
void judge_secret(const char *path, mode_t mode, struct finding *ret_finding);
