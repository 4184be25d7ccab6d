/* SPDX-License-Identifier: MIT */
/* page_tree.c - a bounded walk over a few known folders; see page_tree.h. */
#include "conf/page_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shm/base/str.h"

struct walk {
    struct diag *diag;
    page_tree_found *found;
    void *context;
};

static bool is_regular(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

/* A name that can stand in a URL and in a message. */
static bool is_plain_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return false;
        }
    }
    return str_is_utf8(str_from(name));
}

/* A page without what nobody may read would be served, and would not work. */
static bool cannot_read(const struct walk *walk, const char *path)
{
    diag_error(walk->diag, path, 0, "it cannot be read: %s", strerror(errno));
    return false;
}

static bool walk_folder(struct walk *walk, const char *folder, const char *name, unsigned depth);

static bool walk_entry(struct walk *walk, const char *folder, const char *name, const char *entry,
                       unsigned depth)
{
    char path[PAGE_TREE_PATH_BYTES];
    char page_name[PAGE_TREE_PATH_BYTES];
    int path_len = snprintf(path, sizeof(path), "%s/%s", folder, entry);
    int name_len = snprintf(page_name, sizeof(page_name), "%s/%s", name, entry);

    if (entry[0] == '.') {
        return true;
    }
    if (path_len < 0 || path_len >= (int)sizeof(path) || name_len < 0 ||
        name_len >= (int)sizeof(page_name) || !is_plain_name(entry)) {
        diag_warning(walk->diag, folder, 0,
                     "a file is left out: its path is too long, or not plain UTF-8");
        return true;
    }
    struct stat info;

    if (stat(path, &info) != 0) {
        return errno == ENOENT || cannot_read(walk, path);
    }
    if (S_ISDIR(info.st_mode)) {
        return walk_folder(walk, path, page_name, depth + 1);
    }
    return !S_ISREG(info.st_mode) || walk->found(walk->context, path, page_name);
}

/* In the order of the names, so that the same folder always gives the same bytes. */
static bool walk_folder(struct walk *walk, const char *folder, const char *name, unsigned depth)
{
    struct dirent **entries;
    bool ok = true;

    if (depth > PAGE_TREE_DEPTH_MAX) {
        diag_warning(walk->diag, folder, 0, "folders more than %d deep are left out",
                     PAGE_TREE_DEPTH_MAX);
        return true;
    }
    int count = scandir(folder, &entries, NULL, alphasort);

    if (count < 0) {
        return errno == ENOENT || cannot_read(walk, folder);
    }
    for (int i = 0; i < count; i++) {
        ok = ok && walk_entry(walk, folder, name, entries[i]->d_name, depth);
        free(entries[i]);
    }
    free(entries);
    return ok;
}

/* One known child of a folder, file or folder, if it is there. */
static bool walk_child(struct walk *walk, const char *folder, const char *child)
{
    return walk_entry(walk, folder, "", child, 0);
}

bool page_tree_walk(const char *page_dir, const char *game_dir, struct diag *diag,
                    page_tree_found *found, void *context)
{
    static const char *const own_page[] = {"index.html", "favicon.ico", "css", "js", "fonts"};
    struct walk walk = {diag, found, context};
    char index[PAGE_TREE_PATH_BYTES];
    bool ok = true;

    (void)snprintf(index, sizeof(index), "%s/index.html", page_dir);
    for (size_t i = 0; i < ARRAY_LEN(own_page) && is_regular(index); i++) {
        ok = ok && walk_child(&walk, page_dir, own_page[i]);
    }
    ok = ok && walk_child(&walk, page_dir, "images");
    if (strcmp(page_dir, game_dir) != 0) {
        ok = ok && walk_child(&walk, game_dir, "images");
    }
    return ok;
}
