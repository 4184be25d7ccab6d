/* SPDX-License-Identifier: MIT */
/* page_test.c - what a page's files cost to compress, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "conf/game.h"
#include "shm/base/compiler.h"
#include "worker/page.h"

#define FILE_BYTES (100u << 10)
#define LARGE_FILE_BYTES (4u << 20)

/* Text that takes a compressor's time. */
static struct str text_of(size_t len, uint32_t seed)
{
    char *text = malloc(len);

    assert_non_null(text);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525u + 1013904223u;
        text[i] = "etaoin shrdlu<>=\""[seed >> 28];
    }
    return (struct str){text, len};
}

/* CPU time of building the page of this game. */
static uint64_t build_us(const struct game *game, const struct page *last, struct page **ret_page)
{
    struct timespec before;
    struct timespec after;

    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before), 0);
    *ret_page = page_build(game, last);
    assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after), 0);
    assert_non_null(*ret_page);
    return (uint64_t)((after.tv_sec - before.tv_sec) * 1000000 +
                      (after.tv_nsec - before.tv_nsec) / 1000);
}

static void what_has_not_changed_is_not_compressed_again(void **state)
{
    struct game_page_file old_files[] = {{STR("/index.html"), text_of(FILE_BYTES, 1)},
                                         {STR("/js/a.js"), text_of(FILE_BYTES, 2)}};
    struct game_page_file new_files[] = {{STR("/css/x.css"), text_of(300, 3)},
                                         {STR("/index.html"), text_of(FILE_BYTES, 1)},
                                         {STR("/js/renamed.js"), text_of(FILE_BYTES, 2)}};
    struct game game = {.page_files = old_files, .page_file_count = 2, .own_page = true};
    struct page *old_page;
    struct page *new_page;

    (void)state;
    uint64_t first_us = build_us(&game, NULL, &old_page);

    for (size_t i = 0; i < ARRAY_LEN(old_files); i++) {
        free((void *)(uintptr_t)old_files[i].bytes.data); /* of a game that is gone by now */
    }
    game.page_files = new_files;
    game.page_file_count = ARRAY_LEN(new_files);
    assert_true(build_us(&game, old_page, &new_page) * 4 < first_us);
    page_free(old_page); /* shares nothing with its successor */
    page_free(new_page);
    for (size_t i = 0; i < ARRAY_LEN(new_files); i++) {
        free((void *)(uintptr_t)new_files[i].bytes.data);
    }
}

/* As good as can be would take twenty times as long a byte: a reload has ten seconds. */
static void a_large_page_does_not_take_for_ever(void **state)
{
    struct game_page_file small_file = {STR("/index.html"), text_of(FILE_BYTES, 1)};
    struct game_page_file large_file = {STR("/index.html"), text_of(LARGE_FILE_BYTES, 2)};
    struct game game = {.page_files = &small_file, .page_file_count = 1, .own_page = true};
    struct page *page;

    (void)state;
    uint64_t small_us = build_us(&game, NULL, &page);

    page_free(page);
    game.page_files = &large_file;
    assert_true(build_us(&game, NULL, &page) < small_us * (LARGE_FILE_BYTES / FILE_BYTES) / 2);
    page_free(page);
    free((void *)(uintptr_t)small_file.bytes.data);
    free((void *)(uintptr_t)large_file.bytes.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_not_changed_is_not_compressed_again),
        cmocka_unit_test(a_large_page_does_not_take_for_ever),
    };

    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
