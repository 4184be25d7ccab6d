/* SPDX-License-Identifier: MIT */
/* sqlite_copy.c - copies of a database with SQLite's backup API, and checkpoints of its log. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "db/copies.h"
#include "db/sqlite_copy.h"
#include "db/store_sqlite.h"
#include "shm/base/compiler.h"

/* A frame of the log: a page and its head (https://www.sqlite.org/fileformat2.html#walformat). */
#define LOG_FRAME_HEAD_BYTES 24

bool sqlite_copy_into(sqlite3 *source, sqlite3 *target)
{
    sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");

    if (backup == NULL) {
        return false;
    }
    /* All pages in one step: one snapshot; in WAL mode the writer goes on meanwhile. */
    bool done = sqlite3_backup_step(backup, -1) == SQLITE_DONE;

    return sqlite3_backup_finish(backup) == SQLITE_OK && done;
}

bool sqlite_copy_to_file(sqlite3 *db, const char *path, char *ret_error, size_t error_bytes)
{
    sqlite3 *target = NULL;
    /* Nobody but us reads it before it is whole, and nothing is ever overwritten. */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd < 0) {
        (void)snprintf(ret_error, error_bytes, "cannot make %s: %s", path, strerror(errno));
        return false;
    }
    (void)close(fd);
    bool ok = sqlite3_open_v2(path, &target, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
              sqlite_copy_into(db, target) &&
              sqlite3_exec(target, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK;

    if (!ok) {
        (void)snprintf(ret_error, error_bytes, "cannot copy the database to %s: %s", path,
                       sqlite3_errmsg(target));
    }
    ok = sqlite3_close(target) == SQLITE_OK && ok;
    if (ok && !copies_sync_folder(path)) {
        (void)snprintf(ret_error, error_bytes, "cannot sync the folder of %s: %s", path,
                       strerror(errno));
        ok = false;
    }
    if (!ok) {
        (void)unlink(path);
    }
    return ok;
}

bool sqlite_keep_copy(sqlite3 *db, const char *path, char *ret_error, size_t error_bytes)
{
    char partial[STORE_PATH_BYTES + 128];
    int len = snprintf(partial, sizeof(partial), "%s" COPIES_PARTIAL, path);

    if (len < 0 || (size_t)len >= sizeof(partial)) {
        (void)snprintf(ret_error, error_bytes, "the path of a copy is too long");
        return false;
    }
    (void)unlink(partial); /* of one that was interrupted */
    if (!sqlite_copy_to_file(db, partial, ret_error, error_bytes)) {
        return false;
    }
    if (!copies_give_name(partial, path)) {
        (void)snprintf(ret_error, error_bytes, "cannot call the copy %s: %s", path,
                       strerror(errno));
        (void)unlink(partial);
        return false;
    }
    return true;
}

static enum store_status copy_by(bool (*copy)(sqlite3 *, const char *, char *, size_t),
                                 const struct store *store, const char *path, char *ret_error,
                                 size_t error_bytes)
{
    sqlite3 *source = NULL;
    bool ok = sqlite3_open_v2(store->path, &source, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK;

    if (!ok) {
        (void)snprintf(ret_error, error_bytes, "cannot open %s: %s", store->path,
                       sqlite3_errmsg(source));
    } else {
        ok = copy(source, path, ret_error, error_bytes);
    }
    (void)sqlite3_close(source);
    return ok ? STORE_OK : STORE_FAILED;
}

enum store_status store_backup(const struct store *store, const char *path, char *ret_error,
                               size_t error_bytes)
{
    return copy_by(sqlite_copy_to_file, store, path, ret_error, error_bytes);
}

enum store_status store_keep_copy(const struct store *store, const char *path, char *ret_error,
                                  size_t error_bytes)
{
    return copy_by(sqlite_keep_copy, store, path, ret_error, error_bytes);
}

/* ---- the log ---------------------------------------------------------------------------------- */

uint64_t store_log_bytes(const struct store *store)
{
    struct stat facts;

    return store->log_path != NULL && stat(store->log_path, &facts) == 0 && facts.st_size > 0
               ? (uint64_t)facts.st_size
               : 0;
}

static uint64_t frame_bytes(const struct store *store)
{
    return store->page_bytes + LOG_FRAME_HEAD_BYTES;
}

uint64_t store_log_pending_bytes(const struct store *store)
{
    uint64_t bytes = store->log_pages * frame_bytes(store);

    return bytes > store->moved_bytes ? bytes - store->moved_bytes : 0;
}

void store_log_moved(struct store *store, uint64_t pending_before, uint64_t left_bytes)
{
    store->moved_bytes += pending_before > left_bytes ? pending_before - left_bytes : 0;
}

enum store_status store_checkpoint(struct store *store, enum store_checkpoint how,
                                   uint64_t *ret_left_bytes)
{
    static const int modes[] = {
        [STORE_CHECKPOINT_PASSIVE] = SQLITE_CHECKPOINT_PASSIVE,
        [STORE_CHECKPOINT_RESTART] = SQLITE_CHECKPOINT_RESTART,
        [STORE_CHECKPOINT_TRUNCATE] = SQLITE_CHECKPOINT_TRUNCATE,
    };
    bool passive = how == STORE_CHECKPOINT_PASSIVE;
    sqlite3 *db = passive ? store->log_db : store->db;
    int in_log = 0;
    int moved = 0;

    /* A reader who still needs the log is not waited for: the next attempt comes soon enough. */
    (void)sqlite3_busy_timeout(db, 0);
    int code = sqlite3_wal_checkpoint_v2(db, "main", modes[how], &in_log, &moved);

    (void)sqlite3_busy_timeout(db, STORE_BUSY_MS);
    *ret_left_bytes = in_log > moved ? (uint64_t)(in_log - moved) * frame_bytes(store) : 0;
    if (code == SQLITE_OK && !passive) {
        store->log_pages = 0;
        store->moved_bytes = 0;
    }
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED) {
        return code == SQLITE_OK ? STORE_OK : STORE_BUSY;
    }
    return passive ? STORE_FAILED : store_status_of(store, db, code);
}
