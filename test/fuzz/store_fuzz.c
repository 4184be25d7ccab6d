/* SPDX-License-Identifier: MIT */
/*
 * store_fuzz.c - any bytes as events.db: opened, upgraded, looked over and folded into a board, or
 * refused; never a crash, never a board that disagrees with itself.
 *
 * The file lies in a folder of its own, in memory where there is a /dev/shm.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "db/rebuild.h"
#include "db/store.h"
#include "shm/players.h"
#include "shm/rank.h"
#include "shm/segment.h"
#include "shm/state.h"
#include "test/fuzz/game.h"

#define RING_SLOTS 1024

static struct {
    char dir[64]; /* empty: not begun */
    struct game *game;
    struct segment segment;
    struct board board;
    struct ring ring;
} ours;

/* The database, its log, the copies that upgrades keep. */
static void empty_folder(void)
{
    DIR *folder = opendir(ours.dir);

    CHECK(folder != NULL);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] != '.') {
            CHECK(unlinkat(dirfd(folder), entry->d_name, 0) == 0);
        }
    }
    (void)closedir(folder);
}

static void end(void)
{
    empty_folder();
    (void)rmdir(ours.dir);
}

static void begin(void)
{
    struct shm_sizes sizes = segment_sizes_for(2, 2, 2, RING_SLOTS, 1);

    fuzz_begin();
    (void)snprintf(ours.dir, sizeof(ours.dir), "%s/ctfg-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    CHECK(mkdtemp(ours.dir) != NULL && atexit(end) == 0);
    ours.game = fuzz_game();
    CHECK(segment_create(&sizes, &ours.segment));
    board_attach(&ours.segment, &ours.board);
    ring_attach(&ours.segment, &ours.ring);
}

static void write_file(const uint8_t *data, size_t size)
{
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, ours.dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    CHECK(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

/* Everyone on the board stands where their score and their event say. */
static void check_ranking(void)
{
    struct rank_line lines[64];
    uint32_t count;
    uint64_t seq;

    CHECK(rank_read_lines(&ours.board, 0, ARRAY_LEN(lines), lines, &count, &seq));
    CHECK(seq == state_committed_seq(board_live(&ours.board)));
    for (uint32_t i = 0; i < count; i++) {
        CHECK(lines[i].place == i);
        CHECK(i == 0 || lines[i - 1].score_points >= lines[i].score_points);
    }
}

static void fold(struct store *store)
{
    struct rebuild rebuild = {.store = store,
                              .game = ours.game,
                              .board = &ours.board,
                              .ring_slots = RING_SLOTS,
                              .add_missing = true};

    if (rebuild_run(&rebuild) != STORE_OK) {
        return;
    }
    rebuild_publish(&rebuild, &ours.ring);
    check_ranking();
    rebuild_free(&rebuild);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[512] = "";
    struct store *store = NULL;

    if (ours.dir[0] == '\0') {
        begin();
    }
    write_file(data, size);
    struct store_options options = {.dir = ours.dir, .create = true, .log_bytes_max = 1u << 20};

    if (store_open(&options, &store, why, sizeof(why)) == STORE_OK) {
        if (store_verify(store, true, why, sizeof(why)) == STORE_OK) {
            fold(store);
        }
        store_close(store);
    } else {
        CHECK(store == NULL && why[0] != '\0');
    }
    empty_folder();
    return 0;
}
