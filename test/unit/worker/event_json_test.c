/* SPDX-License-Identifier: MIT */
/* event_json_test.c - whose name stands in an event, also while db is dead. */
#include "test/unit/shm/fixture.h"

#include <stdio.h>

#include "conf/game.h"
#include "shm/base/json_out.h"
#include "test/unit/fixture_game.h"
#include "worker/context.h"
#include "worker/event_json.h"

static struct fixture fixture;
static struct worker worker;

static int begin(void **state)
{
    (void)state;
    fixture_make(&fixture, &fixture_sizes);
    fixture_publish(&fixture, 4);
    worker = (struct worker){.board = fixture.board};
    worker.game =
        fixture_game("[{\"id\":1,\"title\":\"One\",\"category\":\"c\",\"difficulty\":\"d\","
                     "\"points\":10,\"description\":\"\",\"flag\":\"^a$\"}]",
                     "u,p\n");
    assert_non_null(worker.game);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    game_unref(worker.game);
    fixture_end(&fixture);
    return 0;
}

static void rename_to(const char *name)
{
    players_set_name(board_write_begin(&fixture.board), 1, name);
    board_write_end(&fixture.board);
}

static void assert_name(const char *name)
{
    struct buf text = BUF_INIT(EVENT_JSON_BYTES_MAX);
    struct json_out out = JSON_OUT(&text);
    struct event event = fixture_solve(1, 1, 0, 10);

    char wanted[128];
    int len = snprintf(wanted, sizeof(wanted), "\"displayname\":\"%s\",", name);

    event_json_write(&out, &worker, &event, EVENT_PAST);
    assert_false(text.failed);
    if (memmem(text.data, text.len, wanted, (size_t)len) == NULL) {
        fail_msg("no %s in %.*s", wanted, (int)text.len, text.data);
    }
    buf_free(&text);
}

static void an_event_has_the_name_of_now(void **state)
{
    char default_name[PLAYER_NAME_BYTES];

    (void)state;
    players_default_name(FIXTURE_USER_ID(1), default_name);
    assert_name(default_name);
    rename_to("Ann");
    assert_name("Ann");
}

static void a_name_stays_when_db_dies_inside_an_event(void **state)
{
    (void)state;
    rename_to("Ann");
    (void)board_write_begin(&fixture.board); /* and never ends it */
    assert_name("Ann");
}

/* The second word of a name, in the middle of a letter of three bytes, is another name's. */
static void a_name_that_is_half_changed_is_text(void **state)
{
    const char *before = "aaaaaaa\xe2\x82\xac and more than one word of it";

    (void)state;
    rename_to(before);
    struct bank *live = board_write_begin(&fixture.board);

    atomic_store_explicit(&live->players[1].name[1], 0x42, memory_order_release);
    assert_name("aaaaaaa\xef\xbf\xbd"
                "B");
}

/* db dies while it builds the bank that was found live a moment ago: there is no name in it. */
static void a_name_of_nothing_is_the_default_one(void **state)
{
    char default_name[PLAYER_NAME_BYTES];

    (void)state;
    rename_to("Ann");
    struct bank *live = board_write_begin(&fixture.board);

    atomic_store_explicit(&live->players[1].name[0], 0, memory_order_release);
    players_default_name(FIXTURE_USER_ID(1), default_name);
    assert_name(default_name);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, finish)
    const struct CMUnitTest tests[] = {
        TEST(an_event_has_the_name_of_now),
        TEST(a_name_stays_when_db_dies_inside_an_event),
        TEST(a_name_that_is_half_changed_is_text),
        TEST(a_name_of_nothing_is_the_default_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
