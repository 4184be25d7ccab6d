/* SPDX-License-Identifier: MIT */
/* recent.c - a ring of receipts and a table that finds them. */

#include "db/recent.h"

#include <stdlib.h>

#include "shm/base/check.h"

void recent_init(struct recent *recent)
{
    *recent = (struct recent){.receipts = calloc(RECENT_MAX, sizeof(struct receipt))};
    CHECK(recent->receipts != NULL);
    map_init(&recent->by_request, RECENT_MAX);
}

void recent_free(struct recent *recent)
{
    free(recent->receipts);
    map_free(&recent->by_request);
    *recent = (struct recent){0};
}

void recent_add(struct recent *recent, const struct receipt *receipt)
{
    struct receipt *cell = &recent->receipts[recent->next];
    uint64_t at;

    if (receipt->request_id == 0) {
        return;
    }
    /* An id that was used twice is found at its newer place: only that one goes with this cell. */
    if (cell->request_id != 0 && map_get(&recent->by_request, cell->request_id, &at) &&
        at == recent->next) {
        map_remove(&recent->by_request, cell->request_id);
    }
    *cell = *receipt;
    map_put(&recent->by_request, receipt->request_id, recent->next);
    recent->next = (recent->next + 1) % RECENT_MAX;
}

bool recent_find(const struct recent *recent, uint64_t request_id, struct receipt *ret_receipt)
{
    uint64_t at;

    if (request_id == 0 || !map_get(&recent->by_request, request_id, &at)) {
        return false;
    }
    *ret_receipt = recent->receipts[at];
    return true;
}
