/* SPDX-License-Identifier: MIT */
/*
 * slots.c - this process's row of counters, and everybody's reading of all rows.
 *
 * Every access is relaxed and pairs with nothing: each number stands alone.  A number has one
 * writer, so an addition is a load and a store, which costs a third of an atomic add.
 */
#include "shm/slots.h"

#include <unistd.h>

#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"

#define LOG_LEVELS (LOG_LEVEL_ERROR + 1)

static struct slots {
    struct shm_slot *row;           /* NULL: this process owns none */
    uint64_t noted_us;              /* when it last looked at itself; 0: never */
    uint64_t cpu_us;                /* counted so far */
    uint64_t log_lines[LOG_LEVELS]; /* the same */
    uint64_t log_lost;              /* the same */
} slots;

const struct slot_metric_row slot_metric_table[METRIC_COUNT] = {
#define SLOT_METRIC_ROW(id, name, label, kind, help) {name, label, SLOT_##kind, help},
    SLOT_METRICS(SLOT_METRIC_ROW)
#undef SLOT_METRIC_ROW
};

const struct slot_histogram_row slot_histogram_table[HISTOGRAM_COUNT] = {
#define SLOT_HISTOGRAM_ROW(id, name, help, first) {name, help, first},
    SLOT_HISTOGRAMS(SLOT_HISTOGRAM_ROW)
#undef SLOT_HISTOGRAM_ROW
};

const char *const slot_status_names[SLOT_STATUS_COUNT] = {
    [SLOT_STATUS_LOST] = "lost",
#define SLOT_STATUS_NAME(status, reason) [SLOT_STATUS_##status] = #status,
    SLOT_STATUSES(SLOT_STATUS_NAME)
#undef SLOT_STATUS_NAME
        [SLOT_STATUS_OTHER] = "other",
};

uint32_t slots_count(const struct segment *segment)
{
    return segment->header->sizes.process_slots;
}

struct shm_slot *slots_at(const struct segment *segment, uint32_t row)
{
    struct shm_slot *rows = segment_section(segment, SHM_SLOTS);

    return row < slots_count(segment) ? &rows[row] : NULL;
}

static void put_u32(_Atomic uint32_t *number, uint32_t value)
{
    /* relaxed: stands alone, see the head of this file */
    atomic_store_explicit(number, value, memory_order_relaxed);
}

static void put_u64(_Atomic uint64_t *number, uint64_t value)
{
    /* relaxed: stands alone, see the head of this file */
    atomic_store_explicit(number, value, memory_order_relaxed);
}

static uint64_t get_u64(const _Atomic uint64_t *number)
{
    /* relaxed: stands alone, see the head of this file */
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void add_u64(_Atomic uint64_t *number, uint64_t amount)
{
    put_u64(number, get_u64(number) + amount);
}

/* What the dead held is closed; their counters go on. */
static void empty_gauges(struct shm_slot *row)
{
    for (int metric = 0; metric < METRIC_COUNT; metric++) {
        if (slot_metric_is_gauge(slot_metric_table[metric].kind)) {
            put_u64(&row->metrics[metric], 0);
        }
    }
}

void slots_own(const struct segment *segment, uint32_t row)
{
    slots = (struct slots){.row = slots_at(segment, row)};
    if (slots.row == NULL) {
        return;
    }
    for (int level = 0; level < LOG_LEVELS; level++) {
        slots.log_lines[level] =
            log_lines((enum log_level)level); /* the parent's, before the fork */
    }
    slots.log_lost = log_lost();
    put_u32(&slots.row->pid, (uint32_t)getpid());
    put_u32(&slots.row->route, SHM_NONE);
    put_u64(&slots.row->started_us, clock_real_us());
    put_u64(&slots.row->heartbeat_us, clock_mono_us());
    empty_gauges(slots.row);
    put_u32(&slots.row->state, SLOT_STARTING);
}

void slots_bury(const struct segment *segment, uint32_t row)
{
    struct shm_slot *grave = slots_at(segment, row);

    if (grave == NULL) {
        return;
    }
    empty_gauges(grave);
    put_u32(&grave->pid, 0);
    put_u32(&grave->state, SLOT_DEAD);
}

void slots_set_state(enum slot_state state)
{
    if (slots.row != NULL) {
        put_u32(&slots.row->state, state);
    }
}

/* What others do not tell: they are not of shared memory, or of no folder above this one. */
static void note_self(void)
{
    uint64_t cpu_us = proc_cpu_us();
    uint64_t memory_bytes;

    slots_add(METRIC_CPU, cpu_us - slots.cpu_us);
    slots.cpu_us = cpu_us;
    if (proc_memory_bytes(&memory_bytes)) {
        slots_set(METRIC_MEMORY, memory_bytes);
    }
    for (int level = 0; level < LOG_LEVELS; level++) {
        uint64_t lines = log_lines((enum log_level)level);

        slots_add(METRIC_LOG_DEBUG + (unsigned)level, lines - slots.log_lines[level]);
        slots.log_lines[level] = lines;
    }
    uint64_t lost = log_lost();

    slots_add(METRIC_LOG_LOST, lost - slots.log_lost);
    slots.log_lost = lost;
}

void slots_beat(uint64_t now_mono_us)
{
    if (slots.row == NULL) {
        return;
    }
    put_u64(&slots.row->heartbeat_us, now_mono_us);
    if (slots.noted_us == 0 || now_mono_us - slots.noted_us >= SLOT_HEARTBEAT_MS * 1000) {
        slots.noted_us = now_mono_us;
        note_self();
    }
}

void slots_enter_route(uint32_t route)
{
    if (slots.row != NULL) {
        put_u32(&slots.row->route, route);
    }
}

void slots_add(enum slot_metric metric, uint64_t amount)
{
    if (slots.row != NULL) {
        add_u64(&slots.row->metrics[metric], amount);
    }
}

void slots_sub(enum slot_metric metric, uint64_t amount)
{
    if (slots.row != NULL) {
        put_u64(&slots.row->metrics[metric], get_u64(&slots.row->metrics[metric]) - amount);
    }
}

void slots_set(enum slot_metric metric, uint64_t value)
{
    if (slots.row != NULL) {
        put_u64(&slots.row->metrics[metric], value);
    }
}

/* The first bucket whose bound, first << bucket, is not below the value. */
static uint32_t bucket_of(uint64_t value, uint64_t first)
{
    uint64_t steps = value / first + (value % first != 0);
    uint32_t bucket = steps <= 1 ? 0 : 64 - (uint32_t)__builtin_clzll(steps - 1);

    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static void observe(struct shm_histogram *histogram, uint64_t value, uint64_t first)
{
    add_u64(&histogram->buckets[bucket_of(value, first)], 1);
    add_u64(&histogram->sum_us, value);
}

void slots_observe(enum slot_histogram histogram, uint64_t value)
{
    if (slots.row != NULL) {
        observe(&slots.row->histograms[histogram], value, slot_histogram_table[histogram].first);
    }
}

void slots_observe_turn(uint64_t turn_us)
{
    slots_observe(HISTOGRAM_LOOP_STALL, turn_us);
    if (slots.row != NULL && turn_us > get_u64(&slots.row->metrics[METRIC_LOOP_LONGEST])) {
        put_u64(&slots.row->metrics[METRIC_LOOP_LONGEST], turn_us);
    }
}

static enum slot_status cell_of(uint32_t status)
{
    switch (status) {
    case 0:
        return SLOT_STATUS_LOST;
#define SLOT_STATUS_CASE(status, reason)                                                           \
    case status:                                                                                   \
        return SLOT_STATUS_##status;
        SLOT_STATUSES(SLOT_STATUS_CASE)
#undef SLOT_STATUS_CASE
    default:
        return SLOT_STATUS_OTHER;
    }
}

void slots_count_request(uint32_t route, uint32_t status, uint64_t latency_us)
{
    if (slots.row == NULL || route >= SLOT_ROUTES_MAX) {
        return;
    }
    add_u64(&slots.row->routes[route].by_status[cell_of(status)], 1);
    observe(&slots.row->routes[route].latency, latency_us, HISTOGRAM_FIRST_US);
}

uint64_t slots_read(const struct shm_slot *slot, enum slot_metric metric)
{
    return get_u64(&slot->metrics[metric]);
}
