/* SPDX-License-Identifier: MIT */
/* segment.c - makes the shared memory, maps it for each process, and checks what it is given. */
#include "shm/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/base/clock.h"
#include "shm/slots.h"

/* Nothing here is ever larger; below it no product of two sizes overflows 64 bits. */
#define SIZE_MAX_EACH (1u << 24)

/* A room's logins and addresses spread over this many words at least: 512 KiB. */
#define ADDRESS_BUCKETS_MIN (1u << 16)
/* Logouts that have not expired yet; 1 MiB. */
#define REVOKED_SLOTS_MIN (1u << 16)

/* A segment nobody resizes cannot take a page away under a reader (SIGBUS). */
#define SEGMENT_SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static uint64_t align_up(uint64_t bytes, uint64_t to)
{
    return (bytes + to - 1) / to * to;
}

static uint32_t power_of_2(uint64_t least)
{
    uint32_t power = 1;

    while (power < least && power < SIZE_MAX_EACH) {
        power <<= 1;
    }
    return power;
}

/* A table of none is a table of one that stays empty. */
static uint32_t at_least_one(uint32_t count)
{
    return count > 0 ? count : 1;
}

struct shm_sizes segment_sizes_for(uint32_t players, uint32_t challenges, uint32_t hints,
                                   uint32_t ring_events, uint32_t workers)
{
    uint32_t buckets = power_of_2(2 * (uint64_t)players);

    return (struct shm_sizes){
        .players_max = at_least_one(players),
        .challenges_max = at_least_one(challenges),
        .hints_max = at_least_one(hints),
        .ring_slots = power_of_2(ring_events),
        .process_slots = workers > SIZE_MAX_EACH ? UINT32_MAX : SLOT_WORKER(workers) + 1,
        .address_buckets = buckets > ADDRESS_BUCKETS_MIN ? buckets : ADDRESS_BUCKETS_MIN,
        .revoked_slots = buckets > REVOKED_SLOTS_MIN ? buckets : REVOKED_SLOTS_MIN,
    };
}

static uint32_t words_of_bits(uint32_t bits)
{
    return (uint32_t)(((uint64_t)bits + 63) / 64);
}

struct bank_plan segment_bank_plan(const struct shm_sizes *sizes)
{
    struct bank_plan plan = {
        .solved_words = words_of_bits(sizes->challenges_max),
        .bought_words = words_of_bits(sizes->hints_max),
    };
    uint64_t players = sizes->players_max;
    uint64_t at = sizeof(struct shm_bank_head);

    plan.players_at = at;
    at = align_up(at + players * sizeof(struct shm_player), CACHE_LINE_BYTES);
    plan.challenges_at = at;
    at = align_up(at + sizes->challenges_max * sizeof(struct shm_challenge), CACHE_LINE_BYTES);
    plan.solved_at = at;
    at = align_up(at + players * plan.solved_words * sizeof(uint64_t), CACHE_LINE_BYTES);
    plan.bought_at = at;
    at = align_up(at + players * plan.bought_words * sizeof(uint64_t), CACHE_LINE_BYTES);
    plan.order_at = at;
    plan.size_bytes = align_up(at + players * sizeof(uint32_t), SHM_PAGE_BYTES);
    return plan;
}

static bool is_power_of_2(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool sizes_are_sane(const struct shm_sizes *sizes)
{
    const uint32_t each[] = {
        sizes->players_max,   sizes->challenges_max, sizes->hints_max,       sizes->ring_slots,
        sizes->process_slots, sizes->revoked_slots,  sizes->address_buckets,
    };

    for (size_t i = 0; i < ARRAY_LEN(each); i++) {
        if (each[i] == 0 || each[i] > SIZE_MAX_EACH) {
            return false;
        }
    }
    return is_power_of_2(sizes->ring_slots) && is_power_of_2(sizes->address_buckets) &&
           is_power_of_2(sizes->revoked_slots);
}

/* Where every section begins: follows from the sizes alone.  false: too large, or no sizes. */
static bool plan_sections(const struct shm_sizes *sizes, struct shm_header *header)
{
    if (!sizes_are_sane(sizes)) {
        return false;
    }
    uint64_t bank_bytes = segment_bank_plan(sizes).size_bytes;
    uint64_t limits = (uint64_t)sizes->players_max * LIMIT_KINDS + sizes->address_buckets;
    const uint64_t bytes[SHM_SECTIONS] = {
        [SHM_SLOTS] = sizes->process_slots * sizeof(struct shm_slot),
        [SHM_LIMITS] = limits * sizeof(struct shm_limit),
        [SHM_BOARD] = sizeof(struct shm_board_control),
        [SHM_BANK_0] = bank_bytes,
        [SHM_BANK_1] = bank_bytes,
        [SHM_RING] =
            sizeof(struct shm_ring_head) + sizes->ring_slots * sizeof(struct shm_ring_slot),
        [SHM_REVOKED] = sizes->revoked_slots * sizeof(struct shm_revoked_slot),
    };
    uint64_t at = SHM_PAGE_BYTES; /* the header has a page of its own */

    for (int section = 0; section < SHM_SECTIONS; section++) {
        header->offset_bytes[section] = at;
        header->section_bytes[section] = bytes[section];
        at = align_up(at + bytes[section], SHM_PAGE_BYTES);
    }
    header->size_bytes = at;
    return at <= SEGMENT_BYTES_MAX;
}

size_t segment_bytes_for(const struct shm_sizes *sizes)
{
    struct shm_header header = {0};

    return plan_sections(sizes, &header) ? header.size_bytes : 0;
}

/* Both releases take "nothing" too and keep errno, so that a way out is a straight line. */
static void map_release(void *base, size_t size_bytes)
{
    int saved = errno;

    if (base != MAP_FAILED && base != NULL) {
        (void)munmap(base, size_bytes);
    }
    errno = saved;
}

static void fd_release(int fd)
{
    int saved = errno;

    if (fd >= 0) {
        (void)close(fd);
    }
    errno = saved;
}

static bool header_make(const struct shm_sizes *sizes, struct shm_header *ret_header)
{
    struct shm_header header = {
        .magic = SHM_MAGIC,
        .layout_version = SHM_LAYOUT_VERSION,
        .header_bytes = sizeof(struct shm_header),
        .created_us = clock_real_us(),
        .sizes = *sizes,
    };

    if (!plan_sections(sizes, &header)) {
        errno = EFBIG;
        return false;
    }
    if (getrandom(&header.hash_seed, sizeof(header.hash_seed), 0) !=
        (ssize_t)sizeof(header.hash_seed)) {
        return false;
    }
    *ret_header = header;
    return true;
}

bool segment_create(const struct shm_sizes *sizes, struct segment *ret_segment)
{
    struct shm_header header;
    void *base = MAP_FAILED;
    int fd = -1;
    bool ok = false;

    if (!header_make(sizes, &header)) {
        return false;
    }
    fd = memfd_create("ctfg-board", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)header.size_bytes) != 0) {
        goto out;
    }
    base = mmap(NULL, header.size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED || fcntl(fd, F_ADD_SEALS, SEGMENT_SEALS) != 0) {
        goto out;
    }
    memcpy(base, &header, sizeof(header)); /* nobody else maps it yet: before the first fork */
    *ret_segment =
        (struct segment){.base = base, .size_bytes = header.size_bytes, .fd = fd, .header = base};
    base = MAP_FAILED; /* handed over: nothing left to undo */
    fd = -1;
    ok = true;
out:
    map_release(base, header.size_bytes);
    fd_release(fd);
    return ok;
}

/* Puts one stretch of the segment over its place in the reserved range. */
static bool map_stretch(const struct segment *segment, char *range, uint64_t from, uint64_t to,
                        int protection)
{
    return mmap(range + from, to - from, protection, MAP_SHARED | MAP_FIXED, segment->fd,
                (off_t)from) != MAP_FAILED;
}

bool segment_map_for(struct segment *segment, enum proc_role role)
{
    bool writes_board = role == PROC_DB || role == PROC_TEST;
    int board_protection = writes_board ? PROT_READ | PROT_WRITE : PROT_READ;
    uint64_t slots_at = segment->header->offset_bytes[SHM_SLOTS];
    uint64_t board_at = segment->header->offset_bytes[SHM_BOARD];
    /* One reserved range, so that offsets hold across the differently protected stretches. */
    char *range = mmap(NULL, segment->size_bytes, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (range == MAP_FAILED) {
        return false;
    }
    if (!map_stretch(segment, range, 0, slots_at, PROT_READ) ||
        !map_stretch(segment, range, slots_at, board_at, PROT_READ | PROT_WRITE) ||
        !map_stretch(segment, range, board_at, segment->size_bytes, board_protection)) {
        map_release(range, segment->size_bytes);
        return false;
    }
    map_release(segment->base, segment->size_bytes);
    segment->base = range;
    segment->header = (const struct shm_header *)range;
    return true;
}

/* Is this our header, and does all that it says follow from its own sizes? */
static bool header_holds(const struct shm_header *header, uint64_t file_bytes)
{
    struct shm_header planned = {0};

    return header->magic == SHM_MAGIC && header->layout_version == SHM_LAYOUT_VERSION &&
           header->header_bytes == sizeof(struct shm_header) && header->size_bytes == file_bytes &&
           plan_sections(&header->sizes, &planned) && planned.size_bytes == file_bytes &&
           memcmp(planned.offset_bytes, header->offset_bytes, sizeof(planned.offset_bytes)) == 0 &&
           memcmp(planned.section_bytes, header->section_bytes, sizeof(planned.section_bytes)) == 0;
}

bool segment_open(int fd, struct segment *ret_segment)
{
    struct stat status;
    int seals = fcntl(fd, F_GET_SEALS);

    if (fstat(fd, &status) != 0) {
        return false;
    }
    if (seals < 0 || (seals & (F_SEAL_SHRINK | F_SEAL_GROW)) != (F_SEAL_SHRINK | F_SEAL_GROW) ||
        status.st_size < SHM_PAGE_BYTES || (uint64_t)status.st_size > SEGMENT_BYTES_MAX) {
        errno = EINVAL;
        return false;
    }
    size_t size_bytes = (size_t)status.st_size;
    void *base = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (base == MAP_FAILED) {
        return false;
    }
    if (!header_holds(base, size_bytes)) {
        errno = EINVAL;
        map_release(base, size_bytes);
        return false;
    }
    *ret_segment =
        (struct segment){.base = base, .size_bytes = size_bytes, .fd = fd, .header = base};
    return true;
}

void segment_destroy(struct segment *segment)
{
    if (segment->base == NULL) {
        return;
    }
    map_release(segment->base, segment->size_bytes);
    fd_release(segment->fd);
    *segment = (struct segment){.fd = -1};
}

void *segment_section(const struct segment *segment, enum shm_section section)
{
    return (char *)segment->base + segment->header->offset_bytes[section];
}
