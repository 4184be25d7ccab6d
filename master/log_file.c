/* SPDX-License-Identifier: MIT */
/* log_file.c - opens the log, at the start and when it was rotated. */
#include "master/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/game.h"
#include "master/master.h"
#include "shm/base/log.h"
#include "shm/base/str.h"

#define PATH_BYTES_MAX 1100 /* of log.file, which conf/settings_table.c bounds */

/* A line is added by one write: several processes share the file without mixing lines.  -1: errno. */
static int open_file(struct str setting)
{
    char path[PATH_BYTES_MAX];
    struct stat facts;

    (void)str_copy(setting, path, sizeof(path));
    /* not blocking: a FIFO without a reader must not hold the master */
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fd >= 0 && (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))) {
        (void)close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

static enum log_format format_of(const struct settings *settings, int fd)
{
    if (str_equal(settings->log_format, STR("text"))) {
        return LOG_FORMAT_TEXT;
    }
    if (str_equal(settings->log_format, STR("logfmt"))) {
        return LOG_FORMAT_LOGFMT;
    }
    if (str_equal(settings->log_format, STR("json"))) {
        return LOG_FORMAT_JSON;
    }
    return isatty(fd) ? LOG_FORMAT_TEXT : LOG_FORMAT_LOGFMT;
}

bool log_file_start(const struct settings *settings, char *ret_error, size_t error_bytes)
{
    int fd = STDERR_FILENO;

    if (settings->log_file.len > 0) {
        fd = open_file(settings->log_file);
    }
    int error = errno; /* whether standard error is a terminal is asked next */
    log_init(log_level_of(settings->log_level), format_of(settings, fd < 0 ? STDERR_FILENO : fd));
    log_set_process("master");
    if (fd < 0) {
        (void)snprintf(
            ret_error, error_bytes,
            "log.file: cannot write %.*s: %s; give a regular file in a folder of the user "
            "that starts ctfg",
            STR_ARG(settings->log_file), log_errno_text(error));
        return false;
    }
    log_set_fd(fd);
    return true;
}

void log_file_reopen(struct master *master)
{
    struct str path = master->game->settings.log_file;

    if (path.len == 0) {
        return; /* standard error stays open: whoever reads it does what there is to do */
    }
    int fd = open_file(path);
    if (fd < 0) {
        LOG(LOG_LEVEL_ERROR, "the log file cannot be opened anew: the old one goes on",
            LOG_SLICE("file", path), LOG_ERRNO(errno));
        return;
    }
    for (uint32_t i = 0; i < master->children.count; i++) {
        struct child *child = &master->children.all[i];

        if (child->control_fd >= 0) {
            (void)child_tell(child, CONTROL_LOG_REOPEN, 0, fd);
        }
    }
    log_set_fd(fd);
    LOG(LOG_LEVEL_INFO, "the log file was opened anew");
}
