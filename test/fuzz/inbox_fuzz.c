/* SPDX-License-Identifier: MIT */
/*
 * inbox_fuzz.c - what a worker sends to db: any bytes, cut anywhere, leave the same requests behind,
 * and whatever was let in is decided without a crash.
 *
 * The first byte says how the rest is cut.
 */
#include "db/inbox.c" /* take_messages() */

#include "db/decide.h"
#include "shm/base/hash.h"
#include "shm/players.h"
#include "shm/segment.h"
#include "test/fuzz/game.h"

#define QUEUE_MAX 16 /* small: being full is met, too */

static struct {
    bool begun;
    uv_loop_t loop;
    struct game *game;
    struct segment segment;
    struct board board;
    struct roster roster;
    struct roster_user users[2];
    uint32_t by_slot[2];
    struct overlay overlay;
    struct decide_view view;
} db;

static void begin(void)
{
    struct shm_sizes sizes;

    fuzz_begin();
    db.begun = true;
    CHECK(uv_loop_init(&db.loop) == 0);
    db.game = fuzz_game();
    sizes = segment_sizes_for(2, 2, 2, 1024, 1);
    CHECK(segment_create(&sizes, &db.segment));
    board_attach(&db.segment, &db.board);
    struct bank *spare = board_spare_clear(&db.board);
    for (uint32_t i = 0; i < 2; i++) {
        players_put(spare, i, i + 1, 0, SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME, "");
        db.users[i] = (struct roster_user){.id = i + 1, .slot = i, .in_game = true};
        db.by_slot[i] = i;
    }
    board_publish(&db.board);
    db.roster = (struct roster){
        .users = db.users, .count = 2, .capacity = 2, .by_slot = db.by_slot, .slot_count = 2};
    map_init(&db.roster.by_id, 2);
    map_init(&db.roster.by_name, 2);
    map_init(&db.roster.on_board, 2);
    overlay_init(&db.overlay, QUEUE_MAX);
    db.view = (struct decide_view){.game = db.game,
                                   .bank = board_live(&db.board),
                                   .roster = &db.roster,
                                   .overlay = &db.overlay};
}

static uint64_t hash_decision(const struct decision *decision, uint64_t hash)
{
    CHECK(decision->status < WIRE_STATUSES);
    hash = hash * 31 + (uint64_t)decision->status;
    hash = hash * 31 + (uint64_t)decision->effect;
    return hash * 31 + (uint64_t)decision->total_points;
}

static uint64_t decide(const struct request *request, uint64_t hash)
{
    struct decision decision;

    switch ((enum wire_type)request->head.type) {
    case WIRE_SUBMIT:
        decision = decide_submit(&db.view, &request->submit);
        break;
    case WIRE_HINT:
        decision = decide_hint(&db.view, &request->hint);
        break;
    case WIRE_NAME:
        decision = decide_name(&db.view, &request->name);
        break;
    case WIRE_REVOKE:
        decision = decide_revoke(&db.view, &request->revoke);
        break;
    case WIRE_RESET:
        return hash * 31 + 1;
    default:
        CHECK(false); /* nothing else is let in */
        return 0;
    }
    return hash_decision(&decision, hash);
}

/* A hash of all that was let in, and of whether the sender was dropped. */
static uint64_t feed(const uint8_t *data, size_t size, size_t step)
{
    struct inbox inbox = {.queue = calloc(QUEUE_MAX, sizeof(struct request)),
                          .guesses = calloc(QUEUE_MAX, sizeof(struct wire_guess)),
                          .queue_max = QUEUE_MAX,
                          .conn_count = 1};
    struct inbox_conn *conn = calloc(1, sizeof(*conn));
    uint64_t hash = 0;

    CHECK(inbox.queue != NULL && inbox.guesses != NULL && conn != NULL);
    inbox.conns[1] = conn;
    conn->inbox = &inbox;
    conn->id = 1;
    conn->out = BUF_INIT(INBOX_OUT_BYTES_MAX);
    conn->sending = BUF_INIT(INBOX_OUT_BYTES_MAX);
    CHECK(uv_pipe_init(&db.loop, &conn->pipe, 0) == 0);
    conn->pipe.data = conn;
    for (size_t at = 0; at < size && !conn->is_closing; at += step) {
        size_t len = size - at < step ? size - at : step;

        CHECK(len <= INBOX_IN_BYTES - conn->in_len);
        memcpy(conn->in + conn->in_len, data + at, len);
        conn->in_len += len;
        take_messages(conn);
        CHECK(conn->is_closing || conn->in_len < WIRE_MESSAGE_BYTES_MAX);
    }
    for (const struct request *request; (request = inbox_peek(&inbox)) != NULL; inbox_pop(&inbox)) {
        hash =
            decide(request, hash_str((struct str){(const char *)request, sizeof(*request)}, hash));
    }
    for (const struct wire_guess *guess; (guess = inbox_peek_guess(&inbox)) != NULL;
         inbox_pop_guess(&inbox)) {
        hash = hash_str((struct str){guess->guess, guess->guess_bytes}, hash);
    }
    hash = hash_str((struct str){conn->out.data, conn->out.len}, hash + conn->is_closing);
    conn_close(conn);
    (void)uv_run(&db.loop, UV_RUN_DEFAULT);
    inbox_free(&inbox);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!db.begun) {
        begin();
    }
    if (size < 2 || size > INBOX_IN_BYTES) {
        return 0;
    }
    CHECK(feed(data + 1, size - 1, size) == feed(data + 1, size - 1, (size_t)data[0] + 1));
    return 0;
}
