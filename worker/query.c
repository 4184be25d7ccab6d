/* SPDX-License-Identifier: MIT */
/* query.c - numbers from a query string. */
#include "worker/query.h"

#include "worker/http.h"

bool query_number(struct str query, const char *name, uint64_t min, uint64_t max,
                  uint64_t *ret_value)
{
    struct str text;

    return !http_query_value(query, name, &text) || str_to_u64(text, min, max, ret_value);
}

bool query_number_needed(struct str query, const char *name, uint64_t min, uint64_t max,
                         uint64_t *ret_value)
{
    struct str text;

    return http_query_value(query, name, &text) && str_to_u64(text, min, max, ret_value);
}
