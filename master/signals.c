/* SPDX-License-Identifier: MIT */
/* signals.c - signalfd(2) in the master, and what its children do instead. */
#include "master/signals.h"

#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "shm/base/compiler.h"

static const int master_signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD};

int signals_open(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_LEN(master_signals); i++) {
        (void)sigaddset(&set, master_signals[i]);
    }
    if (sigprocmask(SIG_SETMASK, &set, NULL) != 0) {
        return -1;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    /* A parent that ignores SIGCHLD hands that on, and the kernel would then bury our dead. */
    (void)signal(SIGCHLD, SIG_DFL);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

void signals_read(int signal_fd, struct signals_seen *seen)
{
    struct signalfd_siginfo info;

    while (read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGCHLD:
            seen->child_died = true;
            break;
        case SIGHUP:
            seen->reload = true;
            break;
        case SIGTERM:
        case SIGINT:
            seen->stop = true;
            break;
        case SIGUSR2:
            seen->upgrade = true;
            break;
        case SIGUSR1:
            seen->reopen_log = true;
            break;
        default:
            break;
        }
    }
}

static void set_all(void (*master_action)(int), void (*pipe_action)(int))
{
    sigset_t none;

    for (size_t i = 0; i < ARRAY_LEN(master_signals); i++) {
        (void)signal(master_signals[i], master_signals[i] == SIGCHLD ? SIG_DFL : master_action);
    }
    (void)signal(SIGPIPE, pipe_action);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

void signals_reset_in_child(void)
{
    set_all(SIG_IGN, SIG_IGN);
}

void signals_reset_for_program(void)
{
    set_all(SIG_DFL, SIG_DFL);
}
