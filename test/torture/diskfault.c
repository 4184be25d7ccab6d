/* SPDX-License-Identifier: MIT */
/*
 * diskfault.c - every call to the disk fails once, and once for a while, in a game that goes on.
 *
 *     diskfault [--seed N] [--steps 14] [--stride 1] [--jobs 2]
 *               [--fault NUMBER --call N]
 *
 * For each kind of fault of disk.h and each n: a new game, whose n-th call of that kind fails; once
 * alone, once with the four after it.  Whatever is refused is looked at as a killed db would leave it.
 * What must hold: no answer that is taken back, nobody is told "done" for what is not there, a batch
 * that was refused is not there (where nothing could be written any more: as a whole or not at all),
 * the board shows what was answered, and db finds its way back by itself as soon as the disk works.  `stride`: only every so many-th n, from a random
 * first one; `fault` and `call`: only that kind (enum disk_fault), only that n.  One JSON object on standard output.
 * Exit status: 0 all held, 1 something did not, 2 wrong use.
 */

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/base/check.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "test/torture/disk.h"
#include "test/torture/play.h"
#include "test/torture/start.h"

#define JOBS_MAX 16
#define FOR_A_WHILE 5 /* calls in a row */
#define MEND_TRIES 20 /* more than the calls that can fail in one opening */
#define STEPS_AFTER 3 /* that may not be refused any more */
#define BAD_SHOWN_MAX 10

enum outcome { OUTCOME_OK, OUTCOME_BAD, OUTCOME_NEVER_STRUCK };

struct counts {
    uint64_t games;
    uint64_t struck[DISK_FAULTS];
    uint64_t refused;   /* requests answered "try again later" */
    uint64_t looks;     /* at what a kill would have left of a refused batch */
    uint64_t ghosts;    /* of these: the whole batch was in the log all the same */
    uint64_t came_back; /* refused, found when the store was opened anew, shown from then on */
    uint64_t crashes;   /* db ended itself: the next one goes on */
    uint64_t bad;
};

/* One game, in memory the parent sees: it judges what a crash leaves. */
struct stage {
    struct play play;
    struct counts counts;
    char dir[START_DIR_BYTES];
    bool struck;
};

static struct {
    uint64_t seed;
    uint32_t steps;
    uint32_t stride;
    uint32_t jobs;
    uint32_t fault;       /* 0: all of them */
    uint64_t call;        /* 0: all of them */
    struct stage *stages; /* one a job */
    struct stage *stage;  /* this job's */
} run = {.seed = 1, .steps = 14, .stride = 1, .jobs = 2};

static struct stage *own_stage(void)
{
    CHECK(run.stage != NULL);
    return run.stage;
}

/* ---- what a kill would leave ------------------------------------------------------------------ */

static void copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    char path[256];
    char bytes[1 << 16];
    size_t len;

    (void)snprintf(path, sizeof(path), "%s/%s", from_dir, name);
    FILE *in = fopen(path, "rb");

    if (in == NULL) {
        return;
    }
    (void)snprintf(path, sizeof(path), "%s/%s", to_dir, name);
    FILE *out = fopen(path, "wb");

    CHECK(out != NULL);
    do {
        len = fread(bytes, 1, sizeof(bytes), in);
        CHECK(fwrite(bytes, 1, len, out) == len);
    } while (len == sizeof(bytes));
    CHECK(fclose(out) == 0);
    (void)fclose(in);
}

enum found { FOUND_MODEL, FOUND_GHOST, FOUND_OTHER };

static enum found look_at(const char *dir, FILE *out)
{
    const struct play *play = &own_stage()->play;
    struct model found;

    if (!start_from(dir, play->game, &found, out)) {
        return FOUND_OTHER;
    }
    if (model_equals(&play->model, &found, NULL)) {
        return FOUND_MODEL;
    }
    if (play_find_ghost(play, &found) != NULL) {
        return FOUND_GHOST;
    }
    (void)!model_equals(&play->model, &found, out);
    return FOUND_OTHER;
}

/* In a child: closing a file gives up its process's locks, and the game's connections are not ours. */
static bool is_kill_bearable(void)
{
    int status;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        char dir[START_DIR_BYTES];

        disk_fault_arm(DISK_FAULT_NONE, 0, 0);
        start_make_folder(dir);
        copy_file(own_stage()->dir, dir, "events.db");
        copy_file(own_stage()->dir, dir, "events.db-wal");
        copy_file(own_stage()->dir, dir, "events.db-journal");
        enum found found = look_at(dir, stderr);

        start_remove_folder(dir);
        _exit((int)found);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    own_stage()->counts.looks++;
    own_stage()->counts.ghosts += WIFEXITED(status) && WEXITSTATUS(status) == FOUND_GHOST;
    return WIFEXITED(status) && WEXITSTATUS(status) != FOUND_OTHER;
}

/* ---- one game --------------------------------------------------------------------------------- */

/* A store that was opened anew may hold a batch that was refused: then that is the truth from now on. */
static bool follow_ghost(struct play *play)
{
    struct model found;

    if (play->db.store == NULL || model_read(play->db.store, &found) != STORE_OK ||
        model_equals(&play->model, &found, NULL)) {
        return true;
    }
    const struct model *ghost = play_find_ghost(play, &found);

    if (ghost == NULL) {
        return model_equals(&play->model, &found, stderr); /* says what is not */
    }
    play->model = *ghost;
    play->ghost_count = 0;
    own_stage()->counts.came_back++;
    return true;
}

/* As db.c does each turn of its loop, without the second it waits for. */
static bool mend(struct play *play)
{
    if (play->db.reopen_at_us == 0) {
        return true;
    }
    play->db.reopen_at_us = 1;
    db_mend_store(&play->db);
    return follow_ghost(play) && play_check_board(play, stderr);
}

static bool open_in_the_end(struct play *play)
{
    char error[512];

    if (play_open(play, own_stage()->dir, run.seed, error, sizeof(error))) {
        return true;
    }
    for (int i = 0; i < MEND_TRIES; i++) {
        if (play_reopen(play, error, sizeof(error))) {
            return true;
        }
    }
    (void)fprintf(stderr, "  it never opens: %s\n", error);
    return false;
}

static bool recovers(struct play *play)
{
    disk_fault_arm(DISK_FAULT_NONE, 0, 0);
    for (int i = 0; i < MEND_TRIES && play->db.reopen_at_us != 0; i++) {
        if (!mend(play)) {
            return false;
        }
    }
    uint64_t refused = play->refused;

    for (int i = 0; i < STEPS_AFTER; i++) {
        if (!play_step(play, stderr)) {
            return false;
        }
    }
    if (play->refused != refused) {
        (void)fprintf(stderr, "  the disk works again and requests are still refused\n");
    }
    return play->refused == refused;
}

static enum outcome play_through(enum disk_fault fault, uint64_t at, uint64_t times)
{
    struct stage *stage = own_stage();
    struct play *play = &stage->play;
    bool ok = true;

    disk_fault_arm(fault, at, times);
    ok = open_in_the_end(play);
    for (uint32_t step = 0; step < run.steps && ok; step++) {
        uint64_t refused = play->refused;

        ok = play_step(play, stderr);
        if (fault != DISK_FAULT_DEAD) {
            play->ghost_count = 0; /* whatever was written of a refused batch is void */
        }
        stage->struck = disk_fault_struck() > 0;
        if (ok && play->refused != refused) {
            ok = is_kill_bearable();
        }
        ok = ok && mend(play);
    }
    stage->struck = disk_fault_struck() > 0;
    ok = ok && recovers(play);
    stage->counts.refused += play->refused;
    play_close(play);
    ok = ok && look_at(stage->dir, stderr) == FOUND_MODEL;
    if (!ok) {
        return OUTCOME_BAD;
    }
    return stage->struck ? OUTCOME_OK : OUTCOME_NEVER_STRUCK;
}

/* In a child, since db may end itself; its successor must then find what was acknowledged. */
static enum outcome one_game(enum disk_fault fault, uint64_t at, uint64_t times)
{
    int status;

    start_empty_folder(own_stage()->dir);
    own_stage()->struck = false;
    own_stage()->counts.games++;
    pid_t pid = fork();

    CHECK(pid >= 0);
    if (pid == 0) {
        _exit((int)play_through(fault, at, times));
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status)) {
        return (enum outcome)WEXITSTATUS(status);
    }
    own_stage()->counts.crashes++;
    own_stage()->play.game = play_game(); /* the child's is in the child */
    return look_at(own_stage()->dir, stderr) == FOUND_OTHER ? OUTCOME_BAD : OUTCOME_OK;
}

static void each_call(enum disk_fault fault, uint64_t times)
{
    struct random random = {.state = run.seed ^ ((uint64_t)fault << 32) ^ times};
    struct counts *counts = &own_stage()->counts;
    enum outcome outcome = OUTCOME_OK;

    uint64_t first = run.call != 0 ? run.call : 1 + random_below(&random, run.stride);

    for (uint64_t at = first; (run.call == 0 || at == first) && outcome != OUTCOME_NEVER_STRUCK &&
                              counts->bad < BAD_SHOWN_MAX;
         at += run.stride) {
        outcome = one_game(fault, at, times);
        counts->struck[fault] += outcome == OUTCOME_OK;
        if (outcome == OUTCOME_BAD) {
            counts->bad++;
            (void)fprintf(stderr,
                          "diskfault: seed %" PRIu64 ", %s, call %" PRIu64 ", %" PRIu64
                          " in a row: see above\n",
                          run.seed, disk_fault_names[fault], at, times);
        }
    }
}

/* ---- all -------------------------------------------------------------------------------------- */

static _Noreturn void be_job(uint32_t job)
{
    uint32_t turn = 0;

    run.stage = &run.stages[job];
    start_make_folder(own_stage()->dir);
    for (int fault = DISK_FAULT_NONE + 1; fault < DISK_FAULTS; fault++) {
        for (uint64_t times = 1; times <= FOR_A_WHILE; times += FOR_A_WHILE - 1) {
            if (turn++ % run.jobs == job && (run.fault == 0 || run.fault == (uint32_t)fault)) {
                each_call((enum disk_fault)fault, times);
            }
        }
    }
    start_remove_folder(own_stage()->dir);
    _exit(0);
}

static struct counts run_all(void)
{
    struct counts sum = {0};

    run.stages = mmap(NULL, run.jobs * sizeof(*run.stages), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(run.stages != MAP_FAILED);
    for (uint32_t job = 0; job < run.jobs; job++) {
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            be_job(job);
        }
    }
    for (uint32_t job = 0; job < run.jobs; job++) {
        int status;

        CHECK(wait(&status) > 0);
        sum.bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    for (uint32_t job = 0; job < run.jobs; job++) {
        const struct counts *counts = &run.stages[job].counts;

        sum.games += counts->games;
        sum.refused += counts->refused;
        sum.looks += counts->looks;
        sum.ghosts += counts->ghosts;
        sum.came_back += counts->came_back;
        sum.crashes += counts->crashes;
        sum.bad += counts->bad;
        for (int fault = 0; fault < DISK_FAULTS; fault++) {
            sum.struck[fault] += counts->struck[fault];
        }
    }
    return sum;
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"steps", required_argument, NULL, 'n'},
        {"stride", required_argument, NULL, 't'},
        {"jobs", required_argument, NULL, 'j'},
        {"fault", required_argument, NULL, 'f'},
        {"call", required_argument, NULL, 'c'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            run.seed = start_number_option(optarg, UINT64_MAX);
            break;
        case 'n':
            run.steps = (uint32_t)start_number_option(optarg, 60);
            break;
        case 't':
            run.stride = (uint32_t)start_number_option(optarg, 100000);
            break;
        case 'f':
            run.fault = (uint32_t)start_number_option(optarg, DISK_FAULTS - 1);
            break;
        case 'c':
            run.call = start_number_option(optarg, UINT64_MAX);
            break;
        case 'j':
            run.jobs = (uint32_t)start_number_option(optarg, JOBS_MAX);
            break;
        default:
            exit(2);
        }
    }
    run.jobs += run.jobs == 0;
    run.stride += run.stride == 0;
}

static void report(const struct counts *counts)
{
    printf("{\"seed\":%" PRIu64 ",\"steps\":%" PRIu32 ",\"stride\":%" PRIu32 ",\"games\":%" PRIu64
           ",\"refused\":%" PRIu64 ",\"looks\":%" PRIu64 ",\"ghosts\":%" PRIu64
           ",\"came_back\":%" PRIu64 ",\"crashes\":%" PRIu64 ",\"struck\":{",
           run.seed, run.steps, run.stride, counts->games, counts->refused, counts->looks,
           counts->ghosts, counts->came_back, counts->crashes);
    for (int fault = DISK_FAULT_NONE + 1; fault < DISK_FAULTS; fault++) {
        printf("%s\"%s\":%" PRIu64, fault == DISK_FAULT_NONE + 1 ? "" : ",",
               disk_fault_names[fault], counts->struck[fault]);
    }
    printf("},\"bad\":%" PRIu64 "}\n", counts->bad);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    proc_set_role(PROC_TEST);
    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    disk_install();
    struct counts counts = run_all();

    report(&counts);
    return counts.bad > 0;
}
