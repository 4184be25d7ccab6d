/* SPDX-License-Identifier: MIT */
/* wire.c - judges bytes from a sibling process: sizes and bounds, before anybody acts on them. */
#include "shm/wire.h"

#include <string.h>

#include "shm/event.h"

static const struct {
    const char *name;
    uint32_t size_bytes; /* 0: no such type */
} wire_types[WIRE_TYPES] = {
    /* clang-format off */
    [WIRE_HELLO]  = {"hello",  sizeof(struct wire_hello)},
    [WIRE_SUBMIT] = {"submit", sizeof(struct wire_submit)},
    [WIRE_GUESS]  = {"guess",  sizeof(struct wire_guess)},
    [WIRE_HINT]   = {"hint",   sizeof(struct wire_hint)},
    [WIRE_NAME]   = {"name",   sizeof(struct wire_name)},
    [WIRE_REVOKE] = {"revoke", sizeof(struct wire_revoke)},
    [WIRE_RESET]  = {"reset",  sizeof(struct wire_reset)},
    [WIRE_RESULT] = {"result", sizeof(struct wire_result)},
    [WIRE_POKE]   = {"poke",   sizeof(struct wire_poke)},
    /* clang-format on */
};

static_assert(sizeof(struct wire_guess) <= WIRE_MESSAGE_BYTES_MAX, "the longest fits a buffer");

static const char *const wire_statuses[WIRE_STATUSES] = {
    [WIRE_OK] = "ok",
    [WIRE_ALREADY] = "already",
    [WIRE_UNKNOWN] = "unknown",
    [WIRE_LOCKED] = "locked",
    [WIRE_INSUFFICIENT] = "insufficient",
    [WIRE_NAME_TAKEN] = "name taken",
    [WIRE_STALE] = "stale",
    [WIRE_BUSY] = "busy",
    [WIRE_STORE_FAILED] = "store failed",
};

#define WIRE_NEWS_ALL                                                                              \
    (WIRE_NEWS_EVENTS | WIRE_NEWS_NAMES | WIRE_NEWS_AUTH | WIRE_NEWS_RESET | WIRE_NEWS_BANK)

static uint32_t u32_at(const char *bytes, size_t offset)
{
    uint32_t value;

    memcpy(&value, bytes + offset, sizeof(value));
    return value;
}

/* What a size cannot tell: counts, text that must end, enums.  Slots are db's to look up. */
static bool body_holds(enum wire_type type, const char *bytes)
{
    switch (type) {
    case WIRE_SUBMIT:
        return (u32_at(bytes, offsetof(struct wire_submit, flags)) & ~(uint32_t)EVENT_FROM_AWARD) ==
               0;
    case WIRE_GUESS:
        return u32_at(bytes, offsetof(struct wire_guess, guess_bytes)) <= WIRE_GUESS_BYTES_MAX;
    case WIRE_NAME:
        return memchr(bytes + offsetof(struct wire_name, name), '\0', WIRE_NAME_BYTES) != NULL;
    case WIRE_RESULT:
        return u32_at(bytes, offsetof(struct wire_result, status)) < WIRE_STATUSES;
    case WIRE_POKE:
        return (u32_at(bytes, offsetof(struct wire_poke, news)) & ~(uint32_t)WIRE_NEWS_ALL) == 0;
    case WIRE_HELLO:
    case WIRE_HINT:
    case WIRE_REVOKE:
    case WIRE_RESET:
        return true;
    case WIRE_TYPES:
        break;
    }
    return false;
}

enum wire_verdict wire_check(const void *bytes, size_t len, struct wire_head *ret_head)
{
    struct wire_head head;

    if (len < sizeof(head)) {
        return WIRE_INCOMPLETE;
    }
    memcpy(&head, bytes, sizeof(head)); /* a message begins anywhere in a buffer */
    if (head.version != WIRE_VERSION || head.type >= WIRE_TYPES ||
        wire_types[head.type].size_bytes == 0 ||
        head.size_bytes != wire_types[head.type].size_bytes) {
        return WIRE_BAD;
    }
    if (len < head.size_bytes) {
        return WIRE_INCOMPLETE;
    }
    if (!body_holds((enum wire_type)head.type, bytes)) {
        return WIRE_BAD;
    }
    *ret_head = head;
    return WIRE_WHOLE;
}

struct wire_head wire_head_make(enum wire_type type, uint64_t request_id)
{
    return (struct wire_head){
        .size_bytes = wire_types[type].size_bytes,
        .type = (uint16_t)type,
        .version = WIRE_VERSION,
        .request_id = request_id,
    };
}

const char *wire_type_name(uint16_t type)
{
    return type < WIRE_TYPES && wire_types[type].name != NULL ? wire_types[type].name : "unknown";
}

const char *wire_status_name(uint32_t status)
{
    return status < WIRE_STATUSES ? wire_statuses[status] : "unheard of";
}
