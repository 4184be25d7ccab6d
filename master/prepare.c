/* SPDX-License-Identifier: MIT */
/* prepare.c - forks for db_prepare() and brings its answer back through a pipe. */
#include "master/prepare.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>
#include <fcntl.h>

#include "master/notify.h"
#include "master/signals.h"
#include "master/user.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"

#define PREPARE_ERROR_BYTES 512
#define PREPARE_PATIENCE_MS 5000 /* then a line in the log says what is being waited for */
#define PREPARE_EXTEND_US 30000000

/* What the child sends: far below PIPE_BUF, so it arrives whole or not at all. */
struct prepare_answer {
    bool ok;
    struct db_facts facts;
    char error[PREPARE_ERROR_BYTES];
};

static _Noreturn void prepare_child(const struct game *game, const struct user *user, int pipe_fd)
{
    struct prepare_answer answer = {0};

    proc_set_role(PROC_TOOL);
    proc_title_set("ctfg: database check");
    signals_reset_for_program();
    if (!user_become(user)) {
        (void)snprintf(answer.error, sizeof(answer.error), "cannot drop privileges: %s",
                       log_errno_text(errno));
    } else {
        answer.ok = db_prepare(game, &answer.facts, answer.error, sizeof(answer.error));
    }
    bool sent = write(pipe_fd, &answer, sizeof(answer)) == (ssize_t)sizeof(answer);
    _exit(sent ? EX_OK : EX_IOERR);
}

/* true: there is something to read (or the child is gone).  false: stop was asked for. */
static bool prepare_wait(int pipe_fd, int signal_fd)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = pipe_fd, .events = POLLIN},
                               {.fd = signal_fd, .events = POLLIN}};
        struct signals_seen seen = {0};
        int count = poll(fds, ARRAY_LEN(fds), PREPARE_PATIENCE_MS);

        if (count == 0) {
            LOG(LOG_LEVEL_INFO, "the database is being prepared");
            notify_extend_start(PREPARE_EXTEND_US);
        }
        signals_read(signal_fd, &seen);
        if (seen.stop) {
            return false;
        }
        if (fds[0].revents != 0) {
            return true;
        }
    }
}

enum prepare_result prepare_database(const struct game *game, const struct user *user,
                                     int signal_fd, struct db_facts *ret_facts, char *ret_error,
                                     size_t error_bytes)
{
    struct prepare_answer answer = {0};
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) != 0) {
        (void)snprintf(ret_error, error_bytes, "pipe2: %s", log_errno_text(errno));
        return PREPARE_FAILED;
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        (void)close(signal_fd);
        prepare_child(game, user, ends[1]);
    }
    int fork_error = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        (void)snprintf(ret_error, error_bytes, "fork: %s", log_errno_text(fork_error));
        return PREPARE_FAILED;
    }
    bool is_answered = prepare_wait(ends[0], signal_fd);
    if (!is_answered) {
        (void)kill(pid, SIGTERM);
    }
    bool is_whole =
        is_answered && read(ends[0], &answer, sizeof(answer)) == (ssize_t)sizeof(answer);
    (void)close(ends[0]);
    (void)waitpid(pid, NULL, 0);
    if (!is_answered) {
        return PREPARE_STOPPED;
    }
    if (!is_whole || !answer.ok) {
        answer.error[sizeof(answer.error) - 1] = '\0';
        (void)snprintf(ret_error, error_bytes, "%s",
                       is_whole ? answer.error : "the check of the database died");
        return PREPARE_FAILED;
    }
    *ret_facts = answer.facts;
    return PREPARE_OK;
}
