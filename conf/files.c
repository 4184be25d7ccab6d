/* SPDX-License-Identifier: MIT */
/* files.c - a game's files as one piece of memory: reading, sealing, mapping, finding; see files.h. */
#include "conf/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/arena.h"
#include "conf/diag.h"
#include "conf/env.h"
#include "conf/page_tree.h"
#include "conf/settings_load.h"
#include "shm/base/buf.h"
#include "shm/base/hash.h"

/* "ctfgfil1", little endian: the layout below.  Another layout gets another number. */
#define PIECE_MAGIC UINT64_C(0x316c696667667463)
#define PIECE_ALIGN 8u
#define PIECE_BYTES_MAX ((size_t)FILES_TOTAL_BYTES_MAX + ((size_t)FILES_COUNT_MAX * 4096))

/* Every field is a length that piece_check() holds against what is left of the piece. */
struct piece_head {
    uint64_t magic;
    uint64_t size_bytes; /* of the whole piece */
    uint64_t count;
};

/* Followed by name, NUL, display path, NUL, bytes, NUL, and padding to PIECE_ALIGN. */
struct piece_entry {
    uint64_t name_len;
    uint64_t display_len;
    uint64_t bytes_len;
};

static size_t align_up(size_t size)
{
    return (size + PIECE_ALIGN - 1) & ~(size_t)(PIECE_ALIGN - 1);
}

/* The entry at *offset, and *offset behind it.  Only on a piece that was checked, or while checking
 * one: never reads past size_bytes. */
static bool piece_next(const void *piece, size_t size_bytes, size_t *offset, struct str *ret_name,
                       struct str *ret_display, struct str *ret_bytes)
{
    struct piece_entry entry;
    size_t left = size_bytes - *offset;

    if (*offset > size_bytes || left < sizeof(entry)) {
        return false;
    }
    const char *at = (const char *)piece + *offset;

    memcpy(&entry, at, sizeof(entry));
    at += sizeof(entry);
    left -= sizeof(entry);
    if (entry.name_len > left || entry.display_len > left || entry.bytes_len > left ||
        entry.name_len + entry.display_len + entry.bytes_len + 3 > left) {
        return false;
    }
    *ret_name = (struct str){at, entry.name_len};
    *ret_display = (struct str){at + entry.name_len + 1, entry.display_len};
    *ret_bytes = (struct str){at + entry.name_len + entry.display_len + 2, entry.bytes_len};
    *offset = align_up(*offset + sizeof(entry) + entry.name_len + entry.display_len +
                       entry.bytes_len + 3);
    return true;
}

/* Does every length add up, and does a NUL stand behind every name, path and file? */
static bool piece_check(const void *piece, size_t size_bytes)
{
    struct piece_head head;
    size_t offset = sizeof(head);

    if (size_bytes < sizeof(head) || size_bytes > PIECE_BYTES_MAX) {
        return false;
    }
    memcpy(&head, piece, sizeof(head));
    if (head.magic != PIECE_MAGIC || head.size_bytes != size_bytes ||
        head.count > FILES_COUNT_MAX) {
        return false;
    }
    for (uint64_t i = 0; i < head.count; i++) {
        struct str name;
        struct str display;
        struct str bytes;

        if (!piece_next(piece, size_bytes, &offset, &name, &display, &bytes) ||
            offset > size_bytes || name.len == 0 || memchr(name.data, '\0', name.len) != NULL ||
            name.data[name.len] != '\0' || display.data[display.len] != '\0' ||
            bytes.data[bytes.len] != '\0') {
            return false;
        }
    }
    return offset == size_bytes;
}

/* ---- reading ---- */

struct reader {
    struct buf piece;
    struct diag *diag;
    uint64_t count;
    size_t total_bytes;
};

static void append_entry(struct reader *reader, const char *name, const char *display,
                         struct str bytes)
{
    static const char padding[PIECE_ALIGN];
    struct piece_entry entry = {strlen(name), strlen(display), bytes.len};

    buf_append(&reader->piece, &entry, sizeof(entry));
    buf_append(&reader->piece, name, entry.name_len + 1);
    buf_append(&reader->piece, display, entry.display_len + 1);
    buf_append_str(&reader->piece, bytes);
    buf_append_char(&reader->piece, '\0');
    buf_append(&reader->piece, padding, align_up(reader->piece.len) - reader->piece.len);
    reader->count++;
}

static bool has_entry(const struct reader *reader, const char *name)
{
    size_t offset = sizeof(struct piece_head);
    struct str found;
    struct str display;
    struct str bytes;

    while (piece_next(reader->piece.data, reader->piece.len, &offset, &found, &display, &bytes)) {
        if (str_equal(found, str_from(name))) {
            return true;
        }
    }
    return false;
}

/* The whole file, into fresh memory.  Non-blocking, so that a FIFO cannot hold us. */
static char *read_whole(const char *path, size_t *ret_len, const char **ret_problem)
{
    struct stat info;
    char *bytes = NULL;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0 || fstat(fd, &info) != 0) {
        *ret_problem = errno == ENOENT ? "there is no such file" : strerror(errno);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        *ret_problem = "this is not a regular file";
        goto out;
    }
    if (info.st_size > FILES_ONE_BYTES_MAX) {
        *ret_problem = "the file is larger than 32 MiB";
        goto out;
    }
    size_t size = (size_t)info.st_size;

    bytes = malloc(size + 1);
    while (bytes != NULL && len < size) {
        ssize_t got = read(fd, bytes + len, size - len);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            *ret_problem = strerror(errno); /* half of a file may read as a smaller game */
            free(bytes);
            bytes = NULL;
            goto out;
        }
        if (got == 0) {
            break; /* shorter than a moment ago: what is there counts */
        }
        len += (size_t)got;
    }
    *ret_len = len;
    *ret_problem = bytes == NULL ? "there is no memory for it" : NULL;
out:
    if (fd >= 0) {
        close(fd);
    }
    return bytes;
}

/* As an organiser in the game folder would call it. */
static const char *display_path(const char *path)
{
    return strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static bool add_file(struct reader *reader, const char *path, const char *name)
{
    const char *display = display_path(path);
    const char *problem = NULL;
    size_t len = 0;
    char *bytes = read_whole(path, &len, &problem);

    if (bytes == NULL) {
        diag_error(reader->diag, display, 0, "%s", problem);
        return false;
    }
    reader->total_bytes += len;
    if (reader->total_bytes > FILES_TOTAL_BYTES_MAX || reader->count >= FILES_COUNT_MAX - 3) {
        diag_error(reader->diag, display, 0,
                   "with this one the game has more than %d files or 256 MiB; serve videos and "
                   "downloads from elsewhere",
                   FILES_COUNT_MAX - 3);
        free(bytes);
        return false;
    }
    append_entry(reader, name, display, (struct str){bytes, len});
    free(bytes);
    return true;
}

static bool add_page_file(void *context, const char *path, const char *name)
{
    struct reader *reader = context;
    char entry_name[PAGE_TREE_PATH_BYTES + 8];

    (void)snprintf(entry_name, sizeof(entry_name), "page:%s", name);
    return has_entry(reader, entry_name) || add_file(reader, path, entry_name);
}

/* A file of the game folder, or the path given instead.  An optional one may be missing, unless
 * somebody asked for it by path. */
static bool add_game_file(struct reader *reader, const char *game_dir, const char *given,
                          const char *name, bool optional)
{
    char path[PAGE_TREE_PATH_BYTES];
    int len = given != NULL ? snprintf(path, sizeof(path), "%s", given)
                            : snprintf(path, sizeof(path), "%s/%s", game_dir, name);

    if (len < 0 || len >= (int)sizeof(path)) {
        diag_error(reader->diag, name, 0, "the path of the game folder is too long");
        return false;
    }
    if (given == NULL && access(path, F_OK) != 0 && errno == ENOENT) {
        if (!optional) {
            diag_error(reader->diag, display_path(path), 0,
                       "there is no such file; `ctfg init` writes a game to start from");
        }
        return optional;
    }
    return add_file(reader, path, name);
}

/* What systemd hands over in a folder of its own: one file a secret, named as its variable. */
static bool add_secrets(struct reader *reader)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    bool ok = true;

    if (folder == NULL || folder[0] == '\0') {
        return true;
    }
    DIR *dir = opendir(folder);
    if (dir == NULL && errno == ENOENT) {
        return true; /* systemd names it, and makes none when there is nothing to put into it */
    }
    if (dir == NULL) {
        diag_error(reader->diag, folder, 0,
                   "CREDENTIALS_DIRECTORY names this folder, but it cannot be read: %s",
                   strerror(errno));
        return false;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char path[PAGE_TREE_PATH_BYTES];
        char name[sizeof(FILES_SECRET) + sizeof(entry->d_name)];

        /* Others' credentials are not ours to read. */
        if (!str_starts_with(str_from(entry->d_name), STR("CTFG_"))) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        (void)snprintf(name, sizeof(name), FILES_SECRET "%s", entry->d_name);
        ok = add_file(reader, path, name) && ok;
    }
    (void)closedir(dir);
    return ok;
}

static bool add_page(struct reader *reader, const struct files_source *source)
{
    struct game_files so_far = {.piece = reader->piece.data, .size_bytes = reader->piece.len};
    struct diag unheard = {0}; /* game_load() finds the same mistakes and tells them */
    struct settings settings;
    struct arena arena = {0};
    char page_dir[PAGE_TREE_PATH_BYTES];

    (void)snprintf(page_dir, sizeof(page_dir), "%s", source->game_dir);
    if (source->web_root != NULL && source->web_root[0] != '\0') {
        (void)snprintf(page_dir, sizeof(page_dir), "%s", source->web_root);
    } else if (settings_load(&so_far, &arena, &unheard, &settings) && settings.web_root.len > 0) {
        (void)snprintf(page_dir, sizeof(page_dir), "%.*s", STR_ARG(settings.web_root));
    }
    diag_free(&unheard);
    arena_free(&arena);
    struct stat info;
    bool is_file = stat(page_dir, &info) == 0 && !S_ISDIR(info.st_mode);

    if (is_file || access(page_dir, R_OK | X_OK) != 0) {
        diag_error(reader->diag, page_dir, 0, "the page's folder cannot be read: %s",
                   strerror(is_file ? ENOTDIR : errno));
        return false;
    }
    return page_tree_walk(page_dir, source->game_dir, reader->diag, add_page_file, reader);
}

static void finish_head(struct reader *reader)
{
    struct piece_head head = {PIECE_MAGIC, reader->piece.len, reader->count};

    memcpy(reader->piece.data, &head, sizeof(head));
}

/* One sentence about the folder, instead of one for each file that cannot be in it. */
static bool is_folder(const char *path, struct diag *diag)
{
    struct stat info;

    if (stat(path, &info) != 0) {
        if (errno == ENOENT) {
            diag_error(diag, path, 0,
                       "there is no such folder; `ctfg init` makes one with a game to start from");
        } else {
            diag_error(diag, path, 0, "the folder of the game cannot be read: %s", strerror(errno));
        }
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        diag_error(diag, path, 0, "this is a file; -C wants the folder of the game");
        return false;
    }
    return true;
}

bool files_read(const struct files_source *source, struct diag *diag, struct game_files *ret_files)
{
    struct reader reader = {.piece = BUF_INIT(PIECE_BYTES_MAX), .diag = diag};
    struct piece_head head = {0};
    struct buf tokens = BUF_INIT(16384);
    const char *dir = source->game_dir;
    bool ok = true;

    if (!is_folder(dir, diag)) {
        return false;
    }
    buf_append(&reader.piece, &head, sizeof(head));
    ok &= add_game_file(&reader, dir, source->challenges_path, "challenges.json", false);
    ok &= add_game_file(&reader, dir, NULL, "credentials.csv", false);
    ok &= add_game_file(&reader, dir, NULL, "game-clusters.yaml", true);
    ok &= add_game_file(&reader, dir, source->config_path, "ctfg.yaml", true);
    ok &= add_game_file(&reader, dir, NULL, ".env", true);
    ok &= add_secrets(&reader);
    env_append_tokens(&tokens);
    append_entry(&reader, "environment", "the environment", buf_str(&tokens));
    append_entry(&reader, "overrides", "the command line or environment",
                 str_from(source->overrides));
    if (!reader.piece.failed) {
        finish_head(&reader);
        ok = add_page(&reader, source) && ok;
    }
    if (reader.piece.failed || tokens.failed) {
        diag_error(diag, dir, 0, "there is no memory for the game's files");
        ok = false;
    }
    buf_free(&tokens);
    if (!ok) {
        buf_free(&reader.piece);
        return false;
    }
    finish_head(&reader);
    *ret_files = (struct game_files){.piece = reader.piece.data, .size_bytes = reader.piece.len};
    return true;
}

uint64_t files_hash(const struct files_source *source)
{
    struct diag diag = {0};
    struct game_files files = {0};
    uint64_t hash =
        files_read(source, &diag, &files) ? hash_bytes(files.piece, files.size_bytes, 0) : 0;

    files_free(&files);
    diag_free(&diag);
    return hash;
}

/* ---- handing on ---- */

int files_seal(const struct game_files *files)
{
    int fd = memfd_create("ctfg-game", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    size_t written = 0;

    while (fd >= 0 && written < files->size_bytes) {
        ssize_t count =
            write(fd, (const char *)files->piece + written, files->size_bytes - written);

        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        written += (size_t)count;
    }
    if (fd >= 0 &&
        (written < files->size_bytes ||
         fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

bool files_map(int fd, struct game_files *ret_files)
{
    const int wanted = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    struct stat info;
    void *piece = MAP_FAILED;
    int seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;
    bool ok = false;

    /* Unsealed memory could change or end after it was checked. */
    if (seals < 0 || (seals & wanted) != wanted || fstat(fd, &info) != 0 || info.st_size <= 0) {
        goto out;
    }
    piece = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (piece == MAP_FAILED || !piece_check(piece, (size_t)info.st_size)) {
        goto out;
    }
    *ret_files = (struct game_files){piece, (size_t)info.st_size, true};
    piece = MAP_FAILED;
    ok = true;
out:
    if (piece != MAP_FAILED) {
        munmap(piece, (size_t)info.st_size);
    }
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

void files_free(struct game_files *files)
{
    if (files->mapped) {
        munmap(files->piece, files->size_bytes);
    } else {
        free(files->piece);
    }
    *files = (struct game_files){0};
}

/* ---- finding ---- */

static bool find_entry(const struct game_files *files, const char *name, struct str *ret_display,
                       struct str *ret_bytes)
{
    size_t offset = sizeof(struct piece_head);
    struct str found;

    while (piece_next(files->piece, files->size_bytes, &offset, &found, ret_display, ret_bytes)) {
        if (str_equal(found, str_from(name))) {
            return true;
        }
    }
    return false;
}

bool files_find(const struct game_files *files, const char *name, struct str *ret_bytes)
{
    struct str display;
    struct str bytes;

    if (!find_entry(files, name, &display, &bytes)) {
        return false;
    }
    *ret_bytes = bytes;
    return true;
}

const char *files_display_path(const struct game_files *files, const char *name)
{
    struct str display;
    struct str bytes;

    return find_entry(files, name, &display, &bytes) ? display.data : name;
}

bool files_at(const struct game_files *files, uint32_t index, struct str *ret_name,
              struct str *ret_bytes)
{
    size_t offset = sizeof(struct piece_head);
    struct str name;
    struct str display;
    struct str bytes;

    for (uint32_t i = 0;
         piece_next(files->piece, files->size_bytes, &offset, &name, &display, &bytes); i++) {
        if (i == index) {
            *ret_name = name;
            *ret_bytes = bytes;
            return true;
        }
    }
    return false;
}
