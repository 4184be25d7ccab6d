/* SPDX-License-Identifier: MIT */
/* placeholder_test.c - the contract's vectors, and texts that only look like placeholders. */
#include "conf/placeholder.h"

#include "test/unit/conf/folder.h"

static const struct str clusters[] = {STR("play-0"), STR("play-1"), STR("play-2")};
static const struct game game = {.control_cluster = STR("control"),
                                 .player_cluster_count = ARRAY_LEN(clusters),
                                 .player_clusters = clusters};
static const struct game bare_game;
static const struct placeholder_values alice = {
    .username = STR("u-alice"), .user_id = 7, .displayname = STR("alice")};
static const struct placeholder_values nameless = {.username = STR("bob"), .user_id = 8};

static void expect(const char *text, const struct game *from, const struct placeholder_values *who,
                   const char *wanted)
{
    struct buf out = BUF_INIT(4096);

    placeholder_append_json(&out, str_from(text), from, who);
    buf_append_char(&out, '\0');
    assert_false(out.failed);
    assert_string_equal(out.data, wanted);
    assert_int_equal(placeholder_scan(str_from(text)), strcmp(text, wanted) != 0);
    buf_free(&out);
}

static void names_are_obfuscated_as_the_contract_says(void **state)
{
    (void)state;
    static const struct {
        struct str name;
        const char *wanted;
    } vectors[] = {
        {STR("alice"), "120304064854EBDF35"},
        {STR("CryptoCats"), "301D1415591C26020616AA326B88"},
    };

    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct buf out = BUF_INIT(256);

        placeholder_obfuscate(&out, vectors[i].name);
        buf_append_char(&out, '\0');
        assert_string_equal(out.data, vectors[i].wanted);
        buf_free(&out);
    }
}

static void every_placeholder_is_replaced(void **state)
{
    (void)state;
    expect("@USERNAME@", &game, &alice, "u-alice");
    expect("a @USERID@ b", &game, &alice, "a 7 b");
    expect("@DISPLAYNAME@@USERNAME@", &game, &alice, "aliceu-alice");
    expect("<@OBFUSCATED_DISPLAYNAME@>", &game, &alice, "<120304064854EBDF35>");
    expect("@CONTROL_CLUSTER@ @PLAYER_CLUSTER@", &game, &alice, "control play-1");
    expect("@PLAYER_CLUSTER@", &game, &nameless, "play-2");
}

static void what_is_not_there_is_unset(void **state)
{
    (void)state;
    expect("@DISPLAYNAME@", &game, &nameless, "[unset]");
    expect("@OBFUSCATED_DISPLAYNAME@", &game, &nameless, "[unset]");
    expect("@CONTROL_CLUSTER@/@PLAYER_CLUSTER@", &bare_game, &alice, "[unset]/[unset]");
}

static void other_signs_are_left_alone(void **state)
{
    (void)state;
    expect("", &game, &alice, "");
    expect("mail@example.org", &game, &alice, "mail@example.org");
    expect("@USERNAME", &game, &alice, "@USERNAME");
    expect("@username@ @USER@", &game, &alice, "@username@ @USER@");
    expect("@@USERNAME@@", &game, &alice, "@u-alice@");
    expect("@USERNAME @USERID@", &game, &alice, "@USERNAME 7");
    expect("@", &game, &alice, "@");
}

static void a_value_is_not_looked_at_again(void **state)
{
    (void)state;
    const struct placeholder_values sly = {
        .username = STR("sly"), .user_id = 1, .displayname = STR("@USERNAME@")};

    expect("a @DISPLAYNAME@", &game, &sly, "a @USERNAME@");
}

static void a_value_is_escaped_as_the_text_around_it_is(void **state)
{
    (void)state;
    const struct placeholder_values quoting = {
        .username = STR("o\"b\\"), .user_id = 1, .displayname = STR("<b>")};

    expect("\\n@USERNAME@ @DISPLAYNAME@", &game, &quoting, "\\no\\\"b\\\\ \\u003cb>");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_obfuscated_as_the_contract_says),
        cmocka_unit_test(every_placeholder_is_replaced),
        cmocka_unit_test(what_is_not_there_is_unset),
        cmocka_unit_test(other_signs_are_left_alone),
        cmocka_unit_test(a_value_is_not_looked_at_again),
        cmocka_unit_test(a_value_is_escaped_as_the_text_around_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
