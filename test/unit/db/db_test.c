/* SPDX-License-Identifier: MIT */
/* db_test.c - the db process as a worker meets it: answers, crashes, resets, reloads. */

#include "test/unit/db/fixture_db.h"

#include <sys/mman.h>
#include <sysexits.h>

static void an_answer_is_a_receipt_and_stands_on_the_board(void **state)
{
    struct fixture *fixture = *state;
    struct event event;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);
    struct wire_result result = fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST);

    assert_int_equal(result.status, WIRE_OK);
    assert_int_equal(result.points, 100);
    assert_int_equal(result.total_points, 100);
    assert_int_equal(result.place, 1);
    assert_int_equal(result.head.request_id, 1);
    assert_int_equal(players_score(board_live(&fixture->board), ALICE), 100);
    assert_true(solved_test(board_live(&fixture->board), ALICE, CHALLENGE_FIRST));
    assert_int_equal(ring_read_event(&fixture->ring, result.seq, &event), RING_OK);
    assert_int_equal(event.player, ALICE);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events WHERE points = 100"), 1);
    assert_int_equal(fixture_submit(fd, 2, BOB, CHALLENGE_FIRST).place, 2);
    assert_int_equal(fixture_submit(fd, 3, BOB, CHALLENGE_FIRST).status, WIRE_ALREADY);
    assert_int_equal(fixture_submit(fd, 4, CAROL, CHALLENGE_NEEDS_FIRST).status, WIRE_LOCKED);
    (void)close(fd);
}

static void news_come_before_the_answer_to_every_worker(void **state)
{
    struct fixture *fixture = *state;
    char message[WIRE_MESSAGE_BYTES_MAX];
    struct wire_poke poke;

    fixture_start(fixture);
    int asks = fixture_connect(fixture);
    int listens = fixture_connect(fixture);
    struct wire_submit request = fixture_submit_of(1, ALICE, CHALLENGE_FIRST);

    /* A name first: its answer proves that both have said hello. */
    struct wire_name name = fixture_name_of(9, ALICE, "Alice A");

    fixture_send(listens, &name, sizeof(name));
    assert_int_equal(fixture_result(listens).status, WIRE_OK);
    fixture_send(asks, &request, sizeof(request));
    assert_int_equal(fixture_receive(listens, message), WIRE_POKE);
    memcpy(&poke, message, sizeof(poke));
    assert_int_equal(poke.news, WIRE_NEWS_EVENTS);
    assert_int_equal(poke.newest_seq, ring_newest_seq(&fixture->ring));
    assert_int_equal(fixture_receive(asks, message), WIRE_POKE);
    (void)close(asks);
    (void)close(listens);
}

static void what_a_db_committed_as_it_died_is_counted_by_its_successor(void **state)
{
    struct fixture *fixture = *state;
    const struct shm_slot *slot;

    fixture_start(fixture);
    slot = slots_at(&fixture->segment, SLOT_DB);
    fixture_kill(fixture);
    fixture_sql(fixture, "INSERT INTO events (ts, user_id, challenge_id, event_type, points, flags)"
                         " VALUES (1, 1, 11, 1, 100, 0), (2, 2, 11, 1, 100, 1)");
    fixture_sql(fixture, "INSERT INTO events (ts, user_id, challenge_id, event_type, points,"
                         " hint_number) VALUES (3, 1, 11, 2, -60, 1)");
    for (int lives = 0; lives < 2; lives++) { /* once */
        fixture_start(fixture);
        assert_int_equal(state_committed_seq(board_live(&fixture->board)), 3);
        assert_int_equal(slots_read(slot, METRIC_SOLVES), 2);
        assert_int_equal(slots_read(slot, METRIC_AWARDS), 1);
        assert_int_equal(slots_read(slot, METRIC_HINTS), 1);
        fixture_kill(fixture);
    }
    int fd = fixture_connect(fixture);

    fixture_start(fixture);
    assert_int_equal(fixture_submit(fd, 1, CAROL, CHALLENGE_FIRST).status, WIRE_OK);
    assert_int_equal(slots_read(slot, METRIC_SOLVES), 3);
    (void)close(fd);
    assert_int_equal(fixture_drain(fixture), 0);
    /* Another server, another segment: it begins with nothing. */
    (void)close(fixture->listener_fd);
    segment_destroy(&fixture->segment);
    fixture_start(fixture);
    slot = slots_at(&fixture->segment, SLOT_DB);
    assert_int_equal(state_committed_seq(board_live(&fixture->board)), 4);
    assert_int_equal(slots_read(slot, METRIC_SOLVES), 0);
}

static void a_resent_submit_counts_once(void **state)
{
    struct fixture *fixture = *state;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);
    struct wire_result first = fixture_submit(fd, 77, ALICE, CHALLENGE_FIRST);
    struct wire_result again = fixture_submit(fd, 77, ALICE, CHALLENGE_FIRST);

    assert_memory_equal(&first, &again, sizeof(first));
    (void)close(fd);
    fixture_kill(fixture);
    fixture_start(fixture);
    fd = fixture_connect(fixture);
    again = fixture_submit(fd, 77, ALICE, CHALLENGE_FIRST);
    assert_memory_equal(&first, &again, sizeof(first));
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM events"), 1);
    assert_int_equal(fixture_submit(fd, 78, ALICE, CHALLENGE_FIRST).status, WIRE_ALREADY);
    (void)close(fd);
}

/* As after so many requests that db has forgotten which ones it answered. */
static void a_row_knows_the_request_that_made_it(void **state)
{
    struct fixture *fixture = *state;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);
    struct wire_result first = fixture_submit(fd, 77, ALICE, CHALLENGE_FIRST);

    fixture_sql(fixture, "UPDATE events SET request_id = 99");
    struct wire_result again = fixture_submit(fd, 99, ALICE, CHALLENGE_FIRST);

    assert_int_equal(again.status, WIRE_OK);
    assert_int_equal(again.seq, first.seq);
    assert_int_equal(again.total_points, 100);
    assert_int_equal(fixture_submit(fd, 98, ALICE, CHALLENGE_FIRST).status, WIRE_ALREADY);
    (void)close(fd);
}

static void the_unique_index_has_the_last_word(void **state)
{
    struct fixture *fixture = *state;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    fixture_sql(fixture, "INSERT INTO events (ts, user_id, challenge_id, event_type, points) "
                         "SELECT 1, id, 11, 1, 100 FROM users WHERE username = 'bob'");
    struct wire_result result = fixture_submit(fd, 5, BOB, CHALLENGE_FIRST);

    assert_int_equal(result.status, WIRE_ALREADY);
    assert_int_equal(result.total_points, 0);
    (void)close(fd);
}

static void the_same_request_twice_in_one_batch_counts_once(void **state)
{
    struct fixture *fixture = *state;
    struct wire_submit twice[2] = {fixture_submit_of(5, ALICE, CHALLENGE_FIRST),
                                   fixture_submit_of(5, ALICE, CHALLENGE_FIRST)};

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    fixture_send(fd, twice, sizeof(twice));
    struct wire_result first = fixture_result(fd);
    struct wire_result second = fixture_result(fd);

    assert_int_equal(first.status, WIRE_OK);
    assert_memory_equal(&first, &second, sizeof(first));
    (void)close(fd);
}

static void two_hints_of_one_batch_do_not_spend_the_same_points(void **state)
{
    struct fixture *fixture = *state;
    struct wire_hint hints[2] = {fixture_hint_of(2, ALICE, CHALLENGE_FIRST, 1),
                                 fixture_hint_of(3, ALICE, CHALLENGE_NEEDS_FIRST, 1)};

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).total_points, 100);
    fixture_send(fd, hints, sizeof(hints));
    assert_int_equal(fixture_result(fd).total_points, 40);
    assert_int_equal(fixture_result(fd).status, WIRE_INSUFFICIENT);
    assert_int_equal(players_score(board_live(&fixture->board), ALICE), 40);
    (void)close(fd);
}

static void a_name_is_one_players_whatever_its_case(void **state)
{
    struct fixture *fixture = *state;
    struct wire_name both[2] = {fixture_name_of(1, ALICE, "Zoe"), fixture_name_of(2, BOB, "zOE")};
    struct wire_name swap[2] = {fixture_name_of(3, ALICE, "Ada"), fixture_name_of(4, BOB, "zoe")};
    struct player_view view;
    uint32_t news = 0;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    fixture_send(fd, both, sizeof(both));
    assert_int_equal(fixture_result_with_news(fd, &news).status, WIRE_OK);
    assert_int_equal(news, WIRE_NEWS_NAMES);
    assert_int_equal(fixture_result(fd).status, WIRE_NAME_TAKEN);
    fixture_send(fd, swap, sizeof(swap)); /* the name falls free and is taken in the same batch */
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    (void)close(fd);
    fixture_kill(fixture);
    fixture_start(fixture);
    assert_true(players_read(board_live(&fixture->board), BOB, &view));
    assert_string_equal(view.name, "zoe");
    fd = fixture_connect(fixture);
    struct wire_name taken = fixture_name_of(5, CAROL, "ADA");

    fixture_send(fd, &taken, sizeof(taken));
    assert_int_equal(fixture_result(fd).status, WIRE_NAME_TAKEN);
    (void)close(fd);
}

static void a_bad_message_costs_its_sender_the_connection(void **state)
{
    struct fixture *fixture = *state;
    char message[WIRE_MESSAGE_BYTES_MAX];
    struct wire_submit request = fixture_submit_of(1, ALICE, CHALLENGE_FIRST);
    struct wire_result from_db = {.head = wire_head_make(WIRE_RESULT, 1)};

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_start(fixture);
    int fd = fixture_connect_silent(fixture);

    fixture_send(fd, &request, sizeof(request)); /* before its hello */
    assert_int_equal(fixture_receive(fd, message), 0);
    (void)close(fd);
    fd = fixture_connect(fixture);
    request.head.size_bytes = 24;
    fixture_send(fd, &request, sizeof(request));
    assert_int_equal(fixture_receive(fd, message), 0);
    (void)close(fd);
    fd = fixture_connect(fixture);
    fixture_send(fd, &from_db, sizeof(from_db));
    assert_int_equal(fixture_receive(fd, message), 0);
    (void)close(fd);
    fd = fixture_connect(fixture); /* the others are served as before */
    assert_int_equal(fixture_submit(fd, 2, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    (void)close(fd);
}

static void past_its_bound_the_queue_answers_busy(void **state)
{
    struct fixture *fixture = *state;
    struct wire_submit many[20];
    int busy = 0;
    int refused = 0;
    int status;

    fixture->game->settings.db_queue_max = 4;
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    assert_int_equal(kill(fixture->db_pid, SIGSTOP), 0);
    assert_int_equal(waitpid(fixture->db_pid, &status, WUNTRACED), fixture->db_pid);
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = fixture_submit_of(100 + i, ALICE, CHALLENGE_FIRST);
    }
    fixture_send(fd, many, sizeof(many));
    assert_int_equal(kill(fixture->db_pid, SIGCONT), 0);
    for (uint32_t i = 0; i < ARRAY_LEN(many); i++) {
        struct wire_result result = fixture_result(fd);

        busy += result.status == WIRE_BUSY;
        refused += result.status == WIRE_ALREADY;
    }
    assert_int_equal(busy, 16);
    assert_int_equal(refused, 4);
    assert_int_equal(slots_read(slots_at(&fixture->segment, SLOT_DB), METRIC_DB_QUEUE_FULL), 16);
    (void)close(fd);
}

static void the_ring_goes_on_after_a_kill(void **state)
{
    struct fixture *fixture = *state;
    struct event event;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);
    struct wire_result first = fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST);

    (void)close(fd);
    fixture_kill(fixture);
    /* Committed and not applied: what a db that dies in between leaves behind. */
    fixture_sql(fixture, "INSERT INTO events (ts, user_id, challenge_id, event_type, points) "
                         "VALUES (1, 2, 11, 1, 100)");
    fixture_start(fixture);
    assert_int_equal(ring_newest_seq(&fixture->ring), first.seq + 1);
    assert_int_equal(ring_read_event(&fixture->ring, first.seq, &event), RING_OK);
    assert_int_equal(ring_read_event(&fixture->ring, first.seq + 1, &event), RING_OK);
    assert_int_equal(event.player, BOB);
    assert_int_equal(event.place, 2);
    assert_int_equal(state_committed_seq(board_live(&fixture->board)), first.seq + 1);
    fd = fixture_connect(fixture);
    assert_int_equal(fixture_submit(fd, 2, CAROL, CHALLENGE_FIRST).seq, first.seq + 2);
    (void)close(fd);
}

static void dates_never_go_back(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;

    fixture_prepare(fixture, &facts);
    /* The clock was ahead once: year 2100. */
    fixture_sql(fixture, "INSERT INTO events (ts, user_id, challenge_id, event_type, points) "
                         "VALUES (4102444800000000, 9, 11, 1, 100)");
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_true(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).ts_us >= 4102444800000000u);
    (void)close(fd);
}

static void a_reset_keeps_a_copy_and_the_sequence(void **state)
{
    struct fixture *fixture = *state;
    struct wire_reset reset = {.head = wire_head_make(WIRE_RESET, 50)};
    struct wire_name name = fixture_name_of(2, ALICE, "Alice A");
    struct player_view view;
    uint32_t news = 0;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);
    uint64_t seq = fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).seq;

    fixture_send(fd, &name, sizeof(name));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    fixture_send(fd, &reset, sizeof(reset));
    assert_int_equal(fixture_result_with_news(fd, &news).status, WIRE_OK);
    assert_int_equal(news & WIRE_NEWS_RESET, WIRE_NEWS_RESET);
    assert_int_equal(news & WIRE_NEWS_BANK, WIRE_NEWS_BANK);
    assert_int_equal(fixture_files(fixture, "events-before-reset-"), 1);
    assert_int_equal(players_score(board_live(&fixture->board), ALICE), 0);
    assert_true(players_read(board_live(&fixture->board), ALICE, &view));
    assert_string_equal(view.name, "Anonymous-1");
    assert_int_equal(state_auth_epoch(board_live(&fixture->board)), 1);
    assert_int_equal(state_floor_seq(board_live(&fixture->board)), seq);
    fixture_send(fd, &reset, sizeof(reset)); /* sent again after a lost answer */
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    assert_int_equal(fixture_files(fixture, "events-before-reset-"), 1);
    assert_int_equal(state_auth_epoch(board_live(&fixture->board)), 1);
    /* The first request once more, whose answer was lost before the reset: it has counted, there. */
    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_STALE);
    fixture_send(fd, &name, sizeof(name));
    assert_int_equal(fixture_result(fd).status, WIRE_STALE);
    struct wire_submit next = fixture_submit_of(3, ALICE, CHALLENGE_FIRST);

    next.epoch = 1;
    fixture_send(fd, &next, sizeof(next));
    assert_int_equal(fixture_result(fd).seq, seq + 1);
    (void)close(fd);
    fixture_kill(fixture);
    fixture_start(fixture);
    assert_int_equal(state_committed_seq(board_live(&fixture->board)), seq + 1);
    assert_int_equal(ring_oldest_seq(&fixture->ring), seq + 1);
    assert_int_equal(players_score(board_live(&fixture->board), ALICE), 100);
}

static void a_second_server_is_told_the_pid_of_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char error[512] = "";
    char pid[16];

    fixture_start(fixture);
    (void)snprintf(pid, sizeof(pid), "%d", (int)fixture->db_pid);
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, pid));
    fixture_kill(fixture);
    fixture_prepare(fixture, &facts);
}

static void a_user_whose_id_cannot_be_served_is_named_before_the_start(void **state)
{
    struct fixture *fixture = *state;
    struct db_facts facts;
    char error[512] = "";

    fixture_prepare(fixture, &facts);
    fixture_sql(fixture, "INSERT INTO users (id, username) VALUES (0, 'alice')");
    assert_false(db_prepare(fixture->game, &facts, error, sizeof(error)));
    assert_non_null(strstr(error, "a user in it has the id 0, where ids are 1 to 4294967294"));
    fixture_sql(fixture, "UPDATE users SET id = 4294967294");
    fixture_prepare(fixture, &facts);
}

static void a_drain_answers_what_came_and_leaves_no_log(void **state)
{
    struct fixture *fixture = *state;
    struct wire_submit request = fixture_submit_of(1, ALICE, CHALLENGE_FIRST);

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    /* Its answer proves that db knows this worker, and will wait until it has gone. */
    assert_int_equal(fixture_submit(fd, 9, BOB, CHALLENGE_FIRST).status, WIRE_OK);
    assert_true(control_send(fixture->control_fd, CONTROL_DRAIN, 5000, -1));
    fixture_send(fd, &request, sizeof(request));
    assert_int_equal(fixture_result(fd).status, WIRE_OK);
    (void)close(fd);
    assert_int_equal(fixture_drained(fixture), 0);
    assert_int_equal(fixture_files(fixture, STORE_FILE "-wal"), 0);
}

static void a_db_without_its_master_leaves_in_order(void **state)
{
    struct fixture *fixture = *state;

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_start(fixture);
    (void)shutdown(fixture->control_fd, SHUT_RDWR);
    int status = fixture_reap(fixture);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_guess_is_kept_and_nobody_waits(void **state)
{
    struct fixture *fixture = *state;
    struct wire_guess guess = {.head = wire_head_make(WIRE_GUESS, 0),
                               .player = BOB,
                               .challenge = CHALLENGE_SMALL,
                               .guess_bytes = 5,
                               .guess = "wrong"};

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    fixture_send(fd, &guess, sizeof(guess));
    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    assert_int_equal(fixture_number(fixture, "SELECT count(*) FROM guesses WHERE user_id = 2 AND "
                                             "challenge_id = 13 AND guess = 'wrong'"),
                     1);
    (void)close(fd);
}

static void a_reload_keeps_the_scores_and_brings_the_new_challenge(void **state)
{
    struct fixture *fixture = *state;
    struct files_source source = {.game_dir = fixture->dir, .overrides = ""};
    struct game_files files = {0};
    struct diag diag = {0};
    char overrides[128];
    uint32_t news = 0;
    char message[WIRE_MESSAGE_BYTES_MAX];

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    fixture_write(fixture->dir, "challenges.json",
                  "[{\"id\": 20, \"title\": \"New\", \"category\": \"c\", \"difficulty\": \"easy\","
                  "  \"points\": 500, \"description\": \"d\", \"flag\": \"^new$\"}]");
    fixture_write(fixture->dir, "credentials.csv", "dave,pw\nalice,pw\n");
    (void)snprintf(overrides, sizeof(overrides), "database.dir=%s\n", fixture->dir);
    source.overrides = overrides;
    if (!files_read(&source, &diag, &files)) {
        diag_print(&diag);
        fail();
    }
    int sealed = files_seal(&files);

    assert_true(sealed >= 0);
    assert_true(control_send(fixture->control_fd, CONTROL_RELOAD, 2, sealed));
    (void)close(sealed);
    files_free(&files);
    diag_free(&diag);
    struct control_message told = fixture_hear(fixture);

    assert_int_equal(told.type, CONTROL_RELOADED);
    assert_int_equal(told.value, 2);
    assert_int_equal(fixture_receive(fd, message), WIRE_POKE);
    memcpy(&news, message + offsetof(struct wire_poke, news), sizeof(news));
    assert_int_equal(news & WIRE_NEWS_BANK, WIRE_NEWS_BANK);
    assert_int_equal(state_generation(board_live(&fixture->board)), 2);
    /* Slots are sticky: alice kept 0, dave and the new challenge come behind the old ones. */
    assert_int_equal(players_score(board_live(&fixture->board), ALICE), 100);
    assert_int_equal(fixture_submit(fd, 2, 3, 3).points, 500);
    assert_int_equal(fixture_submit(fd, 3, ALICE, CHALLENGE_SMALL).status, WIRE_UNKNOWN);
    (void)close(fd);
}

static void a_reload_that_fails_leaves_the_old_game(void **state)
{
    struct fixture *fixture = *state;
    int nonsense = memfd_create("nonsense", MFD_CLOEXEC);

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(write(nonsense, "no files", 8), 8);
    assert_true(control_send(fixture->control_fd, CONTROL_RELOAD, 2, nonsense));
    struct control_message told = fixture_hear(fixture);

    assert_int_equal(told.type, CONTROL_RELOAD_FAILED);
    assert_int_equal(told.value, 2);
    assert_true(control_send(fixture->control_fd, CONTROL_RELOAD, 3, -1)); /* without any files */
    told = fixture_hear(fixture);
    assert_int_equal(told.type, CONTROL_RELOAD_FAILED);
    assert_int_equal(told.value, 3);
    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).points, 100);
    assert_int_equal(state_generation(board_live(&fixture->board)), 1);
    (void)close(nonsense);
    (void)close(fd);
}

static void what_only_db_says_means_nothing_to_db(void **state)
{
    struct fixture *fixture = *state;
    int other = memfd_create("other", MFD_CLOEXEC);

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_true(control_send(fixture->control_fd, CONTROL_DRAINED, 0, other));
    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).points, 100);
    (void)close(other);
    (void)close(fd);
}

static void a_signal_to_end_is_a_drain(void **state)
{
    struct fixture *fixture = *state;

    fixture_start(fixture);
    int fd = fixture_connect(fixture);

    assert_int_equal(fixture_submit(fd, 1, ALICE, CHALLENGE_FIRST).status, WIRE_OK);
    (void)close(fd);
    assert_int_equal(kill(fixture->db_pid, SIGTERM), 0);
    assert_int_equal(fixture_drained(fixture), 0);
    assert_int_equal(fixture_files(fixture, STORE_FILE "-wal"), 0);
}

static void a_db_that_cannot_open_its_file_leaves_with_a_status_that_says_so(void **state)
{
    struct fixture *fixture = *state;
    char path[256];

    log_init(LOG_LEVEL_ERROR + 1, LOG_FORMAT_LOGFMT);
    fixture_found(fixture);
    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(unlink(path), 0);
    fixture_write(fixture->dir, STORE_FILE, "this is no database, but long enough to be looked at");
    fixture_fork(fixture);
    int status = fixture_reap(fixture);

    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EX_NOINPUT);
}

int main(void)
{
#define PROCESS_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
    const struct CMUnitTest tests[] = {
        PROCESS_TEST(an_answer_is_a_receipt_and_stands_on_the_board),
        PROCESS_TEST(news_come_before_the_answer_to_every_worker),
        PROCESS_TEST(what_a_db_committed_as_it_died_is_counted_by_its_successor),
        PROCESS_TEST(a_resent_submit_counts_once),
        PROCESS_TEST(a_row_knows_the_request_that_made_it),
        PROCESS_TEST(the_unique_index_has_the_last_word),
        PROCESS_TEST(the_same_request_twice_in_one_batch_counts_once),
        PROCESS_TEST(two_hints_of_one_batch_do_not_spend_the_same_points),
        PROCESS_TEST(a_name_is_one_players_whatever_its_case),
        PROCESS_TEST(a_bad_message_costs_its_sender_the_connection),
        PROCESS_TEST(past_its_bound_the_queue_answers_busy),
        PROCESS_TEST(the_ring_goes_on_after_a_kill),
        PROCESS_TEST(dates_never_go_back),
        PROCESS_TEST(a_reset_keeps_a_copy_and_the_sequence),
        PROCESS_TEST(a_second_server_is_told_the_pid_of_the_first),
        PROCESS_TEST(a_user_whose_id_cannot_be_served_is_named_before_the_start),
        PROCESS_TEST(a_drain_answers_what_came_and_leaves_no_log),
        PROCESS_TEST(a_db_without_its_master_leaves_in_order),
        PROCESS_TEST(a_guess_is_kept_and_nobody_waits),
        PROCESS_TEST(a_reload_keeps_the_scores_and_brings_the_new_challenge),
        PROCESS_TEST(a_reload_that_fails_leaves_the_old_game),
        PROCESS_TEST(what_only_db_says_means_nothing_to_db),
        PROCESS_TEST(a_signal_to_end_is_a_drain),
        PROCESS_TEST(a_db_that_cannot_open_its_file_leaves_with_a_status_that_says_so),
    };

    return cmocka_run_group_tests_name("db", tests, NULL, NULL);
}
