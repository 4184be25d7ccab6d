/* SPDX-License-Identifier: MIT */
/* copies.c - names with a date in them sort by their age. */

#include "db/copies.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/store.h"
#include "shm/base/clock.h"
#include "shm/base/str.h"

#define SUFFIX ".db"
/* Copies in one second: more than that is a script gone wild. */
#define COPIES_A_SECOND_MAX 99

bool copies_path(const char *dir, const char *prefix, char *ret_path, size_t path_bytes)
{
    char when[32];
    time_t now = (time_t)(clock_real_us() / 1000000);
    struct tm utc;

    (void)gmtime_r(&now, &utc);
    (void)strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &utc);
    int len = snprintf(ret_path, path_bytes, "%s/%s%s" SUFFIX, dir, prefix, when);

    for (int number = 2; len > 0 && (size_t)len < path_bytes && access(ret_path, F_OK) == 0 &&
                         number <= COPIES_A_SECOND_MAX;
         number++) {
        len = snprintf(ret_path, path_bytes, "%s/%s%s_%02d" SUFFIX, dir, prefix, when, number);
    }
    return len > 0 && (size_t)len < path_bytes;
}

static bool is_copy(const char *name, const char *prefix)
{
    size_t len = strlen(name);

    return str_starts_with(str_from(name), str_from(prefix)) && len > strlen(SUFFIX) &&
           strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

/* Of one that was interrupted; also SQLite's own files beside it. */
static bool is_partial(const char *name, const char *prefix)
{
    return str_starts_with(str_from(name), str_from(prefix)) &&
           strstr(name, SUFFIX COPIES_PARTIAL) != NULL;
}

static void delete_partial(DIR *folder, int fd, const char *prefix)
{
    rewinddir(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (is_partial(entry->d_name, prefix)) {
            (void)unlinkat(fd, entry->d_name, 0);
        }
    }
}

/* How many there are; ret_oldest (NAME_MAX + 1): the first of them by name that is not spared. */
static uint32_t look(DIR *folder, const char *prefix, const char *spared, char *ret_oldest)
{
    uint32_t count = 0;

    ret_oldest[0] = '\0';
    rewinddir(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!is_copy(entry->d_name, prefix)) {
            continue;
        }
        count++;
        bool is_older = ret_oldest[0] == '\0' || strcmp(entry->d_name, ret_oldest) < 0;

        if (is_older && strcmp(entry->d_name, spared) != 0) {
            (void)str_copy(str_from(entry->d_name), ret_oldest, NAME_MAX + 1);
        }
    }
    return count;
}

uint32_t copies_prune(const char *dir, const char *prefix, uint32_t most, const char *spared)
{
    char oldest[NAME_MAX + 1];
    const char *slash = strrchr(spared, '/');
    uint32_t deleted = 0;
    DIR *folder = opendir(dir);

    if (folder == NULL) {
        return 0;
    }
    int fd = dirfd(folder);
    while (fd >= 0 && look(folder, prefix, slash == NULL ? spared : slash + 1, oldest) > most &&
           oldest[0] != '\0' && unlinkat(fd, oldest, 0) == 0) {
        deleted++;
    }
    if (fd >= 0) {
        delete_partial(folder, fd, prefix);
    }
    (void)closedir(folder);
    return deleted;
}

bool copies_sync_folder(const char *path)
{
    char folder[STORE_PATH_BYTES];
    const char *slash = strrchr(path, '/');

    (void)snprintf(folder, sizeof(folder), "%.*s", slash == NULL ? 1 : (int)(slash - path) + 1,
                   slash == NULL ? "." : path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

/* Nothing is ever overwritten.  NFS and much of FUSE know no RENAME_NOREPLACE; a link replaces nothing
 * either.  Where there are no links, a look has to do: who makes copies has the folder's lock, or was
 * told by people what to call it. */
static bool rename_to_free(const char *partial, const char *path)
{
    if (renameat2(AT_FDCWD, partial, AT_FDCWD, path, RENAME_NOREPLACE) == 0) {
        return true;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return false;
    }
    if (link(partial, path) == 0) {
        (void)unlink(partial); /* else it goes with the next copy */
        return true;
    }
    if (errno == EEXIST) {
        return false;
    }
    if (access(path, F_OK) == 0) {
        errno = EEXIST;
        return false;
    }
    return rename(partial, path) == 0;
}

bool copies_give_name(const char *partial, const char *path)
{
    return rename_to_free(partial, path) && copies_sync_folder(path);
}
