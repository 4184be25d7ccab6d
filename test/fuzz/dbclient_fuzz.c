/* SPDX-License-Identifier: MIT */
/*
 * dbclient_fuzz.c - what db sends to a worker: any bytes, cut anywhere, give the same answers and the
 * same news, each answer once and only to who asked.
 *
 * The first byte says how the rest is cut.
 */
#include "worker/dbclient.c" /* on_read() */

#include "test/fuzz/fuzz.h"

#define WAITING 4 /* requests 1 to 4 have no answer yet */

static struct {
    bool begun;
    struct worker worker;
    struct dbclient client;
    uint32_t answered[WAITING + 1];
    uint64_t hash; /* of what was heard, in order */
} ours;

/* ---- what stands in for connections, streams and views ---- */

struct conn *conn_find(struct worker *worker, uint64_t conn_id)
{
    (void)worker;
    (void)conn_id;
    return NULL; /* gone: the answer finds nobody */
}

void stream_on_news(struct worker *worker, uint32_t news)
{
    (void)worker;
    ours.hash = ours.hash * 31 + news;
}

void view_invalidate(struct worker *worker)
{
    (void)worker;
    ours.hash = ours.hash * 31 + 7;
}

static void on_answer(struct worker *worker, struct conn *conn,
                      const struct dbclient_context *context, const struct wire_result *result)
{
    (void)worker;
    CHECK(conn == NULL && result != NULL && result->status < WIRE_STATUSES);
    CHECK(context->request_id >= 1 && context->request_id <= WAITING);
    CHECK(++ours.answered[context->request_id] == 1);
    ours.hash = ours.hash * 31 + (uint64_t)result->total_points + result->seq + result->status;
}

static void begin(void)
{
    fuzz_begin();
    ours.begun = true;
    CHECK(uv_loop_init(&ours.worker.loop) == 0);
    ours.client = (struct dbclient){.worker = &ours.worker,
                                    .waiting = waiting_new(),
                                    .stopped = true}; /* it does not connect anew */
    CHECK(ours.client.waiting != NULL);
}

static uint64_t feed(const uint8_t *data, size_t size, size_t step)
{
    struct dbclient *client = &ours.client;
    struct link *link = calloc(1, sizeof(*link));
    bool is_lost = false;

    CHECK(link != NULL);
    ours.hash = 0;
    memset(ours.answered, 0, sizeof(ours.answered));
    for (uint64_t id = 1; id <= WAITING; id++) {
        struct waiting_row *row = waiting_add(client->waiting, id);

        CHECK(row != NULL);
        row->answer = on_answer;
    }
    link->client = client;
    link->sending = BUF_INIT(OUT_BYTES_MAX);
    CHECK(uv_pipe_init(&ours.worker.loop, &link->pipe, 0) == 0);
    client->link = link;
    for (size_t at = 0; at < size && !is_lost; at += step) {
        size_t len = size - at < step ? size - at : step;
        uv_buf_t room;

        on_room((uv_handle_t *)&link->pipe, len, &room);
        CHECK(len <= room.len);
        memcpy(room.base, data + at, len);
        on_read((uv_stream_t *)&link->pipe, (ssize_t)len, &room);
        is_lost = client->link == NULL;
        CHECK(is_lost || link->read_len < WIRE_MESSAGE_BYTES_MAX);
    }
    if (!is_lost) {
        link_lost(link, "the input has ended");
    }
    (void)uv_run(&ours.worker.loop, UV_RUN_DEFAULT);
    for (struct waiting_row *row; (row = waiting_first(client->waiting)) != NULL;) {
        waiting_remove(client->waiting, row);
    }
    return ours.hash * 2 + is_lost;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!ours.begun) {
        begin();
    }
    if (size < 2 || size > READ_BYTES) {
        return 0;
    }
    CHECK(feed(data + 1, size - 1, size) == feed(data + 1, size - 1, (size_t)data[0] + 1));
    return 0;
}
