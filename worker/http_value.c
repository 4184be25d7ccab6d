/* SPDX-License-Identifier: MIT */
/* http_value.c - one value out of a query string or a Cookie header, by name. */
#include <string.h>

#include "worker/http.h"

bool http_query_value(struct str query, const char *name, struct str *ret_value)
{
    struct str wanted = str_from(name);
    struct str pair;

    while (str_split(&query, '&', &pair)) {
        if (pair.len > wanted.len && pair.data[wanted.len] == '=' &&
            memcmp(pair.data, wanted.data, wanted.len) == 0) {
            *ret_value = (struct str){pair.data + wanted.len + 1, pair.len - wanted.len - 1};
            return true;
        }
    }
    return false;
}

bool http_cookie_next(struct str *cookies, const char *name, struct str *ret_value)
{
    struct str wanted = str_from(name);
    struct str pair;

    while (str_split(cookies, ';', &pair)) {
        pair = str_trim(pair);
        if (pair.len > wanted.len && pair.data[wanted.len] == '=' &&
            memcmp(pair.data, wanted.data, wanted.len) == 0) {
            struct str value = {pair.data + wanted.len + 1, pair.len - wanted.len - 1};

            if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"') {
                value = (struct str){value.data + 1, value.len - 2}; /* RFC 6265, 4.1.1 */
            }
            *ret_value = value;
            return true;
        }
    }
    return false;
}
