/* SPDX-License-Identifier: MIT */
/* requirements.c - a depth-first walk with its own stack: files can nest 2000 deep. */
#include "conf/requirements.h"

#include "shm/base/buf.h"
#include "shm/base/check.h"

#define CYCLE_TEXT_BYTES 400
#define CYCLE_NAMES_MAX 20

enum colour { COLOUR_NEW, COLOUR_OPEN, COLOUR_DONE };

struct walk {
    const struct challenges *challenges;
    enum colour *colours;
    uint32_t *path;  /* positions from the root of the walk to here */
    uint32_t *edges; /* of each on the path: requirements looked at so far */
    uint32_t depth;
    requirements_found *found;
    void *context;
};

/* The path from `target` to its end, and back to `target`. */
static void report(const struct walk *walk, uint32_t target)
{
    struct buf text = BUF_INIT(CYCLE_TEXT_BYTES);
    uint32_t from = walk->depth;
    uint32_t named = 0;

    while (from > 0 && walk->path[from - 1] != target) {
        from--;
    }
    for (uint32_t i = from - 1; i < walk->depth && named < CYCLE_NAMES_MAX; i++, named++) {
        buf_append_u64(&text, walk->challenges->list[walk->path[i]].id);
        buf_append_str(&text, STR(" -> "));
    }
    if (named == CYCLE_NAMES_MAX) {
        buf_append_str(&text, STR("... -> "));
    }
    buf_append_u64(&text, walk->challenges->list[target].id);
    buf_append_char(&text, '\0');
    CHECK(!text.failed);
    walk->found(walk->context, walk->path[walk->depth - 1], text.data);
    buf_free(&text);
}

static void enter(struct walk *walk, uint32_t position)
{
    walk->colours[position] = COLOUR_OPEN;
    walk->path[walk->depth] = position;
    walk->edges[walk->depth] = 0;
    walk->depth++;
}

static void walk_from(struct walk *walk, uint32_t root)
{
    enter(walk, root);
    while (walk->depth > 0) {
        uint32_t here = walk->path[walk->depth - 1];
        uint32_t edge = walk->edges[walk->depth - 1]++;

        if (edge == walk->challenges->list[here].requirement_count) {
            walk->colours[here] = COLOUR_DONE;
            walk->depth--;
            continue;
        }
        uint32_t target = walk->challenges->requirements[here][edge];

        if (walk->colours[target] == COLOUR_OPEN) {
            report(walk, target);
        } else if (walk->colours[target] == COLOUR_NEW) {
            enter(walk, target);
        }
    }
}

void requirements_find_cycles(const struct challenges *challenges, struct arena *arena,
                              requirements_found *found, void *context)
{
    uint32_t count = challenges->count;
    struct walk walk = {.challenges = challenges, .found = found, .context = context};

    walk.colours = arena_alloc(arena, count, sizeof(*walk.colours));
    walk.path = arena_alloc(arena, count, sizeof(*walk.path));
    walk.edges = arena_alloc(arena, count, sizeof(*walk.edges));
    for (uint32_t i = 0; i < count; i++) {
        if (walk.colours[i] == COLOUR_NEW) {
            walk_from(&walk, i);
        }
    }
}
