/* SPDX-License-Identifier: MIT */
/* lock.c - flock(2) on a file beside the database. */

#include "db/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "db/store.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

/* Between two tries: a holder that leaves is noticed soon, a processor is not kept busy. */
#define RETRY_NS (20 * 1000000L)

static int lock_open(const char *dir, int flags)
{
    char path[STORE_PATH_BYTES];
    int len = snprintf(path, sizeof(path), "%s/" STORE_FILE ".lock", dir);

    if (len < 0 || (size_t)len >= sizeof(path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static pid_t read_pid(int fd)
{
    char text[24];
    uint64_t pid = 0;
    ssize_t len = pread(fd, text, sizeof(text), 0);

    if (len <= 0 || !str_to_u64(str_trim((struct str){text, (size_t)len}), 1, INT32_MAX, &pid)) {
        return 0;
    }
    return (pid_t)pid;
}

static bool write_pid(int fd)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

    return ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)len, 0) == len;
}

enum lock_result lock_take(const char *dir, uint32_t wait_ms, int *ret_fd, pid_t *ret_pid)
{
    uint64_t until_us = clock_mono_us() + (uint64_t)wait_ms * 1000;
    int fd = lock_open(dir, O_RDWR | O_CREAT);

    if (fd < 0) {
        return LOCK_IMPOSSIBLE;
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            int error = errno;

            (void)close(fd);
            errno = error;
            return LOCK_IMPOSSIBLE;
        }
        if (clock_mono_us() >= until_us) {
            *ret_pid = read_pid(fd);
            (void)close(fd);
            return LOCK_HELD_BY_OTHER;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
    }
    (void)write_pid(fd); /* only for the message of a second server: a full disk changes nothing */
    *ret_fd = fd;
    return LOCK_TAKEN;
}

pid_t lock_holder(const char *dir)
{
    int fd = lock_open(dir, O_RDONLY);
    pid_t pid = 0;

    if (fd < 0) {
        return 0;
    }
    if (flock(fd, LOCK_SH | LOCK_NB) != 0) {
        pid = read_pid(fd);
    }
    (void)close(fd);
    return pid;
}
