/* SPDX-License-Identifier: MIT */
/* moment.c - reads RFC 3339 with strptime(3), which alone would also take blanks and the 31st of June. */
#include "conf/moment.h"

#include <stdlib.h>
#include <time.h>

#define MOMENT_BYTES_MAX 32
#define ZONE_S_MAX                                                                                 \
    (18 * 3600) /* further from Greenwich nobody lives (ISO 8601's own limit is 24 h) */

/* 'd' stands for a digit, '+' for either sign; else the character itself. */
static bool has_shape(struct str text, const char *shape)
{
    size_t i = 0;

    for (; i < text.len && shape[i] != '\0'; i++) {
        char c = text.data[i];
        bool digit = c >= '0' && c <= '9';
        bool ok = shape[i] == 'd' ? digit : shape[i] == '+' ? c == '+' || c == '-' : c == shape[i];

        if (!ok) {
            return false;
        }
    }
    return i == text.len && shape[i] == '\0';
}

bool moment_parse(struct str text, uint64_t *ret_ms)
{
    char copy[MOMENT_BYTES_MAX];
    struct tm told = {0};

    if ((!has_shape(text, "dddd-dd-ddTdd:dd:ddZ") &&
         !has_shape(text, "dddd-dd-ddTdd:dd:dd+dd:dd")) ||
        !str_copy(text, copy, sizeof(copy))) {
        return false;
    }
    const char *end = strptime(copy, "%Y-%m-%dT%H:%M:%S%z", &told);

    /* 2000 to 2199: a slip of the finger is no game of the year 2206. */
    if (end == NULL || *end != '\0' || told.tm_year < 100 || told.tm_year >= 300 ||
        labs(told.tm_gmtoff) > ZONE_S_MAX) {
        return false;
    }
    struct tm normal = told;
    time_t local_s = timegm(&normal); /* turns June 31st into July 1st */

    if (normal.tm_mday != told.tm_mday || normal.tm_sec != told.tm_sec) {
        return false;
    }
    *ret_ms = (uint64_t)(local_s - told.tm_gmtoff) * 1000;
    return true;
}
