/* SPDX-License-Identifier: MIT */
/* cmd_init.c - `ctfg init [DIR]`: a game that runs, in an empty folder; nothing is overwritten. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "conf/starter.h"
#include "master/command.h"
#include "master/options.h"

static bool complain(const char *path, const char *why)
{
    (void)fprintf(stderr, "ctfg: %s: %s\n", path, why);
    return false;
}

/* Empty, or only with what begins with a dot, as a fresh git repository has it. */
static bool folder_is_empty(const char *path)
{
    DIR *folder = opendir(path);
    bool is_empty = true;

    if (folder == NULL) {
        return complain(path, strerror(errno));
    }
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        is_empty = is_empty && entry->d_name[0] == '.';
    }
    (void)closedir(folder);
    return is_empty || complain(path, "is not empty: a new game wants a folder of its own");
}

/* "images/banner.png": images is made first. */
static bool folders_make(int dir_fd, const char *name)
{
    char path[PATH_MAX];

    for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        (void)snprintf(path, sizeof(path), "%.*s", (int)(slash - name), name);
        if (mkdirat(dir_fd, path, 0777) != 0 && errno != EEXIST) {
            return complain(path, strerror(errno));
        }
    }
    return true;
}

static bool file_write(int dir_fd, const struct starter_file *file)
{
    /* Passwords and tokens go in there: nobody but the owner reads them. */
    bool is_secret = strcmp(file->name, "credentials.csv") == 0 || strcmp(file->name, ".env") == 0;
    int fd = openat(dir_fd, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                    is_secret ? 0600 : 0666);
    size_t done = 0;

    if (fd < 0) {
        return complain(file->name, strerror(errno));
    }
    while (done < file->len) {
        ssize_t count = write(fd, file->bytes + done, file->len - done);

        if (count < 0 && errno != EINTR) {
            break;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    bool ok = done == file->len;
    int error = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        error = errno;
    }
    return ok || complain(file->name, strerror(error));
}

int cmd_init(struct options *options)
{
    const char *path =
        options->argument_count == 1 ? options->arguments[0] : options->source.game_dir;

    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        (void)complain(path, strerror(errno));
        return EX_CANTCREAT;
    }
    if (!folder_is_empty(path)) {
        return EX_CANTCREAT;
    }
    int dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0) {
        (void)complain(path, strerror(errno));
        return EX_CANTCREAT;
    }
    bool ok = true;
    for (uint32_t i = 0; ok && i < starter_file_count; i++) {
        struct starter_file file = starter_file_at(i);

        ok = folders_make(dir_fd, file.name) && file_write(dir_fd, &file);
    }
    (void)close(dir_fd);
    if (!ok) {
        return EX_CANTCREAT;
    }
    bool is_here = strcmp(path, ".") == 0;
    (void)printf("A new game is written; its README.md says what to edit.  Start it:  ctfg%s%s\n",
                 is_here ? "" : " -C ", is_here ? "" : path);
    return 0;
}
