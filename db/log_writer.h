/* SPDX-License-Identifier: MIT */
/*
 * log_writer.h - a SQLite VFS that writes the write-ahead log in large pieces.  For store_sqlite.c.
 *
 * SQLite writes a log's frame with two system calls, one for its head of 24 bytes and one for its page;
 * a batch is a hundred frames.  This VFS stands on the one that is the default, leaves every other
 * file alone, and keeps what is written to a log one piece after another until it is wanted: by a sync, a
 * read, a question for the size, or because LOG_WRITER_BYTES are full.  So a batch takes one or two
 * writes (docs/benchmarks.md has what that brings).
 *
 * It is only for connections with synchronous=FULL: there each commit syncs the log before other
 * connections are shown it, so nobody can look for bytes that are still here.  A write that fails is
 * told by the call that wanted it: a full disk is SQLITE_FULL from a sync, and the commit fails.
 *
 * https://www.sqlite.org/vfs.html, https://www.sqlite.org/walformat.html#the_wal_file_format
 */
#pragma once

#ifndef LOG_WRITER_BYTES /* less when db is fuzzed */
#define LOG_WRITER_BYTES (128u << 10)
#endif

/* Its name, for sqlite3_open_v2().  Any thread. */
const char *log_writer_vfs(void);
