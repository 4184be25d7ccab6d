/* SPDX-License-Identifier: MIT */
/* target.c - origin form, absolute form and the asterisk; CONNECT's authority form is refused. */
#include "worker/target.h"

#include <string.h>

bool target_host_is_plain(struct str host)
{
    if (host.len == 0 || host.len > TARGET_HOST_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < host.len; i++) {
        char c = host.data[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!plain && (c == '\0' || strchr(".-_:[]%~", c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* What llhttp lets pass in a target depends on its build; a fragment never belongs into one. */
static bool bytes_are_plain(struct str target)
{
    for (size_t i = 0; i < target.len; i++) {
        unsigned char c = (unsigned char)target.data[i];

        if (c <= ' ' || c >= 0x7f || c == '#') {
            return false;
        }
    }
    return target.len > 0;
}

static bool cut_scheme(struct str *target, struct str scheme)
{
    if (!str_starts_with_nocase(*target, scheme)) {
        return false;
    }
    target->data += scheme.len;
    target->len -= scheme.len;
    return true;
}

static struct str cut_authority(struct str *target)
{
    size_t len = 0;

    while (len < target->len && target->data[len] != '/' && target->data[len] != '?') {
        len++;
    }
    struct str authority = {target->data, len};
    target->data += len;
    target->len -= len;
    return authority;
}

bool target_parse(struct str target, enum method method, struct str *host, struct str *ret_path,
                  struct str *ret_query)
{
    struct str authority = *host;

    if (!bytes_are_plain(target)) {
        return false;
    }
    if (target.data[0] != '/' && !(method == METHOD_OPTIONS && str_equal(target, STR("*")))) {
        if (!cut_scheme(&target, STR("http://")) && !cut_scheme(&target, STR("https://"))) {
            return false;
        }
        authority = cut_authority(&target);
        if (!target_host_is_plain(authority)) {
            return false;
        }
    }
    const char *mark = target.len > 0 ? memchr(target.data, '?', target.len) : NULL;
    size_t path_len = mark != NULL ? (size_t)(mark - target.data) : target.len;

    *host = authority;
    *ret_path = path_len > 0 ? (struct str){target.data, path_len} : STR("/");
    *ret_query = mark != NULL ? (struct str){mark + 1, target.len - path_len - 1} : (struct str){0};
    return true;
}
