/* SPDX-License-Identifier: MIT */
/* job_test.c - a job and a pass of a checkpoint never have the store at once. */

#include "test/unit/db/fixture_db.h"

#include <sys/mman.h>

#include "db/process.h"

static void a_job_waits_for_the_pass_that_runs(void **state)
{
    struct fixture fixture;
    struct db db = {0};
    struct heritage heritage = {0};
    struct db_facts facts;
    struct store_options options;
    struct control_message message;
    char error[256];
    int ends[2];
    int fd;

    (void)state;
    fixture_make(&fixture);
    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
    fixture_prepare(&fixture, &facts);
    heritage.control_fd = ends[0];
    db.heritage = &heritage;
    db.game = fixture.game;
    options = (struct store_options){.dir = fixture.dir, .log_bytes_max = 1 << 20};
    assert_int_equal(store_open(&options, &db.store, error, sizeof(error)), STORE_OK);
    assert_int_equal(uv_loop_init(&db.loop), 0);

    db.checkpoint.is_running = true;
    job_start_reload(&db, memfd_create("no game", MFD_CLOEXEC), 7);
    assert_true(job_is_running(&db.job)); /* no batch runs beside it */
    assert_int_equal(uv_run(&db.loop, UV_RUN_NOWAIT), 0);
    job_go_on(&db);
    assert_int_equal(uv_run(&db.loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(control_receive(ends[1], &message, &fd), CONTROL_NOTHING);
    db.checkpoint.is_running = false;
    job_go_on(&db);
    assert_int_equal(uv_run(&db.loop, UV_RUN_DEFAULT), 0);
    assert_false(job_is_running(&db.job));
    assert_int_equal(control_receive(ends[1], &message, &fd), CONTROL_MESSAGE);
    assert_int_equal(message.type, CONTROL_RELOAD_FAILED);
    assert_int_equal(message.value, 7);

    store_close(db.store);
    (void)uv_loop_close(&db.loop);
    (void)close(ends[0]);
    (void)close(ends[1]);
    fixture_end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_job_waits_for_the_pass_that_runs)};

    return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
