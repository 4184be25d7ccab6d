/* SPDX-License-Identifier: MIT */
/*
 * store_health.c - how the store fares: one line in the log for each change, and a way back without a
 * restart.
 *
 * The next batch always tries again.  When what failed is more than a full disk or a lock (the file was
 * moved, damaged, the disk failed) and a second has not mended it, the file is closed and opened anew,
 * once a second, until that works; if it then holds something else than the board shows, the board
 * follows.
 */

#include <sys/statvfs.h>

#include "conf/game.h"
#include "db/process.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "shm/state.h"

#define REOPEN_EVERY_US 1000000
#define PROBE_EVERY_US 1000000
#define PROBE_ROOM_BYTES (1 << 20) /* a probe fits into what the log has already; events do not */

struct store_options db_store_options(const struct db *db)
{
    return (struct store_options){
        .dir = db->dir,
        .log_bytes_max = db->game->settings.wal_bytes_max,
    };
}

static bool makes_suspect(enum store_status status)
{
    switch (status) {
    case STORE_OK:
    case STORE_DUPLICATE:
    case STORE_FULL:
    case STORE_BUSY:
    case STORE_LOG_FULL:
        return false;
    case STORE_READ_ONLY:
    case STORE_CORRUPT:
    case STORE_FAILED:
        return true;
    }
    return true;
}

void db_note_store(struct db *db, enum store_status status, const char *error)
{
    if (!makes_suspect(status)) {
        db->reopen_at_us = 0;
    } else if (db->reopen_at_us == 0) {
        db->reopen_at_us = clock_mono_us() + REOPEN_EVERY_US; /* until then batches try as it is */
    }
    if (status == db->store_status) {
        return;
    }
    db->store_status = status;
    slots_set(METRIC_DB_STORE_REFUSES, status == STORE_OK ? 0 : 1);
    db->probe_at_us = clock_mono_us() + PROBE_EVERY_US;
    if (status == STORE_OK) {
        LOG(LOG_LEVEL_WARN, "the store works again");
    } else {
        LOG(LOG_LEVEL_ERROR, "the store refuses: nothing is accepted until it works again",
            LOG_STR("state", store_status_name(status)), LOG_STR("error", error));
    }
}

static bool has_room(const char *dir)
{
    struct statvfs disk;

    return statvfs(dir, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize >= PROBE_ROOM_BYTES;
}

/*
 * A store that refused is tried again though nobody asks for anything: /readyz tells from it whether a
 * flag could be accepted now.
 */
void db_probe_store(struct db *db)
{
    uint64_t now_us = clock_mono_us();

    if (db->store_status == STORE_OK || db->store == NULL || now_us < db->probe_at_us ||
        checkpoint_is_blocked(&db->checkpoint, db->store)) {
        return;
    }
    db->probe_at_us = now_us + PROBE_EVERY_US;
    if (db->store_status == STORE_FULL && !has_room(db->dir)) {
        return;
    }
    if (store_commit_nothing(db->store) == STORE_OK) {
        db_note_store(db, STORE_OK, "");
    }
}

void db_adopt(struct db *db, struct rebuild *rebuild)
{
    if (rebuild->without_slot > 0) {
        LOG(LOG_LEVEL_WARN, "events of users outside of the game are not shown: no room for them",
            LOG_U64("events", rebuild->without_slot));
    }
    rebuild_publish(rebuild, &db->ring);
    roster_free(&db->roster);
    recent_free(&db->recent);
    db->roster = rebuild->roster;
    db->recent = rebuild->recent;
    db->meta = rebuild->meta;
    if (db->last_ts_us < rebuild->last_ts_us) {
        db->last_ts_us = rebuild->last_ts_us;
    }
    slots_add(METRIC_DB_REBUILDS, 1);
}

struct user_look {
    const struct roster *roster;
    bool same;
};

static bool compare_user(void *context, const struct store_user *row)
{
    struct user_look *look = context;
    uint64_t at;

    look->same = map_get(&look->roster->by_id, row->id, &at) &&
                 look->roster->users[at].auth_epoch == row->auth_epoch &&
                 str_equal(str_from(look->roster->users[at].name), row->displayname);
    return look->same;
}

/* A batch whose sync failed was refused, yet the log may have kept it, names and logouts too. */
static bool holds_the_roster(struct db *db)
{
    struct user_look look = {.roster = &db->roster, .same = true};

    return store_each_user(db->store, compare_user, &look) == STORE_OK && look.same;
}

/* Does it hold what the board shows?  Then nothing has to be built. */
static bool holds_the_board(struct db *db)
{
    struct store_meta meta;
    uint64_t id;
    uint64_t ts_us;

    if (store_read_meta(db->store, &meta) != STORE_OK ||
        store_newest(db->store, &id, &ts_us) != STORE_OK) {
        return false;
    }
    if (id < meta.floor_seq) {
        id = meta.floor_seq;
    }
    return id == state_committed_seq(board_live(&db->board)) &&
           meta.floor_seq == db->meta.floor_seq && meta.auth_epoch == db->meta.auth_epoch &&
           holds_the_roster(db);
}

static bool follow_store(struct db *db)
{
    struct rebuild rebuild = {
        .store = db->store,
        .game = db->game,
        .board = &db->board,
        .ring_slots = db->ring.slot_count,
        .add_missing = true,
    };

    if (rebuild_run(&rebuild) != STORE_OK) {
        return false;
    }
    LOG(LOG_LEVEL_WARN, "the store holds something else than the board showed: the board follows",
        LOG_U64("newest", rebuild.newest_seq));
    db_adopt(db, &rebuild);
    inbox_poke_all(&db->inbox, WIRE_NEWS_BANK | WIRE_NEWS_NAMES | WIRE_NEWS_AUTH | WIRE_NEWS_EVENTS,
                   ring_newest_seq(&db->ring));
    inbox_flush(&db->inbox);
    return true;
}

void db_mend_store(struct db *db)
{
    struct store_options options = db_store_options(db);
    char error[512];
    uint64_t now_us = clock_mono_us();

    if (db->reopen_at_us == 0 || now_us < db->reopen_at_us || db->checkpoint.is_running ||
        job_is_running(&db->job)) {
        return;
    }
    options.in_loop = true;
    db->reopen_at_us = now_us + REOPEN_EVERY_US;
    store_close(db->store);
    db->store = NULL;
    enum store_status status = store_open(&options, &db->store, error, sizeof(error));

    if (status != STORE_OK) {
        return; /* the next batch that is refused says what the first one said */
    }
    if (holds_the_board(db) || follow_store(db)) {
        db->reopen_at_us = 0;
    } else {
        store_close(db->store);
        db->store = NULL;
    }
}
