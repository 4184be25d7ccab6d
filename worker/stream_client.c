/* SPDX-License-Identifier: MIT */
/* stream_client.c - one client of the stream. */
#include "worker/stream_client.h"

#include <string.h>

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/log.h"
#include "shm/slots.h"
#include "shm/state.h"
#include "worker/blob.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/event_json.h"

/* Frames one client gets before the others have their turn. */
#define FRAMES_A_FEED 4

static_assert(sizeof(struct stream_client) <= 192, "20,000 of them are a few megabytes");

/* ---- what goes out ---- */

void stream_client_put(struct stream_client *client, struct blob *frame)
{
    conn_put_blob(client->conn, frame, 0, frame->len);
    slots_add(METRIC_STREAM_FRAMES, 1);
    slots_add(METRIC_STREAM_BYTES, frame->len);
}

static void put_control(struct stream_client *client, const struct ws_control *frame)
{
    conn_put(client->conn, (struct str){frame->bytes, frame->len});
    slots_add(METRIC_STREAM_FRAMES, 1);
    slots_add(METRIC_STREAM_BYTES, frame->len);
}

void stream_client_close(struct stream_client *client, uint16_t code, const char *reason)
{
    struct ws_control frame = ws_close_frame(code, reason);

    if (client->closing || client->conn->state != CONN_STREAM) {
        return;
    }
    client->closing = true;
    client->conn->linger = true; /* it may be saying something that would reset the connection */
    put_control(client, &frame);
    conn_close(client->conn, true);
}

void stream_client_ping(struct stream_client *client, uint64_t now_us)
{
    struct ws_control frame =
        ws_control_frame(WS_PING, (struct str){(const char *)&now_us, sizeof(now_us)});

    client->ping_us = now_us;
    put_control(client, &frame);
    conn_flush(client->conn);
}

/* "[{system: resync}]": reload the snapshot, its sequence is where you go on.  Ours is said as well: a
 * snapshot may be a tick old, and one that lacks what we do not send again will not do. */
static bool put_resync(struct stream_client *client, const struct stream_shared *shared)
{
    struct buf payload = BUF_INIT(256);
    struct json_out json = JSON_OUT(&payload);

    json_array_begin(&json);
    event_json_resync(&json, shared->frames.sent_seq);
    json_array_end(&json);
    struct blob *frame = frames_text(buf_str(&payload));

    if (frame != NULL) {
        stream_client_put(client, frame);
        slots_add(METRIC_STREAM_RESYNCS, 1);
        client->seq = shared->frames.sent_seq;
        client->catching_up = false;
        client->first = STREAM_FIRST_SENT;
    }
    blob_unref(frame);
    buf_free(&payload);
    return frame != NULL;
}

/* ---- what comes next ---- */

/* The functions below return true when they have brought the client further. */

static bool give_history(struct stream_client *client, struct stream_shared *shared)
{
    uint64_t until_us = clock_mono_us() + STREAM_HISTORY_SLICE_US;

    /* While one is being built the hub goes on with it, once a turn for all who wait. */
    if (shared->history_wanted) {
        return false;
    }
    switch (history_advance(&shared->history, shared->worker, until_us)) {
    case HISTORY_READY:
        break;
    case HISTORY_BUILDING:
        shared->history_wanted = true;
        return false;
    case HISTORY_FAILED: /* db has just died: the next tick asks again */
        return false;
    }
    stream_client_put(client, shared->history.frame);
    client->seq = shared->history.seq;
    client->first = STREAM_FIRST_SENT;
    client->catching_up = true;
    return true;
}

static bool give_replay(struct stream_client *client, struct stream_shared *shared, uint64_t last)
{
    struct frame frame;

    switch (frames_replay(&shared->frames, shared->worker, client->seq, last, &frame)) {
    case FRAMES_REPLAYED:
        client->seq = frame.last_seq;
        if (frame.blob != NULL) {
            stream_client_put(client, frame.blob);
            client->first = STREAM_FIRST_SENT;
        }
        return true;
    case FRAMES_LATER:
        break;
    case FRAMES_LAPPED:
        return put_resync(client, shared);
    }
    return false;
}

/* The first frame of a client that names its sequence: all behind it, up to a frame's bound. */
static bool give_since(struct stream_client *client, struct stream_shared *shared)
{
    const struct ring *ring = &shared->worker->ring;
    uint64_t newest = ring_newest_seq(ring);
    uint64_t committed = state_committed_seq(board_live(&shared->worker->board));

    committed = committed > newest ? committed : newest;
    /* Older than what is kept, or from a future that a backup in the database's place has undone. */
    if (client->seq > committed ||
        (client->seq < committed && client->seq + 1 < ring_oldest_seq(ring))) {
        return put_resync(client, shared);
    }
    if (client->seq < committed && !give_replay(client, shared, newest) && client->seq < newest) {
        return false;
    }
    if (client->first != STREAM_FIRST_SENT) { /* nothing to show in it: a frame all the same */
        stream_client_put(client, shared->frames.empty);
        client->first = STREAM_FIRST_SENT;
    }
    client->catching_up = true;
    return true;
}

static bool give_live(struct stream_client *client, struct stream_shared *shared)
{
    struct frame frame;

    switch (frames_find(&shared->frames, client->seq, &frame)) {
    case FRAMES_CURRENT:
        client->catching_up = false;
        return false;
    case FRAMES_FOUND:
        stream_client_put(client, frame.blob);
        client->seq = frame.last_seq;
        return true;
    case FRAMES_INSIDE:
        return give_replay(client, shared, frame.last_seq);
    case FRAMES_GONE:
        break;
    }
    return client->catching_up ? give_replay(client, shared, shared->frames.sent_seq)
                               : put_resync(client, shared);
}

static bool give_next(struct stream_client *client, struct stream_shared *shared)
{
    switch ((enum stream_first)client->first) {
    case STREAM_FIRST_HISTORY:
        return give_history(client, shared);
    case STREAM_FIRST_SINCE:
        return give_since(client, shared);
    case STREAM_FIRST_SENT:
        break;
    }
    return give_live(client, shared);
}

void stream_client_greet(struct stream_client *client, struct stream_shared *shared)
{
    (void)give_next(client, shared); /* false: a later pass gives it */
}

static bool lacks_something(const struct stream_client *client, const struct stream_shared *shared)
{
    return client->first != STREAM_FIRST_SENT || client->seq < shared->frames.sent_seq;
}

bool stream_client_feed(struct stream_client *client, struct stream_shared *shared)
{
    struct conn *conn = client->conn;

    for (int i = 0; i < FRAMES_A_FEED; i++) {
        if (client->closing || conn->state != CONN_STREAM || !lacks_something(client, shared)) {
            return false;
        }
        if (conn_queued_bytes(conn) > 0) {
            /* Goes on from its sequence when its socket drains: stream_on_drained(). */
            slots_add(METRIC_STREAM_SLOW, !client->behind);
            client->behind = true;
            return false;
        }
        client->behind = false;
        if (!give_next(client, shared)) {
            return false;
        }
        conn_flush(conn);
    }
    return lacks_something(client, shared);
}

/* ---- what comes in ---- */

static void on_pong(struct stream_client *client, struct str payload)
{
    uint64_t now_us = clock_mono_us();

    client->pong_us = now_us;
    if (client->ping_us == 0 || payload.len != sizeof(client->ping_us) ||
        memcmp(payload.data, &client->ping_us, payload.len) != 0) {
        return; /* late, or unasked for: a sign of life all the same */
    }
    uint64_t took_us = now_us - client->ping_us;

    client->ping_us = 0;
    slots_observe(HISTOGRAM_WS_PING, took_us);
    if (client->conn->worker->game->settings.ws_log_ping_latency) {
        LOG(LOG_LEVEL_INFO, "pong", LOG_U64("connection", client->conn->id),
            LOG_U64("took_us", took_us));
    }
}

static void on_control(void *context, enum ws_heard heard, struct str payload, uint16_t close_code)
{
    struct stream_client *client = context;
    struct ws_control frame;

    switch (heard) {
    case WS_HEARD_PING:
        frame = ws_control_frame(WS_PONG, payload);
        put_control(client, &frame);
        break;
    case WS_HEARD_PONG:
        on_pong(client, payload);
        break;
    case WS_HEARD_CLOSE:
        stream_client_close(client, close_code, "");
        break;
    }
}

static const char *complaint(uint16_t code)
{
    switch (code) {
    case WS_UNSUPPORTED:
        return "text only";
    case WS_BAD_TEXT:
        return "not UTF-8";
    case WS_TOO_BIG:
        return "message too long";
    case WS_INTERNAL:
        return "out of memory";
    default:
        return "protocol error";
    }
}

void stream_client_take(struct stream_client *client, struct stream_shared *shared,
                        const char *bytes, size_t len)
{
    if (client->closing) {
        return;
    }
    uint16_t code = ws_receive(&shared->ws, &client->input, bytes, len, on_control, client);

    if (code != 0) {
        slots_add(METRIC_WEBSOCKET_BAD, 1);
        stream_client_close(client, code, complaint(code));
    }
}

bool stream_client_is_stuck(struct stream_client *client, uint64_t now_us, uint64_t timeout_us)
{
    size_t left = uv_stream_get_write_queue_size(&client->conn->uv.stream);

    if (left == 0) {
        client->stuck_since_us = 0;
    } else if (client->stuck_since_us == 0 || left < client->stuck_bytes) {
        client->stuck_since_us = now_us;
    }
    client->stuck_bytes = left;
    return client->stuck_since_us != 0 && now_us - client->stuck_since_us >= timeout_us;
}
