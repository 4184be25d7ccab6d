/* SPDX-License-Identifier: MIT */
/* doctor.c - finds the numbers that judge.c judges. */
#include "master/doctor.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "conf/files.h"
#include "conf/game.h"
#include "db/db.h"
#include "master/child.h"
#include "master/listen.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"

#define FSYNCS 9 /* the median of so many: one that was unlucky does not count */
#define FSYNC_WRITE_BYTES 4096

static struct finding *next(struct doctor *doctor)
{
    CHECK(doctor->count < DOCTOR_FINDINGS_MAX);
    return &doctor->findings[doctor->count++];
}

static void database_dir(const struct game *game, char ret_dir[PATH_MAX])
{
    (void)str_copy(game->settings.database_dir, ret_dir, PATH_MAX);
}

/* ---- the machine ------------------------------------------------------------------------------- */

/* Of the server that runs, if it may be asked: a shell has other limits than a service. */
static void look_at_files(struct doctor *doctor, pid_t server)
{
    const struct settings *settings = &doctor->game->settings;
    struct rlimit limit;
    bool is_server = server != 0 && prlimit(server, RLIMIT_NOFILE, NULL, &limit) == 0;

    if (!is_server && getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return;
    }
    judge_open_files(limit.rlim_max, is_server, settings->conns_per_worker_max,
                     children_workers(settings->workers), doctor->game->player_count, next(doctor));
}

static void look_at_clock(struct doctor *doctor)
{
    struct timex clock = {0};
    int state = adjtimex(&clock);

    if (state < 0 && doctor->is_start) {
        return; /* the unit's filter of system calls: that is no fault */
    }
    judge_clock(state >= 0, state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0, clock.maxerror,
                next(doctor));
}

static void look_at_disk(struct doctor *doctor, const char *dir)
{
    char path[PATH_MAX + 16];
    struct statvfs disk;
    struct stat database = {0};

    if (statvfs(dir, &disk) != 0) {
        return; /* what is wrong with the folder is said of the database */
    }
    (void)snprintf(path, sizeof(path), "%s/events.db", dir);
    (void)!stat(path, &database);
    judge_disk(dir, (uint64_t)disk.f_bavail * disk.f_frsize, (uint64_t)database.st_size,
               doctor->game->settings.wal_bytes_max, next(doctor));
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t first = *(const uint64_t *)a;
    uint64_t second = *(const uint64_t *)b;

    return first < second ? -1 : first > second;
}

static void look_at_fsync(struct doctor *doctor, const char *dir)
{
    static const char bytes[FSYNC_WRITE_BYTES];
    uint64_t took_us[FSYNCS];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    uint32_t count = 0;

    while (fd >= 0 && count < FSYNCS) {
        uint64_t begun_us = clock_mono_us();

        if (write(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) || fdatasync(fd) != 0) {
            break;
        }
        took_us[count++] = clock_mono_us() - begun_us;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (count == FSYNCS) {
        qsort(took_us, count, sizeof(took_us[0]), compare_u64);
        judge_fsync(dir, took_us[FSYNCS / 2], next(doctor));
    }
}

/* ---- the game ---------------------------------------------------------------------------------- */

static void look_at_tokens(struct doctor *doctor)
{
    const struct game *game = doctor->game;

    judge_token("CTFG_API_TOKEN", game->api_token.len, next(doctor));
    judge_token("CTFG_ADMIN_TOKEN", game->admin_token.len, next(doctor));
    judge_token("CTFG_DISPLAY_TOKEN", game->display_token.len, next(doctor));
}

static void look_at_secret(struct doctor *doctor, const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat file;

    int len = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (len > 0 && (size_t)len < sizeof(path) && stat(path, &file) == 0) {
        judge_secret(path, file.st_mode, next(doctor));
    }
}

static void look_at_secrets(struct doctor *doctor, const char *dir)
{
    look_at_secret(doctor, doctor->source->game_dir, ".env");
    look_at_secret(doctor, doctor->source->game_dir, "credentials.csv");
    look_at_secret(doctor, dir, "events.db");
}

/* ---- both -------------------------------------------------------------------------------------- */

void doctor_look(struct doctor *doctor)
{
    const struct settings *settings = &doctor->game->settings;
    char dir[PATH_MAX];
    char address[256];
    struct db_health health;

    database_dir(doctor->game, dir);
    (void)str_copy(settings->listen_address, address, sizeof(address));
    db_look(doctor->game, &health);
    look_at_files(doctor, health.holder);
    judge_backlog(listen_somaxconn(), settings->backlog_conns, next(doctor));
    look_at_clock(doctor);
    look_at_disk(doctor, dir);
    look_at_fsync(doctor, dir);
    judge_database(dir, &health, next(doctor));
    judge_proxies(address, settings->trusted_proxies.count, next(doctor));
    judge_trust(&settings->trusted_proxies, next(doctor));
    look_at_tokens(doctor);
    look_at_secrets(doctor, dir);
}

void doctor_warn(const struct game *game, const struct files_source *source)
{
    struct doctor doctor = {.game = game, .source = source, .is_start = true};
    char dir[PATH_MAX];

    database_dir(game, dir);
    look_at_files(&doctor, 0);
    look_at_clock(&doctor);
    look_at_disk(&doctor, dir);
    judge_trust(&game->settings.trusted_proxies, next(&doctor));
    look_at_secrets(&doctor, dir);
    for (uint32_t i = 0; i < doctor.count; i++) {
        const struct finding *finding = &doctor.findings[i];

        if (finding->level != JUDGE_OK) {
            LOG(LOG_LEVEL_WARN, "doctor", LOG_STR("what", finding->what),
                LOG_STR("value", finding->value), LOG_STR("mend", finding->mend));
        }
    }
}
