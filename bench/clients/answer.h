/* SPDX-License-Identifier: MIT */
/*
 * answer.h - as much of an HTTP answer as a load generator has to understand: when it is over.
 *
 * One struct a connection; answer_reset() before each request.  Answers carry a Content-Length and a
 * head of less than ANSWER_HEAD_BYTES_MAX; nothing else is ever asked for here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"

#define ANSWER_HEAD_BYTES_MAX 1024

struct answer {
    size_t got;   /* bytes, head included */
    size_t total; /* 0: the head is not complete */
    unsigned status;
    char head[ANSWER_HEAD_BYTES_MAX];
};

static inline void answer_reset(struct answer *answer)
{
    answer->got = 0;
    answer->total = 0;
    answer->status = 0;
}

/* Takes what was read.  true: the answer is complete. */
static inline bool answer_take(struct answer *answer, const char *bytes, size_t len)
{
    if (answer->total == 0) {
        size_t room = sizeof(answer->head) - 1 - answer->got;
        size_t part = len < room ? len : room;

        memcpy(answer->head + answer->got, bytes, part);
        answer->head[answer->got + part] = '\0';
        const char *end = strstr(answer->head, "\r\n\r\n");
        const char *length = strcasestr(answer->head, "\r\ncontent-length:");

        CHECK(end != NULL || part < room); /* a longer head than any server here writes */
        if (end != NULL) {
            CHECK(length != NULL && length < end && strncmp(answer->head, "HTTP/1.1 ", 9) == 0);
            answer->status = (unsigned)strtoul(answer->head + 9, NULL, 10);
            answer->total =
                (size_t)(end + 4 - answer->head) + (size_t)strtoull(length + 17, NULL, 10);
        }
    }
    answer->got += len;
    return answer->total > 0 && answer->got >= answer->total;
}
