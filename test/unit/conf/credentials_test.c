/* SPDX-License-Identifier: MIT */
/* credentials_test.c - who plays, from any CSV an organiser may come up with. */
#include "conf/credentials.h"

#include "shm/base/buf.h"
#include "shm/base/clock.h"
#include "test/unit/conf/folder.h"

#define FILE_NAME "credentials.csv"
#define HASH "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$Zm9vYmFyZm9vYmFyZm9vYmFyZm9vYmFy"

struct loaded {
    bool ok;
    struct arena arena;
    struct diag diag;
    struct game_player *players;
    uint32_t count;
};

static struct loaded load_bytes(const char *bytes, size_t len)
{
    struct loaded loaded = {0};

    loaded.ok = credentials_load((struct str){bytes, len}, FILE_NAME, 42, &loaded.arena,
                                 &loaded.diag, &loaded.players, &loaded.count);
    return loaded;
}

static struct loaded load(const char *text)
{
    return load_bytes(text, strlen(text));
}

static void release(struct loaded *loaded)
{
    arena_free(&loaded->arena);
    diag_free(&loaded->diag);
}

static void expect_player(const struct loaded *loaded, uint32_t at, const char *username,
                          const char *password)
{
    assert_true(at < loaded->count);
    assert_string_equal(loaded->players[at].username.data, username);
    assert_string_equal(loaded->players[at].password.data, password);
}

static void expect_error(const char *text, const char *where, const char *what)
{
    struct loaded loaded = load(text);

    assert_false(loaded.ok);
    assert_said(&loaded.diag, where, what);
    release(&loaded);
}

static void players_come_in_the_order_of_the_file(void **state)
{
    (void)state;
    struct loaded loaded = load("username,password\r\nzoe,z\r\n\r\nada , a b \r\nbob,\tb");

    assert_true(loaded.ok);
    assert_int_equal(loaded.count, 3);
    expect_player(&loaded, 0, "zoe", "z");
    expect_player(&loaded, 1, "ada", "a b");
    expect_player(&loaded, 2, "bob", "b");
    release(&loaded);
}

static void a_header_is_the_first_line_only(void **state)
{
    (void)state;
    struct loaded loaded = load("UserName , PASSWORD\nusername1,x\nusername,y\n");

    assert_true(loaded.ok);
    assert_int_equal(loaded.count, 2);
    expect_player(&loaded, 0, "username1", "x");
    expect_player(&loaded, 1, "username", "y");
    release(&loaded);
    loaded = load("Usernames,Passwords\nada,x\n");
    assert_true(loaded.ok);
    assert_int_equal(loaded.count, 1);
    expect_player(&loaded, 0, "ada", "x");
    release(&loaded);
    loaded = load("username (badge),password\nUsernames,x\n");
    assert_true(loaded.ok);
    assert_int_equal(loaded.count, 1);
    expect_player(&loaded, 0, "Usernames", "x");
    release(&loaded);
    loaded = load("\xef\xbb\xbfusername,password\nada,x\n");
    assert_true(loaded.ok);
    assert_int_equal(loaded.count, 1);
    release(&loaded);
}

static void quotes_are_as_in_rfc_4180(void **state)
{
    (void)state;
    struct loaded loaded = load("\"ada\",\"a, \"\"b\"\" c\"\nbob, \" kept \" \n");

    assert_true(loaded.ok);
    expect_player(&loaded, 0, "ada", "a, \"b\" c");
    expect_player(&loaded, 1, "bob", " kept ");
    release(&loaded);
}

static void each_wrong_line_is_named(void **state)
{
    (void)state;
    expect_error("ada\n", FILE_NAME ":1: ", "must be username,password");
    expect_error("a,b\nada,x,y\n", FILE_NAME ":2: ", "more than two values");
    expect_error("a,b\n\n,x\n", FILE_NAME ":3: ", "no username");
    expect_error("a,b\nada,\n", FILE_NAME ":2: ", "no password");
    expect_error("a,b\nada,  \n", FILE_NAME ":2: ", "no password");
    expect_error("a,b\n\xff,x\n", FILE_NAME ":2: ", "username that is not UTF-8");
    expect_error("a,b\nc,\xff\n", FILE_NAME ":2: ", "password that is not UTF-8");
    expect_error("a,b\nc\x01,d\n", FILE_NAME ":2: ", "control characters");
    expect_error("12345678901234567890123456789012345678901234567890123456789012345,x\n",
                 FILE_NAME ":1: ", "longer than 64 bytes");
}

static void a_name_is_there_once(void **state)
{
    (void)state;
    expect_error("username,password\nada,x\nbob,y\n\"ada\",z\n",
                 FILE_NAME ":4: ", "\"ada\" is here twice, first in line 2");
    struct loaded loaded = load("ada,x\nAda,y\n");

    assert_true(loaded.ok);
    release(&loaded);
}

static void a_file_without_players_is_a_mistake(void **state)
{
    (void)state;
    expect_error("", FILE_NAME ": ", "no players");
    expect_error("username,password\n\n", FILE_NAME ": ", "no players");
}

static void broken_quotes_do_not_hide_other_mistakes(void **state)
{
    (void)state;
    struct loaded loaded = load("ada,pa\"ss\nbob,\"x\" y\n,z\nzoe,\"open\n");

    assert_said(&loaded.diag, FILE_NAME ":1: ", "quotes");
    assert_said(&loaded.diag, FILE_NAME ":2: ", "quotes");
    assert_said(&loaded.diag, FILE_NAME ":3: ", "no username");
    assert_said(&loaded.diag, FILE_NAME ":4: ", "quotes");
    assert_int_equal(loaded.diag.errors, 4);
    release(&loaded);
}

static void no_message_holds_a_password(void **state)
{
    (void)state;
    struct loaded loaded = load("ada,hunter2,x\n,hunter2\nbob,\"hunter2\nzoe,hunter2\nzoe,hunter2");

    assert_false(loaded.ok);
    assert_not_said(&loaded.diag, "hunter2");
    release(&loaded);
    loaded = load("ada,$argon2id$hunter2\n");
    assert_false(loaded.ok);
    assert_not_said(&loaded.diag, "hunter2");
    release(&loaded);
}

static void hashes_are_known_and_checked_for_shape(void **state)
{
    (void)state;
    struct loaded loaded = load("ada,\"" HASH "\"\nbob,plain\n");

    assert_true(loaded.ok);
    assert_true(loaded.players[0].password_is_hash);
    assert_string_equal(loaded.players[0].password.data, HASH);
    assert_false(loaded.players[1].password_is_hash);
    release(&loaded);
    static const char *const damaged[] = {
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$",
        "$argon2id$v=19$m=19456,t=2$c29tZXNhbHRzb21l$Zm9vYmFyZm9vYmFyZm9vYmFy",
        "$argon2id$v=19$m=999999999,t=2,p=1$c29tZXNhbHRzb21l$Zm9vYmFyZm9vYmFyZm9vYmFy",
        "$argon2id$v=19$m=19456,t=2,p=1,x=1$c29tZXNhbHRzb21l$Zm9vYmFyZm9vYmFyZm9vYmFy",
        "$argon2id$v=19$m=19456,t=2,p=1$c29t$Zm9vYmFyZm9vYmFyZm9vYmFy",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$Zm9vYmFyZm9v*mFyZm9vYmFy",
    };

    for (size_t i = 0; i < ARRAY_LEN(damaged); i++) {
        char line[256];

        (void)snprintf(line, sizeof(line), "ada,\"%s\"\n", damaged[i]);
        expect_error(line, FILE_NAME ":1: ", "damaged argon2id hash");
    }
}

static void a_hash_needs_no_quotes(void **state)
{
    (void)state;
    struct loaded loaded = load("ada," HASH "\n");

    assert_true(loaded.ok);
    assert_true(loaded.players[0].password_is_hash);
    assert_string_equal(loaded.players[0].password.data, HASH);
    release(&loaded);
}

static void fifty_thousand_players_load_quickly_and_one_more_does_not(void **state)
{
    (void)state;
    struct buf text = BUF_INIT(4 << 20);

    for (int i = 0; i < GAME_PLAYERS_MAX; i++) {
        buf_printf(&text, "player%05d,password%d\n", i, i);
    }
    uint64_t start_us = clock_mono_us();
    struct loaded loaded = load_bytes(text.data, text.len);

    assert_true(clock_mono_us() - start_us < 2000000); /* linear, not quadratic */
    assert_true(loaded.ok);
    assert_int_equal(loaded.count, GAME_PLAYERS_MAX);
    release(&loaded);
    buf_printf(&text, "one,more\nand,another\n");
    loaded = load_bytes(text.data, text.len);
    assert_false(loaded.ok);
    assert_int_equal(loaded.diag.errors, 1);
    assert_said(&loaded.diag, FILE_NAME ":50001: ", "more than 50000 players");
    release(&loaded);
    buf_free(&text);
}

static void any_cut_and_any_byte_is_survived(void **state)
{
    (void)state;
    char text[] = "username,password\nada,\"a, \"\"b\"\"\"\n\"bob\",x\nzoe,\"" HASH "\"\n";
    static const char others[] = "\",\r\n \x01\xff$";

    for (size_t len = 0; len < sizeof(text); len++) {
        struct loaded loaded = load_bytes(text, len);

        assert_true(loaded.ok == (loaded.diag.errors == 0));
        release(&loaded);
    }
    for (size_t at = 0; at < sizeof(text) - 1; at++) {
        char kept = text[at];

        for (size_t i = 0; i < sizeof(others); i++) {
            text[at] = others[i];
            struct loaded loaded = load_bytes(text, sizeof(text) - 1);

            assert_true(loaded.ok == (loaded.diag.errors == 0));
            release(&loaded);
        }
        text[at] = kept;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(players_come_in_the_order_of_the_file),
        cmocka_unit_test(a_header_is_the_first_line_only),
        cmocka_unit_test(quotes_are_as_in_rfc_4180),
        cmocka_unit_test(each_wrong_line_is_named),
        cmocka_unit_test(a_name_is_there_once),
        cmocka_unit_test(a_file_without_players_is_a_mistake),
        cmocka_unit_test(broken_quotes_do_not_hide_other_mistakes),
        cmocka_unit_test(no_message_holds_a_password),
        cmocka_unit_test(hashes_are_known_and_checked_for_shape),
        cmocka_unit_test(a_hash_needs_no_quotes),
        cmocka_unit_test(fifty_thousand_players_load_quickly_and_one_more_does_not),
        cmocka_unit_test(any_cut_and_any_byte_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
