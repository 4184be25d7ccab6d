/* SPDX-License-Identifier: MIT */
/*
 * frame.c - finds the events in a message by their keys.
 *
 * The server writes its JSON without blanks and escapes quotes, so `"id":` is a key wherever it
 * stands.  A full parse of the same bytes for every stream would cost more than the server does.
 */
#include "bench/players/frame.h"

#include <stdlib.h>
#include <string.h>

#include "shm/base/buf.h"
#include "shm/base/check.h"

#define FRAME_BYTES_MAX (64u << 20)
#define CACHED 8 /* workers cut the same events into different frames */

struct cached {
    struct buf text;
    struct frame_facts facts;
    struct buf ts;
};

static struct {
    struct cached entries[CACHED];
    uint32_t oldest;
} cache;

/* The number behind the next `key`; *rest then starts behind it. */
static bool next_number(struct str *rest, struct str key, int64_t *ret_value)
{
    const char *at = memmem(rest->data, rest->len, key.data, key.len);

    if (at == NULL) {
        return false;
    }
    const char *end = rest->data + rest->len;
    struct str digits = {at + key.len, 0};

    while (digits.data + digits.len < end && strchr(",}]", digits.data[digits.len]) == NULL) {
        digits.len++;
    }
    *rest = (struct str){digits.data + digits.len, (size_t)(end - digits.data) - digits.len};
    return str_to_i64(digits, INT64_MIN, INT64_MAX, ret_value);
}

static void read_events(struct str text, struct cached *entry)
{
    struct frame_facts *facts = &entry->facts;
    int64_t id, ts, points;

    *facts = (struct frame_facts){.ordered = true};
    facts->system = memmem(text.data, text.len, "\"type\":\"system\"", 15) != NULL;
    buf_reset(&entry->ts);
    while (next_number(&text, STR("\"id\":"), &id)) {
        if (!next_number(&text, STR("\"ts\":"), &ts) ||
            !next_number(&text, STR("\"points\":"), &points)) {
            facts->ordered = false;
            return;
        }
        facts->ordered = facts->ordered && (uint64_t)id > facts->last_id;
        facts->first_id = facts->events == 0 ? (uint64_t)id : facts->first_id;
        facts->last_id = (uint64_t)id;
        facts->events++;
        facts->points += points;
        uint64_t ts_ms = (uint64_t)ts;

        buf_append(&entry->ts, &ts_ms, sizeof(ts_ms));
    }
    facts->ts_ms = (const uint64_t *)(const void *)entry->ts.data;
}

const struct frame_facts *frame_read(struct str text)
{
    for (uint32_t i = 0; i < CACHED; i++) {
        struct buf *known = &cache.entries[i].text;

        if (known->len == text.len && text.len > 0 &&
            memcmp(known->data, text.data, text.len) == 0) {
            return &cache.entries[i].facts;
        }
    }
    struct cached *entry = &cache.entries[cache.oldest];

    cache.oldest = (cache.oldest + 1) % CACHED;
    entry->text.max_bytes = FRAME_BYTES_MAX;
    entry->ts.max_bytes = FRAME_BYTES_MAX;
    buf_reset(&entry->text);
    buf_append_str(&entry->text, text);
    CHECK(!entry->text.failed);
    read_events(text, entry);
    CHECK(!entry->ts.failed);
    return &entry->facts;
}
