/* SPDX-License-Identifier: MIT */
/*
 * disk.h - a SQLite VFS that writes down what would be lost in a power cut, and fails when told to.
 *
 * It stands on SQLite's own unix VFS and becomes the default one, so that db's store, which knows
 * nothing of it, opens its files through it.  Every write, truncation, sync, new file and deletion in
 * the recorded folder goes into a log, in order; image.h makes from it what a disk can hold after a
 * cut.  Nothing is really synced: what a sync promises is in the log.
 *
 * Process  the torture programs.  The recorder is for one thread at a time, as the store is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_FILES_MAX 256 /* made in one recording; a name that comes back is another file */
#define DISK_NAME_BYTES 96
#define DISK_PIECE_BYTES 1024 /* a larger write is written down as several */

enum disk_op_type {
    DISK_FOUND,    /* was there before, on disk: bytes are all of it */
    DISK_CREATE,   /* a name for the file; on disk with the folder */
    DISK_WRITE,    /* bytes at offset */
    DISK_TRUNCATE, /* to offset */
    DISK_SYNC,     /* what was written to the file is on disk */
    DISK_FOLDER,   /* what was created and deleted is on disk */
    DISK_DELETE,   /* the name is gone; on disk with the folder */
    DISK_MARK,     /* the program's own: `mark` was reached (answers went out) */
};

struct disk_op {
    enum disk_op_type type;
    uint32_t file;
    uint32_t len;
    uint32_t mark;
    uint64_t offset;
    uint8_t *bytes;
};

struct disk_log {
    struct disk_op *ops;
    size_t count;
    size_t room;
    char names[DISK_FILES_MAX][DISK_NAME_BYTES]; /* within the folder */
    bool is_gone[DISK_FILES_MAX];                /* deleted: the name may come back as another */
    uint32_t file_count;
};

/* Makes it the default VFS; once. */
void disk_install(void);
/* A disk that says "synced" and does not: what is promised is not in the log. */
void disk_lie(void);
/* From now on everything in `folder` goes into an empty log; NULL: no longer. */
void disk_record(struct disk_log *log, const char *folder);
void disk_mark(struct disk_log *log, uint32_t mark);
void disk_log_free(struct disk_log *log);

/* What can fail.  The short ones are below SQLite's VFS: the system call does half of it. */
enum disk_fault {
    DISK_FAULT_NONE,
    DISK_FAULT_WRITE_IO,
    DISK_FAULT_WRITE_FULL,
    DISK_FAULT_WRITE_TORN, /* half of it is written, then EIO */
    DISK_FAULT_SYNC_IO,
    DISK_FAULT_SYNC_FULL, /* ENOSPC is told as late as that by some file systems */
    DISK_FAULT_TRUNCATE_IO,
    DISK_FAULT_READ_IO,
    DISK_FAULT_OPEN,
    DISK_FAULT_DELETE_IO,
    DISK_FAULT_SHM,
    DISK_FAULT_SHORT_READ,
    DISK_FAULT_SHORT_WRITE,
    DISK_FAULT_DEAD, /* a sync fails, and after it every write, truncation and sync */
    DISK_FAULTS,
};
extern const char *const disk_fault_names[DISK_FAULTS];

/* The n-th call of that kind from now on (from 1), and `times` - 1 after it, fail. */
void disk_fault_arm(enum disk_fault fault, uint64_t at, uint64_t times);
/* How often it has struck. */
uint64_t disk_fault_struck(void);
