/* SPDX-License-Identifier: MIT */
/*
 * image.h - what a disk may hold after the power was cut, from a log of writes and syncs.
 *
 * What was synced is there.  Of what was written since, anything may be: nothing, the first of it,
 * some of it in whatever order, a piece of the last write.  Every image is given once.
 *
 *   prefix   after each operation: all that was synced, and each beginning of the rest
 *   torn     the last write stops after each sector of 512 bytes (4 KiB among them)
 *   subset   before each sync: any choice of what it waits for, all 2^n of them while n is small,
 *            beyond that each one missing, each one alone, and some at random, some torn in front
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/torture/disk.h"

/* The files that a start looks at. */
#define IMAGE_FILES 3
extern const char *const image_names[IMAGE_FILES];

enum image_kind { IMAGE_PREFIX, IMAGE_TORN, IMAGE_SUBSET, IMAGE_KINDS };
extern const char *const image_kind_names[IMAGE_KINDS];

struct image_content {
    uint8_t *bytes;
    size_t len;
    size_t room;
    bool exists;
};

struct image {
    struct image_content files[IMAGE_FILES];
    enum image_kind kind;
    uint32_t mark; /* the last DISK_MARK before the cut; 0: none */
    size_t at;     /* operation of the log after which the cut comes */
    uint64_t hash;
};

struct image_options {
    uint64_t seed;
    uint32_t every_subset_of; /* so many writes at most: more are sampled */
    uint32_t subset_samples;
};

/* false ends the walk. */
typedef bool (*image_fn)(void *context, const struct image *image);
/* Returns false when the function did. */
bool image_each(const struct disk_log *log, const struct image_options *options, image_fn each,
                void *context);
