/* SPDX-License-Identifier: MIT */
/* frames.c - encodes events from the ring and keeps the recent frames. */
#include "worker/frames.h"

#include "conf/game.h"
#include "shm/base/clock.h"
#include "shm/base/json_out.h"
#include "shm/ring.h"
#include "shm/slots.h"
#include "worker/blob.h"
#include "worker/context.h"
#include "worker/event_json.h"
#include "worker/ws.h"

/* ---- encoding ---- */

/* A payload under way.  Room for the head is left in front, since its length is known last. */
struct encoder {
    struct buf buf;
    struct json_out json;
    uint32_t events;
};

static void encoder_begin(struct encoder *encoder)
{
    static const char room[WS_HEAD_BYTES_MAX];

    encoder->buf = BUF_INIT(FRAME_PAYLOAD_BYTES + EVENT_JSON_BYTES_MAX + 64);
    encoder->json = JSON_OUT(&encoder->buf);
    encoder->events = 0;
    buf_append(&encoder->buf, room, sizeof(room));
    json_array_begin(&encoder->json);
}

/* The whole frame; NULL when there is nothing in it, or no memory. */
static struct blob *encoder_finish(struct encoder *encoder)
{
    struct blob *blob = NULL;
    char head[WS_HEAD_BYTES_MAX];

    json_array_end(&encoder->json);
    if (encoder->events > 0 && !encoder->buf.failed) {
        size_t payload = encoder->buf.len - WS_HEAD_BYTES_MAX;
        size_t len = ws_head(WS_TEXT, payload, head);
        struct buf frame = BUF_INIT(encoder->buf.max_bytes);

        /* Copied once more: to its size, which is what the window counts. */
        if (buf_reserve(&frame, len + payload)) {
            buf_append(&frame, head, len);
            buf_append(&frame, encoder->buf.data + WS_HEAD_BYTES_MAX, payload);
            blob = blob_from_buf(&frame);
        }
        buf_free(&frame);
    }
    buf_free(&encoder->buf);
    return blob;
}

static void encoder_add(struct encoder *encoder, const struct worker *worker,
                        const struct event *event, enum event_form form)
{
    if (event_is_shown(event)) {
        event_json_write(&encoder->json, worker, event, form);
        encoder->events++;
    }
}

static bool encoder_is_full(const struct encoder *encoder, size_t bytes)
{
    return encoder->buf.failed || encoder->buf.len >= bytes;
}

/* ---- the window ---- */

struct blob *frames_text(struct str payload)
{
    struct buf bytes = BUF_INIT(WS_HEAD_BYTES_MAX + payload.len);
    char head[WS_HEAD_BYTES_MAX];
    size_t head_bytes = ws_head(WS_TEXT, payload.len, head);

    buf_append(&bytes, head, head_bytes);
    buf_append_str(&bytes, payload);
    struct blob *blob = blob_from_buf(&bytes);

    buf_free(&bytes);
    return blob;
}

bool frames_start(struct frames *frames, const struct worker *worker)
{
    *frames = (struct frames){.empty = frames_text(STR("[]"))};
    frames_restart(frames, ring_newest_seq(&worker->ring));
    return frames->empty != NULL;
}

static struct frame *frame_at(struct frames *frames, uint32_t index)
{
    return &frames->frames[(frames->first + index) % FRAMES_MAX];
}

static void drop_oldest(struct frames *frames)
{
    struct frame *oldest = frame_at(frames, 0);

    frames->bytes -= oldest->blob->len;
    blob_unref(oldest->blob);
    frames->first = (frames->first + 1) % FRAMES_MAX;
    frames->count--;
}

void frames_restart(struct frames *frames, uint64_t seq)
{
    while (frames->count > 0) {
        drop_oldest(frames);
    }
    frames_forget_replay(frames);
    frames->cursor = seq;
    frames->sent_seq = seq;
    slots_set(METRIC_STREAM_CURSOR, seq); /* nobody here lacks what came before */
}

void frames_end(struct frames *frames)
{
    frames_restart(frames, 0);
    blob_unref(frames->empty);
    frames->empty = NULL;
}

void frames_forget_replay(struct frames *frames)
{
    blob_unref(frames->replay.blob);
    frames->replay = (struct frame){0};
}

static void keep(struct frames *frames, struct blob *blob, size_t window_bytes)
{
    while (frames->count > 0 &&
           (frames->count == FRAMES_MAX || frames->bytes + blob->len > window_bytes)) {
        drop_oldest(frames);
    }
    *frame_at(frames, frames->count++) = (struct frame){
        .after_seq = frames->sent_seq,
        .last_seq = frames->cursor,
        .blob = blob,
    };
    frames->bytes += blob->len;
    frames->sent_seq = frames->cursor;
}

static void observe_delay(const struct event *event, uint64_t now_real_us)
{
    slots_observe(HISTOGRAM_STREAM_DELAY,
                  now_real_us > event->ts_us ? now_real_us - event->ts_us : 0);
    slots_add(METRIC_STREAM_EVENTS, 1);
}

/* One frame.  *left: events that may still be read in this turn. */
static enum frames_news read_frame(struct frames *frames, struct worker *worker, uint64_t newest,
                                   uint32_t *left)
{
    struct encoder encoder;
    uint64_t now_real_us = clock_real_us();
    bool lapped = false;

    encoder_begin(&encoder);
    while (*left > 0 && frames->cursor < newest &&
           !encoder_is_full(&encoder, FRAME_PAYLOAD_BYTES)) {
        struct event event;
        enum ring_read status = ring_read_event(&worker->ring, frames->cursor + 1, &event);

        if (status == RING_LAPPED || status == RING_FUTURE) {
            lapped = status == RING_LAPPED;
            break;
        }
        frames->cursor++;
        *left -= 1;
        if (status == RING_OK) {
            encoder_add(&encoder, worker, &event, EVENT_LIVE);
            observe_delay(&event, now_real_us);
        }
    }
    bool has_events = encoder.events > 0;
    struct blob *blob = encoder_finish(&encoder);

    if (lapped || (has_events && blob == NULL)) {
        blob_unref(blob);
        frames_restart(frames, newest);
        return FRAMES_LOST;
    }
    if (blob == NULL) {
        return FRAMES_NOTHING; /* the next frame begins where this one would have */
    }
    keep(frames, blob, worker->game->settings.stream_window_bytes);
    return FRAMES_NEW;
}

enum frames_news frames_read(struct frames *frames, struct worker *worker)
{
    uint64_t newest = ring_newest_seq(&worker->ring);
    uint32_t left = FRAMES_EVENTS_A_READ;
    enum frames_news news = FRAMES_NOTHING;

    while (frames->cursor < newest && left > 0) {
        uint64_t before = frames->cursor;
        enum frames_news one = read_frame(frames, worker, newest, &left);

        if (one == FRAMES_LOST) {
            news = one;
            break;
        }
        news = one == FRAMES_NEW ? one : news;
        if (frames->cursor == before) {
            break;
        }
    }
    slots_set(METRIC_STREAM_CURSOR, frames->cursor);
    return news != FRAMES_LOST && left == 0 ? FRAMES_MORE : news;
}

enum frames_place frames_find(const struct frames *frames, uint64_t seq, struct frame *ret_frame)
{
    uint32_t low = 0; /* binary search: the frame with after_seq <= seq < last_seq */
    uint32_t high = frames->count;

    if (seq >= frames->sent_seq) {
        return FRAMES_CURRENT;
    }
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct frame *frame = &frames->frames[(frames->first + middle) % FRAMES_MAX];

        if (seq < frame->after_seq) {
            high = middle;
        } else if (seq >= frame->last_seq) {
            low = middle + 1;
        } else {
            *ret_frame = *frame;
            return seq == frame->after_seq ? FRAMES_FOUND : FRAMES_INSIDE;
        }
    }
    return FRAMES_GONE;
}

/* ---- for one client ---- */

static enum frames_replayed encode_replay(struct worker *worker, uint64_t after, uint64_t last,
                                          struct frame *ret_frame)
{
    struct encoder encoder;
    uint64_t seq = after;
    bool lapped = false;

    encoder_begin(&encoder);
    while (seq < last && !encoder_is_full(&encoder, FRAME_REPLAY_BYTES)) {
        struct event event;
        enum ring_read status = ring_read_event(&worker->ring, seq + 1, &event);

        if (status == RING_LAPPED || status == RING_FUTURE) {
            lapped = status == RING_LAPPED;
            break;
        }
        seq++;
        if (status == RING_OK) {
            encoder_add(&encoder, worker, &event, EVENT_REPLAY);
        }
    }
    bool has_events = encoder.events > 0;
    struct blob *blob = encoder_finish(&encoder);

    if (lapped || seq == after || (has_events && blob == NULL)) {
        blob_unref(blob);
        return lapped ? FRAMES_LAPPED : FRAMES_LATER;
    }
    *ret_frame = (struct frame){.after_seq = after, .last_seq = seq, .blob = blob};
    return FRAMES_REPLAYED;
}

enum frames_replayed frames_replay(struct frames *frames, struct worker *worker, uint64_t after,
                                   uint64_t last, struct frame *ret_frame)
{
    struct frame *kept = &frames->replay;

    if (kept->blob == NULL || kept->after_seq != after || kept->last_seq > last) {
        struct frame made;
        enum frames_replayed status = encode_replay(worker, after, last, &made);

        if (status != FRAMES_REPLAYED) {
            return status;
        }
        frames_forget_replay(frames);
        *kept = made;
    }
    *ret_frame = *kept;
    return FRAMES_REPLAYED;
}
