/* SPDX-License-Identifier: MIT */
/* image.c - one walk over the log; at each step the images that a cut there can leave. */

#include "test/torture/image.h"

#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"
#include "shm/base/compiler.h"
#include "shm/base/hash.h"
#include "test/torture/random.h"

#define NONE UINT32_MAX
#define SECTOR_BYTES 512
#define PENDING_MAX 4096

const char *const image_names[IMAGE_FILES] = {"events.db", "events.db-wal", "events.db-journal"};
const char *const image_kind_names[IMAGE_KINDS] = {"prefix", "torn", "subset"};

/* One write that is only half there: its bytes from `from` up to `to`. */
struct tear {
    uint32_t op;
    uint32_t from;
    uint32_t to;
};

struct walk {
    const struct disk_log *log;
    const struct image_options *options;
    image_fn each;
    void *context;
    struct random random;

    uint32_t place[DISK_FILES_MAX]; /* in image_names; NONE: of no interest */
    struct image_content synced[DISK_FILES_MAX];
    uint32_t synced_name[IMAGE_FILES]; /* which file has the name on disk; NONE: there is none */
    uint32_t pending[PENDING_MAX];     /* operations that are not on disk for certain */
    uint32_t pending_count;

    struct image image;
    uint64_t *seen; /* hashes of images given: open addressing, 0 is free */
    size_t seen_room;
    size_t seen_count;
};

/* ---- contents --------------------------------------------------------------------------------- */

static void content_reserve(struct image_content *content, size_t len)
{
    if (len > content->room) {
        uint8_t *bytes = realloc(content->bytes, len * 2);

        CHECK(bytes != NULL);
        content->bytes = bytes;
        content->room = len * 2;
    }
}

static void content_resize(struct image_content *content, size_t len)
{
    content_reserve(content, len);
    if (len > content->len) {
        memset(content->bytes + content->len, 0, len - content->len);
    }
    content->len = len;
}

static void content_write(struct image_content *content, const struct disk_op *op, uint32_t from,
                          uint32_t to)
{
    if (content->len < op->offset + to) {
        content_resize(content, op->offset + to);
    }
    if (to > from) {
        CHECK(content->bytes != NULL);
        memcpy(content->bytes + op->offset + from, op->bytes + from, to - from);
    }
}

static void content_copy(struct image_content *content, const struct image_content *from)
{
    content_reserve(content, from->len);
    if (from->len > 0) {
        memcpy(content->bytes, from->bytes, from->len);
    }
    content->len = from->len;
}

static void content_apply(struct image_content *content, const struct disk_op *op)
{
    if (op->type == DISK_WRITE) {
        content_write(content, op, 0, op->len);
    } else if (op->type == DISK_TRUNCATE) {
        content_resize(content, op->offset);
    }
}

/* ---- one image -------------------------------------------------------------------------------- */

/* Which of the pending ones are chosen: bit i of chosen[i / 64]; NULL: the first `first`. */
struct choice {
    uint32_t first;
    const uint64_t *chosen;
    const struct tear *tear;
};

static bool is_chosen(const struct choice *choice, uint32_t i)
{
    return choice->chosen == NULL ? i < choice->first : (choice->chosen[i / 64] >> i % 64 & 1) != 0;
}

static void names_of(const struct walk *walk, const struct choice *choice,
                     uint32_t ret_names[IMAGE_FILES])
{
    memcpy(ret_names, walk->synced_name, sizeof(walk->synced_name));
    for (uint32_t i = 0; i < walk->pending_count; i++) {
        const struct disk_op *op = &walk->log->ops[walk->pending[i]];

        if (is_chosen(choice, i) && op->type == DISK_CREATE) {
            ret_names[walk->place[op->file]] = op->file;
        } else if (is_chosen(choice, i) && op->type == DISK_DELETE &&
                   ret_names[walk->place[op->file]] == op->file) {
            ret_names[walk->place[op->file]] = NONE;
        }
    }
}

static void compose_file(struct walk *walk, const struct choice *choice, uint32_t file,
                         struct image_content *content)
{
    content->exists = file != NONE;
    content->len = 0;
    if (file == NONE) {
        return;
    }
    content_copy(content, &walk->synced[file]);
    for (uint32_t i = 0; i < walk->pending_count; i++) {
        const struct disk_op *op = &walk->log->ops[walk->pending[i]];

        if (op->file != file || !is_chosen(choice, i)) {
            continue;
        }
        if (choice->tear != NULL && choice->tear->op == walk->pending[i]) {
            content_write(content, op, choice->tear->from, choice->tear->to);
        } else {
            content_apply(content, op);
        }
    }
}

/* Has this one been given? */
static bool is_new(struct walk *walk, uint64_t hash)
{
    if (walk->seen_count * 2 >= walk->seen_room) {
        size_t room = walk->seen_room * 2 + 1024;
        uint64_t *seen = calloc(room, sizeof(*seen));

        CHECK(seen != NULL);
        for (size_t i = 0; i < walk->seen_room; i++) {
            size_t at = walk->seen[i] % room;

            while (walk->seen[i] != 0 && seen[at] != 0) {
                at = (at + 1) % room;
            }
            seen[at] = walk->seen[i] != 0 ? walk->seen[i] : seen[at];
        }
        free(walk->seen);
        walk->seen = seen;
        walk->seen_room = room;
    }
    size_t at = hash % walk->seen_room;

    while (walk->seen[at] != 0 && walk->seen[at] != hash) {
        at = (at + 1) % walk->seen_room;
    }
    if (walk->seen[at] == hash) {
        return false;
    }
    walk->seen[at] = hash;
    walk->seen_count++;
    return true;
}

static bool give(struct walk *walk, enum image_kind kind, const struct choice *choice)
{
    uint32_t names[IMAGE_FILES];
    struct image *image = &walk->image;
    uint64_t hash = image->mark + 1;

    names_of(walk, choice, names);
    for (uint32_t i = 0; i < IMAGE_FILES; i++) {
        struct image_content *content = &image->files[i];

        compose_file(walk, choice, names[i], content);
        hash = hash_bytes(content->bytes, content->len, hash + content->exists);
    }
    image->kind = kind;
    image->hash = hash | 1;
    return !is_new(walk, image->hash) || walk->each(walk->context, image);
}

/* ---- what to choose --------------------------------------------------------------------------- */

static bool give_prefix(struct walk *walk, uint32_t first)
{
    return give(walk, IMAGE_PREFIX, &(struct choice){.first = first});
}

static bool give_torn(struct walk *walk)
{
    uint32_t last = walk->pending[walk->pending_count - 1];
    const struct disk_op *op = &walk->log->ops[last];
    bool ok = true;

    for (uint32_t to = SECTOR_BYTES; op->type == DISK_WRITE && to < op->len && ok;
         to += SECTOR_BYTES) {
        struct tear tear = {.op = last, .to = to};

        ok = give(walk, IMAGE_TORN, &(struct choice){.first = walk->pending_count, .tear = &tear});
    }
    return ok;
}

static bool give_every_subset(struct walk *walk)
{
    bool ok = true;

    for (uint64_t chosen = 0; chosen < UINT64_C(1) << walk->pending_count && ok; chosen++) {
        ok = give(walk, IMAGE_SUBSET, &(struct choice){.chosen = &chosen});
    }
    return ok;
}

static bool give_random_subset(struct walk *walk)
{
    uint64_t chosen[PENDING_MAX / 64];
    struct tear tear = {.op = NONE};
    uint32_t torn = walk->pending[random_below(&walk->random, walk->pending_count)];
    const struct disk_op *op = &walk->log->ops[torn];

    for (size_t i = 0; i < ARRAY_LEN(chosen); i++) {
        chosen[i] = random_next(&walk->random);
    }
    if (op->type == DISK_WRITE && op->len > SECTOR_BYTES && random_below(&walk->random, 2) == 0) {
        tear = (struct tear){.op = torn, .to = op->len};
        tear.from = SECTOR_BYTES * (1 + random_below(&walk->random, (op->len - 1) / SECTOR_BYTES));
    }
    return give(walk, IMAGE_SUBSET, &(struct choice){.chosen = chosen, .tear = &tear});
}

static bool give_some_subsets(struct walk *walk)
{
    uint64_t chosen[PENDING_MAX / 64];
    struct choice choice = {.chosen = chosen};
    bool ok = true;

    for (uint32_t i = 0; i < walk->pending_count && ok; i++) {
        memset(chosen, 0, sizeof(chosen));
        chosen[i / 64] = UINT64_C(1) << i % 64;
        ok = give(walk, IMAGE_SUBSET, &choice);
        memset(chosen, 0xff, sizeof(chosen));
        chosen[i / 64] &= ~(UINT64_C(1) << i % 64);
        ok = ok && give(walk, IMAGE_SUBSET, &choice);
    }
    for (uint32_t i = 0; i < walk->options->subset_samples && ok; i++) {
        ok = give_random_subset(walk);
    }
    return ok;
}

static bool give_subsets(struct walk *walk)
{
    if (walk->pending_count == 0) {
        return true;
    }
    return walk->pending_count <= walk->options->every_subset_of ? give_every_subset(walk)
                                                                 : give_some_subsets(walk);
}

/* ---- the walk --------------------------------------------------------------------------------- */

static void add_pending(struct walk *walk, size_t at)
{
    CHECK(walk->pending_count < PENDING_MAX);
    walk->pending[walk->pending_count++] = (uint32_t)at;
}

static bool is_of_folder(const struct disk_op *op)
{
    return op->type == DISK_CREATE || op->type == DISK_DELETE;
}

/* What the sync has waited for is on disk: of one file, or (NONE) of the folder. */
static void settle(struct walk *walk, uint32_t file)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < walk->pending_count; i++) {
        const struct disk_op *op = &walk->log->ops[walk->pending[i]];

        if (file == NONE && is_of_folder(op)) {
            walk->synced_name[walk->place[op->file]] = op->type == DISK_CREATE ? op->file : NONE;
        } else if (file != NONE && op->file == file && !is_of_folder(op)) {
            content_apply(&walk->synced[file], op);
        } else {
            walk->pending[kept++] = walk->pending[i];
        }
    }
    walk->pending_count = kept;
}

static bool step(struct walk *walk, size_t at)
{
    const struct disk_op *op = &walk->log->ops[at];
    bool ok = true;

    walk->image.at = at;
    if (op->file != NONE && op->type != DISK_FOLDER && walk->place[op->file] == NONE) {
        return true;
    }
    switch (op->type) {
    case DISK_FOUND:
        content_write(&walk->synced[op->file], op, 0, op->len);
        walk->synced_name[walk->place[op->file]] = op->file;
        return true;
    case DISK_CREATE:
    case DISK_DELETE:
    case DISK_WRITE:
    case DISK_TRUNCATE:
        add_pending(walk, at);
        return give_prefix(walk, walk->pending_count) && give_torn(walk);
    case DISK_SYNC:
        ok = give_subsets(walk);
        settle(walk, op->file);
        return ok;
    case DISK_FOLDER:
        settle(walk, NONE);
        return true;
    case DISK_MARK:
        walk->image.mark = op->mark;
        for (uint32_t first = 0; first <= walk->pending_count && ok; first++) {
            ok = give_prefix(walk, first);
        }
        return ok && give_subsets(walk);
    }
    return true;
}

static void find_places(struct walk *walk)
{
    for (uint32_t file = 0; file < walk->log->file_count; file++) {
        walk->place[file] = NONE;
        for (uint32_t i = 0; i < IMAGE_FILES; i++) {
            if (strcmp(walk->log->names[file], image_names[i]) == 0) {
                walk->place[file] = i;
            }
        }
    }
}

bool image_each(const struct disk_log *log, const struct image_options *options, image_fn each,
                void *context)
{
    struct walk *walk = calloc(1, sizeof(*walk));
    bool ok = true;

    CHECK(walk != NULL);
    walk->log = log;
    walk->options = options;
    walk->each = each;
    walk->context = context;
    walk->random.state = options->seed;
    memset(walk->synced_name, 0xff, sizeof(walk->synced_name));
    find_places(walk);
    for (size_t at = 0; at < log->count && ok; at++) {
        ok = step(walk, at);
    }
    for (uint32_t i = 0; i < DISK_FILES_MAX; i++) {
        free(walk->synced[i].bytes);
    }
    for (uint32_t i = 0; i < IMAGE_FILES; i++) {
        free(walk->image.files[i].bytes);
    }
    free(walk->seen);
    free(walk);
    return ok;
}
