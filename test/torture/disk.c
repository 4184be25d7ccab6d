/* SPDX-License-Identifier: MIT */
/* disk.c - the VFS of disk.h: each call is counted, perhaps failed, done, and written down. */

#include "test/torture/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "shm/base/check.h"
#include "shm/base/compiler.h"

#define NO_FILE UINT32_MAX /* not in the recorded folder */

struct disk_file {
    sqlite3_file base; /* first: SQLite knows the file by it */
    sqlite3_file *real;
    uint32_t file;
    bool syncs_folder; /* at its first sync, as the unix VFS does for a journal or log */
};

const char *const disk_fault_names[DISK_FAULTS] = {
    [DISK_FAULT_NONE] = "none",
    [DISK_FAULT_WRITE_IO] = "write: EIO",
    [DISK_FAULT_WRITE_FULL] = "write: ENOSPC",
    [DISK_FAULT_WRITE_TORN] = "write: torn, EIO",
    [DISK_FAULT_SYNC_IO] = "fsync: EIO",
    [DISK_FAULT_SYNC_FULL] = "fsync: ENOSPC",
    [DISK_FAULT_TRUNCATE_IO] = "ftruncate: EIO",
    [DISK_FAULT_READ_IO] = "read: EIO",
    [DISK_FAULT_OPEN] = "open fails",
    [DISK_FAULT_DELETE_IO] = "unlink: EIO",
    [DISK_FAULT_SHM] = "mmap of the log's index fails",
    [DISK_FAULT_SHORT_READ] = "short read",
    [DISK_FAULT_SHORT_WRITE] = "short write",
    [DISK_FAULT_DEAD] = "fsync, then all: EIO",
};

typedef ssize_t (*pread_call)(int, void *, size_t, off_t);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off_t);

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    pread_call pread;
    pwrite_call pwrite;

    struct disk_log *log; /* NULL: nothing is recorded */
    char folder[256];
    size_t folder_len;

    bool lies;
    enum disk_fault fault;
    uint64_t fault_at;
    uint64_t fault_until;
    uint64_t calls; /* of the kind that is armed */
    uint64_t struck;
} disk;

/* ---- faults ----------------------------------------------------------------------------------- */

void disk_fault_arm(enum disk_fault fault, uint64_t at, uint64_t times)
{
    disk.fault = fault;
    disk.fault_at = at;
    disk.fault_until = at + times;
    disk.calls = 0;
    disk.struck = 0;
}

uint64_t disk_fault_struck(void)
{
    return disk.struck;
}

static bool strikes(enum disk_fault fault)
{
    if (disk.fault != fault) {
        return false;
    }
    disk.calls++;
    if (disk.calls < disk.fault_at || disk.calls >= disk.fault_until) {
        return false;
    }
    disk.struck++;
    return true;
}

/* Syncs alone are counted until one has failed. */
static bool is_dead(bool at_sync)
{
    return (at_sync || disk.struck > 0) && strikes(DISK_FAULT_DEAD);
}

/* ---- the log ---------------------------------------------------------------------------------- */

static struct disk_op *put(struct disk_log *log, enum disk_op_type type, uint32_t file)
{
    if (log->count == log->room) {
        log->room = log->room * 2 + 256;
        log->ops = reallocarray(log->ops, log->room, sizeof(*log->ops));
        CHECK(log->ops != NULL);
    }
    log->ops[log->count] = (struct disk_op){.type = type, .file = file};
    return &log->ops[log->count++];
}

/* Room for len bytes, which the caller fills in. */
static struct disk_op *put_room(struct disk_log *log, enum disk_op_type type, uint32_t file,
                                uint32_t len)
{
    struct disk_op *op = put(log, type, file);

    op->len = len;
    op->bytes = malloc(len == 0 ? 1 : len);
    CHECK(op->bytes != NULL);
    return op;
}

static void put_bytes(struct disk_log *log, enum disk_op_type type, uint32_t file, uint64_t offset,
                      const void *bytes, uint32_t len)
{
    struct disk_op *op = put_room(log, type, file, len);

    op->offset = offset;
    memcpy(op->bytes, bytes, len);
}

void disk_lie(void)
{
    disk.lies = true;
}

void disk_record(struct disk_log *log, const char *folder)
{
    disk.log = folder == NULL ? NULL : log;
    if (folder != NULL) {
        *log = (struct disk_log){0};
        (void)snprintf(disk.folder, sizeof(disk.folder), "%s/", folder);
        disk.folder_len = strlen(disk.folder);
    }
}

void disk_mark(struct disk_log *log, uint32_t mark)
{
    put(log, DISK_MARK, NO_FILE)->mark = mark;
}

void disk_log_free(struct disk_log *log)
{
    for (size_t i = 0; i < log->count; i++) {
        free(log->ops[i].bytes);
    }
    free(log->ops);
    *log = (struct disk_log){0};
}

static bool is_recorded(const char *path)
{
    return disk.log != NULL && path != NULL && strncmp(path, disk.folder, disk.folder_len) == 0;
}

static uint32_t find_file(const char *path)
{
    struct disk_log *log = disk.log;

    for (uint32_t i = 0; is_recorded(path) && i < log->file_count; i++) {
        if (!log->is_gone[i] && strcmp(log->names[i], path + disk.folder_len) == 0) {
            return i;
        }
    }
    return NO_FILE;
}

static void put_found(struct disk_log *log, uint32_t file, const char *path, uint32_t len)
{
    FILE *in = fopen(path, "rb");
    struct disk_op *op = put_room(log, DISK_FOUND, file, len);

    CHECK(in != NULL && fread(op->bytes, 1, len, in) == len);
    (void)fclose(in);
}

/* A file the log does not know yet: as it is found, or new. */
static uint32_t meet_file(const char *path)
{
    struct disk_log *log = disk.log;
    uint32_t file = find_file(path);
    struct stat facts = {0};

    if (!is_recorded(path) || file != NO_FILE) {
        return file;
    }
    CHECK(log->file_count < DISK_FILES_MAX);
    file = log->file_count++;
    (void)snprintf(log->names[file], DISK_NAME_BYTES, "%s", path + disk.folder_len);
    if (stat(path, &facts) == 0 && facts.st_size > 0) {
        put_found(log, file, path, (uint32_t)facts.st_size);
    } else {
        (void)put(log, DISK_CREATE, file);
    }
    return file;
}

/* ---- files ------------------------------------------------------------------------------------ */

static struct disk_file *of(sqlite3_file *file)
{
    return (struct disk_file *)file;
}

static bool is_logged(const struct disk_file *file)
{
    return disk.log != NULL && file->file != NO_FILE;
}

static int file_close(sqlite3_file *file)
{
    return of(file)->real->pMethods->xClose(of(file)->real);
}

static int file_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    if (strikes(DISK_FAULT_READ_IO)) {
        return SQLITE_IOERR_READ;
    }
    return of(file)->real->pMethods->xRead(of(file)->real, bytes, len, offset);
}

/* In pieces: nothing says that a disk keeps a large write whole, or in order. */
static void log_write(uint32_t file, const char *bytes, uint32_t len, uint64_t offset)
{
    for (uint32_t at = 0; at < len; at += DISK_PIECE_BYTES) {
        uint32_t piece = len - at < DISK_PIECE_BYTES ? len - at : DISK_PIECE_BYTES;

        put_bytes(disk.log, DISK_WRITE, file, offset + at, bytes + at, piece);
    }
}

static int write_and_log(struct disk_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    int code = file->real->pMethods->xWrite(file->real, bytes, len, offset);

    if (code == SQLITE_OK && is_logged(file)) {
        log_write(file->file, bytes, (uint32_t)len, (uint64_t)offset);
    }
    return code;
}

static int file_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    if (strikes(DISK_FAULT_WRITE_IO) || is_dead(false)) {
        return SQLITE_IOERR_WRITE;
    }
    if (strikes(DISK_FAULT_WRITE_FULL)) {
        return SQLITE_FULL;
    }
    if (strikes(DISK_FAULT_WRITE_TORN)) {
        int half = len > 512 ? len / 2 / 512 * 512 : len / 2;

        (void)write_and_log(of(file), bytes, half, offset);
        return SQLITE_IOERR_WRITE;
    }
    return write_and_log(of(file), bytes, len, offset);
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (strikes(DISK_FAULT_TRUNCATE_IO) || is_dead(false)) {
        return SQLITE_IOERR_TRUNCATE;
    }
    int code = of(file)->real->pMethods->xTruncate(of(file)->real, size);

    if (code == SQLITE_OK && is_logged(of(file))) {
        put(disk.log, DISK_TRUNCATE, of(file)->file)->offset = (uint64_t)size;
    }
    return code;
}

static int file_sync(sqlite3_file *file, int flags)
{
    (void)flags;
    if (strikes(DISK_FAULT_SYNC_IO) || is_dead(true)) {
        return SQLITE_IOERR_FSYNC;
    }
    if (strikes(DISK_FAULT_SYNC_FULL)) {
        return SQLITE_FULL;
    }
    if (is_logged(of(file)) && !disk.lies) {
        (void)put(disk.log, DISK_SYNC, of(file)->file);
        if (of(file)->syncs_folder) {
            (void)put(disk.log, DISK_FOLDER, of(file)->file);
        }
    }
    of(file)->syncs_folder = false;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int file_lock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int file_unlock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int file_check_lock(sqlite3_file *file, int *result)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, result);
}

static int file_control(sqlite3_file *file, int what, void *argument)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, what, argument);
}

static int file_sector_size(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int file_characteristics(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static int file_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **where)
{
    if (strikes(DISK_FAULT_SHM)) {
        return SQLITE_IOERR_SHMMAP;
    }
    return of(file)->real->pMethods->xShmMap(of(file)->real, page, size, extend, where);
}

static int file_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return of(file)->real->pMethods->xShmLock(of(file)->real, offset, count, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
    of(file)->real->pMethods->xShmBarrier(of(file)->real);
}

static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return of(file)->real->pMethods->xShmUnmap(of(file)->real, remove);
}

/* Version 2: no mapped reads, which nothing could fail. */
static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = file_close,
    .xRead = file_read,
    .xWrite = file_write,
    .xTruncate = file_truncate,
    .xSync = file_sync,
    .xFileSize = file_size,
    .xLock = file_lock,
    .xUnlock = file_unlock,
    .xCheckReservedLock = file_check_lock,
    .xFileControl = file_control,
    .xSectorSize = file_sector_size,
    .xDeviceCharacteristics = file_characteristics,
    .xShmMap = file_shm_map,
    .xShmLock = file_shm_lock,
    .xShmBarrier = file_shm_barrier,
    .xShmUnmap = file_shm_unmap,
};

/* ---- the file system -------------------------------------------------------------------------- */

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags,
                     int *ret_flags)
{
    struct disk_file *ours = of(file);

    (void)vfs;
    ours->base.pMethods = NULL;
    if (strikes(DISK_FAULT_OPEN)) {
        return SQLITE_CANTOPEN;
    }
    ours->real = (sqlite3_file *)(ours + 1);
    ours->file = meet_file(path);
    ours->syncs_folder = (flags & SQLITE_OPEN_CREATE) != 0 &&
                         (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL)) != 0;
    int code = disk.real->xOpen(disk.real, path, ours->real, flags, ret_flags);

    if (ours->real->pMethods != NULL) {
        ours->base.pMethods = &methods;
    }
    return code;
}

static int disk_delete(sqlite3_vfs *vfs, const char *path, int sync_folder)
{
    (void)vfs;
    if (strikes(DISK_FAULT_DELETE_IO)) {
        return SQLITE_IOERR_DELETE;
    }
    int code = disk.real->xDelete(disk.real, path, 0);
    uint32_t file = find_file(path);

    if (code == SQLITE_OK && file != NO_FILE) {
        (void)put(disk.log, DISK_DELETE, file);
        disk.log->is_gone[file] = true;
    }
    if (code == SQLITE_OK && sync_folder != 0 && is_recorded(path)) {
        (void)put(disk.log, DISK_FOLDER, NO_FILE);
    }
    return code;
}

static ssize_t short_pread(int fd, void *bytes, size_t len, off_t offset)
{
    return disk.pread(fd, bytes, strikes(DISK_FAULT_SHORT_READ) && len > 1 ? len / 2 : len, offset);
}

static ssize_t short_pwrite(int fd, const void *bytes, size_t len, off_t offset)
{
    return disk.pwrite(fd, bytes, strikes(DISK_FAULT_SHORT_WRITE) && len > 1 ? len / 2 : len,
                       offset);
}

void disk_install(void)
{
    CHECK(sqlite3_initialize() == SQLITE_OK);
    disk.real = sqlite3_vfs_find("unix");
    CHECK(disk.real != NULL);
    disk.vfs = *disk.real;
    disk.vfs.pNext = NULL;
    disk.vfs.zName = "torture";
    disk.vfs.szOsFile = (int)sizeof(struct disk_file) + disk.real->szOsFile;
    disk.vfs.xOpen = disk_open;
    disk.vfs.xDelete = disk_delete;
    CHECK(sqlite3_vfs_register(&disk.vfs, 1) == SQLITE_OK);
    /* Debian's SQLite reads and writes with the 64-bit calls. */
    disk.pread = (pread_call)disk.real->xGetSystemCall(disk.real, "pread64");
    disk.pwrite = (pwrite_call)disk.real->xGetSystemCall(disk.real, "pwrite64");
    CHECK(disk.pread != NULL && disk.pwrite != NULL);
    CHECK(disk.real->xSetSystemCall(disk.real, "pread64", (sqlite3_syscall_ptr)short_pread) ==
              SQLITE_OK &&
          disk.real->xSetSystemCall(disk.real, "pwrite64", (sqlite3_syscall_ptr)short_pwrite) ==
              SQLITE_OK);
}
