/* SPDX-License-Identifier: MIT */
/* read_file.h - a whole file into a buffer, for the programs of bench/. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "shm/base/buf.h"

/* Behind what is there already.  false: it cannot be read, or *out has no room for it. */
static inline bool read_file(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rbe");
    char chunk[65536];
    size_t got;

    if (file == NULL) {
        return false;
    }
    do {
        got = fread(chunk, 1, sizeof(chunk), file);
        buf_append(out, chunk, got);
    } while (got == sizeof(chunk));
    bool ok = ferror(file) == 0 && !out->failed;

    (void)fclose(file);
    return ok;
}
