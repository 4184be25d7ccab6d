/* SPDX-License-Identifier: MIT */
/* names_test.c - which display names are allowed, and the sentence of each refusal. */
#include "conf/names.h"

#include "conf/settings.h"
#include "test/unit/conf/folder.h"

static const char *const words[] = {"admin",  "administrator", "moderator", "mod",     "root",
                                    "system", "ctfg",          "official",  "support", "staff",
                                    "owner",  "operator",      "gamemaster"};

#define EMPTY "Display name cannot be empty"
#define SHORT "Display name must be at least 2 characters"
#define LONG "Display name cannot exceed 30 characters"
#define INVALID "Display name contains invalid characters"
#define RESTRICTED "Display name contains restricted terms"
#define REPEATED "Display name contains excessive character repetition"

static struct settings_list blocked_words(void)
{
    struct settings_list list = {.count = ARRAY_LEN(words)};

    for (uint32_t i = 0; i < list.count; i++) {
        list.items[i] = str_from(words[i]);
    }
    return list;
}

static void each_name_gets_its_sentence(void **state)
{
    (void)state;
    static const struct {
        const char *wanted;
        const char *sentence; /* NULL: allowed, stored as `stored` */
        const char *stored;
    } rows[] = {
        {"Ada", NULL, "Ada"},
        {"  Ada \t Lovelace\r\n", NULL, "Ada Lovelace"},
        {"Crypto-Cats_2.0, 'the' !?@#()", NULL, "Crypto-Cats_2.0, 'the' !?@#()"},
        {"ab", NULL, "ab"},
        {"123456789012345678901234567890", NULL, "123456789012345678901234567890"},
        {"          123456789012345678901234567890          ", NULL,
         "123456789012345678901234567890"},
        {"", EMPTY, NULL},
        {" \t\r\n ", EMPTY, NULL},
        {"a", SHORT, NULL},
        {" a ", SHORT, NULL},
        {"\xc3\xa4", SHORT, NULL}, /* one character, two bytes */
        {"1234567890123456789012345678901", LONG, NULL},
        {"\xc3\xa4\xc3\xa4", INVALID, NULL},
        {"a<b", INVALID, NULL},
        {"a/b", INVALID, NULL},
        {"a\"b", INVALID, NULL},
        {"a\x01"
         "b",
         INVALID, NULL},
        {"a\x7f"
         "b",
         INVALID, NULL},
        {"\xff\xff", INVALID, NULL},
        {"admin", RESTRICTED, NULL},
        {"xXaDmInXx", RESTRICTED, NULL},
        {"The System", RESTRICTED, NULL},
        {"ecosystems", RESTRICTED, NULL},
        {"staffordshire", RESTRICTED, NULL},
        {"mod", RESTRICTED, NULL},
        {"a MOD here", RESTRICTED, NULL},
        {"mod-3", RESTRICTED, NULL},
        {"_root_", RESTRICTED, NULL},
        {"CTFG", RESTRICTED, NULL},
        {"Modest", NULL, "Modest"},
        {"commode", NULL, "commode"},
        {"beetroot", NULL, "beetroot"},
        {"mod1", NULL, "mod1"},
        {"aaaa", NULL, "aaaa"},
        {"aaaaa", REPEATED, NULL},
        {"AaAaA", REPEATED, NULL},
        {"x11111", REPEATED, NULL},
        {"aaaabaaaa", NULL, "aaaabaaaa"},
        {"wow!!!!!!", NULL, "wow!!!!!!"},
    };
    struct settings_list blocked = blocked_words();

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[NAME_FIELD_BYTES] = "untouched";
        const char *sentence = name_check(str_from(rows[i].wanted), &blocked, name);

        if (rows[i].sentence == NULL) {
            if (sentence != NULL) {
                fail_msg("\"%s\": %s", rows[i].wanted, sentence);
            }
            assert_string_equal(name, rows[i].stored);
        } else {
            if (sentence == NULL) {
                fail_msg("\"%s\" was allowed", rows[i].wanted);
            }
            assert_string_equal(sentence, rows[i].sentence);
            assert_string_equal(name, "untouched");
        }
    }
}

static void a_nul_is_no_end_of_a_name(void **state)
{
    (void)state;
    struct settings_list none = {0};
    char name[NAME_FIELD_BYTES];

    assert_string_equal(name_check(STR("ab\0cd"), &none, name), INVALID);
}

static void a_name_of_any_length_is_looked_at(void **state)
{
    (void)state;
    static char huge[100000];
    struct settings_list blocked = blocked_words();
    char name[NAME_FIELD_BYTES];

    memset(huge, ' ', sizeof(huge));
    assert_string_equal(name_check((struct str){huge, sizeof(huge)}, &blocked, name), EMPTY);
    huge[0] = 'a';
    huge[sizeof(huge) - 1] = 'b';
    assert_null(name_check((struct str){huge, sizeof(huge)}, &blocked, name));
    assert_string_equal(name, "a b");
    memset(huge, 'x', sizeof(huge));
    assert_string_equal(name_check((struct str){huge, sizeof(huge)}, &blocked, name), LONG);
    for (size_t len = 0; len < 400; len++) {
        (void)name_check((struct str){huge, len}, &blocked, name);
    }
}

static void an_empty_list_blocks_nothing(void **state)
{
    (void)state;
    struct settings_list none = {0};
    char name[NAME_FIELD_BYTES];

    assert_null(name_check(STR("admin"), &none, name));
}

static void names_that_differ_in_case_only_fold_to_the_same(void **state)
{
    (void)state;
    char a[NAME_FIELD_BYTES];
    char b[NAME_FIELD_BYTES];

    name_fold("CryptoCats (2)", a);
    name_fold("cryptocATS (2)", b);
    assert_memory_equal(a, b, sizeof(a));
    assert_string_equal(a, "cryptocats (2)");
    name_fold("cryptocats  (2)", b);
    assert_string_not_equal(a, b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_name_gets_its_sentence),
        cmocka_unit_test(a_nul_is_no_end_of_a_name),
        cmocka_unit_test(a_name_of_any_length_is_looked_at),
        cmocka_unit_test(an_empty_list_blocks_nothing),
        cmocka_unit_test(names_that_differ_in_case_only_fold_to_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
