/* SPDX-License-Identifier: MIT */
/*
 * powercut.c - the power is cut at every point of a game, in every way a disk may take it.
 *
 *     powercut [--seed N] [--steps 60] [--every-subset-of 8] [--samples 32] [--again 20] [--jobs 2]
 *              [--older 1] [--lying-disk 1]
 *
 * Plays `steps` random steps on a recording disk (play.h, disk.h), makes every image a cut can leave
 * (image.h), and lets db's own code start from each: open, migrate, fold, verify.  What is found must
 * be, change for change, what had been acknowledged when the power went, or that and the one batch
 * that was under way, whole; and both folds and the store's sums must agree.  Every `again`-th start
 * is itself recorded and cut once more at each of its writes.  One JSON object on standard output.
 * Exit status: 0 every image is good, 1 one is not, 2 wrong use.
 */

#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "test/torture/image.h"
#include "test/torture/play.h"
#include "test/torture/start.h"

#define JOBS_MAX 16
#define BAD_SHOWN_MAX 5

struct counts {
    uint64_t images[IMAGE_KINDS];
    uint64_t again; /* images of a start that was cut itself */
    uint64_t bad;
    uint64_t at_mark;     /* found: exactly what was acknowledged */
    uint64_t one_further; /* and the batch under way, whole */
};

static struct {
    uint64_t seed;
    uint32_t steps;
    uint32_t again;
    uint32_t jobs;
    bool older;
    struct image_options images;

    struct play play;
    struct disk_log log;
    struct model *models; /* [steps + 1]: after each mark */

    /* of one judge */
    uint32_t job;
    uint64_t judged;
    struct game *game;
    char dir[START_DIR_BYTES];
    struct counts *counts; /* shared by all judges */
} run = {.seed = 1,
         .steps = 60,
         .again = 20,
         .jobs = 2,
         .images = {.every_subset_of = 8, .subset_samples = 32}};

/* ---- judging ---------------------------------------------------------------------------------- */

static void write_image(const char *dir, const struct image *image)
{
    char path[256];

    start_empty_folder(dir);
    for (uint32_t i = 0; i < IMAGE_FILES; i++) {
        const struct image_content *content = &image->files[i];

        (void)snprintf(path, sizeof(path), "%s/%s", dir, image_names[i]);
        FILE *file = content->exists ? fopen(path, "wb") : NULL;

        CHECK(!content->exists || file != NULL);
        if (file != NULL) {
            bool written =
                content->len == 0 || fwrite(content->bytes, 1, content->len, file) == content->len;

            CHECK(fclose(file) == 0 && written);
        }
    }
}

static bool is_allowed(const struct image *image, const struct model *found)
{
    if (model_equals(&run.models[image->mark], found, NULL)) {
        run.counts->at_mark++;
        return true;
    }
    if (image->mark < run.steps && model_equals(&run.models[image->mark + 1], found, NULL)) {
        run.counts->one_further++;
        return true;
    }
    return false;
}

static bool judge(const struct image *image, const char *dir)
{
    struct model found = {0};
    char *said = NULL;
    size_t said_len = 0;
    FILE *out = open_memstream(&said, &said_len);

    CHECK(out != NULL);
    write_image(dir, image);
    bool ok = start_from(dir, run.game, &found, out);

    if (ok && !is_allowed(image, &found)) {
        ok = model_equals(&run.models[image->mark], &found, out); /* says what is not */
    }
    (void)fclose(out);
    if (!ok && ++run.counts->bad <= BAD_SHOWN_MAX) {
        (void)fprintf(
            stderr, "powercut: a %s image after operation %zu, %" PRIu32 " steps acknowledged:\n%s",
            image_kind_names[image->kind], image->at, image->mark, said);
    }
    free(said);
    return ok;
}

static bool judge_again(void *context, const struct image *image)
{
    const struct image *first = context;
    struct image second = *image;

    second.mark = first->mark; /* a start acknowledges nothing */
    run.counts->again++;
    (void)judge(&second, run.dir);
    return true;
}

/* The start from this image is recorded, and cut at each of its own writes. */
static void cut_the_start(const struct image *image)
{
    struct disk_log log;
    struct model found;
    struct image_options options = {.seed = image->hash, .every_subset_of = 4, .subset_samples = 4};
    FILE *out = fopen("/dev/null", "w");

    CHECK(out != NULL);
    write_image(run.dir, image);
    disk_record(&log, run.dir);
    (void)!start_from(run.dir, run.game, &found, out); /* judged already */
    disk_record(NULL, NULL);
    (void)fclose(out);
    (void)image_each(&log, &options, judge_again, (void *)image);
    disk_log_free(&log);
}

static bool on_image(void *context, const struct image *image)
{
    (void)context;
    if (image->hash / 2 % run.jobs != run.job) {
        return true; /* another judge's */
    }
    run.counts->images[image->kind]++;
    if (judge(image, run.dir) && run.again != 0 && ++run.judged % run.again == 0) {
        cut_the_start(image);
    }
    return true;
}

/* ---- judges ----------------------------------------------------------------------------------- */

static _Noreturn void be_judge(uint32_t job)
{
    run.job = job;
    run.counts += job;
    /* A start takes and frees the same megabytes each time: they need not go back to the kernel. */
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
    start_make_folder(run.dir);
    run.game = play_game();
    (void)image_each(&run.log, &run.images, on_image, NULL);
    start_remove_folder(run.dir);
    _exit(0); /* libuv's threads are the parent's: nothing of them is to be tidied up here */
}

static struct counts *share_counts(void)
{
    struct counts *counts = mmap(NULL, JOBS_MAX * sizeof(*counts), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    CHECK(counts != MAP_FAILED);
    return counts;
}

static struct counts judge_all(void)
{
    struct counts sum = {0};

    run.counts = share_counts();
    for (uint32_t job = 0; job < run.jobs; job++) {
        pid_t pid = fork();

        CHECK(pid >= 0);
        if (pid == 0) {
            be_judge(job);
        }
    }
    for (uint32_t job = 0; job < run.jobs; job++) {
        int status;

        CHECK(wait(&status) > 0);
        sum.bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
    }
    for (uint32_t job = 0; job < run.jobs; job++) {
        for (int kind = 0; kind < IMAGE_KINDS; kind++) {
            sum.images[kind] += run.counts[job].images[kind];
        }
        sum.again += run.counts[job].again;
        sum.bad += run.counts[job].bad;
        sum.at_mark += run.counts[job].at_mark;
        sum.one_further += run.counts[job].one_further;
    }
    return sum;
}

/* ---- the game --------------------------------------------------------------------------------- */

/* A database of the older engine, with a solve for each player: the first start upgrades it. */
static void make_older(const char *dir, struct model *ret_model)
{
    extern const char migration_0001[]; /* db/migrate.c: what that engine's files are made of */
    char path[256];
    char sql[256];
    sqlite3 *db;

    (void)snprintf(path, sizeof(path), "%s/events.db", dir);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK &&
          sqlite3_exec(db, migration_0001, NULL, NULL, NULL) == SQLITE_OK);
    for (uint32_t i = 1; i <= MODEL_PLAYERS; i++) {
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO users VALUES (%u, 'p%u', NULL);"
                       "INSERT INTO events VALUES (%u, %u, %u, %u, 1, %u, NULL)",
                       i, i - 1, i, i * 1000, i, i, i * 10);
        CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
        ret_model->events[ret_model->event_count++] = (struct model_event){
            .id = i, .ts_us = i * 1000, .user_id = i, .challenge_id = i, .points = i * 10};
    }
    CHECK(sqlite3_close(db) == SQLITE_OK);
}

static bool play_all(void)
{
    char dir[START_DIR_BYTES];
    char error[512] = "";
    bool ok;

    start_make_folder(dir);
    run.models = calloc(run.steps + 1, sizeof(*run.models));
    CHECK(run.models != NULL);
    if (run.older) {
        make_older(dir, &run.models[0]);
    }
    disk_record(&run.log, dir);
    ok = play_open(&run.play, dir, run.seed, error, sizeof(error));
    run.play.model = run.models[0];
    for (uint32_t step = 0; step < run.steps && ok; step++) {
        if (step == run.steps / 2) { /* an orderly restart in the middle */
            play_close(&run.play);
            ok = play_reopen(&run.play, error, sizeof(error));
        }
        ok = ok && play_step(&run.play, stderr);
        run.models[step + 1] = run.play.model;
        disk_mark(&run.log, step + 1);
    }
    play_close(&run.play);
    disk_record(NULL, NULL);
    if (!ok) {
        (void)fprintf(stderr, "powercut: the game itself went wrong: %s\n", error);
    }
    start_remove_folder(dir);
    return ok;
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"steps", required_argument, NULL, 'n'},
        {"samples", required_argument, NULL, 'r'},
        {"every-subset-of", required_argument, NULL, 'e'},
        {"again", required_argument, NULL, 'a'},
        {"jobs", required_argument, NULL, 'j'},
        {"older", required_argument, NULL, 'o'},
        {"lying-disk", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 's':
            run.seed = start_number_option(optarg, UINT64_MAX);
            break;
        case 'n':
            run.steps = (uint32_t)start_number_option(optarg, 400);
            break;
        case 'r':
            run.images.subset_samples = (uint32_t)start_number_option(optarg, 1000000);
            break;
        case 'e':
            run.images.every_subset_of = (uint32_t)start_number_option(optarg, 20);
            break;
        case 'a':
            run.again = (uint32_t)start_number_option(optarg, UINT32_MAX);
            break;
        case 'o':
            run.older = start_number_option(optarg, 1) == 1;
            break;
        case 'l':
            if (start_number_option(optarg, 1) == 1) {
                disk_lie(); /* to see that it is found out */
            }
            break;
        case 'j':
            run.jobs = (uint32_t)start_number_option(optarg, JOBS_MAX);
            break;
        default:
            exit(2);
        }
    }
    run.jobs += run.jobs == 0;
    run.images.seed = run.seed;
}

static void report(const struct counts *counts)
{
    printf("{\"seed\":%" PRIu64 ",\"steps\":%" PRIu32 ",\"requests\":%" PRIu64
           ",\"granted\":%" PRIu64 ",\"operations\":%zu",
           run.seed, run.steps, run.play.asked, run.play.granted, run.log.count);
    for (int kind = 0; kind < IMAGE_KINDS; kind++) {
        printf(",\"%s\":%" PRIu64, image_kind_names[kind], counts->images[kind]);
    }
    printf(",\"again\":%" PRIu64 ",\"at_mark\":%" PRIu64 ",\"one_further\":%" PRIu64
           ",\"bad\":%" PRIu64 "}\n",
           counts->again, counts->at_mark, counts->one_further, counts->bad);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    proc_set_role(PROC_TEST);
    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    disk_install();
    if (!play_all()) {
        return 1;
    }
    struct counts counts = judge_all();

    report(&counts);
    return counts.bad > 0;
}
