/* SPDX-License-Identifier: MIT */
/* copies_test.c - dated names that sort by age, and which of them stay. */
#include "db/copies.h"

#include "test/unit/db/fixture_db.h"

static void touch(const char *path)
{
    FILE *file = fopen(path, "wx");

    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static void names_of_one_second_differ_and_sort_by_age(void **state)
{
    const struct fixture *fixture = *state;
    char before[512] = "";
    char path[512];

    for (int i = 0; i < 12; i++) {
        assert_true(copies_path(fixture->dir, "copy-", path, sizeof(path)));
        assert_true(strcmp(before, path) < 0);
        touch(path);
        memcpy(before, path, sizeof(path));
    }
    assert_int_equal(fixture_files(fixture, "copy-"), 12);
    assert_false(copies_path(fixture->dir, "copy-", path, 20));
}

static void the_oldest_go_and_nothing_else(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const names[] = {"copy-1.db",
                                        "copy-2.db",
                                        "copy-3.db",
                                        "copy-4.db",
                                        "copy-0",
                                        "other.db",
                                        "copy-1.db-x",
                                        "kopy-0.db",
                                        "kopy-5.db.partial",
                                        "copy-5.db" COPIES_PARTIAL,
                                        "copy-6.db" COPIES_PARTIAL "-wal"};
    char path[256];

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        fixture_path(fixture, names[i], path);
        touch(path);
    }
    fixture_path(fixture, "copy-1.db",
                 path); /* the clock went back: the newest has the oldest name */
    assert_int_equal(copies_prune(fixture->dir, "copy-", 2, path), 2);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(fixture_files(fixture, "copy-2"), 0);
    assert_int_equal(fixture_files(fixture, "copy-3"), 0);
    assert_int_equal(fixture_files(fixture, "copy-4"), 1);
    assert_int_equal(fixture_files(fixture, "copy-0"), 1);
    assert_int_equal(fixture_files(fixture, "copy-1.db-x"), 1);
    assert_int_equal(fixture_files(fixture, "other"), 1);
    assert_int_equal(fixture_files(fixture, "kopy"), 2);
    assert_int_equal(fixture_files(fixture, "copy-5"), 0); /* interrupted */
    assert_int_equal(fixture_files(fixture, "copy-6"), 0);
    assert_int_equal(copies_prune(fixture->dir, "copy-", 0, path), 1); /* never the spared one */
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(copies_prune("/nowhere", "copy-", 0, path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_of_one_second_differ_and_sort_by_age, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_go_and_nothing_else, fixture_set_up,
                                        fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
