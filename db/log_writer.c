/* SPDX-License-Identifier: MIT */
/* log_writer.c - small writes to a log, kept until they are wanted, then written in one. */

#include "db/log_writer.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "shm/base/check.h"

/* A log.  SQLite gives szOsFile bytes for it, aligned to eight: the file below lies behind it, in the
 * same piece. */
struct log_file {
    sqlite3_file sqlite; /* first: SQLite knows the file by it */
    sqlite3_file *below;
    char *kept; /* LOG_WRITER_BYTES */
    int kept_bytes;
    sqlite3_int64 kept_at; /* where they belong */
};

_Static_assert(sizeof(struct log_file) % 8 == 0, "a file lies behind it");

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *below;
} log_writer;

static struct log_file *log_of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

/* Whatever becomes of it, it is not kept: SQLite gives the commit up and writes the place anew. */
static int write_kept(struct log_file *log)
{
    int bytes = log->kept_bytes;

    log->kept_bytes = 0;
    return bytes == 0 ? SQLITE_OK
                      : log->below->pMethods->xWrite(log->below, log->kept, bytes, log->kept_at);
}

static int on_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 at)
{
    struct log_file *log = log_of(file);
    bool is_next = log->kept_bytes > 0 && at == log->kept_at + log->kept_bytes;

    if (!is_next || len > (int)LOG_WRITER_BYTES - log->kept_bytes) {
        int code = write_kept(log);

        if (code != SQLITE_OK) {
            return code;
        }
        if (len > (int)LOG_WRITER_BYTES) {
            return log->below->pMethods->xWrite(log->below, bytes, len, at);
        }
        log->kept_at = at;
    }
    memcpy(log->kept + log->kept_bytes, bytes, (size_t)len);
    log->kept_bytes += len;
    return SQLITE_OK;
}

static int on_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 at)
{
    struct log_file *log = log_of(file);
    int code = write_kept(log);

    return code != SQLITE_OK ? code : log->below->pMethods->xRead(log->below, bytes, len, at);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct log_file *log = log_of(file);
    int code = write_kept(log);

    return code != SQLITE_OK ? code : log->below->pMethods->xTruncate(log->below, size);
}

static int on_sync(sqlite3_file *file, int flags)
{
    struct log_file *log = log_of(file);
    int code = write_kept(log);

    return code != SQLITE_OK ? code : log->below->pMethods->xSync(log->below, flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct log_file *log = log_of(file);
    int code = write_kept(log);

    return code != SQLITE_OK ? code : log->below->pMethods->xFileSize(log->below, ret_size);
}

static int on_file_control(sqlite3_file *file, int what, void *value)
{
    struct log_file *log = log_of(file);
    int code = write_kept(log);

    return code != SQLITE_OK ? code : log->below->pMethods->xFileControl(log->below, what, value);
}

static int on_sector_size(sqlite3_file *file)
{
    return log_of(file)->below->pMethods->xSectorSize(log_of(file)->below);
}

static int on_device_characteristics(sqlite3_file *file)
{
    return log_of(file)->below->pMethods->xDeviceCharacteristics(log_of(file)->below);
}

/* SQLite locks the database, never a log. */
static int on_lock(sqlite3_file *file, int level)
{
    return log_of(file)->below->pMethods->xLock(log_of(file)->below, level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return log_of(file)->below->pMethods->xUnlock(log_of(file)->below, level);
}

static int on_check_lock(sqlite3_file *file, int *ret_locked)
{
    return log_of(file)->below->pMethods->xCheckReservedLock(log_of(file)->below, ret_locked);
}

static int on_close(sqlite3_file *file)
{
    struct log_file *log = log_of(file);
    int code = write_kept(log);
    int closed = log->below->pMethods->xClose(log->below);

    free(log->kept);
    log->kept = NULL;
    return code != SQLITE_OK ? code : closed;
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1, /* no shared memory, no mapping: a log has neither */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_lock,
    .xFileControl = on_file_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_device_characteristics,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *ret_flags)
{
    struct log_file *log = log_of(file);

    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0) {
        return log_writer.below->xOpen(log_writer.below, name, file, flags, ret_flags);
    }
    *log = (struct log_file){.below = (sqlite3_file *)(log + 1), .kept = malloc(LOG_WRITER_BYTES)};
    if (log->kept == NULL) {
        return SQLITE_NOMEM;
    }
    int code = log_writer.below->xOpen(log_writer.below, name, log->below, flags, ret_flags);

    if (code != SQLITE_OK) {
        free(log->kept);
        log->kept = NULL;
        return code; /* no methods: SQLite does not close it */
    }
    log->sqlite.pMethods = &log_methods;
    return SQLITE_OK;
}

static void register_once(void)
{
    log_writer.below = sqlite3_vfs_find(NULL);
    CHECK(log_writer.below != NULL);
    log_writer.vfs = *log_writer.below;
    log_writer.vfs.zName = "ctfg-log";
    log_writer.vfs.pNext = NULL;
    log_writer.vfs.szOsFile += (int)sizeof(struct log_file);
    log_writer.vfs.xOpen = on_open;
    CHECK(sqlite3_vfs_register(&log_writer.vfs, 0) == SQLITE_OK);
}

const char *log_writer_vfs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    CHECK(pthread_once(&once, register_once) == 0);
    return log_writer.vfs.zName;
}
