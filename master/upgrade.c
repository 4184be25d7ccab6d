/* SPDX-License-Identifier: MIT */
/* upgrade.c - the probe of a new program, and the step into it. */
#include "master/upgrade.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/files.h"
#include "master/listen.h"
#include "master/master.h"
#include "master/options.h"
#include "master/signals.h"
#include "shm/base/log.h"

/*
 * The path we were executed by, with its symbolic links: where versions lie side by side, one of them
 * is what a new version is switched by.  false: it does not lead to us.
 */
static bool path_as_called(char ret_path[PATH_MAX])
{
    const char *called = (const char *)(uintptr_t)getauxval(AT_EXECFN);
    char folder[PATH_MAX] = "";
    struct stat self;
    struct stat there;

    if (called == NULL || (called[0] != '/' && getcwd(folder, sizeof(folder)) == NULL)) {
        return false;
    }
    int len = snprintf(ret_path, PATH_MAX, "%s%s%s", folder, folder[0] == '\0' ? "" : "/", called);
    return len < PATH_MAX && strncmp(ret_path, "/dev/fd/", 8) != 0 && /* fexecve(3) */
           stat("/proc/self/exe", &self) == 0 && stat(ret_path, &there) == 0 &&
           self.st_dev == there.st_dev && self.st_ino == there.st_ino;
}

void upgrade_init(struct upgrade *upgrade)
{
    if (path_as_called(upgrade->program)) {
        return;
    }
    ssize_t len = readlink("/proc/self/exe", upgrade->program, sizeof(upgrade->program) - 1);

    upgrade->program[len > 0 ? len : 0] = '\0'; /* empty: an upgrade will be refused */
}

/* Our own command line with `probe` for a command: argv[0] stays, `run` goes. */
static char **probe_arguments(const struct options *options)
{
    const char *probe = "probe";
    char **argv = calloc((size_t)options->argc + 2, sizeof(*argv));
    int count = 0;

    if (argv == NULL) {
        return NULL;
    }
    argv[count++] = options->argv[0];
    argv[count++] = (char *)(uintptr_t)probe; /* execve(2) takes it as it is, changes nothing */
    for (int i = 1; i < options->argc; i++) {
        if (i != options->command_at) {
            argv[count++] = options->argv[i];
        }
    }
    return argv;
}

/* Whatever it is that we try, it does not outlive us: with the master goes who waits for it. */
static _Noreturn void probe_live(const struct master *master, pid_t master_pid)
{
    char **argv = probe_arguments(master->options);

    signals_reset_for_program();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (argv != NULL && getppid() == master_pid) { /* who died before that sends nothing */
        (void)execv(master->upgrade.program, argv);
    }
    _exit(EX_UNAVAILABLE);
}

/* false: it could not be forked; logged. */
static bool start_probe(struct master *master, uint64_t now_us)
{
    struct upgrade *upgrade = &master->upgrade;

    upgrade->tried_hash = files_hash(&master->options->source); /* 0: the probe says why */
    pid_t master_pid = getpid();
    pid_t pid = fork();
    if (pid == 0) {
        probe_live(master, master_pid);
    }
    if (pid < 0) {
        LOG(LOG_LEVEL_ERROR, "no upgrade: cannot fork", LOG_ERRNO(errno));
        upgrade->refused++;
        return false;
    }
    LOG(LOG_LEVEL_INFO, "upgrade: trying the new program", LOG_STR("path", upgrade->program));
    upgrade->probe_pid = pid;
    upgrade->probe_deadline_us = now_us + UPGRADE_PROBE_US;
    return true;
}

void upgrade_ask(struct master *master, uint64_t now_us)
{
    struct upgrade *upgrade = &master->upgrade;

    if (master->phase != MASTER_SERVES || upgrade->probe_pid != 0) {
        LOG(LOG_LEVEL_WARN, "no upgrade now: the server is not at rest");
        return;
    }
    upgrade->has_looked_again = false;
    (void)start_probe(master, now_us);
}

bool upgrade_look_again(struct master *master, uint64_t now_us)
{
    struct upgrade *upgrade = &master->upgrade;

    if (upgrade->probe_pid != 0) {
        return false;
    }
    if (upgrade->has_looked_again) {
        return true;
    }
    uint64_t hash = files_hash(&master->options->source);

    if (hash != 0 && hash == upgrade->tried_hash) {
        return true;
    }
    upgrade->has_looked_again = true; /* whoever goes on saving is not waited for */
    if (!start_probe(master, now_us)) {
        master_stay(master, now_us);
    }
    return false;
}

void upgrade_bury_probe(struct master *master, uint64_t now_us)
{
    struct upgrade *upgrade = &master->upgrade;
    int status = 0;

    if (upgrade->probe_pid == 0 || waitpid(upgrade->probe_pid, &status, WNOHANG) <= 0) {
        return;
    }
    upgrade->probe_pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != EX_OK) {
        upgrade->refused++;
        LOG(LOG_LEVEL_ERROR, "upgrade refused: the new program does not take this game",
            LOG_I64("status", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status)));
        if (master->phase == MASTER_IS_ALONE) {
            master_stay(master, now_us);
        }
        return;
    }
    if (master->phase == MASTER_SERVES) {
        master_leave(master, true, now_us);
    }
}

static bool is_known(const struct master *master, pid_t pid)
{
    bool known = pid == master->upgrade.probe_pid;

    for (uint32_t i = 0; i < master->children.count; i++) {
        known = known || master->children.all[i].pid == pid;
    }
    return known;
}

/* A known one that is seen here has died this very moment: its signal, and its turn, come next. */
void upgrade_bury_old_workers(const struct master *master)
{
    siginfo_t dead = {0};

    while (waitid(P_ALL, 0, &dead, WEXITED | WNOHANG | WNOWAIT) == 0 && dead.si_pid != 0 &&
           !is_known(master, dead.si_pid)) {
        (void)waitpid(dead.si_pid, NULL, WNOHANG);
        dead.si_pid = 0;
    }
}

void upgrade_tick(struct master *master, uint64_t now_us)
{
    const struct upgrade *upgrade = &master->upgrade;

    if (upgrade->probe_pid != 0 && now_us > upgrade->probe_deadline_us) {
        (void)kill(upgrade->probe_pid, SIGKILL); /* refused at its burial */
    }
}

void upgrade_execute(struct master *master)
{
    char handed[LISTEN_UPGRADE_BYTES];

    if (listen_hand_on(&master->listeners, handed) &&
        setenv(LISTEN_UPGRADE_VARIABLE, handed, 1) == 0) {
        LOG(LOG_LEVEL_INFO, "upgrade: the new program takes over",
            LOG_STR("path", master->upgrade.program));
        (void)execv(master->upgrade.program, master->options->argv);
    }
    LOG(LOG_LEVEL_ERROR, "upgrade failed: the old program goes on", LOG_ERRNO(errno));
    master->upgrade.refused++;
    (void)unsetenv(LISTEN_UPGRADE_VARIABLE);
    listen_keep(&master->listeners);
}
