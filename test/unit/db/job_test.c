/* SPDX-License-Identifier: MIT */
/* job_test.c - a job waits for a pass of a checkpoint, a reload for a job; a reset is told of once. */

#include "test/unit/db/fixture_db.h"

#include <sys/mman.h>

#include "db/process.h"

/* A db without its loop's turns: the test says when what happens. */
struct still {
    struct fixture fixture;
    struct heritage heritage;
    struct db db;
    int master_fd;
};

static void still_make(struct still *still)
{
    struct db_facts facts;
    struct store_options options;
    char error[256];
    int ends[2];

    *still = (struct still){0};
    fixture_make(&still->fixture);
    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    fixture_prepare(&still->fixture, &facts);
    still->heritage.control_fd = ends[0];
    still->master_fd = ends[1];
    still->db.heritage = &still->heritage;
    still->db.game = still->fixture.game;
    options = (struct store_options){.dir = still->fixture.dir, .log_bytes_max = 1 << 20};
    assert_int_equal(store_open(&options, &still->db.store, error, sizeof(error)), STORE_OK);
    assert_int_equal(uv_loop_init(&still->db.loop), 0);
}

static void still_end(struct still *still)
{
    store_close(still->db.store);
    (void)uv_loop_close(&still->db.loop);
    (void)close(still->heritage.control_fd);
    (void)close(still->master_fd);
    fixture_end(&still->fixture);
}

static void assert_master_hears(const struct still *still, enum control_type type, uint64_t value)
{
    struct control_message message;
    int fd;

    assert_int_equal(control_receive(still->master_fd, &message, &fd), CONTROL_MESSAGE);
    assert_int_equal(message.type, type);
    assert_int_equal(message.value, value);
}

static void a_job_waits_for_the_pass_that_runs(void **state)
{
    static struct still still;
    struct db *db = &still.db;
    struct control_message message;
    int fd;

    (void)state;
    still_make(&still);
    db->checkpoint.is_running = true;
    job_start_reload(db, memfd_create("no game", MFD_CLOEXEC), 7);
    assert_true(job_is_running(&db->job)); /* no batch runs beside it */
    assert_int_equal(uv_run(&db->loop, UV_RUN_NOWAIT), 0);
    job_go_on(db);
    assert_int_equal(uv_run(&db->loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(control_receive(still.master_fd, &message, &fd), CONTROL_NOTHING);
    db->checkpoint.is_running = false;
    job_go_on(db);
    assert_int_equal(uv_run(&db->loop, UV_RUN_DEFAULT), 0);
    assert_false(job_is_running(&db->job));
    assert_master_hears(&still, CONTROL_RELOAD_FAILED, 7);
    still_end(&still);
}

static void a_reload_that_meets_a_reset_is_put_off_and_not_refused(void **state)
{
    static struct still still;
    struct store *store;

    (void)state;
    still_make(&still);
    store = still.db.store;
    still.db.job.kind = JOB_RESET;
    job_start_reload(&still.db, memfd_create("game", MFD_CLOEXEC), 7);
    assert_master_hears(&still, CONTROL_RELOAD_LATER, 7);
    still.db.job.kind = JOB_NONE;
    still.db.store = NULL; /* it is opened anew in a moment */
    job_start_reload(&still.db, memfd_create("game", MFD_CLOEXEC), 8);
    assert_master_hears(&still, CONTROL_RELOAD_LATER, 8);
    assert_false(job_is_running(&still.db.job));
    still.db.store = store;
    still_end(&still);
}

static uint32_t lines_with(int log_fd, const char *text)
{
    static char bytes[16384];
    uint32_t count = 0;
    ssize_t len = pread(log_fd, bytes, sizeof(bytes) - 1, 0);

    assert_true(len >= 0);
    bytes[len] = '\0';
    for (const char *at = bytes; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

/* The successor of a db that has died between the commit and its word. */
static void a_reset_is_logged_once_by_whoever_tells_of_it(void **state)
{
    static struct still still;
    struct request again = {.head = wire_head_make(WIRE_RESET, 0x77)};
    int log_fd = memfd_create("log", MFD_CLOEXEC);
    int stderr_fd = dup(STDERR_FILENO);

    (void)state;
    still_make(&still);
    fixture_found(&still.fixture);
    still.db.board = still.fixture.board;
    still.db.meta.last_reset_request = 0x77;
    log_init(LOG_LEVEL_WARN, LOG_FORMAT_LOGFMT);
    log_set_fd(log_fd);
    job_start_reset(&still.db, &again);
    assert_int_equal(lines_with(log_fd, "the game was reset"), 1);
    job_start_reset(&still.db, &again); /* a worker that has lost its connection only */
    assert_int_equal(lines_with(log_fd, "the game was reset"), 1);
    log_set_fd(stderr_fd);
    still_end(&still);
}

/* The ring outlives db, and so do the numbers in it: after a reload they are other players'. */
static void players_who_changed_places_keep_their_events(void **state)
{
    struct fixture *fixture = *state;
    struct event event;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);
    struct wire_result solve = fixture_submit(fd, 5, ALICE, CHALLENGE_FIRST);

    (void)close(fd);
    fixture_kill(fixture);
    game_unref(fixture->game);
    fixture->game = fixture_game(fixture_challenges, "bob,pw\ncarol,pw\nalice,pw\n");
    fixture->game->settings.database_dir = str_from(fixture->dir);
    fixture_start(fixture);
    assert_int_equal(ring_read_event(&fixture->ring, solve.seq, &event), RING_OK);
    assert_int_equal(event.player, 2);
    assert_int_equal(players_score(board_live(&fixture->board), 2), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_waits_for_the_pass_that_runs),
        cmocka_unit_test(a_reload_that_meets_a_reset_is_put_off_and_not_refused),
        cmocka_unit_test(a_reset_is_logged_once_by_whoever_tells_of_it),
        cmocka_unit_test_setup_teardown(players_who_changed_places_keep_their_events,
                                        fixture_set_up, fixture_tear_down),
    };

    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
