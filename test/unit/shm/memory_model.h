/* SPDX-License-Identifier: MIT */
/*
 * memory_model.h - runs shm/'s own code on a memory as weak as C11 allows, and tries every outcome.
 *
 * A test includes this, then the .c files it looks into: their atomic loads and stores then come
 * here.  The memory is the view machine of release and acquire (Kang et al., "A promising semantics
 * for relaxed-memory concurrency", POPL 2017, without promises: a reader that only loads needs none):
 * a location is a list of messages, a process has a view (how far along each list it has seen), a
 * release message carries its writer's view, an acquire load takes that view over, and a load may
 * return any message that is not older than the reader's view.
 *
 * The writer runs once and leaves its messages, up to the store where it is told to die; a
 * successor goes on with the predecessor's view, since a fork comes in between.  The reader, who
 * writes nothing, is then run again and again until every choice of every load has been made.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL_LOCATIONS 96
#define MODEL_MESSAGES 64
#define MODEL_LOADS 4096 /* of one run of the reader */

struct model_view {
    uint8_t seen[MODEL_LOCATIONS]; /* index of the newest message known, a location */
};

struct model_message {
    uint64_t value;
    struct model_view carried;
};

static struct model {
    const void *addresses[MODEL_LOCATIONS];
    struct model_message messages[MODEL_LOCATIONS][MODEL_MESSAGES];
    uint32_t counts[MODEL_LOCATIONS];
    uint32_t locations;

    struct model_view writer;
    uint32_t stores_left; /* before the writer dies */
    jmp_buf death;

    bool reading;
    bool newest_only; /* no choice: what a reader sees who comes late enough */
    struct model_view reader;
    uint16_t choices[MODEL_LOADS]; /* the path through the tree of outcomes */
    uint16_t options[MODEL_LOADS];
    uint32_t depth;
    uint32_t known; /* choices[0 .. known) are to be made again */
} model;

/* Every location begins with one message: the zero of a fresh segment, known to all. */
static uint32_t model_location(const void *address)
{
    for (uint32_t i = 0; i < model.locations; i++) {
        if (model.addresses[i] == address) {
            return i;
        }
    }
    assert_true(model.locations < MODEL_LOCATIONS);
    model.addresses[model.locations] = address;
    model.counts[model.locations] = 1;
    model.messages[model.locations][0] = (struct model_message){0};
    return model.locations++;
}

static void model_store(const void *address, uint64_t value, memory_order order)
{
    uint32_t at = model_location(address);
    struct model_message *message = &model.messages[at][model.counts[at]];

    assert_false(model.reading);
    if (model.stores_left == 0) {
        longjmp(model.death, 1);
    }
    model.stores_left--;
    assert_true(model.counts[at] < MODEL_MESSAGES);
    model.writer.seen[at] = (uint8_t)model.counts[at]++;
    *message = (struct model_message){.value = value};
    if (order == memory_order_release) {
        message->carried = model.writer;
    }
    message->carried.seen[at] = model.writer.seen[at];
}

/* The next choice: as on the path so far, beyond it the first. */
static uint32_t model_choose(uint32_t options)
{
    if (options == 1 || model.newest_only) {
        return options - 1;
    }
    assert_true(model.depth < MODEL_LOADS);
    if (model.depth == model.known) {
        model.choices[model.known++] = 0;
    }
    model.options[model.depth] = (uint16_t)options;
    return model.choices[model.depth++];
}

static uint64_t model_load(const void *address, memory_order order)
{
    uint32_t at = model_location(address);
    struct model_view *view = &model.reader;

    if (!model.reading) { /* the one writer finds its own newest */
        return model.messages[at][model.counts[at] - 1].value;
    }
    uint32_t oldest = view->seen[at];
    uint32_t chosen = oldest + model_choose(model.counts[at] - oldest);
    const struct model_message *message = &model.messages[at][chosen];

    view->seen[at] = (uint8_t)chosen;
    for (uint32_t i = 0; order == memory_order_acquire && i < model.locations; i++) {
        if (view->seen[i] < message->carried.seen[i]) {
            view->seen[i] = message->carried.seen[i];
        }
    }
    return message->value;
}

/* Steps to the next path; false: all have been tried. */
static bool model_next_path(void)
{
    model.known = model.depth;
    while (model.known > 0) {
        uint32_t last = model.known - 1;

        if (++model.choices[last] < model.options[last]) {
            return true;
        }
        model.known--;
    }
    return false;
}

static void model_clear(void)
{
    memset(&model, 0, sizeof(model));
}

/* Runs a writer until it is done (true) or has made `stores` stores and dies (false). */
static bool model_write(void (*writer)(void), uint32_t stores)
{
    model.stores_left = stores;
    if (setjmp(model.death) != 0) {
        return false;
    }
    writer();
    return true;
}

/* Runs a reader through every outcome; how many there were. */
static uint64_t model_read_all(void (*reader)(void))
{
    uint64_t outcomes = 0;

    model.reading = true;
    model.known = 0;
    do {
        model.depth = 0;
        memset(&model.reader, 0, sizeof(model.reader));
        reader();
        outcomes++;
    } while (model_next_path());
    model.reading = false;
    return outcomes;
}

/* Runs a reader once that sees the newest message of every location. */
static void model_read_newest(void (*reader)(void))
{
    model.reading = true;
    model.newest_only = true;
    memset(&model.reader, 0, sizeof(model.reader));
    reader();
    model.newest_only = false;
    model.reading = false;
}

/* From here on shm/'s code runs on the model. */
#undef atomic_load_explicit
#undef atomic_store_explicit
#define atomic_store_explicit(word, value, order) model_store((word), (uint64_t)(value), (order))
/* clang-format off */
#define atomic_load_explicit(word, order)                          \
    _Generic((word),                                               \
        _Atomic uint32_t *: (uint32_t)model_load((word), (order)), \
        const _Atomic uint32_t *: (uint32_t)model_load((word), (order)), \
        _Atomic int64_t *: (int64_t)model_load((word), (order)),   \
        const _Atomic int64_t *: (int64_t)model_load((word), (order)), \
        default: model_load((word), (order)))
/* clang-format on */
