/* SPDX-License-Identifier: MIT */
/*
 * stream.c - the hub: who listens, when they are given what is new, and when they have to go.
 *
 * All work on clients is a pass: a walk over the list, some clients a turn of the loop, each given
 * what it lacks as far as its socket takes it.  A write to one socket costs about 7 us of kernel
 * time (three times that on a busy machine), so 10,000 of them in one turn would stall the loop for
 * 70 ms and more: a turn ends after TURN_US.
 * A pass that is asked for while one is under way goes once round from where that one stands: began it
 * with who asks, those far from there would wait for as long as others join or catch up.
 */
#include "worker/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include <uv.h>

#include "conf/game.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/base/hash.h"
#include "shm/slots.h"
#include "shm/state.h"
#include "shm/wire.h"
#include "worker/blob.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/event_json.h"
#include "worker/stream_client.h"

/* The longest a pass, or the pings of a tick, may keep the loop in one go. */
#define TURN_US 3000
#define REASON_BYTES_MAX 64

/* Everyone has to go: a drain, an upgrade. */
struct closing {
    uint16_t code; /* 0: nobody has to */
    uint64_t begun_us;
    uint64_t spread_us;
    char reason[REASON_BYTES_MAX];
};

struct stream_hub {
    struct stream_shared shared;
    struct stream_client *first;
    uint32_t count;
    uint32_t online;      /* players with a stream here */
    uint32_t *by_player;  /* streams of each, by slot */
    uint32_t players_max; /* of by_player */

    struct stream_client *at;      /* where the pass stands; NULL: at the beginning */
    struct stream_client *tick_at; /* where the next tick begins; NULL: at the beginning */
    uint32_t pass_left;            /* clients it still visits */
    bool pass_again;               /* somebody could take more than one visit gave */
    uv_idle_t turn;                /* active while there is something to do in every turn */
    bool turn_active;

    uv_timer_t timer; /* the end of the present tick, when there is news in it */
    bool timer_active;
    uint64_t read_us; /* when the ring was last read */

    /* That the clients are pinged and judged by: a reload may bring others. */
    uint32_t ping_interval_ms;
    uint32_t ping_timeout_ms;

    uint32_t auth_round;  /* one more: sessions have ended somewhere */
    uint64_t floor_seq;   /* another one: the game has begun anew */
    uint64_t auth_epoch;  /* another one: it has, or everyone's sessions have ended */
    uint64_t reset_epoch; /* auth_epoch of when it was last told to have begun anew */
    uint32_t reset_round; /* one more a reset: who came before it has to go */
    struct blob *reset;   /* the frame that tells them; NULL: there was none yet, or no memory */
    struct closing closing;
};

/* ---- the list ---- */

/* NULL: the room's screen, or a player of a list to come. */
static uint32_t *streams_of(struct stream_hub *hub, const struct stream_client *client)
{
    uint32_t player = client->session.player;

    return player < hub->players_max ? &hub->by_player[player] : NULL;
}

static void show_counts(const struct stream_hub *hub)
{
    slots_set(METRIC_STREAMS_OPEN, hub->count);
    slots_set(METRIC_PLAYERS_ONLINE, hub->online);
}

static void list_put(struct stream_hub *hub, struct stream_client *client)
{
    uint32_t *streams = streams_of(hub, client);

    client->prev = NULL;
    client->next = hub->first;
    if (hub->first != NULL) {
        hub->first->prev = client;
    }
    hub->first = client;
    hub->count++;
    if (streams != NULL && (*streams)++ == 0) {
        hub->online++;
    }
    show_counts(hub);
}

static void list_take(struct stream_hub *hub, struct stream_client *client)
{
    uint32_t *streams = streams_of(hub, client);

    if (hub->at == client) {
        hub->at = client->next;
    }
    if (hub->tick_at == client) {
        hub->tick_at = client->next;
    }
    if (client->prev != NULL) {
        client->prev->next = client->next;
    } else {
        hub->first = client->next;
    }
    if (client->next != NULL) {
        client->next->prev = client->prev;
    }
    hub->count--;
    if (streams != NULL && --*streams == 0) {
        hub->online--;
    }
    show_counts(hub);
}

/* ---- a pass ---- */

/* Is it this client's turn in a spread close?  The same answer until it is. */
static bool has_to_close(const struct stream_hub *hub, const struct stream_client *client,
                         uint64_t now_us)
{
    const struct closing *closing = &hub->closing;

    if (closing->code == 0) {
        return false;
    }
    uint64_t id = client->conn->id;
    uint64_t share =
        closing->spread_us > 0 ? hash_bytes(&id, sizeof(id), 0) % closing->spread_us : 0;

    return now_us - closing->begun_us >= share;
}

static void visit(struct stream_hub *hub, struct stream_client *client, uint64_t now_us)
{
    if (client->closing || client->conn->state != CONN_STREAM) {
        return;
    }
    if (client->reset_round != hub->reset_round) {
        if (hub->reset != NULL) {
            stream_client_put(client, hub->reset);
        }
        stream_client_close(client, WS_NORMAL, "reset");
        return;
    }
    if (client->auth_round != hub->auth_round) {
        client->auth_round = hub->auth_round;
        if (!session_still_good(hub->shared.worker, &client->session)) {
            stream_client_close(client, WS_POLICY, "logged out");
            return;
        }
    }
    if (has_to_close(hub, client, now_us)) {
        stream_client_close(client, hub->closing.code, hub->closing.reason);
        return;
    }
    if (stream_client_feed(client, &hub->shared)) {
        hub->pass_again = true;
    }
}

static void turn_stop(struct stream_hub *hub)
{
    if (hub->turn_active) {
        hub->turn_active = false;
        (void)uv_idle_stop(&hub->turn);
    }
}

static void pass_some(struct stream_hub *hub)
{
    uint64_t begun_us = clock_mono_us();
    uint64_t now_us = begun_us;

    while (hub->pass_left > 0 && hub->first != NULL && now_us - begun_us < TURN_US) {
        struct stream_client *client = hub->at != NULL ? hub->at : hub->first;

        hub->at = client->next;
        hub->pass_left--;
        visit(hub, client, now_us);
        now_us = clock_mono_us();
    }
    if (hub->first == NULL) {
        hub->pass_left = 0;
    }
    if (hub->pass_left == 0 && hub->pass_again) {
        hub->pass_again = false;
        hub->pass_left = hub->count;
    }
    if (hub->pass_left == 0 && !hub->shared.history_wanted) {
        turn_stop(hub);
    }
}

static void pass_start(struct stream_hub *hub);

static void on_turn(uv_idle_t *handle)
{
    struct stream_hub *hub = handle->data;
    struct stream_shared *shared = &hub->shared;

    if (shared->history_wanted) {
        shared->history_wanted =
            history_advance(&shared->history, shared->worker,
                            clock_mono_us() + STREAM_HISTORY_SLICE_US) == HISTORY_BUILDING;
        if (!shared->history_wanted) {
            pass_start(hub);
        }
    }
    pass_some(hub);
}

/* Everyone is visited, beginning with the next turn of the loop. */
static void pass_start(struct stream_hub *hub)
{
    hub->pass_left = hub->count;
    if (!hub->turn_active) {
        hub->turn_active = uv_idle_start(&hub->turn, on_turn) == 0;
        CHECK(hub->turn_active); /* only a handle that was never initialised fails */
    }
}

/* ---- news ---- */

static void read_news(struct stream_hub *hub, uint64_t now_us);

static void on_timer(uv_timer_t *handle)
{
    struct stream_hub *hub = handle->data;

    hub->timer_active = false;
    read_news(hub, clock_mono_us());
}

static void timer_set(struct stream_hub *hub, uint64_t wait_us)
{
    if (!hub->timer_active) {
        hub->timer_active = uv_timer_start(&hub->timer, on_timer, (wait_us + 999) / 1000, 0) == 0;
    }
}

/* Ring -> frames -> clients; the first of them in this turn. */
static void read_news(struct stream_hub *hub, uint64_t now_us)
{
    enum frames_news news = frames_read(&hub->shared.frames, hub->shared.worker);

    if (news == FRAMES_NOTHING) {
        return;
    }
    hub->read_us = now_us;
    pass_start(hub);
    pass_some(hub);
    if (news == FRAMES_MORE) {
        timer_set(hub, 0);
    }
}

/* A lone event goes out at once; those within a tick of the last frame share the next one. */
static void expect_news(struct stream_hub *hub)
{
    uint64_t tick_us = (uint64_t)hub->shared.worker->game->settings.stream_tick_ms * 1000;
    uint64_t now_us = clock_mono_us();
    uint64_t since_us = now_us - hub->read_us;

    if (since_us >= tick_us) {
        read_news(hub, now_us);
    } else {
        timer_set(hub, tick_us - since_us);
    }
}

/* The bare object of docs/stream.md: everyone who is here reads it, then goes. */
static struct blob *reset_frame(void)
{
    struct buf payload = BUF_INIT(256);
    struct json_out json = JSON_OUT(&payload);

    event_json_reset(&json);
    struct blob *blob = frames_text(buf_str(&payload));

    buf_free(&payload);
    return blob;
}

static void begin_anew(struct stream_hub *hub)
{
    struct worker *worker = hub->shared.worker;

    frames_restart(&hub->shared.frames, ring_newest_seq(&worker->ring));
    history_forget(&hub->shared.history);
    blob_unref(hub->reset);
    hub->reset = reset_frame();
    hub->reset_round++;
    hub->floor_seq = state_floor_seq(board_live(&worker->board));
    hub->reset_epoch = state_auth_epoch(board_live(&worker->board));
    pass_start(hub);
}

void stream_on_news(struct worker *worker, uint32_t news)
{
    struct stream_hub *hub = worker->streams;
    const struct bank *bank = board_live(&worker->board);
    uint64_t epoch = state_auth_epoch(bank);
    bool floor_moved = state_floor_seq(bank) != hub->floor_seq;
    /* The same epoch: look_at_board() was faster, and who has come since is of the new game.  Of a game
     * without events it sees no reset, since the floor stays: then this word is the first of it. */
    bool is_reset = (news & WIRE_NEWS_RESET) != 0 && epoch != hub->reset_epoch;
    /* Another database stands in place of the one that was: to a client that is a reset, too. */
    bool went_back =
        (news & WIRE_NEWS_BANK) != 0 && ring_newest_seq(&worker->ring) < hub->shared.frames.cursor;

    hub->auth_epoch = epoch;
    if (is_reset || floor_moved || went_back) {
        begin_anew(hub);
    }
    if ((news & (WIRE_NEWS_BANK | WIRE_NEWS_NAMES)) != 0) {
        history_forget(&hub->shared.history);
        frames_forget_replay(&hub->shared.frames);
    }
    if ((news & (WIRE_NEWS_AUTH | WIRE_NEWS_BANK)) != 0) {
        hub->auth_round++;
        pass_start(hub);
    }
    expect_news(hub);
}

/* A db that dies between a commit and its word to us has a successor that knows of no word to say.
 * What the ring does not show are resets and logouts of everyone: each has an epoch of its own; and an
 * earlier database that took the place of the dead one's: its events end before those sent on. */
static void look_at_board(struct worker *worker)
{
    const struct stream_hub *hub = worker->streams;
    const struct bank *bank = board_live(&worker->board);

    if (state_committed_seq(bank) < hub->shared.frames.cursor) {
        stream_on_news(worker, WIRE_NEWS_AUTH | WIRE_NEWS_NAMES | WIRE_NEWS_BANK);
    } else if (state_auth_epoch(bank) != hub->auth_epoch) {
        stream_on_news(worker, WIRE_NEWS_AUTH | WIRE_NEWS_NAMES);
    }
}

/* ---- time ---- */

/* The first ping comes within one interval of joining, so that a herd's pings are spread. */
static uint64_t first_ping_us(const struct stream_client *client, uint64_t now_us,
                              uint64_t interval_us)
{
    uint64_t id = client->conn->id;

    return now_us + hash_bytes(&id, sizeof(id), 1) % (interval_us + 1);
}

/* Some ticks before conn.c ends it without a word, since we see it only from tick to tick. */
static uint64_t stuck_timeout_us(const struct settings *settings)
{
    uint64_t timeout_us = (uint64_t)settings->http_write_timeout_ms * 1000;
    uint64_t early_us = 3 * (uint64_t)CONN_TICK_MS * 1000;

    return timeout_us > 2 * early_us ? timeout_us - early_us : timeout_us / 2;
}

/* true: something was done that costs a system call. */
static bool tick_client(struct stream_client *client, const struct settings *settings,
                        uint64_t now_us)
{
    if (client->closing || client->conn->state != CONN_STREAM) {
        return false;
    }
    if (stream_client_is_stuck(client, now_us, stuck_timeout_us(settings))) {
        slots_add(METRIC_STREAM_DROPPED, 1);
        stream_client_close(client, WS_TRY_LATER, "too slow");
        return true;
    }
    /* Added, not subtracted: who has joined since the tick began is younger than now_us. */
    if (now_us > client->pong_us + (uint64_t)settings->ws_ping_timeout_ms * 1000) {
        slots_add(METRIC_STREAM_REAPED, 1);
        conn_close(client->conn, false);
        return true;
    }
    if (now_us >= client->next_ping_us) {
        client->next_ping_us = now_us + (uint64_t)settings->ws_ping_interval_ms * 1000;
        stream_client_ping(client, now_us);
        return true;
    }
    return false;
}

/* Nobody has been pinged by times that a reload has just brought: they count from now on. */
static void take_over_times(struct stream_hub *hub, const struct settings *settings,
                            uint64_t now_us)
{
    uint64_t interval_us = (uint64_t)settings->ws_ping_interval_ms * 1000;

    if (hub->ping_interval_ms == settings->ws_ping_interval_ms &&
        hub->ping_timeout_ms == settings->ws_ping_timeout_ms) {
        return;
    }
    hub->ping_interval_ms = settings->ws_ping_interval_ms;
    hub->ping_timeout_ms = settings->ws_ping_timeout_ms;
    for (struct stream_client *client = hub->first; client != NULL; client = client->next) {
        uint64_t ping_us = first_ping_us(client, now_us, interval_us);

        client->next_ping_us = ping_us < client->next_ping_us ? ping_us : client->next_ping_us;
        client->pong_us = now_us > client->pong_us ? now_us : client->pong_us;
    }
}

void stream_tick(struct worker *worker, uint64_t now_us)
{
    struct stream_hub *hub = worker->streams;
    const struct settings *settings = &worker->game->settings;
    struct stream_client *at = hub->tick_at;
    bool has_time = true; /* who is not reached now is the first in the next tick */
    bool waiting = false; /* for its first frame: the board did not hold still */

    look_at_board(worker);
    take_over_times(hub, settings, now_us);
    frames_forget_replay(&hub->shared.frames);
    hub->shared.ws.message_bytes_max = settings->ws_message_bytes_max;
    for (uint32_t left = hub->count; left > 0; left--) {
        struct stream_client *client = at != NULL ? at : hub->first;

        at = client->next;
        if (has_time) {
            hub->tick_at = at;
            has_time = !tick_client(client, settings, now_us) || clock_mono_us() - now_us < TURN_US;
        }
        waiting = waiting || client->first != STREAM_FIRST_SENT;
    }
    if (waiting || hub->closing.code != 0) {
        pass_start(hub);
    }
    if (ring_newest_seq(&worker->ring) > hub->shared.frames.cursor) {
        expect_news(hub); /* db died between its commit and its word to us */
    }
}

/* ---- what conn.c and others call ---- */

bool stream_start(struct worker *worker)
{
    struct stream_hub *hub = calloc(1, sizeof(*hub));

    if (hub == NULL) {
        return false;
    }
    hub->shared.worker = worker;
    hub->shared.ws.message_bytes_max = worker->game->settings.ws_message_bytes_max;
    hub->floor_seq = state_floor_seq(board_live(&worker->board));
    hub->auth_epoch = state_auth_epoch(board_live(&worker->board));
    hub->reset_epoch = hub->auth_epoch;
    hub->players_max = worker->heritage->segment->header->sizes.players_max;
    hub->by_player = calloc(hub->players_max, sizeof(*hub->by_player));
    if (hub->by_player == NULL || !frames_start(&hub->shared.frames, worker) ||
        uv_idle_init(&worker->loop, &hub->turn) != 0 ||
        uv_timer_init(&worker->loop, &hub->timer) != 0) {
        frames_end(&hub->shared.frames);
        free(hub->by_player);
        free(hub);
        return false;
    }
    hub->turn.data = hub;
    hub->timer.data = hub;
    worker->streams = hub;
    return true;
}

bool stream_join(struct worker *worker, struct conn *conn, const struct session *session,
                 bool has_since, uint64_t since)
{
    struct stream_hub *hub = worker->streams;
    struct stream_client *client = calloc(1, sizeof(*client));
    uint64_t now_us = clock_mono_us();

    if (client == NULL) {
        return false;
    }
    look_at_board(worker); /* a reset before the newcomer's login is none to the newcomer */
    client->conn = conn;
    client->session = *session;
    client->auth_round = hub->auth_round;
    client->reset_round = hub->reset_round;
    client->seq = since;
    client->first = has_since ? STREAM_FIRST_SINCE : STREAM_FIRST_HISTORY;
    client->pong_us = now_us;
    client->next_ping_us =
        first_ping_us(client, now_us, (uint64_t)worker->game->settings.ws_ping_interval_ms * 1000);
    list_put(hub, client);
    slots_add(METRIC_STREAMS_OPENED, 1);
    conn_become_stream(conn, client);
    /* Behind the 101 in the same write; what follows the first frame is given by a pass. */
    if (client->conn->state == CONN_STREAM) {
        stream_client_greet(client, &hub->shared);
    }
    pass_start(hub);
    return true;
}

void stream_on_bytes(struct conn *conn, const char *bytes, size_t len)
{
    stream_client_take(conn->client, &conn->worker->streams->shared, bytes, len);
}

void stream_on_drained(struct conn *conn)
{
    struct stream_hub *hub = conn->worker->streams;

    if (stream_client_feed(conn->client, &hub->shared)) {
        pass_start(hub);
    }
}

void stream_on_closed(struct conn *conn)
{
    struct stream_hub *hub = conn->worker->streams;
    struct stream_client *client = conn->client;

    list_take(hub, client);
    ws_input_end(&client->input);
    free(client);
    conn->client = NULL;
}

void stream_close_all(struct worker *worker, uint16_t code, const char *reason, uint64_t spread_ms)
{
    struct stream_hub *hub = worker->streams;

    hub->closing = (struct closing){
        .code = code,
        .begun_us = clock_mono_us(),
        .spread_us = spread_ms * 1000,
    };
    (void)snprintf(hub->closing.reason, sizeof(hub->closing.reason), "%s", reason);
    pass_start(hub);
}

uint32_t stream_count(const struct worker *worker)
{
    return worker->streams->count;
}
