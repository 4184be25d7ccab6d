/* SPDX-License-Identifier: MIT */
/* play.c - random requests into db's own batches; every answer goes into the model. */

#include "test/torture/play.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "db/db.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/proc.h"
#include "shm/board.h"
#include "shm/players.h"
#include "shm/state.h"
#include "test/unit/fixture_game.h"

#define CHALLENGES 9
#define HINTS_EACH 3
#define BATCH_REQUESTS_MAX 6
#define RING_EVENTS 64 /* it is lapped */
#define FAR_FUTURE_S UINT64_C(9000000000)

/* ---- the game --------------------------------------------------------------------------------- */

struct game *play_game(void)
{
    struct buf challenges = BUF_INIT(64u << 10);
    struct buf credentials = BUF_INIT(4u << 10);

    for (int id = 1; id <= CHALLENGES; id++) {
        buf_printf(&challenges,
                   "%s{\"id\":%d,\"title\":\"t%d\",\"category\":\"c\",\"difficulty\":\"easy\","
                   "\"points\":%d,\"description\":\"d\",\"flag\":\"^f$\",\"hints\":[",
                   id == 1 ? "[" : ",", id, id, id * 10);
        for (int hint = 1; hint <= HINTS_EACH; hint++) {
            buf_printf(&challenges, "%s{\"id\":%d,\"text\":\"t\",\"cost\":%d}",
                       hint == 1 ? "" : ",", hint, hint * 7);
        }
        buf_printf(&challenges, id % 3 == 0 ? "],\"requirements\":[%d]}" : "]}", id - 1);
    }
    buf_printf(&challenges, "]%c", 0);
    for (int player = 0; player < MODEL_PLAYERS; player++) {
        buf_printf(&credentials, "p%d,pw\n", player);
    }
    buf_printf(&credentials, "%c", 0);
    struct game *game = fixture_game(challenges.data, credentials.data);

    CHECK(game != NULL);
    game->settings.wal_bytes_max = 1u << 20;
    buf_free(&challenges);
    buf_free(&credentials);
    return game;
}

/* ---- opening, as db.c does it ----------------------------------------------------------------- */

static bool put_revocation(void *context, const struct store_revocation *revocation)
{
    struct play *play = context;

    return revoked_add(&play->db.revoked, revocation->session_id, revocation->expires_s, 0);
}

static bool build_board(struct play *play)
{
    struct db *db = &play->db;
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
    if (store_each_revocation(db->store, put_revocation, play) != STORE_OK) {
        rebuild_free(&rebuild);
        return false;
    }
    board_set_session_key(&db->board, rebuild.meta.session_key);
    db_adopt(db, &rebuild);
    return true;
}

bool play_reopen(struct play *play, char *ret_error, size_t error_bytes)
{
    struct db *db = &play->db;
    struct store_options options;
    struct db_facts facts;

    /* db_adopt() frees what the predecessor knew; a new process knows nothing. */
    roster_free(&db->roster);
    recent_free(&db->recent);
    db->roster = (struct roster){0};
    db->recent = (struct recent){0};
    db->reopen_at_us = 0;
    db->store_status = STORE_OK;
    options = db_store_options(db);
    if (!db_prepare(play->game, &facts, ret_error, error_bytes) ||
        store_open(&options, &db->store, ret_error, error_bytes) != STORE_OK) {
        return false;
    }
    if (!build_board(play)) {
        (void)snprintf(ret_error, error_bytes, "the board: %s", store_error(db->store));
        play_close(play);
        return false;
    }
    return true;
}

bool play_open(struct play *play, const char *dir, uint64_t seed, char *ret_error,
               size_t error_bytes)
{
    struct db *db = &play->db;

    *play = (struct play){.random.state = seed};
    proc_set_role(PROC_TEST);
    play->game = play_game();
    (void)snprintf(play->dir, sizeof(play->dir), "%s", dir);
    play->game->settings.database_dir = str_from(play->dir);
    struct shm_sizes sizes = segment_sizes_for(play->game->player_slots, CHALLENGES,
                                               CHALLENGES * HINTS_EACH, RING_EVENTS, 1);

    CHECK(segment_create(&sizes, &play->segment));
    db->game = play->game;
    (void)snprintf(db->dir, sizeof(db->dir), "%s", dir);
    board_attach(&play->segment, &db->board);
    ring_attach(&play->segment, &db->ring);
    revoked_attach(&play->segment, &db->revoked);
    CHECK(revoked_begin_holding(&db->revoked));
    CHECK(uv_loop_init(&db->loop) == 0);
    db->inbox.queue_max = BATCH_REQUESTS_MAX;
    db->inbox.queue = calloc(BATCH_REQUESTS_MAX, sizeof(*db->inbox.queue));
    db->inbox.guesses = calloc(BATCH_REQUESTS_MAX, sizeof(*db->inbox.guesses));
    CHECK(db->inbox.queue != NULL && db->inbox.guesses != NULL);
    checkpoint_init(&db->checkpoint, &db->loop, play->game->settings.wal_bytes_max);
    batch_init(&db->batch, BATCH_REQUESTS_MAX);
    return play_reopen(play, ret_error, error_bytes);
}

void play_close(struct play *play)
{
    store_close(play->db.store);
    play->db.store = NULL;
}

void play_free(struct play *play)
{
    play_close(play);
    roster_free(&play->db.roster);
    recent_free(&play->db.recent);
    batch_free(&play->db.batch);
    free(play->db.revoked.held);
    inbox_free(&play->db.inbox);
    CHECK(uv_loop_close(&play->db.loop) == 0);
    segment_destroy(&play->segment);
    game_unref(play->game);
}

/* ---- asking ----------------------------------------------------------------------------------- */

static struct wire_head head_of(struct play *play, enum wire_type type)
{
    return wire_head_make(type, ++play->request_id);
}

static uint32_t epoch_of(const struct play *play)
{
    return (uint32_t)play->db.meta.auth_epoch;
}

static void ask_event(struct play *play, struct request *request)
{
    uint32_t player = random_below(&play->random, MODEL_PLAYERS);
    uint32_t challenge = random_below(&play->random, CHALLENGES);

    if (random_below(&play->random, 3) > 0) {
        request->submit = (struct wire_submit){.head = head_of(play, WIRE_SUBMIT),
                                               .player = player,
                                               .challenge = challenge,
                                               .epoch = epoch_of(play)};
        request->submit.flags =
            random_below(&play->random, 8) == 0 ? (uint32_t)EVENT_FROM_AWARD : 0;
    } else {
        request->hint = (struct wire_hint){.head = head_of(play, WIRE_HINT),
                                           .player = player,
                                           .challenge = challenge,
                                           .hint_id = 1 + random_below(&play->random, HINTS_EACH),
                                           .epoch = epoch_of(play)};
    }
}

static void ask_name(struct play *play, struct request *request)
{
    request->name = (struct wire_name){.head = head_of(play, WIRE_NAME),
                                       .player = random_below(&play->random, MODEL_PLAYERS),
                                       .epoch = epoch_of(play)};
    (void)snprintf(request->name.name, sizeof(request->name.name), "name %u",
                   random_below(&play->random, MODEL_PLAYERS * 2));
}

static void ask_revoke(struct play *play, struct request *request)
{
    uint32_t what = random_below(&play->random, 6);

    request->revoke = (struct wire_revoke){.head = head_of(play, WIRE_REVOKE),
                                           .player = random_below(&play->random, MODEL_PLAYERS)};
    if (what == 0) {
        request->revoke.player = SHM_NONE;
    } else if (what < 4) {
        request->revoke.session_id = random_next(&play->random) >> 1;
        request->revoke.expires_s = FAR_FUTURE_S;
    }
}

/* An event's request once more, as a worker sends it to the next db. */
static bool ask_again(struct play *play, struct request *request)
{
    const struct model *model = &play->model;

    if (model->event_count == 0) {
        return false;
    }
    const struct model_event *event =
        &model->events[random_below(&play->random, model->event_count)];
    uint32_t slot = game_find_challenge(play->game, (uint32_t)event->challenge_id)->slot;
    uint32_t player = (uint32_t)event->user_id - 1;

    if (event->hint_id == 0) {
        request->submit = (struct wire_submit){
            .head = wire_head_make(WIRE_SUBMIT, event->request_id),
            .player = player,
            .challenge = slot,
            .epoch = epoch_of(play),
        };
    } else {
        request->hint = (struct wire_hint){
            .head = wire_head_make(WIRE_HINT, event->request_id),
            .player = player,
            .challenge = slot,
            .hint_id = event->hint_id,
            .epoch = epoch_of(play),
        };
    }
    return true;
}

static void ask(struct play *play)
{
    struct inbox *inbox = &play->db.inbox;
    struct request *request =
        &inbox->queue[(inbox->queue_first + inbox->queue_count++) % inbox->queue_max];
    uint32_t what = random_below(&play->random, 20);

    *request = (struct request){0};
    play->asked++;
    if (what < 3) {
        ask_name(play, request);
    } else if (what < 5) {
        ask_revoke(play, request);
    } else if (what >= 7 || !ask_again(play, request)) {
        ask_event(play, request);
    }
}

static void tell_guess(struct play *play)
{
    struct inbox *inbox = &play->db.inbox;
    struct wire_guess *guess =
        &inbox->guesses[(inbox->guess_first + inbox->guess_count++) % inbox->queue_max];

    *guess = (struct wire_guess){
        .head = head_of(play, WIRE_GUESS),
        .player = random_below(&play->random, MODEL_PLAYERS),
        .challenge = random_below(&play->random, CHALLENGES),
        .guess_bytes = 5,
        .guess = "wrong",
    };
}

/* ---- one step --------------------------------------------------------------------------------- */

static struct model *add_ghost(struct play *play)
{
    CHECK(play->ghost_count < PLAY_GHOSTS_MAX);
    struct model *ghost = &play->ghosts[play->ghost_count++];

    *ghost = play->model;
    return ghost;
}

const struct model *play_find_ghost(const struct play *play, const struct model *found)
{
    for (uint32_t i = 0; i < play->ghost_count; i++) {
        if (model_equals(&play->ghosts[i], found, NULL)) {
            return &play->ghosts[i];
        }
    }
    return NULL;
}

/* As if all of a refused batch had been granted.  Unless it had got as far as its commit, that is. */
static void imagine_ghost(struct play *play, uint32_t count)
{
    struct model *ghost = add_ghost(play);

    for (uint32_t i = 0; i < count; i++) {
        const struct batch_item *item = &play->db.batch.items[i];
        struct wire_result granted = item->result;

        granted.status = item->decision.effect == DECIDE_NOTHING ? WIRE_UNKNOWN : WIRE_OK;
        if (item->decision.effect == DECIDE_EVENT) {
            granted.seq = item->decision.event.seq;
            granted.ts_us = item->decision.event.ts_us;
            granted.points = item->decision.event.points;
        }
        if (item->decision.effect == DECIDE_EVENT && granted.seq == 0) {
            play->ghost_count--; /* its row was never put in */
            return;
        }
        (void)!model_take(ghost, play->game, &item->request, &granted, stderr);
    }
}

static bool take_answers(struct play *play, uint32_t count, bool wrote, FILE *out)
{
    bool ok = true;
    bool refused = false;

    for (uint32_t i = 0; i < count && ok; i++) {
        const struct batch_item *item = &play->db.batch.items[i];

        refused = refused || item->result.status == WIRE_STORE_FAILED;
        wrote = wrote || item->decision.effect != DECIDE_NOTHING;
        play->refused += item->result.status == WIRE_STORE_FAILED;
        play->granted += item->result.status == WIRE_OK;
        ok = model_take(&play->model, play->game, &item->request, &item->result, out);
    }
    if (refused) {
        imagine_ghost(play, count);
    } else if (wrote) {
        play->ghost_count = 0; /* the log goes on from where the refused ones began */
    }
    return ok;
}

static bool run_batch(struct play *play, FILE *out)
{
    uint32_t count = 1 + random_below(&play->random, BATCH_REQUESTS_MAX);

    for (uint32_t i = 0; i < count; i++) {
        ask(play);
    }
    uint32_t guesses = random_below(&play->random, 3);

    for (uint32_t i = 0; i < guesses; i++) {
        tell_guess(play);
    }
    /* Another connection of this process may hold a lock for a moment: the batch is tried again. */
    do {
        batch_run(&play->db);
    } while (play->db.batch.count > 0);
    return take_answers(play, count, guesses > 0, out);
}

static void run_reset(struct play *play)
{
    struct db *db = &play->db;
    struct request reset = {.reset.head = head_of(play, WIRE_RESET)};

    play->asked++;
    struct model *ghost = add_ghost(play);

    model_reset(ghost, state_committed_seq(board_live(&db->board)));
    db->job.ok = false;
    job_start_reset(db, &reset);
    (void)uv_run(&db->loop, UV_RUN_DEFAULT);
    if (db->job.ok) {
        play->model = *ghost;
        play->granted++;
        play->ghost_count = 0;
    } else {
        play->refused++;
    }
}

/* As checkpoint.c goes about it, but in this thread: a pass beside the commits, then the rest. */
static void run_checkpoint(struct play *play, bool truncate)
{
    struct store *store = play->db.store;
    uint64_t before = store_log_pending_bytes(store);
    uint64_t left;

    if (store_checkpoint(store, STORE_CHECKPOINT_PASSIVE, &left) != STORE_FAILED) {
        store_log_moved(store, before, left);
        (void)!store_checkpoint(
            store, truncate ? STORE_CHECKPOINT_TRUNCATE : STORE_CHECKPOINT_RESTART, &left);
    }
}

bool play_step(struct play *play, FILE *out)
{
    uint32_t what = random_below(&play->random, 24);
    bool ok = true;

    if (what == 0) {
        run_reset(play);
    } else if (what < 4 && play->db.store != NULL) {
        run_checkpoint(play, what == 1);
    } else {
        ok = run_batch(play, out);
    }
    return ok && play_check_board(play, out);
}

static bool is_shown(const struct play *play, uint32_t slot)
{
    struct player_view view = {0};
    const char *name = play->model.names[slot];

    return players_read(board_live(&play->db.board), slot, &view) &&
           view.score_points == model_score(&play->model, slot + 1) &&
           view.auth_epoch == play->model.epochs[slot] &&
           (name[0] == '\0' ? (view.flags & SHM_PLAYER_NAMED) == 0 : strcmp(view.name, name) == 0);
}

bool play_check_board(const struct play *play, FILE *out)
{
    bool ok = true;

    for (uint32_t slot = 0; slot < MODEL_PLAYERS; slot++) {
        if (!is_shown(play, slot)) {
            ok = false;
            (void)fprintf(out,
                          "slot %" PRIu32 " should have %" PRId64
                          " points, the name '%s' and epoch "
                          "%" PRIu32 "; the board shows something else\n",
                          slot, model_score(&play->model, slot + 1), play->model.names[slot],
                          play->model.epochs[slot]);
        }
    }
    return ok;
}
