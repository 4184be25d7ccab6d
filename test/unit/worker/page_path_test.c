/* SPDX-License-Identifier: MIT */
/* page_path_test.c - which request paths name something, and which name nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/page_path.h"

static void assert_decodes(const char *encoded, const char *wanted)
{
    char room[PAGE_PATH_BYTES_MAX];
    struct str path;

    if (!page_path_decode(str_from(encoded), room, &path)) {
        fail_msg("%s names nothing", encoded);
    }
    assert_int_equal(path.len, strlen(wanted));
    assert_memory_equal(path.data, wanted, path.len);
}

static void plain_paths_are_decoded_once(void **state)
{
    (void)state;
    assert_decodes("/", "/");
    assert_decodes("/js/app.js", "/js/app.js");
    assert_decodes("/images/", "/images/");
    assert_decodes("/images/a%20b.png", "/images/a b.png");
    assert_decodes("/gr%C3%BCn", "/gr\xc3\xbcn");
    assert_decodes("/a%252e%252e/b", "/a%2e%2e/b"); /* a name with percent signs, no dots */
    assert_decodes("/..a/b..", "/..a/b..");
}

static void every_form_of_a_way_out_names_nothing(void **state)
{
    static const char *const paths[] = {
        "",
        "x",
        "*",
        "/js/../index.html",
        "/js/%2e%2e/index.html",
        "/js/%2E./index.html",
        "/js/..",
        "/..",
        "/.",
        "/./index.html",
        "/js%2f..%2findex.html",
        "/js//app.js",
        "//index.html",
        "/js%5c..%5cindex.html",
        "/js\\app.js",
        "/index.html%00.png",
        "/a%0d%0ab",
        "/a%7f",
        "/%c0%ae%c0%ae/index.html", /* overlong dots */
        "/%ff",
        "/%",
        "/%2",
        "/%zz",
        "/a%2",
    };
    char room[PAGE_PATH_BYTES_MAX];
    struct str path;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (page_path_decode(str_from(paths[i]), room, &path)) {
            fail_msg("%s names %.*s", paths[i], STR_ARG(path));
        }
    }
}

static void a_path_longer_than_the_room_names_nothing(void **state)
{
    char encoded[PAGE_PATH_BYTES_MAX + 1];
    char room[PAGE_PATH_BYTES_MAX];
    struct str path;

    (void)state;
    memset(encoded, 'a', sizeof(encoded));
    encoded[0] = '/';
    assert_true(page_path_decode((struct str){encoded, sizeof(encoded) - 1}, room, &path));
    assert_false(page_path_decode((struct str){encoded, sizeof(encoded)}, room, &path));
}

static void views_of_the_page_are_a_short_list(void **state)
{
    static const char *const views[] = {"/challenges", "/scoreboard", "/name",
                                        "/board",      "/player/17",  "/challenge/1"};
    static const char *const others[] = {"/player/",      "/player/x",          "/player/1/",
                                         "/challenge/-1", "/scoreboard/",       "/Scoreboard",
                                         "/api/x",        "/player/99999999999"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        assert_true(page_path_is_view(str_from(views[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        assert_false(page_path_is_view(str_from(others[i])));
    }
}

static void hashes_in_names_are_recognised(void **state)
{
    static const char *const hashed[] = {"/js/app-1a2b3c4d.js", "/app.0123456789abcdef.css",
                                         "/a-b-c/main-0000000f.js"};
    static const char *const plain[] = {
        "/js/app.js", "/report-2024.pdf", "/a-deadbeef.js",      "/x-1a2b3c4d-more.js",
        "/1a2b3c4d",  "/jquery-3.7.1.js", "/photo-20261128.svg", "/plan.20261128.svg"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hashed); i++) {
        assert_true(page_path_has_hash(str_from(hashed[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        assert_false(page_path_has_hash(str_from(plain[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_paths_are_decoded_once),
        cmocka_unit_test(every_form_of_a_way_out_names_nothing),
        cmocka_unit_test(a_path_longer_than_the_room_names_nothing),
        cmocka_unit_test(views_of_the_page_are_a_short_list),
        cmocka_unit_test(hashes_in_names_are_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
