/* SPDX-License-Identifier: MIT */
/*
 * store_sqlite.c - the store in one SQLite file: WAL, synchronous=FULL, every statement once.
 *
 * https://www.sqlite.org/wal.html.  A commit appends to the log and syncs it; moving the log into
 * the main file is never left to a commit (wal_autocheckpoint 0) but done by checkpoint.c.
 */

#include "db/store_sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/log_writer.h"
#include "db/migrate.h"
#include "db/sqlite_copy.h"
#include "shm/base/check.h"

/* Opening for db_prepare() and the tools: no loop waits. */
#define BUSY_TOOL_MS 2000
/* Of a new file; the smallest there is.  A solve changes a page in each of three indexes, anywhere:
 * with SQLite's 4096 a submission writes 3.3 KB, with 512 1.2 KB (docs/benchmarks.md). */
#define PAGE_BYTES "512"

/* Reads the row, and says whether to stop there: on_event() of store_read.c. */
#define IS_LAST_EVENT                                                                              \
    STORE_EVENT_FUNCTION "(id, ts, user_id, challenge_id, event_type, points, hint_number, flags," \
                         " request_id)"

/* clang-format off */
const char *const store_statement_sql[STATEMENT_COUNT] = {
    [STATEMENT_BEGIN]          = "BEGIN IMMEDIATE",
    [STATEMENT_HOLD]           = "BEGIN", /* the first query decides on the moment */
    [STATEMENT_COMMIT]         = "COMMIT",
    [STATEMENT_ROLLBACK]       = "ROLLBACK",
    [STATEMENT_TOUCH]          = "PRAGMA application_id = 0", /* as it is */
    [STATEMENT_EACH_USER]      = "SELECT id, auth_epoch, username, displayname FROM users ORDER BY id",
    [STATEMENT_EACH_EVENT]     = "SELECT 1 FROM events WHERE id > ?1 AND " IS_LAST_EVENT
                                 " ORDER BY id",
    [STATEMENT_FIND_SUBMIT]    = "SELECT 1 FROM events INDEXED BY events_user_chal_submit"
                                 " WHERE user_id = ?1 AND challenge_id = ?2 AND event_type = 1"
                                 " AND " IS_LAST_EVENT,
    [STATEMENT_FIND_HINT]      = "SELECT 1 FROM events INDEXED BY events_user_chal_hint"
                                 " WHERE user_id = ?1 AND challenge_id = ?2 AND event_type = 2"
                                 " AND hint_number = ?3 AND " IS_LAST_EVENT,
    [STATEMENT_NEWEST_ID]      = "SELECT coalesce(max(id), 0) FROM events",
    [STATEMENT_NEWEST_TS]      = "SELECT coalesce(max(ts), 0) FROM events INDEXED BY events_ts",
    [STATEMENT_INSERT_EVENT]   = "INSERT INTO events (ts, user_id, challenge_id, event_type, points,"
                                 " hint_number, flags, request_id)"
                                 " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [STATEMENT_INSERT_GUESS]   = "INSERT INTO guesses (ts, user_id, challenge_id, guess)"
                                 " VALUES (?1, ?2, ?3, ?4)",
    [STATEMENT_TRIM_GUESSES]   = "DELETE FROM guesses WHERE id IN (SELECT id FROM guesses"
                                 " WHERE id <= (SELECT max(id) FROM guesses) - ?1"
                                 " ORDER BY id LIMIT ?2)",
    [STATEMENT_INSERT_USER]    = "INSERT INTO users (username) VALUES (?1)",
    [STATEMENT_SET_NAME]       = "UPDATE users SET displayname = ?2 WHERE id = ?1",
    [STATEMENT_SET_EPOCH]      = "UPDATE users SET auth_epoch = ?2 WHERE id = ?1",
    [STATEMENT_GET_META]       = "SELECT value FROM meta WHERE key = ?1",
    [STATEMENT_PUT_META]       = "INSERT INTO meta (key, value) VALUES (?1, ?2)"
                                 " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    [STATEMENT_CLEAR_EVENTS]   = "DELETE FROM events",
    [STATEMENT_CLEAR_GUESSES]  = "DELETE FROM guesses",
    [STATEMENT_CLEAR_NAMES]    = "UPDATE users SET displayname = NULL",
    [STATEMENT_INSERT_REVOKED] = "INSERT OR REPLACE INTO revocations (session_id, expires_s)"
                                 " VALUES (?1, ?2)",
    [STATEMENT_NEXT_REVOKED]   = "SELECT max(session_id) FROM (SELECT session_id FROM revocations"
                                 " WHERE session_id > ?1 ORDER BY session_id LIMIT ?2)",
    [STATEMENT_EXPIRE_REVOKED] = "DELETE FROM revocations WHERE session_id > ?1"
                                 " AND session_id <= ?2 AND expires_s < ?3",
    [STATEMENT_EACH_REVOKED]   = "SELECT session_id, expires_s FROM revocations",
    [STATEMENT_COUNT_ASIDE]    = "SELECT count(*) FROM moved_aside",
    [STATEMENT_USER_SUMS]      = "SELECT user_id, sum(points), sum(event_type = 1), 0 FROM events"
                                 " WHERE id <= ?1 GROUP BY user_id",
    [STATEMENT_CHALLENGE_SUMS] = "SELECT challenge_id, 0, count(*), min(id) FROM events"
                                 " WHERE event_type = 1 AND id <= ?1 GROUP BY challenge_id",
    [STATEMENT_EXPORT_EVENTS]  = "SELECT e.id, e.ts, e.user_id, u.username, u.displayname,"
                                 " e.challenge_id, e.points, e.hint_number, e.flags, NULL"
                                 " FROM events e LEFT JOIN users u ON u.id = e.user_id"
                                 " WHERE e.event_type = ?1 ORDER BY e.id",
    [STATEMENT_EXPORT_SUBMISSIONS] =
                                 "SELECT s.id, s.ts, s.user_id, u.username, u.displayname,"
                                 " s.challenge_id, 0, 0, s.flags, s.guess"
                                 " FROM (SELECT id, ts, user_id, challenge_id, flags, NULL AS guess"
                                 " FROM events WHERE event_type = 1 UNION ALL"
                                 " SELECT 0, ts, user_id, challenge_id, 0, guess FROM guesses) s"
                                 " LEFT JOIN users u ON u.id = s.user_id ORDER BY s.ts, s.id",
    [STATEMENT_FIND_USERNAME]  = "SELECT username FROM users WHERE id = ?1",
};
/* clang-format on */

static bool is_no_space(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

enum store_status store_status_of(struct store *store, sqlite3 *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) {
        return STORE_OK;
    }
    (void)snprintf(store->error, sizeof(store->error), "%s (code %d)", sqlite3_errmsg(db), code);
    switch (code & 0xff) {
    case SQLITE_CONSTRAINT:
        return STORE_DUPLICATE;
    case SQLITE_FULL:
        return STORE_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return STORE_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return STORE_BUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return STORE_CORRUPT;
    case SQLITE_IOERR:
        return is_no_space(sqlite3_system_errno(db)) ? STORE_FULL : STORE_FAILED;
    default:
        return STORE_FAILED;
    }
}

const char *store_error(const struct store *store)
{
    return store->error;
}

const char *store_status_name(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return "ok";
    case STORE_DUPLICATE:
        return "duplicate";
    case STORE_FULL:
        return "disk full";
    case STORE_READ_ONLY:
        return "read-only";
    case STORE_BUSY:
        return "locked by another process";
    case STORE_LOG_FULL:
        return "log full";
    case STORE_CORRUPT:
        return "damaged";
    case STORE_FAILED:
        return "failed";
    }
    return "unknown";
}

/* A prepared statement, ready for new values; NULL: store->error says why. */
sqlite3_stmt *store_statement(struct store *store, enum store_statement which)
{
    sqlite3_stmt **statement = &store->statements[which];

    if (*statement == NULL &&
        sqlite3_prepare_v3(store->db, store_statement_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
                           statement, NULL) != SQLITE_OK) {
        (void)store_status_of(store, store->db, sqlite3_extended_errcode(store->db));
        return NULL;
    }
    return *statement;
}

enum store_status store_statement_run(struct store *store, sqlite3_stmt *statement)
{
    enum store_status status = store_status_of(store, store->db, sqlite3_step(statement));

    (void)sqlite3_reset(statement);
    (void)sqlite3_clear_bindings(statement);
    return status;
}

static enum store_status run(struct store *store, enum store_statement which)
{
    sqlite3_stmt *statement = store_statement(store, which);

    return statement == NULL ? STORE_FAILED : store_statement_run(store, statement);
}

static enum store_status run_two(struct store *store, enum store_statement which, int64_t first,
                                 int64_t second)
{
    sqlite3_stmt *statement = store_statement(store, which);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    /* A value that cannot be bound leaves NULL, which the columns' NOT NULL or the caller's range
     * refuse; only memory can be missing here. */
    CHECK(sqlite3_bind_int64(statement, 1, first) == SQLITE_OK);
    if (sqlite3_bind_parameter_count(statement) > 1) {
        CHECK(sqlite3_bind_int64(statement, 2, second) == SQLITE_OK);
    }
    return store_statement_run(store, statement);
}

/* ---- opening ---------------------------------------------------------------------------------- */

static int on_commit_grew_log(void *context, sqlite3 *db, const char *name, int pages)
{
    struct store *store = context;

    (void)db;
    (void)name;
    if ((uint64_t)pages < store->log_pages) {
        store->moved_bytes = 0; /* all of it was moved, so this commit began the log anew */
    }
    store->log_pages = (uint64_t)pages;
    return SQLITE_OK;
}

static bool set_up(struct store *store, const struct store_options *options)
{
    char pragma[96];
    bool ok = sqlite3_exec(store->db,
                           "PRAGMA synchronous = FULL; PRAGMA cache_size = " STORE_CACHE ";"
                           "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;"
                           "PRAGMA wal_autocheckpoint = 0;",
                           NULL, NULL, NULL) == SQLITE_OK;

    if (ok && options->private_copy) { /* what has to be sorted may be larger than memory */
        ok = sqlite3_exec(store->db, "PRAGMA temp_store = FILE", NULL, NULL, NULL) == SQLITE_OK;
    }
    if (!ok || options->read_only) {
        return ok;
    }
    (void)snprintf(pragma, sizeof(pragma), "PRAGMA journal_size_limit = %lld",
                   options->log_bytes_max == 0 ? -1LL : (long long)options->log_bytes_max);
    return sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK &&
           sqlite3_exec(store->db, pragma, NULL, NULL, NULL) == SQLITE_OK;
}

/* For reading only: a copy that nobody else sees, brought up to date; in memory, and past the cache's
 * size in a file without a name. */
static bool open_private_copy(struct store *store, char *ret_error, size_t error_bytes)
{
    sqlite3 *copy = NULL;

    if (sqlite3_open("", &copy) != SQLITE_OK || !sqlite_copy_into(store->db, copy)) {
        (void)snprintf(ret_error, error_bytes, "it cannot be copied aside: %s",
                       sqlite3_errmsg(copy));
        (void)sqlite3_close(copy);
        return false;
    }
    (void)sqlite3_close(store->db);
    store->db = copy;
    return migrate_run(copy, NULL, 0, ret_error, error_bytes);
}

static bool bring_up_to_date(struct store *store, const struct store_options *options,
                             char *ret_error, size_t error_bytes)
{
    switch (migrate_look(store->db, ret_error, error_bytes)) {
    case MIGRATE_CURRENT:
        return !options->private_copy || open_private_copy(store, ret_error, error_bytes);
    case MIGRATE_EMPTY:
    case MIGRATE_OLDER:
        if (options->read_only) {
            return open_private_copy(store, ret_error, error_bytes);
        }
        if (options->create) {
            return migrate_run(store->db, store->path, options->copies_kept_max, ret_error,
                               error_bytes);
        }
        (void)snprintf(ret_error, error_bytes, "it has not been upgraded yet");
        return false;
    case MIGRATE_FOREIGN:
    case MIGRATE_UNREADABLE:
        return false;
    }
    return false;
}

static bool note_identity(struct store *store)
{
    const char *file = sqlite3_db_filename(store->db, "main");
    struct stat facts;

    if (stat(store->path, &facts) != 0) {
        return false;
    }
    if (file != NULL && file[0] != '\0') { /* a private copy has none */
        store->log_path = sqlite3_filename_wal(file);
    }
    store->device = facts.st_dev;
    store->inode = facts.st_ino;
    return true;
}

/* A file that holds the key of all sessions is for its owner's eyes.  Before SQLite opens it: closing
 * any descriptor of a file gives up this process's locks on it. */
static void make_private_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0) {
        (void)close(fd); /* else SQLite says why */
    }
}

/* The second connection: a passive checkpoint on another thread is in nobody's way there. */
static bool open_log_connection(struct store *store)
{
    return sqlite3_open_v2(store->path, &store->log_db, SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE,
                           NULL) == SQLITE_OK &&
           sqlite3_extended_result_codes(store->log_db, 1) == SQLITE_OK &&
           sqlite3_exec(store->log_db, "PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL;",
                        NULL, NULL, NULL) == SQLITE_OK;
}

static enum store_status open_failed(struct store *store, struct store **ret_store, char *ret_error,
                                     size_t error_bytes, const char *why)
{
    enum store_status status =
        store_status_of(store, store->db, sqlite3_extended_errcode(store->db));

    (void)snprintf(ret_error, error_bytes, "%s: %s", store->path, why);
    store_close(store);
    *ret_store = NULL;
    return status == STORE_OK || status == STORE_DUPLICATE ? STORE_FAILED : status;
}

/* Nobody asks SQLite how much memory it has: counting it takes a lock for each piece. */
static void configure_once(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); /* refused once SQLite runs: as it was then */
}

enum store_status store_open(const struct store_options *options, struct store **ret_store,
                             char *ret_error, size_t error_bytes)
{
    static pthread_once_t configured = PTHREAD_ONCE_INIT;
    struct store *store = calloc(1, sizeof(*store));
    char why[384] = "";

    CHECK(store != NULL && pthread_once(&configured, configure_once) == 0);
    int len = snprintf(store->path, sizeof(store->path), "%s/%s", options->dir,
                       options->file == NULL ? STORE_FILE : options->file);

    if (len < 0 || (size_t)len >= sizeof(store->path)) {
        (void)snprintf(ret_error, error_bytes, "the database folder's path is too long");
        free(store);
        return STORE_FAILED;
    }
    /* NOMUTEX: one thread at a time uses a store, so no column needs a lock of its own. */
    int flags =
        SQLITE_OPEN_NOMUTEX | (options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);

    if (options->create) {
        make_private_file(store->path);
    }
    if (sqlite3_open_v2(store->path, &store->db, flags,
                        options->read_only ? NULL : log_writer_vfs()) != SQLITE_OK) {
        int error = sqlite3_system_errno(store->db);

        (void)snprintf(why, sizeof(why), "it cannot be opened: %s",
                       error == 0 ? sqlite3_errmsg(store->db) : strerror(error));
        return open_failed(store, ret_store, ret_error, error_bytes, why);
    }
    (void)sqlite3_extended_result_codes(store->db, 1);
    (void)sqlite3_busy_timeout(store->db, options->in_loop ? STORE_BUSY_MS : BUSY_TOOL_MS);
    if (options->create) { /* a file that has pages keeps its size */
        (void)sqlite3_exec(store->db, "PRAGMA page_size = " PAGE_BYTES, NULL, NULL, NULL);
    }
    if (!bring_up_to_date(store, options, why, sizeof(why))) {
        return open_failed(store, ret_store, ret_error, error_bytes, why);
    }
    if (!set_up(store, options) || !store_read_begin(store) || !note_identity(store) ||
        (!options->read_only &&
         (!open_log_connection(store) || store_ensure_session_key(store) != STORE_OK))) {
        (void)snprintf(why, sizeof(why), "it cannot be set up: %s", sqlite3_errmsg(store->db));
        return open_failed(store, ret_store, ret_error, error_bytes, why);
    }
    (void)sqlite3_wal_hook(store->db, on_commit_grew_log, store);
    (void)sqlite3_busy_timeout(store->db, options->read_only ? BUSY_TOOL_MS : STORE_BUSY_MS);
    store->page_bytes = store_query_number(store, "PRAGMA page_size");
    store->log_pages = store->page_bytes == 0 ? 0 : store_log_bytes(store) / store->page_bytes;
    *ret_store = store;
    return STORE_OK;
}

void store_close(struct store *store)
{
    if (store == NULL) {
        return;
    }
    for (size_t i = 0; i < STATEMENT_COUNT; i++) {
        (void)sqlite3_finalize(store->statements[i]);
    }
    (void)sqlite3_close(store->log_db);
    (void)sqlite3_close(store->db);
    free(store);
}

/* ---- writing ---------------------------------------------------------------------------------- */

/* A file that was moved or deleted would take every commit with it: noticed before each batch. */
static bool is_still_in_place(struct store *store)
{
    struct stat facts;

    if (stat(store->path, &facts) == 0 && facts.st_dev == store->device &&
        facts.st_ino == store->inode) {
        return true;
    }
    (void)snprintf(store->error, sizeof(store->error),
                   "the database file was moved, deleted or replaced");
    return false;
}

enum store_status store_begin(struct store *store)
{
    return is_still_in_place(store) ? run(store, STATEMENT_BEGIN) : STORE_FAILED;
}

/*
 * What a commit has written before its sync failed is in the log, whole, and only this process knows
 * better: a successor would find it there, refused and done.  So its place is written over at once.
 * That the new frame is written is enough: each frame's checksum goes on from the one before it, so
 * the old ones end there, synced or not.  Only at the log's beginning SQLite writes none while a sync
 * fails; but then everything before is in the main file, and the log can be emptied.
 */
static void void_the_log(struct store *store)
{
    char why[sizeof(store->error)];
    uint64_t left_bytes;

    memcpy(why, store->error, sizeof(why));
    store_rollback(store);
    if (store_commit_nothing(store) != STORE_OK && store_log_pending_bytes(store) == 0) {
        (void)!store_checkpoint(store, STORE_CHECKPOINT_TRUNCATE, &left_bytes);
    }
    memcpy(store->error, why, sizeof(why));
}

enum store_status store_commit(struct store *store)
{
    enum store_status status = run(store, STATEMENT_COMMIT);

    if (status != STORE_OK) {
        void_the_log(store);
    }
    return status;
}

enum store_status store_hold(struct store *store)
{
    return run(store, STATEMENT_HOLD);
}

/* SQLite writes no row that stays as it was, but it does write page 1 when a number there is set. */
enum store_status store_commit_nothing(struct store *store)
{
    enum store_status status = store_begin(store);

    if (status == STORE_OK) {
        status = run(store, STATEMENT_TOUCH);
    }
    if (status == STORE_OK) {
        status = run(store, STATEMENT_COMMIT);
    }
    store_rollback(store);
    return status;
}

void store_rollback(struct store *store)
{
    if (sqlite3_get_autocommit(store->db) == 0) {
        (void)run(store, STATEMENT_ROLLBACK);
    }
}

enum store_status store_insert_event(struct store *store, const struct store_event *event,
                                     uint64_t *ret_id)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_INSERT_EVENT);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)event->ts_us);
    (void)sqlite3_bind_int64(statement, 2, event->user_id);
    (void)sqlite3_bind_int64(statement, 3, event->challenge_id);
    (void)sqlite3_bind_int(statement, 4, event->type);
    (void)sqlite3_bind_int64(statement, 5, event->points);
    if (event->hint_id != 0) {
        (void)sqlite3_bind_int64(statement, 6, event->hint_id);
    }
    (void)sqlite3_bind_int(statement, 7, event->flags);
    if (event->request_id != 0) {
        (void)sqlite3_bind_int64(statement, 8, (int64_t)event->request_id);
    }
    enum store_status status = store_statement_run(store, statement);

    if (status == STORE_OK) {
        *ret_id = (uint64_t)sqlite3_last_insert_rowid(store->db);
    }
    return status;
}

enum store_status store_insert_guess(struct store *store, uint64_t ts_us, uint32_t user_id,
                                     uint32_t challenge_id, struct str guess)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_INSERT_GUESS);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_int64(statement, 1, (int64_t)ts_us);
    (void)sqlite3_bind_int64(statement, 2, user_id);
    (void)sqlite3_bind_int64(statement, 3, challenge_id);
    (void)sqlite3_bind_text(statement, 4, guess.len == 0 ? "" : guess.data, (int)guess.len,
                            SQLITE_STATIC);
    return store_statement_run(store, statement);
}

enum store_status store_trim_guesses(struct store *store, uint64_t kept, uint32_t most,
                                     uint32_t *ret_deleted)
{
    enum store_status status = run_two(store, STATEMENT_TRIM_GUESSES, (int64_t)kept, most);

    *ret_deleted = status == STORE_OK ? (uint32_t)sqlite3_changes(store->db) : 0;
    return status;
}

enum store_status store_insert_user(struct store *store, struct str username, uint32_t *ret_id)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_INSERT_USER);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_text(statement, 1, username.data, (int)username.len, SQLITE_STATIC);
    enum store_status status = store_statement_run(store, statement);
    int64_t id = sqlite3_last_insert_rowid(store->db);

    if (status == STORE_OK && (id < 1 || id >= (int64_t)UINT32_MAX)) {
        (void)snprintf(store->error, sizeof(store->error), "user ids are used up");
        return STORE_FAILED;
    }
    if (status == STORE_OK) {
        *ret_id = (uint32_t)id;
    }
    return status;
}

enum store_status store_set_display_name(struct store *store, uint32_t user_id, struct str name)
{
    sqlite3_stmt *statement = store_statement(store, STATEMENT_SET_NAME);

    if (statement == NULL) {
        return STORE_FAILED;
    }
    (void)sqlite3_bind_int64(statement, 1, user_id);
    (void)sqlite3_bind_text(statement, 2, name.data, (int)name.len, SQLITE_STATIC);
    return store_statement_run(store, statement);
}

enum store_status store_set_auth_epoch(struct store *store, uint32_t user_id, uint32_t epoch)
{
    return run_two(store, STATEMENT_SET_EPOCH, user_id, epoch);
}

enum store_status store_clear_game(struct store *store)
{
    enum store_status status = run(store, STATEMENT_CLEAR_EVENTS);

    if (status == STORE_OK) {
        status = run(store, STATEMENT_CLEAR_GUESSES);
    }
    return status == STORE_OK ? run(store, STATEMENT_CLEAR_NAMES) : status;
}
