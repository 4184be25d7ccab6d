/* SPDX-License-Identifier: MIT */
/*
 * cmd_upgrade.c - `ctfg upgrade`: asks the running master to hand over to the program at its path,
 * and waits until that serves.
 *
 * The master is the parent of the process that holds the database's lock.  It is held by a pidfd, so
 * no signal ever goes to a stranger with a pid that was used again.  How far it is stands in its
 * title (title.h).
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/db.h"
#include "master/command.h"
#include "master/load.h"
#include "master/options.h"
#include "master/title.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

/* The probe has 30 s, draining 10 s; the rest is for a board that is built anew. */
#define DEADLINE_S 90
#define DEADLINE_MOST_S 3600
#define LOOK_EVERY_MS 10
#define WHERE_BYTES 300

/* The running server. */
struct running {
    const struct game *game;
    pid_t db_pid;
    pid_t pid; /* of the master */
    int pidfd;
    char title[TITLE_BYTES]; /* when it was found */
};

static int fail(const char *sentence)
{
    (void)fprintf(stderr, "ctfg: %s\n", sentence);
    return EXIT_FAILED;
}

/* ---- finding it -------------------------------------------------------------------------------- */

/* 0: there is no such process.  https://man7.org/linux/man-pages/man5/proc.5.html: the fourth field
 * of stat, behind a name in brackets that may hold anything. */
static pid_t parent_of(pid_t pid)
{
    char path[64];
    char line[512];
    uint64_t parent = 0;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    size_t len = fread(line, 1, sizeof(line) - 1, file);
    (void)fclose(file);
    line[len] = '\0';
    const char *name_end = strrchr(line, ')');
    if (name_end == NULL || strlen(name_end) < 5) {
        return 0;
    }
    struct str rest = str_from(name_end + 4); /* ") S 123 ..." */
    struct str number;
    if (!str_split(&rest, ' ', &number) || !str_to_u64(number, 1, INT32_MAX, &parent)) {
        return 0;
    }
    return (pid_t)parent;
}

static bool is_master(const char *title)
{
    return str_starts_with(str_from(title), STR(TITLE_SERVES));
}

static bool is_at_rest(const char *title)
{
    return strcmp(title, TITLE_SERVES) == 0 || str_starts_with(str_from(title), STR(TITLE_REFUSED));
}

static int not_ours(pid_t pid)
{
    (void)fprintf(stderr,
                  "ctfg: process %d holds the database, but it is no ctfg server that runs here\n",
                  (int)pid);
    return EXIT_FAILED;
}

/* EX_OK: *running has everything, its pidfd is the caller's. */
static int find(struct running *running)
{
    char title[TITLE_BYTES] = "";

    running->db_pid = db_holder(running->game);
    if (running->db_pid == 0) {
        (void)fprintf(stderr,
                      "ctfg: no server runs with the database in %.*s, or this user may not look: "
                      "name its folder with --dbdir, be its user, or start one\n",
                      STR_ARG(running->game->settings.database_dir));
        return EXIT_FAILED;
    }
    running->pid = parent_of(running->db_pid);
    running->pidfd = running->pid > 1 ? pidfd_open(running->pid, 0) : -1;
    /* Looked at only now that it cannot become somebody else. */
    if (running->pidfd < 0 || !title_read(running->db_pid, title) ||
        strncmp(title, TITLE_DB, strlen(TITLE_DB)) != 0 ||
        !title_read(running->pid, running->title) || !is_master(running->title) ||
        parent_of(running->db_pid) != running->pid) {
        return not_ours(running->db_pid);
    }
    if (!is_at_rest(running->title)) {
        (void)fprintf(stderr, "ctfg: process %d is not at rest (\"%s\"): try again in a moment\n",
                      (int)running->pid, running->title);
        return EXIT_FAILED;
    }
    return EX_OK;
}

/* ---- waiting for it ---------------------------------------------------------------------------- */

/* Where the reason stands: log.file, or what the master's standard error is. */
static void log_place(const struct running *running, char ret_where[WHERE_BYTES])
{
    struct str file = running->game->settings.log_file;
    pid_t pid = running->pid;
    char path[64];
    char target[200] = "";

    if (file.len > 0) {
        (void)snprintf(ret_where, WHERE_BYTES, "%.*s", STR_ARG(file));
        return;
    }
    (void)snprintf(path, sizeof(path), "/proc/%d/fd/2", (int)pid);
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    target[len > 0 ? len : 0] = '\0';
    if (strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0) {
        (void)snprintf(ret_where, WHERE_BYTES, "the terminal %s", target);
    } else if (target[0] == '/' && strcmp(target, "/dev/null") != 0) {
        (void)snprintf(ret_where, WHERE_BYTES, "%s", target);
    } else {
        (void)snprintf(ret_where, WHERE_BYTES, "its log (journalctl _PID=%d)", (int)pid);
    }
}

enum progress { GOES_ON, SERVES, REFUSED, STOPS };

static enum progress look(const struct running *running, pid_t *ret_db_pid)
{
    char title[TITLE_BYTES];
    char db_title[TITLE_BYTES];

    if (!title_read(running->pid, title) || strcmp(title, running->title) == 0) {
        /* As before: not begun, or through already, with another db. */
        *ret_db_pid = db_holder(running->game);
        return *ret_db_pid != 0 && *ret_db_pid != running->db_pid &&
                       title_read(*ret_db_pid, db_title) &&
                       strncmp(db_title, TITLE_DB, strlen(TITLE_DB)) == 0
                   ? SERVES
                   : GOES_ON;
    }
    if (strcmp(title, TITLE_SERVES) == 0) {
        *ret_db_pid = db_holder(running->game);
        return SERVES; /* its predecessor had refused before */
    }
    if (str_starts_with(str_from(title), STR(TITLE_REFUSED))) {
        return REFUSED;
    }
    return strcmp(title, TITLE_STOPS) == 0 ? STOPS : GOES_ON;
}

static int wait_for(const struct running *running, uint64_t deadline_s)
{
    uint64_t begun_us = clock_mono_us();
    enum progress progress = GOES_ON;
    char where[WHERE_BYTES];
    pid_t db_pid = 0;
    bool has_ended = false;

    log_place(running, where);
    while (progress == GOES_ON && !has_ended && clock_mono_us() - begun_us < deadline_s * 1000000) {
        struct pollfd fd = {.fd = running->pidfd, .events = POLLIN};

        has_ended = poll(&fd, 1, LOOK_EVERY_MS) > 0;
        progress = look(running, &db_pid);
    }
    if (has_ended) {
        (void)fprintf(stderr, "ctfg: the server ended during the upgrade; %s says why\n", where);
        return EXIT_FAILED;
    }
    switch (progress) {
    case SERVES:
        (void)printf("The new program serves: still process %d, with the same sockets; db is "
                     "process %d now.  It took %.1f s.\n",
                     (int)running->pid, (int)db_pid, (double)(clock_mono_us() - begun_us) / 1e6);
        return EX_OK;
    case REFUSED:
        (void)fprintf(stderr,
                      "ctfg: the new program cannot take over, the old one goes on serving; %s "
                      "says why\n",
                      where);
        return EXIT_FAILED;
    case STOPS:
        return fail("the server is being stopped: no upgrade");
    case GOES_ON:
        break;
    }
    (void)fprintf(stderr,
                  "ctfg: the new program does not serve after %u s; %s says how far it is\n",
                  (unsigned)deadline_s, where);
    return EXIT_FAILED;
}

static int upgrade(struct running *running, uint64_t deadline_s)
{
    int status = find(running);

    if (status == EX_OK && pidfd_send_signal(running->pidfd, SIGUSR2, NULL, 0) != 0) {
        (void)fprintf(stderr, "ctfg: process %d cannot be signalled (%s): run this as its user\n",
                      (int)running->pid, strerror(errno));
        status = EXIT_FAILED;
    }
    if (status == EX_OK) {
        status = wait_for(running, deadline_s);
    }
    if (running->pidfd >= 0) {
        (void)close(running->pidfd);
    }
    return status;
}

int cmd_upgrade(struct options *options)
{
    const char *text = options->special[OPTION_DEADLINE];
    uint64_t deadline_s = DEADLINE_S;
    struct game *game = NULL;

    if (text != NULL && !str_to_u64(str_from(text), 1, DEADLINE_MOST_S, &deadline_s)) {
        (void)fprintf(stderr, "ctfg: --deadline must be from 1 to %d seconds\n", DEADLINE_MOST_S);
        return EX_USAGE;
    }
    if (options->argument_count == 1) {
        options->source.challenges_path = options->arguments[0];
    }
    int status = load_for_tool(&options->source, &game);
    if (status != EX_OK) {
        return status;
    }
    struct running running = {.game = game, .pidfd = -1};

    status = upgrade(&running, deadline_s);
    game_unref(game);
    return status;
}
