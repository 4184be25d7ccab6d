/* SPDX-License-Identifier: MIT */
/* files_test.c - reading a folder, handing it on sealed, and refusing what is not a sealed piece. */
#include "conf/files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "test/unit/conf/folder.h"

static bool read_folder(const struct folder *folder, struct diag *diag,
                        struct game_files *ret_files)
{
    struct files_source source = {.game_dir = folder->path, .overrides = "listen.port=1\n"};

    return files_read(&source, diag, ret_files);
}

static void expect_file(const struct game_files *files, const char *name, const char *wanted)
{
    struct str bytes;

    assert_true(files_find(files, name, &bytes));
    assert_int_equal(bytes.len, strlen(wanted));
    assert_memory_equal(bytes.data, wanted, bytes.len);
}

static bool has_file(const struct game_files *files, const char *name)
{
    struct str bytes;

    return files_find(files, name, &bytes);
}

static void a_folder_is_read_with_its_page(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    char path[512];

    folder_mkdir(&folder, "images");
    folder_mkdir(&folder, "images/deep");
    folder_mkdir(&folder, "css");
    folder_write(&folder, "images/deep/a.png", "png");
    folder_write(&folder, "images/.hidden", "x");
    folder_write(&folder, "css/x.css", "css");
    folder_path(&folder, "images/fifo", path, sizeof(path));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_true(read_folder(&folder, &diag, &files));
    expect_file(&files, "challenges.json", ONE_CHALLENGE);
    expect_file(&files, "overrides", "listen.port=1\n");
    expect_file(&files, "page:/images/deep/a.png", "png");
    assert_false(has_file(&files, "page:/images/.hidden"));
    assert_false(has_file(&files, "page:/images/fifo"));
    assert_false(has_file(&files, "page:/css/x.css")); /* the built-in page needs none of it */
    assert_false(has_file(&files, "ctfg.yaml"));
    assert_non_null(strstr(files_display_path(&files, "credentials.csv"), "/credentials.csv"));
    assert_string_equal(files_display_path(&files, "ctfg.yaml"), "ctfg.yaml");
    files_free(&files);
    folder_write(&folder, "index.html", "<html>");
    assert_true(read_folder(&folder, &diag, &files));
    expect_file(&files, "page:/index.html", "<html>");
    expect_file(&files, "page:/css/x.css", "css");
    files_free(&files);
    assert_int_equal(diag.errors + diag.warnings, 0);
    folder_end(&folder);
}

static void the_page_may_lie_elsewhere(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct folder page = folder_begin();
    struct diag diag = {0};
    struct game_files files;
    char yaml[256];

    folder_mkdir(&folder, "images");
    folder_mkdir(&page, "images");
    folder_mkdir(&page, "js");
    folder_write(&folder, "index.html", "game");
    folder_write(&folder, "images/a.png", "game");
    folder_write(&folder, "images/b.png", "game");
    folder_write(&page, "index.html", "page");
    folder_write(&page, "js/x.js", "js");
    folder_write(&page, "images/a.png", "page");
    (void)snprintf(yaml, sizeof(yaml), "http:\n  web_root: %s\n", page.path);
    folder_write(&folder, "ctfg.yaml", yaml);
    assert_true(read_folder(&folder, &diag, &files));
    expect_file(&files, "page:/index.html", "page");
    expect_file(&files, "page:/js/x.js", "js");
    expect_file(&files, "page:/images/a.png", "page");
    expect_file(&files, "page:/images/b.png", "game");
    files_free(&files);
    struct files_source source = {.game_dir = folder.path, .web_root = "/nowhere/at/all"};

    assert_false(files_read(&source, &diag, &files));
    assert_said(&diag, "/nowhere/at/all: ", "the page's folder cannot be read");
    char file[256];

    folder_path(&page, "index.html", file, sizeof(file));
    source.web_root = file;
    assert_false(files_read(&source, &diag, &files));
    assert_said(&diag, "/index.html: ", "the page's folder cannot be read: Not a directory");
    diag_free(&diag);
    folder_end(&folder);
    folder_end(&page);
}

static void a_folder_that_is_none_is_one_mistake(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        const char *what;
    } rows[] = {
        {"/nowhere/at/all", "there is no such folder; `ctfg init` makes one"},
        {"/dev/null", "this is a file; -C wants the folder"},
        {"/dev/null/game", "the folder of the game cannot be read"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct files_source source = {.game_dir = rows[i].path};
        struct diag diag = {0};
        struct game_files files;

        assert_false(files_read(&source, &diag, &files));
        assert_said(&diag, "", rows[i].what);
        assert_int_equal(diag.errors, 1);
        diag_free(&diag);
    }
}

/* Left out it would be missed only by who looks at the page.  Nothing is unreadable to root but this. */
static void what_cannot_be_read_of_a_page_is_an_error(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    char js[256];

    folder_write(&folder, "index.html", "page");
    (void)snprintf(js, sizeof(js), "%s/js", folder.path);
    assert_int_equal(symlink("js", js), 0);
    assert_false(read_folder(&folder, &diag, &files));
    assert_said(&diag, "/js: ", "it cannot be read: Too many levels of symbolic links");
    assert_int_equal(diag.errors, 1);
    diag_free(&diag);
    folder_end(&folder);
}

static void each_missing_file_is_named(void **state)
{
    (void)state;
    struct folder folder = folder_begin();
    struct diag diag = {0};
    struct game_files files;

    assert_false(read_folder(&folder, &diag, &files));
    assert_said(&diag, "/challenges.json: ", "there is no such file; `ctfg init` writes");
    assert_said(&diag, "/credentials.csv: ", "there is no such file");
    assert_int_equal(diag.errors, 2);
    diag_free(&diag);
    struct files_source source = {.game_dir = folder.path,
                                  .challenges_path = "/nowhere/c.json",
                                  .config_path = "/nowhere/x.yaml"};

    assert_false(files_read(&source, &diag, &files));
    assert_said(&diag, "/nowhere/c.json: ", "there is no such file");
    assert_said(&diag, "/nowhere/x.yaml: ", "there is no such file");
    diag_free(&diag);
    folder_end(&folder);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    struct folder folder = folder_begin();
    struct diag diag = {0};
    struct game_files files;
    char path[512];

    folder_mkdir(&folder, "challenges.json");
    folder_path(&folder, "credentials.csv", path, sizeof(path));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_false(read_folder(&folder, &diag, &files));
    assert_said(&diag, "/challenges.json: ", "not a regular file");
    assert_said(&diag, "/credentials.csv: ", "not a regular file");
    diag_free(&diag);
    folder_end(&folder);
}

static void a_file_may_be_so_large_and_no_larger(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    char path[512];

    folder_mkdir(&folder, "images");
    folder_write(&folder, "images/film.mp4", "x");
    folder_path(&folder, "images/film.mp4", path, sizeof(path));
    assert_int_equal(truncate(path, FILES_ONE_BYTES_MAX + 1), 0);
    assert_false(read_folder(&folder, &diag, &files));
    assert_said(&diag, "/images/film.mp4: ", "larger than 32 MiB");
    diag_free(&diag);
    folder_end(&folder);
}

static void folders_too_deep_are_left_out(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    char name[512] = "images";

    for (int i = 0; i < 12; i++) {
        folder_mkdir(&folder, name);
        strcat(name, "/d");
    }
    assert_true(read_folder(&folder, &diag, &files));
    assert_said(&diag, "/images/", "deep are left out");
    files_free(&files);
    diag_free(&diag);
    folder_end(&folder);
}

static void tokens_of_the_environment_travel_along(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;

    assert_int_equal(setenv("CTFG_API_TOKEN", "from-the-environment", 1), 0);
    assert_true(read_folder(&folder, &diag, &files));
    assert_int_equal(unsetenv("CTFG_API_TOKEN"), 0);
    expect_file(&files, "environment", "CTFG_API_TOKEN=\"from-the-environment\"\n");
    files_free(&files);
    folder_end(&folder);
}

static void a_sealed_piece_arrives_as_it_was(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    struct game_files mapped;

    assert_true(read_folder(&folder, &diag, &files));
    int fd = files_seal(&files);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), -1);
    assert_int_equal(ftruncate(fd, 1), -1);
    assert_true(files_map(fd, &mapped));
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* taken */
    assert_int_equal(mapped.size_bytes, files.size_bytes);
    assert_memory_equal(mapped.piece, files.piece, files.size_bytes);
    struct str name;
    struct str bytes;
    uint32_t count = 0;

    while (files_at(&mapped, count, &name, &bytes)) {
        count++;
    }
    assert_int_equal(count, 4);
    files_free(&mapped);
    files_free(&files);
    folder_end(&folder);
}

/* A memfd with these bytes and seals. */
static int memfd_with(const void *bytes, size_t len, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static void what_is_not_sealed_is_refused(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    struct game_files mapped;
    static const int seals[] = {0, F_SEAL_WRITE, F_SEAL_WRITE | F_SEAL_SHRINK,
                                F_SEAL_SHRINK | F_SEAL_GROW};

    assert_true(read_folder(&folder, &diag, &files));
    for (size_t i = 0; i < ARRAY_LEN(seals); i++) {
        int fd = memfd_with(files.piece, files.size_bytes, seals[i]);

        assert_false(files_map(fd, &mapped));
        assert_int_equal(fcntl(fd, F_GETFD), -1);
    }
    assert_true(files_map(memfd_with(files.piece, files.size_bytes, ALL_SEALS), &mapped));
    files_free(&mapped);
    assert_false(files_map(-1, &mapped));
    assert_false(files_map(open("/dev/null", O_RDONLY | O_CLOEXEC), &mapped));
    files_free(&files);
    folder_end(&folder);
}

static void lengths_that_do_not_add_up_are_refused(void **state)
{
    (void)state;
    struct folder folder = folder_with_game();
    struct diag diag = {0};
    struct game_files files;
    struct game_files mapped;

    assert_true(read_folder(&folder, &diag, &files));
    char *piece = files.piece;

    for (size_t len = 0; len < files.size_bytes; len++) {
        assert_false(files_map(memfd_with(piece, len, ALL_SEALS), &mapped));
    }
    /* The head, and the first entry's lengths: no other value adds up. */
    for (size_t at = 0; at < 48; at++) {
        static const unsigned char others[] = {0x00, 0x01, 0x7f, 0xff};
        char kept = piece[at];

        for (size_t i = 0; i < sizeof(others); i++) {
            piece[at] = (char)others[i];
            if (piece[at] != kept) {
                assert_false(files_map(memfd_with(piece, files.size_bytes, ALL_SEALS), &mapped));
            }
        }
        piece[at] = kept;
    }
    files_free(&files);
    folder_end(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_that_is_none_is_one_mistake),
        cmocka_unit_test(a_folder_is_read_with_its_page),
        cmocka_unit_test(the_page_may_lie_elsewhere),
        cmocka_unit_test(what_cannot_be_read_of_a_page_is_an_error),
        cmocka_unit_test(each_missing_file_is_named),
        cmocka_unit_test(what_is_no_regular_file_is_refused),
        cmocka_unit_test(a_file_may_be_so_large_and_no_larger),
        cmocka_unit_test(folders_too_deep_are_left_out),
        cmocka_unit_test(tokens_of_the_environment_travel_along),
        cmocka_unit_test(a_sealed_piece_arrives_as_it_was),
        cmocka_unit_test(what_is_not_sealed_is_refused),
        cmocka_unit_test(lengths_that_do_not_add_up_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
