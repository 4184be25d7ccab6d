/* SPDX-License-Identifier: MIT */
/*
 * page_data.h - the built-in page: every file of build/web, inside the program.
 *
 * The table is written by web/embed.mjs at build time (build/page_data.c); the bytes are read-only
 * and live as long as the program.  Worker, and master while it checks what it serves.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct page_data_file {
    const char *path; /* as requested: "/assets/app-1a2b3c4d.js"; sorted by strcmp() */
    const char *type; /* Content-Type */
    const unsigned char *bytes;
    size_t len;
    const unsigned char *br; /* NULL: there is no brotli form */
    size_t br_len;
    const unsigned char *gz; /* NULL: there is no gzip form */
    size_t gz_len;
    bool hashed; /* the name holds a hash of the content: may be cached for ever */
};

extern const struct page_data_file page_data_files[];
extern const size_t page_data_count;
