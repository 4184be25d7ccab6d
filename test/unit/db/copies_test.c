/* SPDX-License-Identifier: MIT */
/* copies_test.c - dated names that sort by age, and which of them stay. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* The folder's file system, as the tests want it. */
static struct disk {
    bool knows_no_flags; /* NFS, much of FUSE */
    bool has_no_links;   /* FAT */
} disk;

static int disk_rename(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (disk.knows_no_flags && flags != 0) {
        errno = EINVAL;
        return -1;
    }
    return renameat2(from_fd, from, to_fd, to, flags);
}

static int disk_link(const char *from, const char *to)
{
    if (disk.has_no_links) {
        errno = EPERM;
        return -1;
    }
    return link(from, to);
}

#define renameat2 disk_rename
#define link disk_link
#include "db/copies.c"
#undef renameat2
#undef link

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

static void a_name_is_given_once_whatever_the_file_system_knows(void **state)
{
    const struct fixture *fixture = *state;
    static const struct disk disks[] = {{false, false}, {true, false}, {true, true}};
    char partial[256];
    char path[256];

    fixture_path(fixture, "copy.db" COPIES_PARTIAL, partial);
    fixture_path(fixture, "copy.db", path);
    for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
        disk = disks[i];
        touch(partial);
        assert_true(copies_give_name(partial, path));
        assert_int_equal(access(partial, F_OK), -1);
        touch(partial);
        assert_false(copies_give_name(partial, path));
        assert_int_equal(errno, EEXIST);
        assert_int_equal(access(partial, F_OK), 0);
        assert_int_equal(unlink(partial) | unlink(path), 0);
    }
    disk = (struct disk){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_of_one_second_differ_and_sort_by_age, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_go_and_nothing_else, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_given_once_whatever_the_file_system_knows,
                                        fixture_set_up, fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
