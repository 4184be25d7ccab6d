/* SPDX-License-Identifier: MIT */
/* segment_test.c - sizes, seals, what may be written by whom, and what is refused. */
#include "test/unit/shm/fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shm/gcra.h"
#include "shm/slots.h"

static void sizes_are_the_most_there_can_be(void **state)
{
    (void)state;
    struct shm_sizes sizes = segment_sizes_for(15, 3, 0, 1000, 2);

    assert_int_equal(sizes.players_max, 15);
    assert_int_equal(sizes.challenges_max, 3);
    assert_int_equal(sizes.hints_max, 1);
    assert_int_equal(sizes.ring_slots, 1024);
    assert_int_equal(sizes.process_slots, 4);
    sizes = segment_sizes_for(100000, 2000, 8000, 16777216, 64); /* everything at its most */
    assert_true(segment_bytes_for(&sizes) > 0);
}

/* The largest game there may be: what a master makes room for. */
static const struct shm_sizes *largest_sizes(void)
{
    static struct shm_sizes sizes;

    sizes = segment_sizes_for(50000, 2000, 8000, 262144, 8);
    return &sizes;
}

static uint64_t touched_bytes(const struct segment *segment)
{
    struct stat status;

    assert_int_equal(fstat(segment->fd, &status), 0);
    return (uint64_t)status.st_blocks * 512;
}

/* As a rebuild does: players, challenges, a bit in every column that the game has, the order. */
static void build_game(struct fixture *fixture, uint32_t players, uint32_t challenges,
                       uint32_t hints)
{
    struct bank *spare = board_spare_clear(&fixture->board);

    for (uint32_t player = 0; player < players; player++) {
        players_put(spare, player, FIXTURE_USER_ID(player), 0, SHM_PLAYER_IN_GAME, NULL);
        for (uint32_t challenge = 0; challenge < challenges; challenge += 64) {
            solved_set(spare, player, challenge);
        }
        for (uint32_t hint = 0; hint < hints; hint += 64) {
            solved_set_hint(spare, player, hint);
        }
    }
    rank_rebuild(spare);
    board_publish(&fixture->board);
}

static void a_small_game_takes_the_memory_of_a_small_game(void **state)
{
    (void)state;
    struct fixture fixture;
    struct player_view view;

    fixture_make(&fixture, largest_sizes());
    for (int i = 0; i < 4; i++) { /* both banks, and cleared again */
        build_game(&fixture, 200, 100, 200);
        players_find_user(board_live(&fixture.board), 1, SHM_NONE);
    }
    assert_false(players_read(board_live(&fixture.board), 200, &view));
    assert_true(touched_bytes(&fixture.segment) < (uint64_t)512 << 10);
    fixture_end(&fixture);
}

static void the_usual_game_stays_below_its_limit(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, largest_sizes());
    build_game(&fixture, 20000, 500, 1000);
    build_game(&fixture, 20000, 500, 1000);
    const struct shm_header *header = fixture.segment.header;
    uint64_t beside = header->section_bytes[SHM_RING] + header->section_bytes[SHM_REVOKED] +
                      header->section_bytes[SHM_LIMITS];
    assert_true(touched_bytes(&fixture.segment) + beside < SEGMENT_USUAL_BYTES_MAX);
    fixture_end(&fixture);
}

static void absurd_sizes_have_no_segment(void **state)
{
    (void)state;
    struct shm_sizes sizes =
        segment_sizes_for(UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX);
    struct segment segment;

    assert_int_equal(segment_bytes_for(&sizes), 0);
    assert_false(segment_create(&sizes, &segment));
    sizes = fixture_sizes;
    sizes.ring_slots = 63;
    assert_int_equal(segment_bytes_for(&sizes), 0);
    sizes = fixture_sizes;
    sizes.players_max = 0;
    assert_int_equal(segment_bytes_for(&sizes), 0);
}

static void sections_have_pages_of_their_own(void **state)
{
    (void)state;
    struct fixture fixture;
    uint64_t end = SHM_PAGE_BYTES;

    fixture_make(&fixture, &fixture_sizes);
    const struct shm_header *header = fixture.segment.header;
    for (int section = 0; section < SHM_SECTIONS; section++) {
        assert_int_equal(header->offset_bytes[section] % SHM_PAGE_BYTES, 0);
        assert_true(header->offset_bytes[section] >= end);
        end = header->offset_bytes[section] + header->section_bytes[section];
    }
    assert_true(end <= fixture.segment.size_bytes);
    fixture_end(&fixture);
}

static void the_parts_of_a_bank_do_not_overlap(void **state)
{
    (void)state;
    struct bank_plan plan = segment_bank_plan(&fixture_sizes);
    const struct shm_sizes *sizes = &fixture_sizes;

    assert_int_equal(plan.solved_words, 3);
    assert_int_equal(plan.bought_words, 2);
    assert_true(plan.players_at >= sizeof(struct shm_bank_head));
    assert_true(plan.challenges_at >=
                plan.players_at + sizes->players_max * sizeof(struct shm_player));
    assert_true(plan.solved_at >=
                plan.challenges_at + sizes->challenges_max * sizeof(struct shm_challenge));
    assert_true(plan.bought_at >= plan.solved_at + (size_t)sizes->players_max * 3 * 8);
    assert_true(plan.order_at >= plan.bought_at + (size_t)sizes->players_max * 2 * 8);
    assert_true(plan.size_bytes >= plan.order_at + (size_t)sizes->players_max * 4);
}

static void nobody_resizes_it(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    assert_int_equal(ftruncate(fixture.segment.fd, SHM_PAGE_BYTES), -1);
    assert_int_equal(errno, EPERM);
    assert_int_equal(ftruncate(fixture.segment.fd, (off_t)fixture.segment.size_bytes * 2), -1);
    assert_int_not_equal(fcntl(fixture.segment.fd, F_GETFD) & FD_CLOEXEC, 0);
    fixture_end(&fixture);
}

/* Runs `what` in a child that has mapped the segment for a role; its wait status. */
static int run_child(struct segment *segment, enum proc_role role,
                     void (*what)(const struct segment *))
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        const struct rlimit no_core = {0, 0};

        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's own handler would hide the signal */
        if (!segment_map_for(segment, role)) {
            _exit(9);
        }
        what(segment);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void write_a_score(const struct segment *segment)
{
    struct board board;

    board_attach(segment, &board);
    atomic_store_explicit(&board.banks[0].players[0].score_points, 7, memory_order_relaxed);
}

static void write_slot_and_limit(const struct segment *segment)
{
    struct limits limits;

    limits_attach(segment, &limits);
    slots_own(segment, 2);
    slots_add(METRIC_LOG_INFO, 3);
    atomic_store_explicit(&limits.players[0].word, 5, memory_order_relaxed);
}

static void write_the_header(const struct segment *segment)
{
    memset(segment->base, 0, sizeof(uint64_t));
}

static void a_worker_that_writes_a_score_dies(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    int status = run_child(&fixture.segment, PROC_WORKER, write_a_score);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    assert_int_equal(players_score(&fixture.board.banks[0], 0), 0);
    fixture_end(&fixture);
}

static void db_writes_scores_and_all_see_them(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    assert_int_equal(run_child(&fixture.segment, PROC_DB, write_a_score), 0);
    assert_int_equal(players_score(&fixture.board.banks[0], 0), 7);
    fixture_end(&fixture);
}

static void a_worker_writes_its_slot_and_limits(void **state)
{
    (void)state;
    struct fixture fixture;
    struct limits limits;

    fixture_make(&fixture, &fixture_sizes);
    assert_int_equal(run_child(&fixture.segment, PROC_WORKER, write_slot_and_limit), 0);
    limits_attach(&fixture.segment, &limits);
    assert_int_equal(slots_read(slots_at(&fixture.segment, 2), METRIC_LOG_INFO), 3);
    assert_int_equal(atomic_load_explicit(&limits.players[0].word, memory_order_relaxed), 5);
    fixture_end(&fixture);
}

static void no_child_writes_the_header(void **state)
{
    (void)state;
    struct fixture fixture;

    fixture_make(&fixture, &fixture_sizes);
    assert_true(WIFSIGNALED(run_child(&fixture.segment, PROC_DB, write_the_header)));
    assert_true(fixture.segment.header->magic == SHM_MAGIC);
    fixture_end(&fixture);
}

static void a_segment_is_opened_again_by_its_fd(void **state)
{
    (void)state;
    struct fixture fixture;
    struct segment again;

    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 5);
    assert_true(segment_open(dup(fixture.segment.fd), &again));
    struct board board;
    board_attach(&again, &board);
    assert_int_equal(state_player_count(board_live(&board)), 5);
    segment_destroy(&again);
    fixture_end(&fixture);
}

/* Every 8 bytes of the header that can lie, do. */
static void a_header_that_lies_is_refused(void **state)
{
    (void)state;
    struct fixture fixture;
    struct segment again;

    fixture_make(&fixture, &fixture_sizes);
    char *base = fixture.segment.base;
    for (size_t at = 0; at < sizeof(struct shm_header); at += 4) {
        bool is_free = (at >= offsetof(struct shm_header, hash_seed) &&
                        at < offsetof(struct shm_header, sizes)) ||
                       at == offsetof(struct shm_header, sizes.reserved);
        uint32_t kept;
        uint32_t wrong;

        memcpy(&kept, base + at, sizeof(kept));
        wrong = kept ^ 0x10000;
        memcpy(base + at, &wrong, sizeof(wrong));
        if (!is_free) {
            assert_false(segment_open(fixture.segment.fd, &again));
        }
        memcpy(base + at, &kept, sizeof(kept));
    }
    assert_true(segment_open(dup(fixture.segment.fd), &again));
    segment_destroy(&again);
    fixture_end(&fixture);
}

static void an_unsealed_file_is_no_segment(void **state)
{
    (void)state;
    struct segment segment;
    int fd = memfd_create("not-sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)4 * SHM_PAGE_BYTES), 0);
    assert_false(segment_open(fd, &segment));
    assert_false(segment_open(-1, &segment));
    assert_int_equal(close(fd), 0);
}

static void an_empty_segment_is_destroyed_in_peace(void **state)
{
    (void)state;
    struct segment segment = {0};
    int before = fcntl(STDIN_FILENO, F_GETFD);

    segment_destroy(&segment);
    assert_int_equal(fcntl(STDIN_FILENO, F_GETFD), before); /* fd 0 was not meant */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_the_most_there_can_be),
        cmocka_unit_test(a_small_game_takes_the_memory_of_a_small_game),
        cmocka_unit_test(the_usual_game_stays_below_its_limit),
        cmocka_unit_test(absurd_sizes_have_no_segment),
        cmocka_unit_test(sections_have_pages_of_their_own),
        cmocka_unit_test(the_parts_of_a_bank_do_not_overlap),
        cmocka_unit_test(nobody_resizes_it),
        cmocka_unit_test(a_worker_that_writes_a_score_dies),
        cmocka_unit_test(db_writes_scores_and_all_see_them),
        cmocka_unit_test(a_worker_writes_its_slot_and_limits),
        cmocka_unit_test(no_child_writes_the_header),
        cmocka_unit_test(a_segment_is_opened_again_by_its_fd),
        cmocka_unit_test(a_header_that_lies_is_refused),
        cmocka_unit_test(an_unsealed_file_is_no_segment),
        cmocka_unit_test(an_empty_segment_is_destroyed_in_peace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
