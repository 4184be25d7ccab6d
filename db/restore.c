/* SPDX-License-Identifier: MIT */
/*
 * restore.c - `ctfg restore FILE`: a backup becomes the database, what was there keeps a name.
 *
 * FILE is copied beside the database and judged there; the database itself is touched only then, by
 * link(2) and rename(2): whenever the machine dies, events.db is the old one or the new one, whole.
 * A log (events.db-wal) belongs to the old file: SQLite would play it into the new one.  So what is
 * in it goes into the old file first, or beside it under the same name where that file is damaged.
 * So does the journal (events.db-journal) of an upgrade, or of the older engine, that was interrupted.
 */

#include "db/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/copies.h"
#include "db/lock.h"
#include "db/store.h"
#include "db/verify.h"

#define LOG_SUFFIX "-wal"
#define INDEX_SUFFIX "-shm"
#define JOURNAL_SUFFIX "-journal"
#define PATH_BYTES (STORE_PATH_BYTES + 64)

enum outcome { RESTORE_DONE = 0, RESTORE_FAILED = 1, RESTORE_IMPOSSIBLE = 2 };

struct restore {
    const struct game *game;
    const char *source;
    FILE *out;
    char dir[STORE_PATH_BYTES];
    char path[PATH_BYTES];    /* events.db */
    char partial[PATH_BYTES]; /* the copy of the source that will be it */
    char aside[PATH_BYTES];   /* what the old one is called from now on; empty: there was none */
    uint64_t events;
};

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static enum outcome fail(const struct restore *restore, const char *what, const char *path)
{
    (void)fprintf(restore->out, "%s %s: %s\n", what, path, strerror(errno));
    return RESTORE_FAILED;
}

/* Files that root makes in a folder of the service belong to the service. */
static void give_to_owner_of_folder(const char *dir, int fd)
{
    struct stat folder;

    if (geteuid() == 0 && stat(dir, &folder) == 0) {
        (void)!fchown(fd, folder.st_uid, folder.st_gid); /* else the start says whose it is */
    }
}

/* ---- the new one ------------------------------------------------------------------------------- */

static bool is_database_itself(const struct restore *restore)
{
    struct stat source;
    struct stat database;

    return stat(restore->source, &source) == 0 && stat(restore->path, &database) == 0 &&
           source.st_dev == database.st_dev && source.st_ino == database.st_ino;
}

/* As it is, with what its own log holds; an older one is upgraded by the next start. */
static bool copy_source(struct restore *restore)
{
    char folder[STORE_PATH_BYTES];
    char error[512];
    struct stat source;
    const char *slash = strrchr(restore->source, '/');
    struct store *store = NULL;

    /* SQLite takes an empty file for a new database: a copy that went wrong would be an empty game. */
    if (stat(restore->source, &source) == 0 && (!S_ISREG(source.st_mode) || source.st_size == 0)) {
        (void)fprintf(restore->out, "%s %s\n", restore->source,
                      S_ISREG(source.st_mode) ? "is empty: it is no backup." : "is no file.");
        return false;
    }
    (void)snprintf(folder, sizeof(folder), "%.*s",
                   slash == NULL ? 1 : (int)(slash - restore->source) + 1,
                   slash == NULL ? "." : restore->source);
    struct store_options options = {
        .dir = folder, .file = slash == NULL ? restore->source : slash + 1, .read_only = true};
    bool ok = store_open(&options, &store, error, sizeof(error)) == STORE_OK &&
              store_backup(store, restore->partial, error, sizeof(error)) == STORE_OK;

    if (!ok) {
        (void)fprintf(restore->out, "%s\n", error);
    }
    store_close(store);
    return ok;
}

static enum outcome make_new_one(struct restore *restore)
{
    (void)unlink(restore->partial); /* of a restore that was interrupted */
    if (!copy_source(restore)) {
        return RESTORE_IMPOSSIBLE;
    }
    if (!verify_file(restore->partial, restore->game, restore->out, &restore->events)) {
        (void)fprintf(restore->out, "%s is no sound database of this game.\n", restore->source);
        return RESTORE_FAILED;
    }
    int fd = open(restore->partial, O_RDONLY | O_CLOEXEC);

    if (fd >= 0) {
        give_to_owner_of_folder(restore->dir, fd);
        (void)close(fd);
    }
    return RESTORE_DONE;
}

/* ---- the old one ------------------------------------------------------------------------------- */

/* Only looking: SQLite would tidy up behind a file that it cannot make sense of. */
static bool is_old_one_sound(const struct restore *restore)
{
    char error[512];
    struct store *store = NULL;
    struct store_options options = {.dir = restore->dir, .read_only = true};
    bool is_sound = store_open(&options, &store, error, sizeof(error)) == STORE_OK &&
                    store_verify(store, true, error, sizeof(error)) == STORE_OK;

    store_close(store);
    return is_sound;
}

/* What is in the log moves into the file, what is in the journal is rolled back, and both go. */
static void settle(const struct restore *restore)
{
    char error[512];
    struct store *store = NULL;
    struct store_options options = {.dir = restore->dir};
    uint64_t left_bytes;

    if (store_open(&options, &store, error, sizeof(error)) == STORE_OK) {
        (void)!store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, &left_bytes);
    }
    store_close(store);
}

/* path: of the log or the journal, which ends in suffix.  It stays with its database, if there is one. */
static enum outcome keep_with_old_one(const struct restore *restore, const char *path,
                                      const char *suffix)
{
    char aside[PATH_BYTES + sizeof(JOURNAL_SUFFIX)];

    if (!exists(path)) {
        return RESTORE_DONE;
    }
    if (restore->aside[0] == '\0') { /* of a file that is gone: it belongs to nothing */
        return unlink(path) == 0 ? RESTORE_DONE : fail(restore, "Cannot remove", path);
    }
    (void)snprintf(aside, sizeof(aside), "%s%s", restore->aside, suffix);
    if (link(path, aside) != 0 || !copies_sync_folder(aside) || unlink(path) != 0) {
        return fail(restore, "What belongs to the old database cannot be kept as", aside);
    }
    return RESTORE_DONE;
}

static enum outcome keep_old_one(struct restore *restore)
{
    char log[PATH_BYTES + sizeof(LOG_SUFFIX)];
    char index[PATH_BYTES + sizeof(INDEX_SUFFIX)];
    char journal[PATH_BYTES + sizeof(JOURNAL_SUFFIX)];

    (void)snprintf(log, sizeof(log), "%s" LOG_SUFFIX, restore->path);
    (void)snprintf(index, sizeof(index), "%s" INDEX_SUFFIX, restore->path);
    (void)snprintf(journal, sizeof(journal), "%s" JOURNAL_SUFFIX, restore->path);
    if (!exists(restore->path)) {
        restore->aside[0] = '\0';
    } else {
        /* With a journal nobody can look: SQLite reads only what is rolled back. */
        if (exists(log) ? is_old_one_sound(restore) : exists(journal)) {
            settle(restore);
        }
        if (link(restore->path, restore->aside) != 0) {
            return fail(restore, "The old database cannot be kept as", restore->aside);
        }
    }
    enum outcome outcome = keep_with_old_one(restore, log, LOG_SUFFIX);

    if (outcome == RESTORE_DONE) {
        outcome = keep_with_old_one(restore, journal, JOURNAL_SUFFIX);
    }
    if (outcome == RESTORE_DONE) {
        (void)unlink(index); /* SQLite makes it anew from the log */
    }
    return outcome;
}

/* ---- both -------------------------------------------------------------------------------------- */

static enum outcome put_in_place(struct restore *restore)
{
    enum outcome outcome = make_new_one(restore);

    if (outcome == RESTORE_DONE) {
        outcome = keep_old_one(restore);
    }
    if (outcome == RESTORE_DONE &&
        (rename(restore->partial, restore->path) != 0 || !copies_sync_folder(restore->path))) {
        outcome = fail(restore, "Cannot put the copy in place as", restore->path);
    }
    if (outcome != RESTORE_DONE) {
        (void)unlink(restore->partial);
        (void)fprintf(restore->out, "Nothing was restored.\n");
        return outcome;
    }
    (void)fprintf(restore->out, "%s is the database in %s now: ", restore->source, restore->dir);
    verify_print_events(restore->out, restore->events);
    (void)fprintf(restore->out, ", and its replay adds up.\n");
    if (restore->aside[0] != '\0') {
        (void)fprintf(restore->out, "What was there is kept as %s.\n", restore->aside);
    }
    return RESTORE_DONE;
}

static enum outcome restore_locked(struct restore *restore)
{
    pid_t holder = 0;
    int lock_fd;

    switch (lock_take(restore->dir, 0, &lock_fd, &holder)) {
    case LOCK_TAKEN:
        break;
    case LOCK_HELD_BY_OTHER:
        (void)fprintf(restore->out,
                      "A server (its db is process %d) runs with the database in %s: stop it "
                      "first.  Nothing was restored.\n",
                      (int)holder, restore->dir);
        return RESTORE_FAILED;
    case LOCK_IMPOSSIBLE:
        (void)fprintf(restore->out,
                      "The database folder %s cannot be written to (%s): make it, or run this as "
                      "the user ctfg runs as.\n",
                      restore->dir, strerror(errno));
        return RESTORE_IMPOSSIBLE;
    }
    give_to_owner_of_folder(restore->dir, lock_fd);
    enum outcome outcome = put_in_place(restore);

    (void)close(lock_fd);
    return outcome;
}

int db_restore(const struct game *game, const char *source_path, FILE *out)
{
    struct restore restore = {.game = game, .source = source_path, .out = out};

    (void)snprintf(restore.dir, sizeof(restore.dir), "%.*s", STR_ARG(game->settings.database_dir));
    (void)snprintf(restore.path, sizeof(restore.path), "%s/" STORE_FILE, restore.dir);
    (void)snprintf(restore.partial, sizeof(restore.partial), "%s/" STORE_FILE ".restoring",
                   restore.dir);
    if (!exists(source_path)) {
        (void)fprintf(out, "There is no file %s.\n", source_path);
        return RESTORE_IMPOSSIBLE;
    }
    if (is_database_itself(&restore)) {
        (void)fprintf(out, "%s is the database itself, there is nothing to restore.\n",
                      source_path);
        return RESTORE_IMPOSSIBLE;
    }
    if (!copies_path(restore.dir, "events-before-restore-", restore.aside, sizeof(restore.aside))) {
        (void)fprintf(out, "The path of the database folder is too long.\n");
        return RESTORE_IMPOSSIBLE;
    }
    return (int)restore_locked(&restore);
}
