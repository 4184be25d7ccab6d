/* SPDX-License-Identifier: MIT */
/* decide_test.c - the rules as a table: what was before, what is asked, what is decided. */

#include "test/unit/db/fixture_db.h"

#include "db/decide.h"
#include "db/rebuild.h"

struct rules {
    struct fixture fixture;
    struct store *store;
    struct rebuild rebuild;
    struct overlay overlay;
    struct decide_view view;
};

/* A board on which alice has solved challenge 11 (100 points), and nobody anything else. */
static int set_up(void **state)
{
    struct rules *rules = calloc(1, sizeof(*rules));
    struct store_options options = {.dir = rules->fixture.dir};
    char error[512];

    fixture_make(&rules->fixture);
    fixture_found(&rules->fixture);
    fixture_sql(&rules->fixture,
                "INSERT INTO users (username) VALUES ('alice'), ('bob'), ('carol');"
                "INSERT INTO events (ts, user_id, challenge_id, event_type, points) "
                "VALUES (1, 1, 11, 1, 100)");
    assert_int_equal(store_open(&options, &rules->store, error, sizeof(error)), STORE_OK);
    rules->rebuild = (struct rebuild){.store = rules->store,
                                      .game = rules->fixture.game,
                                      .board = &rules->fixture.board,
                                      .ring_slots = 16};
    assert_int_equal(rebuild_run(&rules->rebuild), STORE_OK);
    rebuild_publish(&rules->rebuild, &rules->fixture.ring);
    overlay_init(&rules->overlay, 16);
    rules->view = (struct decide_view){.game = rules->fixture.game,
                                       .bank = board_live(&rules->fixture.board),
                                       .roster = &rules->rebuild.roster,
                                       .overlay = &rules->overlay};
    *state = rules;
    return 0;
}

static int tear_down(void **state)
{
    struct rules *rules = *state;

    overlay_free(&rules->overlay);
    rebuild_free(&rules->rebuild);
    store_close(rules->store);
    fixture_end(&rules->fixture);
    free(rules);
    return 0;
}

static void submits_follow_the_table(void **state)
{
    struct rules *rules = *state;
    /* clang-format off */
    static const struct {
        const char *what;
        uint32_t player, challenge, flags;
        enum wire_status status;
        int64_t total;
    } rows[] = {
        {"an open challenge",             BOB,   CHALLENGE_FIRST,       0, WIRE_OK,      100},
        {"a second one",                  ALICE, CHALLENGE_SMALL,       0, WIRE_OK,      150},
        {"a solved one",                  ALICE, CHALLENGE_FIRST,       0, WIRE_ALREADY, 100},
        {"one whose requirement is met",  ALICE, CHALLENGE_NEEDS_FIRST, 0, WIRE_OK,      300},
        {"one whose requirement is not",  BOB,   CHALLENGE_NEEDS_FIRST, 0, WIRE_LOCKED,  0},
        {"an award needs no requirement", BOB,   CHALLENGE_NEEDS_FIRST, EVENT_FROM_AWARD, WIRE_OK, 200},
        {"an award of a solved one",      ALICE, CHALLENGE_FIRST,       EVENT_FROM_AWARD, WIRE_ALREADY, 100},
        {"no such challenge",             ALICE, 3,                     0, WIRE_UNKNOWN, 0},
        {"no such challenge, far away",   ALICE, SHM_NONE,              0, WIRE_UNKNOWN, 0},
        {"no such player",                3,     CHALLENGE_FIRST,       0, WIRE_UNKNOWN, 0},
        {"no such player, far away",      SHM_NONE, CHALLENGE_FIRST,    0, WIRE_UNKNOWN, 0},
    };
    /* clang-format on */

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wire_submit request = fixture_submit_of(1, rows[i].player, rows[i].challenge);

        request.flags = rows[i].flags;
        struct decision decision = decide_submit(&rules->view, &request);

        if (decision.status != rows[i].status || decision.total_points != rows[i].total ||
            (decision.effect == DECIDE_EVENT) != (rows[i].status == WIRE_OK)) {
            fail_msg("%s: %s, total %lld", rows[i].what, wire_status_name(decision.status),
                     (long long)decision.total_points);
        }
    }
}

static void hints_follow_the_table(void **state)
{
    struct rules *rules = *state;
    /* clang-format off */
    static const struct {
        const char *what;
        uint32_t player, challenge, hint_id;
        enum wire_status status;
    } rows[] = {
        {"the first hint",              ALICE, CHALLENGE_FIRST,       1, WIRE_OK},
        {"the second before the first", ALICE, CHALLENGE_FIRST,       2, WIRE_LOCKED},
        {"a hint there is not",         ALICE, CHALLENGE_FIRST,       3, WIRE_UNKNOWN},
        {"a hint number of 0",          ALICE, CHALLENGE_FIRST,       0, WIRE_UNKNOWN},
        {"of a challenge without any",  ALICE, CHALLENGE_SMALL,       1, WIRE_UNKNOWN},
        {"without points",              BOB,   CHALLENGE_FIRST,       1, WIRE_INSUFFICIENT},
        {"of a locked challenge",       BOB,   CHALLENGE_NEEDS_FIRST, 1, WIRE_LOCKED},
        {"of no challenge",             ALICE, 77,                    1, WIRE_UNKNOWN},
        {"by nobody",                   77,    CHALLENGE_FIRST,       1, WIRE_UNKNOWN},
    };
    /* clang-format on */

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct wire_hint request =
            fixture_hint_of(1, rows[i].player, rows[i].challenge, rows[i].hint_id);
        struct decision decision = decide_hint(&rules->view, &request);

        if (decision.status != rows[i].status ||
            (decision.effect == DECIDE_EVENT) != (rows[i].status == WIRE_OK)) {
            fail_msg("%s: %s", rows[i].what, wire_status_name(decision.status));
        }
    }
}

static void what_a_batch_has_decided_counts_for_the_rest_of_it(void **state)
{
    struct rules *rules = *state;
    struct wire_hint first = fixture_hint_of(1, ALICE, CHALLENGE_FIRST, 1);
    struct wire_hint second = fixture_hint_of(2, ALICE, CHALLENGE_FIRST, 2);
    struct wire_submit solve = fixture_submit_of(3, BOB, CHALLENGE_FIRST);
    struct wire_submit needs = fixture_submit_of(4, BOB, CHALLENGE_NEEDS_FIRST);
    struct decision decision = decide_hint(&rules->view, &first);

    assert_int_equal(decision.total_points, 40);
    overlay_note_event(&rules->overlay, &decision.event);
    assert_int_equal(decide_hint(&rules->view, &first).status, WIRE_ALREADY);
    decision = decide_hint(&rules->view, &second); /* in order now; 30 of the 40 left */
    assert_int_equal(decision.status, WIRE_OK);
    assert_int_equal(decision.total_points, 10);
    decision = decide_submit(&rules->view, &solve);
    overlay_note_event(&rules->overlay, &decision.event);
    assert_int_equal(decide_submit(&rules->view, &solve).status, WIRE_ALREADY);
    assert_int_equal(decide_submit(&rules->view, &needs).status, WIRE_OK);
    overlay_clear(&rules->overlay); /* the batch failed: nothing of it counts */
    assert_int_equal(decide_submit(&rules->view, &needs).status, WIRE_LOCKED);
}

static void what_a_batch_has_decided_for_one_is_nobody_elses(void **state)
{
    struct rules *rules = *state;
    struct wire_submit alice_solves = fixture_submit_of(1, ALICE, CHALLENGE_SMALL);
    struct wire_submit bob_solves = fixture_submit_of(2, BOB, CHALLENGE_SMALL);
    struct wire_submit bob_earns = fixture_submit_of(3, BOB, CHALLENGE_FIRST);
    struct wire_hint alice_buys = fixture_hint_of(4, ALICE, CHALLENGE_FIRST, 1);
    struct wire_hint bob_buys = fixture_hint_of(5, BOB, CHALLENGE_FIRST, 1);
    struct decision decision = decide_submit(&rules->view, &alice_solves);

    overlay_note_event(&rules->overlay, &decision.event);
    decision = decide_hint(&rules->view, &alice_buys);
    overlay_note_event(&rules->overlay, &decision.event);
    decision = decide_submit(&rules->view, &bob_earns);
    assert_int_equal(decision.total_points, 100);
    overlay_note_event(&rules->overlay, &decision.event);
    assert_int_equal(decide_submit(&rules->view, &bob_solves).status, WIRE_OK);
    decision = decide_hint(&rules->view, &bob_buys);
    assert_int_equal(decision.status, WIRE_OK);
    assert_int_equal(decision.total_points, 40);
}

static void a_name_falls_free_inside_a_batch(void **state)
{
    struct rules *rules = *state;
    struct wire_name ada = fixture_name_of(1, ALICE, "Ada");
    struct wire_name eve = fixture_name_of(2, ALICE, "Eve");
    struct wire_name bob_ada = fixture_name_of(3, BOB, "ADA");
    struct wire_name bob_eve = fixture_name_of(4, BOB, "EVE");
    struct decision decision = decide_name(&rules->view, &ada);

    assert_int_equal(decision.effect, DECIDE_NAME);
    overlay_note_name(&rules->overlay, decision.old_name_key, decision.name_key, ALICE);
    assert_int_equal(decide_name(&rules->view, &bob_ada).status, WIRE_NAME_TAKEN);
    assert_int_equal(decide_name(&rules->view, &ada).status, WIRE_OK); /* one's own, again */
    decision = decide_name(&rules->view, &eve);
    overlay_note_name(&rules->overlay, decision.old_name_key, decision.name_key, ALICE);
    assert_int_equal(decide_name(&rules->view, &bob_ada).status, WIRE_OK);
    assert_int_equal(decide_name(&rules->view, &bob_eve).status, WIRE_NAME_TAKEN);
}

/* An older file may hold a name twice: it is the first one's, whatever the second one does. */
static void a_name_held_twice_stays_its_first_holders(void **state)
{
    struct rules *rules = *state;
    struct roster *roster = &rules->rebuild.roster;
    struct wire_name ada = fixture_name_of(1, CAROL, "ada");

    roster_rename(roster, roster_at_slot(roster, ALICE), "Ada");
    roster_rename(roster, roster_at_slot(roster, BOB), "ADA");
    roster_rename(roster, roster_at_slot(roster, BOB), "Eve");
    assert_int_equal(decide_name(&rules->view, &ada).status, WIRE_NAME_TAKEN);
    roster_rename(roster, roster_at_slot(roster, ALICE), "Zoe");
    assert_int_equal(decide_name(&rules->view, &ada).status, WIRE_OK);
}

static void what_one_is_called_without_a_name_is_ones_own(void **state)
{
    struct rules *rules = *state;
    uint32_t alice = roster_at_slot(rules->view.roster, ALICE)->id;
    char default_name[WIRE_NAME_BYTES];

    (void)snprintf(default_name, sizeof(default_name), "ANONYMOUS-%u", alice);
    struct wire_name own = fixture_name_of(1, ALICE, default_name);
    struct wire_name others = fixture_name_of(2, BOB, default_name);
    struct wire_name word = fixture_name_of(3, BOB, "Anonymous-crew");
    struct wire_name as_long = fixture_name_of(4, BOB, "TheLegends7");
    struct wire_name nobodys = fixture_name_of(5, 77, "Zoe");

    assert_int_equal(decide_name(&rules->view, &own).status, WIRE_OK);
    assert_int_equal(decide_name(&rules->view, &others).status, WIRE_NAME_TAKEN);
    assert_int_equal(decide_name(&rules->view, &word).status, WIRE_OK);
    assert_int_equal(decide_name(&rules->view, &as_long).status, WIRE_OK);
    assert_int_equal(decide_name(&rules->view, &nobodys).status, WIRE_UNKNOWN);
}

static void logouts_say_whose_sessions_end(void **state)
{
    struct rules *rules = *state;
    struct wire_revoke request = {.player = ALICE, .session_id = 5, .expires_s = 9};

    assert_int_equal(decide_revoke(&rules->view, &request).effect, DECIDE_SESSION);
    request.session_id = 0;
    struct decision decision = decide_revoke(&rules->view, &request);

    assert_int_equal(decision.effect, DECIDE_PLAYER_EPOCH);
    assert_int_equal(decision.auth_epoch, 1);
    overlay_note_logout(&rules->overlay, ALICE);
    assert_int_equal(decide_revoke(&rules->view, &request).auth_epoch, 2);
    request.player = SHM_NONE;
    assert_int_equal(decide_revoke(&rules->view, &request).effect, DECIDE_GAME_EPOCH);
    request.player = 77;
    assert_int_equal(decide_revoke(&rules->view, &request).status, WIRE_UNKNOWN);
}

int main(void)
{
#define RULES_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RULES_TEST(submits_follow_the_table),
        RULES_TEST(hints_follow_the_table),
        RULES_TEST(what_a_batch_has_decided_counts_for_the_rest_of_it),
        RULES_TEST(what_a_batch_has_decided_for_one_is_nobody_elses),
        RULES_TEST(a_name_falls_free_inside_a_batch),
        RULES_TEST(a_name_held_twice_stays_its_first_holders),
        RULES_TEST(what_one_is_called_without_a_name_is_ones_own),
        RULES_TEST(logouts_say_whose_sessions_end),
    };

    return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
