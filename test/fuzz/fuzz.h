/* SPDX-License-Identifier: MIT */
/* fuzz.h - what targets share: the entry point, a process that keeps quiet, input cut into parts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"
#include "shm/base/compiler.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "shm/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Nothing is worth a line when every input is wrong on purpose. */
static inline void fuzz_begin(void)
{
    proc_set_role(PROC_TEST);
    log_set_level((enum log_level)(LOG_LEVEL_ERROR + 1));
}

/* Memory of its own with nothing behind it, so that a look past the end is seen.  The caller's. */
static inline char *fuzz_copy(const uint8_t *data, size_t size)
{
    char *copy = malloc(size > 0 ? size : 1);

    CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}
