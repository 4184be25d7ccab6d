/* SPDX-License-Identifier: MIT */
/* fixture_db.h - a database folder, a small game, and a db process to talk to as a worker would. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "conf/game.h"
#include "db/db.h"
#include "db/store.h"
#include "shm/base/clock.h"
#include "shm/base/compiler.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"
#include "shm/board.h"
#include "shm/control.h"
#include "shm/heritage.h"
#include "shm/players.h"
#include "shm/revoked.h"
#include "shm/ring.h"
#include "shm/segment.h"
#include "shm/slots.h"
#include "shm/solved.h"
#include "shm/state.h"
#include "shm/wire.h"
#include "test/unit/fixture_game.h"

#define FIXTURE_DEADLINE_MS 15000

/* Challenge slots in the order of the file. */
enum { CHALLENGE_FIRST, CHALLENGE_NEEDS_FIRST, CHALLENGE_SMALL };
/* Player slots likewise. */
enum { ALICE, BOB, CAROL };

static const char *const fixture_challenges =
    "[{\"id\": 11, \"title\": \"First\", \"category\": \"c\", \"difficulty\": \"easy\","
    "  \"points\": 100, \"description\": \"d\", \"flag\": \"^one$\","
    "  \"hints\": [{\"id\": 1, \"text\": \"t\", \"cost\": 60}, {\"id\": 2, \"text\": \"t\", "
    "\"cost\": 30}]},"
    " {\"id\": 12, \"title\": \"Second\", \"category\": \"c\", \"difficulty\": \"easy\","
    "  \"points\": 200, \"description\": \"d\", \"flag\": \"^two$\", \"requirements\": [11],"
    "  \"hints\": [{\"id\": 1, \"text\": \"t\", \"cost\": 60}]},"
    " {\"id\": 13, \"title\": \"Third\", \"category\": \"c\", \"difficulty\": \"easy\","
    "  \"points\": 50, \"description\": \"d\", \"flag\": \"^three$\"}]";
static const char *const fixture_credentials = "alice,pw\nbob,pw\ncarol,pw\n";

struct fixture {
    char dir[64];
    struct game *game;
    struct segment segment;
    struct board board;
    struct ring ring;
    pid_t db_pid; /* 0: none runs */
    int control_fd;
    int listener_fd;
    struct sockaddr_un address;
    socklen_t address_len;
    uint32_t worker; /* connections made so far */
};

static inline void fixture_path(const struct fixture *fixture, const char *name, char path[256])
{
    (void)snprintf(path, 256, "%s/%s", fixture->dir, name);
}

/* A folder and a game in it; no database yet. */
static inline void fixture_make(struct fixture *fixture)
{
    *fixture = (struct fixture){.dir = "/tmp/ctfg-db-XXXXXX"};
    proc_set_role(PROC_TEST);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_LOGFMT);
    assert_non_null(mkdtemp(fixture->dir));
    fixture->game = fixture_game(fixture_challenges, fixture_credentials);
    assert_non_null(fixture->game);
    fixture->game->settings.database_dir = str_from(fixture->dir);
}

/* SQL of the test's own, as an organiser would run it beside a server. */
static inline void fixture_sql(const struct fixture *fixture, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    char *error = NULL;

    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK) {
        fail_msg("%s: %s", sql, error);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline int64_t fixture_number(const struct fixture *fixture, const char *sql)
{
    char path[256];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;

    fixture_path(fixture, STORE_FILE, path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 5000), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t number = sqlite3_column_int64(statement, 0);

    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return number;
}

static inline void fixture_prepare(struct fixture *fixture, struct db_facts *ret_facts)
{
    char error[512] = "";

    if (!db_prepare(fixture->game, ret_facts, error, sizeof(error))) {
        fail_msg("db_prepare: %s", error);
    }
}

/* The segment and the socket, as a master makes them once. */
static inline void fixture_found(struct fixture *fixture)
{
    static uint32_t number;
    struct db_facts facts;

    fixture_prepare(fixture, &facts);
    struct shm_sizes sizes = segment_sizes_for(GAME_PLAYERS_MAX + facts.users_outside_game,
                                               GAME_CHALLENGES_MAX, GAME_HINTS_MAX, 1024, 1);

    assert_true(segment_create(&sizes, &fixture->segment));
    board_attach(&fixture->segment, &fixture->board);
    ring_attach(&fixture->segment, &fixture->ring);
    fixture->address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int len = snprintf(fixture->address.sun_path + 1, sizeof(fixture->address.sun_path) - 1,
                       "ctfg-db-test-%d-%u", (int)getpid(), number++);

    fixture->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    fixture->listener_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fixture->listener_fd >= 0);
    assert_int_equal(
        bind(fixture->listener_fd, (struct sockaddr *)&fixture->address, fixture->address_len), 0);
    assert_int_equal(listen(fixture->listener_fd, 16), 0);
}

static inline bool fixture_wait_readable(int fd)
{
    struct pollfd wanted = {.fd = fd, .events = POLLIN};

    return poll(&wanted, 1, FIXTURE_DEADLINE_MS) == 1;
}

static inline struct control_message fixture_hear(struct fixture *fixture)
{
    struct control_message message = {0};
    int fd = -1;

    assert_true(fixture_wait_readable(fixture->control_fd));
    assert_int_equal(control_receive(fixture->control_fd, &message, &fd), CONTROL_MESSAGE);
    return message;
}

/* Forks a db process, which may have reason to leave at once. */
static inline void fixture_fork(struct fixture *fixture)
{
    int pair[2];

    if (fixture->segment.base == NULL) {
        fixture_found(fixture);
    }
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                     0);
    fixture->db_pid = fork();
    assert_true(fixture->db_pid >= 0);
    if (fixture->db_pid == 0) {
        static struct heritage heritage;

        (void)close(pair[0]);
        heritage = (struct heritage){
            .segment = &fixture->segment,
            .game = fixture->game,
            .process_slot = SLOT_DB,
            .worker_count = 1,
            .control_fd = pair[1],
            .metrics_fd = HERITAGE_FD_NONE,
            .db_listener_fd = fixture->listener_fd,
        };
        db_main(&heritage);
    }
    (void)close(pair[1]);
    fixture->control_fd = pair[0];
}

/* The same, and waits until it serves. */
static inline void fixture_start(struct fixture *fixture)
{
    fixture_fork(fixture);
    assert_int_equal(fixture_hear(fixture).type, CONTROL_READY);
}

static inline int fixture_reap(struct fixture *fixture)
{
    int status = 0;

    assert_int_equal(waitpid(fixture->db_pid, &status, 0), fixture->db_pid);
    fixture->db_pid = 0;
    (void)close(fixture->control_fd);
    return status;
}

static inline void fixture_kill(struct fixture *fixture)
{
    assert_int_equal(kill(fixture->db_pid, SIGKILL), 0);
    (void)fixture_reap(fixture);
}

/* Says that it has drained, and leaves.  Its exit status. */
static inline int fixture_drained(struct fixture *fixture)
{
    assert_int_equal(fixture_hear(fixture).type, CONTROL_DRAINED);
    int status = fixture_reap(fixture);

    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Ends in order: everybody has gone, then the db goes. */
static inline int fixture_drain(struct fixture *fixture)
{
    assert_true(control_send(fixture->control_fd, CONTROL_DRAIN, 5000, -1));
    return fixture_drained(fixture);
}

static inline void fixture_end(struct fixture *fixture)
{
    DIR *folder;
    struct dirent *entry;

    if (fixture->db_pid != 0) {
        fixture_kill(fixture);
    }
    if (fixture->segment.base != NULL) {
        (void)close(fixture->listener_fd);
        segment_destroy(&fixture->segment);
    }
    game_unref(fixture->game);
    folder = opendir(fixture->dir);
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    (void)rmdir(fixture->dir);
}

/* cmocka's set-up and tear-down of a test whose state is a fixture. */
static inline int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    if (fixture == NULL) {
        return -1;
    }
    fixture_make(fixture);
    *state = fixture;
    return 0;
}

static inline int fixture_tear_down(void **state)
{
    fixture_end(*state);
    free(*state);
    return 0;
}

/* How many files of the folder have names that begin like this? */
static inline int fixture_files(const struct fixture *fixture, const char *prefix)
{
    DIR *folder = opendir(fixture->dir);
    struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
    }
    (void)closedir(folder);
    return count;
}

/* ---- being a worker --------------------------------------------------------------------------- */

static inline void fixture_send(int fd, const void *bytes, size_t len)
{
    assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

static inline int fixture_connect_silent(const struct fixture *fixture)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&fixture->address, fixture->address_len),
                     0);
    return fd;
}

static inline int fixture_connect(struct fixture *fixture)
{
    int fd = fixture_connect_silent(fixture);
    struct wire_hello hello = {
        .head = wire_head_make(WIRE_HELLO, 0),
        .worker_number = ++fixture->worker,
        .pid = (uint32_t)getpid(),
    };

    fixture_send(fd, &hello, sizeof(hello));
    return fd;
}

static inline struct wire_submit fixture_submit_of(uint64_t request_id, uint32_t player,
                                                   uint32_t challenge)
{
    return (struct wire_submit){
        .head = wire_head_make(WIRE_SUBMIT, request_id), .player = player, .challenge = challenge};
}

static inline struct wire_hint fixture_hint_of(uint64_t request_id, uint32_t player,
                                               uint32_t challenge, uint32_t hint_id)
{
    return (struct wire_hint){.head = wire_head_make(WIRE_HINT, request_id),
                              .player = player,
                              .challenge = challenge,
                              .hint_id = hint_id};
}

static inline struct wire_name fixture_name_of(uint64_t request_id, uint32_t player,
                                               const char *name)
{
    struct wire_name request = {.head = wire_head_make(WIRE_NAME, request_id), .player = player};

    (void)snprintf(request.name, sizeof(request.name), "%s", name);
    return request;
}

/* The next whole message; its type.  0: the other side has closed. */
static inline uint16_t fixture_receive(int fd, char message[WIRE_MESSAGE_BYTES_MAX])
{
    struct wire_head head;

    if (!fixture_wait_readable(fd)) {
        fail_msg("db says nothing");
    }
    ssize_t len = recv(fd, message, sizeof(head), MSG_WAITALL);

    if (len != (ssize_t)sizeof(head)) {
        return 0;
    }
    memcpy(&head, message, sizeof(head));
    assert_in_range(head.size_bytes, sizeof(head), WIRE_MESSAGE_BYTES_MAX);
    size_t rest = head.size_bytes - sizeof(head);

    assert_int_equal(recv(fd, message + sizeof(head), rest, MSG_WAITALL), (ssize_t)rest);
    return head.type;
}

/* The next answer; news on the way are added to *news. */
static inline struct wire_result fixture_result_with_news(int fd, uint32_t *news)
{
    char message[WIRE_MESSAGE_BYTES_MAX];
    struct wire_result result;
    struct wire_poke poke;
    uint16_t type;

    while ((type = fixture_receive(fd, message)) == WIRE_POKE) {
        memcpy(&poke, message, sizeof(poke));
        *news |= poke.news;
    }
    assert_int_equal(type, WIRE_RESULT);
    memcpy(&result, message, sizeof(result));
    return result;
}

static inline struct wire_result fixture_result(int fd)
{
    uint32_t news = 0;

    return fixture_result_with_news(fd, &news);
}

static inline struct wire_result fixture_submit(int fd, uint64_t request_id, uint32_t player,
                                                uint32_t challenge)
{
    struct wire_submit request = fixture_submit_of(request_id, player, challenge);

    fixture_send(fd, &request, sizeof(request));
    return fixture_result(fd);
}
