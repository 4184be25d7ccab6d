/* SPDX-License-Identifier: MIT */
/* title.c - the phase of the master as a title, and the title of another process. */
#include "master/title.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "master/master.h"
#include "shm/base/proc.h"

static void title_make(const struct master *master, char ret_title[TITLE_BYTES])
{
    const char *title = TITLE_SERVES;

    switch (master->phase) {
    case MASTER_DB_STARTS:
    case MASTER_WORKERS_START:
        title = TITLE_STARTS;
        break;
    case MASTER_SERVES:
        if (master->upgrade.probe_pid != 0) {
            title = TITLE_TRIES;
        } else if (master->upgrade.refused > 0) {
            (void)snprintf(ret_title, TITLE_BYTES, TITLE_REFUSED "%" PRIu32,
                           master->upgrade.refused);
            return;
        }
        break;
    case MASTER_WORKERS_LEAVE:
    case MASTER_DB_LEAVES:
    case MASTER_IS_ALONE:
        title = master->leaves_for_upgrade ? TITLE_UPGRADES : TITLE_STOPS;
        break;
    }
    (void)snprintf(ret_title, TITLE_BYTES, "%s", title);
}

void title_refresh(const struct master *master)
{
    static char shown[TITLE_BYTES];
    char title[TITLE_BYTES];

    title_make(master, title);
    if (strcmp(title, shown) != 0) {
        memcpy(shown, title, sizeof(shown));
        proc_title_set(title);
        /* So that `pkill -x ctfg` finds who drains them all. */
        (void)prctl(PR_SET_NAME, "ctfg", 0, 0, 0);
    }
}

bool title_read(pid_t pid, char ret_title[TITLE_BYTES])
{
    char path[64];

    (void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t len = read(fd, ret_title, TITLE_BYTES - 1);
    (void)close(fd);
    ret_title[len > 0 ? len : 0] = '\0';
    return len > 0;
}
