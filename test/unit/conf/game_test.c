/* SPDX-License-Identifier: MIT */
/* game_test.c - a whole game from its files: look-ups, sticky slots over reloads, the shipped games. */
#include "conf/game.h"

#include "conf/flag.h"
#include "conf/settings_table.h"
#include "conf/starter.h"
#include "test/unit/conf/folder.h"

#define C(id, more)                                                                                \
    "{\"id\":" #id ",\"title\":\"T" #id "\",\"category\":\"c\",\"difficulty\":\"d\",\"points\":5," \
    "\"description\":\"x\",\"flag\":\"^f" #id "$\"" more "}"
#define H(id) "{\"id\":" #id ",\"text\":\"h\",\"cost\":1}"

static struct game *load(const struct folder *folder, const struct game *previous)
{
    struct diag diag = {0};
    struct game *game = NULL;

    if (!folder_load(folder, NULL, previous, &diag, &game)) {
        diag_print(&diag);
        fail_msg("the game does not load");
    }
    diag_free(&diag);
    return game;
}

static struct game *reload(const struct folder *folder, const char *challenges,
                           const char *credentials, struct game *previous)
{
    folder_write(folder, "challenges.json", challenges);
    folder_write(folder, "credentials.csv", credentials);
    struct game *game = load(folder, previous);

    game_unref(previous);
    return game;
}

static uint32_t player_slot(const struct game *game, const char *username)
{
    const struct game_player *player = game_find_player(game, str_from(username));

    return player == NULL ? GAME_SLOT_NONE : player->slot;
}

static uint32_t challenge_slot(const struct game *game, uint32_t id)
{
    const struct game_challenge *challenge = game_find_challenge(game, id);

    return challenge == NULL ? GAME_SLOT_NONE : challenge->slot;
}

static uint32_t hint_slot(const struct game *game, uint32_t id, uint32_t hint_id)
{
    const struct game_hint *hint = game_find_hint(game_find_challenge(game, id), hint_id);

    return hint == NULL ? GAME_SLOT_NONE : hint->slot;
}

static void everything_is_found_by_name_and_by_slot(void **state)
{
    (void)state;
    struct folder folder = folder_begin();
    struct game *game = reload(
        &folder, "[" C(9, ",\"requirements\":[4]") "," C(4, ",\"hints\":[" H(1) "," H(2) "]") "]",
        "zoe,z\nada,a\n", NULL);

    assert_int_equal(game->generation, 1);
    assert_int_equal(game->challenge_count, 2);
    assert_int_equal(game->challenges[0].id, 9);
    assert_int_equal(challenge_slot(game, 9), 0);
    assert_int_equal(challenge_slot(game, 4), 1);
    assert_int_equal(game->challenges[0].requirement_slots[0], 1);
    assert_true(flag_matches_once(game->challenges[1].flag, STR("f4")));
    assert_ptr_equal(game_challenge_at(game, 1), &game->challenges[1]);
    assert_null(game_challenge_at(game, 2));
    assert_null(game_challenge_at(game, GAME_SLOT_NONE));
    assert_null(game_find_challenge(game, 5));
    assert_null(game_find_challenge(game, 0));
    assert_int_equal(hint_slot(game, 4, 2), 1);
    assert_int_equal(hint_slot(game, 4, 3), GAME_SLOT_NONE);
    assert_int_equal(hint_slot(game, 4, 0), GAME_SLOT_NONE);
    assert_int_equal(hint_slot(game, 9, 1), GAME_SLOT_NONE);
    assert_int_equal(player_slot(game, "zoe"), 0);
    assert_ptr_equal(game_player_at(game, 1), game_find_player(game, STR("ada")));
    assert_null(game_find_player(game, STR("Ada")));
    assert_null(game_find_player(game, STR("")));
    assert_null(game_find_player(game, (struct str){NULL, 0}));
    assert_null(game_player_at(game, 2));
    game_unref(game);
    folder_end(&folder);
}

static void slots_stick_over_reloads_also_to_what_was_gone(void **state)
{
    (void)state;
    struct folder folder = folder_begin();
    struct game *game =
        reload(&folder,
               "[" C(1, ",\"hints\":[" H(1) "]") "," C(2, ",\"hints\":[" H(1) "]") "," C(3, "") "]",
               "ada,a\nbob,b\nzoe,z\n", NULL);

    game = reload(&folder, "[" C(4, "") "," C(3, "") "," C(1, ",\"hints\":[" H(1) "," H(2) "]") "]",
                  "eve,e\nzoe,z\n", game);
    assert_int_equal(game->generation, 2);
    assert_int_equal(challenge_slot(game, 1), 0);
    assert_int_equal(challenge_slot(game, 3), 2);
    assert_int_equal(challenge_slot(game, 4), 3);
    assert_int_equal(challenge_slot(game, 2), GAME_SLOT_NONE);
    assert_null(game_challenge_at(game, 1));
    assert_int_equal(game->challenge_count, 3);
    assert_int_equal(game->challenge_slots, 4);
    assert_int_equal(hint_slot(game, 1, 1), 0);
    assert_int_equal(hint_slot(game, 1, 2), 2);
    assert_int_equal(game->hint_slots, 3);
    assert_int_equal(player_slot(game, "zoe"), 2);
    assert_int_equal(player_slot(game, "eve"), 3);
    assert_null(game_player_at(game, 0));
    assert_int_equal(game->player_slots, 4);

    game = reload(&folder, "[" C(2, ",\"hints\":[" H(1) "]") "]", "bob,b\nada,a\n", game);
    assert_int_equal(game->generation, 3);
    assert_int_equal(challenge_slot(game, 2), 1);
    assert_int_equal(hint_slot(game, 2, 1), 1);
    assert_int_equal(game->challenge_slots, 4);
    assert_int_equal(game->hint_slots, 3);
    assert_int_equal(player_slot(game, "bob"), 1);
    assert_int_equal(player_slot(game, "ada"), 0);
    assert_int_equal(game->player_slots, 4);
    game_unref(game);
    folder_end(&folder);
}

static void the_same_chain_gives_the_same_slots_from_sealed_bytes(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct game *master = load(&folder, NULL);
    struct game *worker = load(&folder, NULL);
    struct diag diag = {0};
    struct files_source source = {.game_dir = folder.path};
    struct game_files files;
    struct game_files mapped;
    struct game *next[2];

    folder_write(&folder, "credentials.csv", "new,n\nbob,b\n");
    assert_true(files_read(&source, &diag, &files));
    assert_true(files_map(files_seal(&files), &mapped));
    assert_true(game_load(&files, master, &diag, &next[0]));
    assert_true(game_load(&mapped, worker, &diag, &next[1]));
    files_free(&files);
    files_free(&mapped);
    game_unref(master);
    game_unref(worker);
    /* Nothing points into the files or the previous game: the sanitizer would see it here. */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(player_slot(next[i], "new"), 2);
        assert_int_equal(player_slot(next[i], "bob"), 1);
        assert_string_equal(next[i]->players[0].password.data, "n");
        assert_string_equal(next[i]->settings.database_dir.data, ".");
        game_unref(next[i]);
    }
    folder_end(&folder);
}

static bool waits(const struct game *game, const char *key)
{
    return game->settings_wait[settings_find_key(str_from(key)) - settings_rows];
}

static void what_only_a_restart_changes_stays_over_reloads(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    const char *first = "database: {dir: one, queue: 100}\ngame: {name: A}\n";

    folder_write(&folder, "ctfg.yaml", first);
    struct game *game = load(&folder, NULL);

    assert_false(waits(game, "database.dir"));
    folder_write(&folder, "ctfg.yaml",
                 "database: {dir: two, queue: 200}\nprocess: {sandbox: off}\ngame: {name: B}\n");
    for (int i = 0; i < 2; i++) { /* the second reload finds no more than the first */
        struct game *next = load(&folder, game);

        game_unref(game);
        game = next;
        assert_string_equal(game->settings.database_dir.data, "one");
        assert_string_equal(game->settings.sandbox.data, "auto");
        assert_int_equal(game->settings.db_queue_max, 100);
        assert_string_equal(game->settings.game_name.data, "B");
        assert_true(waits(game, "database.dir"));
        assert_true(waits(game, "database.queue"));
        assert_true(waits(game, "process.sandbox"));
        assert_false(waits(game, "game.name"));
        assert_false(waits(game, "listen.port"));
    }
    folder_write(&folder, "ctfg.yaml", first);
    struct game *back = load(&folder, game);

    assert_false(waits(back, "database.dir"));
    assert_string_equal(back->settings.game_name.data, "A");
    game_unref(game);
    game_unref(back);
    folder_end(&folder);
}

static void a_failed_reload_leaves_the_previous_game_alone(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct game *game = load(&folder, NULL);
    struct game *other = NULL;
    struct diag diag = {0};

    folder_write(&folder, "challenges.json", "[" C(1, ",\"requirements\":[1]") "]");
    folder_write(&folder, "credentials.csv", "ada,a\nada,b\n");
    folder_write(&folder, "ctfg.yaml", "listen:\n  port: none\n");
    folder_write(&folder, "game-clusters.yaml", "control: x\n");
    folder_write(&folder, ".env", "what\n");
    assert_false(folder_load(&folder, NULL, game, &diag, &other));
    assert_null(other);
    assert_said(&diag, "challenges.json:1: ", "itself");
    assert_said(&diag, "credentials.csv:2: ", "twice");
    assert_said(&diag, "ctfg.yaml:2: ", "whole number");
    assert_said(&diag, "game-clusters.yaml:1: ", "no key \"control\"");
    assert_said(&diag, ".env:1: ", "NAME=value");
    assert_int_equal(diag.errors, 5);
    assert_int_equal(player_slot(game, "alice"), 0);
    diag_free(&diag);
    game_unref(game);
    folder_end(&folder);
}

static void slots_run_out_with_a_sentence(void **state)
{
    (void)state;
    struct folder folder = folder_begin();
    struct game *game = NULL;
    struct diag diag = {0};
    struct game *other;
    static char credentials[1 << 21];

    folder_write(&folder, "challenges.json", ONE_CHALLENGE);
    for (int round = 0; round < 2; round++) {
        size_t used = 0;

        for (int i = 0; i < 25001; i++) {
            used += (size_t)sprintf(credentials + used, "%c%d,x\n", 'a' + round, i);
        }
        folder_write(&folder, "credentials.csv", credentials);
        if (round == 0) {
            game = load(&folder, NULL);
        }
    }
    assert_false(folder_load(&folder, NULL, game, &diag, &other));
    assert_said(&diag, "credentials.csv: ", "more than 50000 players since the start");
    diag_free(&diag);
    game_unref(game);
    folder_end(&folder);
}

static void a_game_lives_until_its_last_reference(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct game *game = load(&folder, NULL);

    assert_ptr_equal(game_ref(game), game);
    game_unref(game);
    assert_int_equal(player_slot(game, "alice"), 0);
    game_unref(game);
    game_unref(NULL);
    folder_end(&folder);
}

static void the_page_and_the_clusters_come_along(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();

    folder_mkdir(&folder, "images");
    folder_write(&folder, "images/banner.png", "png");
    folder_write(&folder, "game-clusters.yaml",
                 "# ours\ncontrol_cluster: c\nplayer_clusters:\n- p0\n- p1\n");
    struct game *game = load(&folder, NULL);

    assert_false(game->own_page);
    assert_int_equal(game->page_file_count, 1);
    assert_string_equal(game->page_files[0].path.data, "/images/banner.png");
    assert_int_equal(game->page_files[0].bytes.len, 3);
    assert_string_equal(game->control_cluster.data, "c");
    assert_int_equal(game->player_cluster_count, 2);
    assert_string_equal(game->player_clusters[1].data, "p1");
    game_unref(game);
    folder_write(&folder, "index.html", "<html>");
    game = load(&folder, NULL);
    assert_true(game->own_page);
    game_unref(game);
    folder_end(&folder);
}

static void clusters_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *where;
        const char *what;
    } rows[] = {
        {"control_cluster: [a]\n", ":1: ", "a single value belongs here"},
        {"control_cluster: a\nplayer_clusters: b\n", ":2: ", "a list belongs here"},
        {"\nplayer_cluster: [b]\n", ":2: ", "did you mean \"player_clusters\"?"},
        {"control_cluster: \"a b\"\n", ":1: ", "without blanks"},
        {"player_clusters: [\"\"]\n", ":1: ", "without blanks"},
    };
    struct folder folder = folder_with_game();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag diag = {0};
        struct game *game;
        char where[64];

        folder_write(&folder, "game-clusters.yaml", rows[i].yaml);
        assert_false(folder_load(&folder, NULL, NULL, &diag, &game));
        (void)snprintf(where, sizeof(where), "game-clusters.yaml%s", rows[i].where);
        assert_said(&diag, where, rows[i].what);
        diag_free(&diag);
    }
    folder_end(&folder);
}

static void a_missing_logo_is_a_warning(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game *game;

    folder_write(&folder, "ctfg.yaml", "game:\n  logo: logo.svg\n");
    assert_true(folder_load(&folder, NULL, NULL, &diag, &game));
    assert_said(&diag, "ctfg.yaml: ", "no such picture");
    game_unref(game);
    diag_free(&diag);
    folder_end(&folder);
}

static void the_demo_game_has_no_mistake(void **state)
{
    (void)state;
    struct folder demo = {"examples/demo"};
    struct diag diag = {0};
    struct game *game = NULL;
    bool ok = folder_load(&demo, NULL, NULL, &diag, &game);

    diag_print(&diag);
    assert_true(ok);
    assert_int_equal(diag.errors + diag.warnings, 0);
    assert_true(game->challenge_count >= 18);
    assert_true(game->player_count >= 30);
    assert_non_null(game_find_player(game, STR("player30")));
    game_unref(game);
}

static void the_starter_game_has_no_mistake(void **state)
{
    (void)state;
    struct folder folder = folder_begin();
    struct diag diag = {0};
    struct game *game = NULL;

    for (uint32_t i = 0; i < starter_file_count; i++) {
        struct starter_file file = starter_file_at(i);

        folder_write_bytes(&folder, file.name, file.bytes, file.len);
    }
    bool ok = folder_load(&folder, NULL, NULL, &diag, &game);

    diag_print(&diag);
    assert_true(ok);
    assert_int_equal(diag.errors + diag.warnings, 0);
    assert_in_range(game->challenge_count, 3, 5);
    game_unref(game);
    folder_end(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_found_by_name_and_by_slot),
        cmocka_unit_test(slots_stick_over_reloads_also_to_what_was_gone),
        cmocka_unit_test(the_same_chain_gives_the_same_slots_from_sealed_bytes),
        cmocka_unit_test(what_only_a_restart_changes_stays_over_reloads),
        cmocka_unit_test(a_failed_reload_leaves_the_previous_game_alone),
        cmocka_unit_test(slots_run_out_with_a_sentence),
        cmocka_unit_test(a_game_lives_until_its_last_reference),
        cmocka_unit_test(the_page_and_the_clusters_come_along),
        cmocka_unit_test(clusters_are_checked),
        cmocka_unit_test(a_missing_logo_is_a_warning),
        cmocka_unit_test(the_demo_game_has_no_mistake),
        cmocka_unit_test(the_starter_game_has_no_mistake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
