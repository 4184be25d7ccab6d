/* SPDX-License-Identifier: MIT */
/* password.c - compares plain passwords at once and argon2id hashes in the thread pool. */
#include "worker/password.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <sodium.h>
#include <uv.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/slots.h"
#include "worker/conn.h"
#include "worker/context.h"

#define HASH_TEXT_BYTES 128 /* crypto_pwhash_STRBYTES */
#define THREAD_NICE 10 /* a tenth of a loop's share of a core: enough when the loops are idle */
/* One less than libuv's pool has threads: that one is free for a reload, which would else come behind
 * minutes of logins.  The rest waits here. */
#define COMPARED_AT_ONCE 3

struct password_pool {
    uint32_t waiting;            /* those that are compared included */
    uint32_t compared;           /* at the pool */
    struct password_work *first; /* of those that are not yet */
    struct password_work *last;
    uint64_t decoy_generation; /* of the game the decoy was looked up in */
    struct str decoy;
};

struct password_work {
    uv_work_t request;
    struct password_work *next;
    struct worker *worker;
    uint64_t conn_id;
    password_answer answer;
    bool is_right;
    char hash[HASH_TEXT_BYTES];
    size_t given_len;
    char given[GAME_PASSWORD_BYTES_MAX];
    unsigned char context[PASSWORD_CONTEXT_BYTES];
};

bool password_start(struct worker *worker)
{
    worker->passwords = calloc(1, sizeof(*worker->passwords));
    return worker->passwords != NULL;
}

bool password_equal_plain(struct str expected, struct str given)
{
    unsigned char a[crypto_generichash_BYTES];
    unsigned char b[crypto_generichash_BYTES];

    /* Hashes have one length: the time tells nothing of the expected one's. */
    (void)crypto_generichash(a, sizeof(a), (const unsigned char *)expected.data, expected.len, NULL,
                             0);
    (void)crypto_generichash(b, sizeof(b), (const unsigned char *)given.data, given.len, NULL, 0);
    return sodium_memcmp(a, b, sizeof(a)) == 0;
}

/* A herd of logins keeps every thread busy for minutes: whoever plays already goes first. */
static void stand_behind_loops(void)
{
    static _Thread_local bool is_behind;

    if (!is_behind) {
        is_behind = true;
        (void)setpriority(PRIO_PROCESS, 0, THREAD_NICE); /* Linux: of this thread */
    }
}

/* On a thread of the pool: touches its own work only. */
static void work_on_thread(uv_work_t *request)
{
    struct password_work *work = request->data;

    stand_behind_loops();
    work->is_right = crypto_pwhash_str_verify(work->hash, work->given, work->given_len) == 0;
    sodium_memzero(work->given, sizeof(work->given));
}

static void compare_next(struct worker *worker);

static void work_on_done(uv_work_t *request, int status)
{
    struct password_work *work = request->data;
    struct worker *worker = work->worker;

    worker->passwords->compared--;
    compare_next(worker);
    worker->passwords->waiting--;
    slots_set(METRIC_PASSWORD_QUEUE, worker->passwords->waiting);
    work->answer(worker, conn_find(worker, work->conn_id), work->context,
                 status == 0 && work->is_right);
    free(work);
}

static void compare_next(struct worker *worker)
{
    struct password_pool *pool = worker->passwords;

    while (pool->first != NULL && pool->compared < COMPARED_AT_ONCE) {
        struct password_work *work = pool->first;

        pool->first = work->next;
        pool->compared++;
        /* It fails only without a callback. */
        CHECK(uv_queue_work(&worker->loop, &work->request, work_on_thread, work_on_done) == 0);
    }
}

static void wait_in_line(struct password_pool *pool, struct password_work *work)
{
    if (pool->first == NULL) {
        pool->first = work;
    } else {
        pool->last->next = work;
    }
    pool->last = work;
    pool->waiting++;
    slots_set(METRIC_PASSWORD_QUEUE, pool->waiting);
}

bool password_ask_hash(struct worker *worker, struct str hash, struct str given, uint64_t conn_id,
                       const void *context, size_t context_bytes, password_answer answer)
{
    CHECK(context_bytes <= PASSWORD_CONTEXT_BYTES);
    if (worker->passwords->waiting >= worker->game->settings.password_queue_max ||
        hash.len >= HASH_TEXT_BYTES || given.len > GAME_PASSWORD_BYTES_MAX) {
        slots_add(METRIC_PASSWORD_REFUSED, 1);
        return false;
    }
    struct password_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return false;
    }
    work->request.data = work;
    work->worker = worker;
    work->conn_id = conn_id;
    work->answer = answer;
    (void)str_copy(hash, work->hash, sizeof(work->hash));
    memcpy(work->given, given.data, given.len);
    work->given_len = given.len;
    memcpy(work->context, context, context_bytes);
    wait_in_line(worker->passwords, work);
    compare_next(worker);
    return true;
}

struct str password_decoy_hash(struct worker *worker)
{
    struct password_pool *pool = worker->passwords;
    const struct game *game = worker->game;

    if (pool->decoy_generation != game->generation) {
        pool->decoy = (struct str){0};
        for (uint32_t i = 0; i < game->player_count && pool->decoy.len == 0; i++) {
            if (game->players[i].password_is_hash) {
                pool->decoy = game->players[i].password;
            }
        }
        pool->decoy_generation = game->generation;
    }
    return pool->decoy;
}
