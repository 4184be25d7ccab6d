/* SPDX-License-Identifier: MIT */
/* store_health_test.c - a store that fails changes nothing, and is used again when it works. */

#include "test/unit/db/fixture_db.h"

#include <sys/resource.h>

#include "db/checkpoint.h"

static void limit_file_size(pid_t pid, rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};

    assert_int_equal(prlimit(pid, RLIMIT_FSIZE, &limit, NULL), 0);
}

/* alice has solved the first challenge; nothing more can be written.  Returns a worker's connection. */
static int start_on_a_full_disk(struct fixture *fixture)
{
    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    limit_file_size(fixture->db_pid, 1024);
    return fd;
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    struct fixture *fixture = *state;

    int fd = start_on_a_full_disk(fixture);

    assert_int_equal(fixture_submit(fd, 2, BOB, CHALLENGE_FIRST).status, WIRE_STORE_FAILED);
    assert_int_equal(players_score(board_live(&fixture->board), BOB), 0);
    assert_int_equal(fixture_submit(fd, 3, CAROL, CHALLENGE_FIRST).status, WIRE_STORE_FAILED);
    limit_file_size(fixture->db_pid, RLIM_INFINITY);
    struct wire_result result = fixture_submit(fd, 2, BOB, CHALLENGE_FIRST);

    assert_int_equal(result.status, WIRE_OK);
    assert_int_equal(result.place, 2);
    assert_int_equal(result.seq, 2);
    (void)close(fd);
    fixture_kill(fixture);
    fixture_start(fixture);
    assert_int_equal(players_score(board_live(&fixture->board), BOB), 100);
    assert_int_equal(players_score(board_live(&fixture->board), CAROL), 0);
}

static uint64_t heartbeat_us(const struct fixture *fixture)
{
    return atomic_load(&slots_at(&fixture->segment, SLOT_DB)->heartbeat_us);
}

/* A lull is when guesses are trimmed: nothing has to be, so nothing is written. */
static void a_lull_mends_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct shm_slot *slot;

    int fd = start_on_a_full_disk(fixture);

    assert_int_equal(fixture_submit(fd, 2, BOB, CHALLENGE_FIRST).status, WIRE_STORE_FAILED);
    slot = slots_at(&fixture->segment, SLOT_DB);
    /* Up to a heartbeat (two a second) after a lull and a tick, before the store is tried again. */
    uint64_t refused_us = clock_mono_us();

    while (heartbeat_us(fixture) < refused_us + CHECKPOINT_LULL_MS * 1000 + 100000) {
        assert_int_equal(slots_read(slot, METRIC_DB_STORE_REFUSES), 1);
        assert_true(clock_mono_us() < refused_us + FIXTURE_DEADLINE_MS * 1000);
    }
    limit_file_size(fixture->db_pid, RLIM_INFINITY);
    assert_int_equal(fixture_submit(fd, 2, BOB, CHALLENGE_FIRST).status, WIRE_OK);
    (void)close(fd);
}

static struct wire_result log_out(int fd, uint64_t request_id, uint64_t session_id)
{
    struct wire_revoke request = {.head = wire_head_make(WIRE_REVOKE, request_id),
                                  .player = ALICE,
                                  .session_id = session_id,
                                  .expires_s = clock_real_us() / 1000000 + 3600};

    fixture_send(fd, &request, sizeof(request));
    return fixture_result(fd);
}

static void a_logout_that_is_refused_has_not_happened(void **state)
{
    struct fixture *fixture = *state;
    struct revoked revoked;

    int fd = start_on_a_full_disk(fixture);

    revoked_attach(&fixture->segment, &revoked);
    assert_int_equal(log_out(fd, 2, 77).status, WIRE_STORE_FAILED);
    assert_false(revoked_test(&revoked, 77));
    limit_file_size(fixture->db_pid, RLIM_INFINITY);
    assert_int_equal(log_out(fd, 3, 77).status, WIRE_OK);
    assert_true(revoked_test(&revoked, 77));
    (void)close(fd);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM revocations"), 1);
}

/* Asks until the answer is the wanted one: the store is opened anew once a second at most. */
static struct wire_result submit_until(int fd, uint64_t request_id, uint32_t player,
                                       enum wire_status wanted)
{
    uint64_t until_us = clock_mono_us() + FIXTURE_DEADLINE_MS * 1000;
    struct wire_result result;

    do {
        result = fixture_submit(fd, request_id, player, CHALLENGE_FIRST);
    } while (result.status != (uint32_t)wanted && clock_mono_us() < until_us);
    assert_int_equal(result.status, wanted);
    return result;
}

static void a_database_that_was_moved_away_takes_no_answer_with_it(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    char away[256];

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_path(fixture, STORE_FILE, path);
    fixture_path(fixture, "away.db", away);
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(fixture_submit(fd, 2, BOB, CHALLENGE_FIRST).status, WIRE_STORE_FAILED);
    assert_int_equal(access(path, F_OK), -1); /* no empty one was made in its place */
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(submit_until(fd, 2, BOB, WIRE_OK).place, 2);
    (void)close(fd);
    fixture_kill(fixture);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), 2);
}

static void another_database_in_its_place_becomes_the_board(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    char error[256];
    FILE *out = fopen("/dev/null", "w");

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_path(fixture, "backup.db", path);
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    assert_int_equal(db_backup(fixture->game, path, out), 0);
    (void)fclose(out);
    assert_int_equal(fixture_submit(fd, 2, BOB, CHALLENGE_FIRST).status, WIRE_OK);
    fixture_path(fixture, STORE_FILE, error);
    assert_int_equal(rename(path, error), 0);
    fixture_path(fixture, STORE_FILE "-wal", error);
    (void)unlink(error);
    assert_int_equal(submit_until(fd, 3, CAROL, WIRE_OK).place, 2);
    assert_int_equal(players_score(board_live(&fixture->board), BOB), 0);
    (void)close(fd);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), 2);
}

static void a_foreign_lock_refuses_only_while_it_is_held(void **state)
{
    struct fixture *fixture = *state;
    char path[256];
    sqlite3 *other = NULL;

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_path(fixture, STORE_FILE, path);
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_STORE_FAILED);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_int_equal(fixture_submit(fd, 2, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    (void)close(fd);
}

int main(void)
{
#define HEALTH_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        HEALTH_TEST(a_full_disk_refuses_and_recovers),
        HEALTH_TEST(a_lull_mends_nothing),
        HEALTH_TEST(a_logout_that_is_refused_has_not_happened),
        HEALTH_TEST(a_database_that_was_moved_away_takes_no_answer_with_it),
        HEALTH_TEST(another_database_in_its_place_becomes_the_board),
        HEALTH_TEST(a_foreign_lock_refuses_only_while_it_is_held),
    };

    return cmocka_run_group_tests_name("store health", tests, NULL, NULL);
}
