/* SPDX-License-Identifier: MIT */
/* placeholder.c - puts the reader's own words into a challenge's text; see placeholder.h. */
#include "conf/placeholder.h"

#include <stddef.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/json_out.h"

/* Given by contract: a challenge whose text carries an obfuscated name is solved with it. */
static const char obfuscation_key[] = "some-secret-key";

enum placeholder {
    PLACEHOLDER_USERNAME,
    PLACEHOLDER_USERID,
    PLACEHOLDER_DISPLAYNAME,
    PLACEHOLDER_OBFUSCATED_DISPLAYNAME,
    PLACEHOLDER_CONTROL_CLUSTER,
    PLACEHOLDER_PLAYER_CLUSTER,
    PLACEHOLDER_COUNT,
};

static const struct str words[PLACEHOLDER_COUNT] = {
    [PLACEHOLDER_USERNAME] = STR("@USERNAME@"),
    [PLACEHOLDER_USERID] = STR("@USERID@"),
    [PLACEHOLDER_DISPLAYNAME] = STR("@DISPLAYNAME@"),
    [PLACEHOLDER_OBFUSCATED_DISPLAYNAME] = STR("@OBFUSCATED_DISPLAYNAME@"),
    [PLACEHOLDER_CONTROL_CLUSTER] = STR("@CONTROL_CLUSTER@"),
    [PLACEHOLDER_PLAYER_CLUSTER] = STR("@PLAYER_CLUSTER@"),
};

/* What stands for a value that is not there. */
static const struct str unset = STR("[unset]");

/* The next placeholder at or after `from`; PLACEHOLDER_COUNT: none, *ret_at is the end. */
static enum placeholder find_next(struct str text, size_t from, size_t *ret_at)
{
    while (from < text.len) {
        const char *at = memchr(text.data + from, '@', text.len - from);

        if (at == NULL) {
            break;
        }
        from = (size_t)(at - text.data);
        for (enum placeholder i = 0; i < PLACEHOLDER_COUNT; i++) {
            if (str_starts_with((struct str){at, text.len - from}, words[i])) {
                *ret_at = from;
                return i;
            }
        }
        from++;
    }
    *ret_at = text.len;
    return PLACEHOLDER_COUNT;
}

static uint32_t crc32_ieee(struct str bytes)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < bytes.len; i++) {
        crc ^= (unsigned char)bytes.data[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
        }
    }
    return ~crc;
}

void placeholder_obfuscate(struct buf *out, struct str name)
{
    static const char digits[] = "0123456789ABCDEF";
    uint32_t crc = crc32_ieee(name);

    for (size_t i = 0; i < name.len + 4; i++) {
        unsigned byte =
            i < name.len ? (unsigned char)name.data[i] : crc >> (8 * (name.len + 3 - i)) & 0xff;

        byte ^= (unsigned char)obfuscation_key[i % (sizeof(obfuscation_key) - 1)];
        buf_append_char(out, digits[byte >> 4]);
        buf_append_char(out, digits[byte & 15]);
    }
}

static void append_value(struct buf *out, enum placeholder which, const struct game *game,
                         const struct placeholder_values *values)
{
    switch (which) {
    case PLACEHOLDER_USERNAME:
        json_escape(out, values->username);
        break;
    case PLACEHOLDER_USERID:
        buf_append_u64(out, values->user_id);
        break;
    case PLACEHOLDER_DISPLAYNAME:
        json_escape(out, values->displayname.len > 0 ? values->displayname : unset);
        break;
    case PLACEHOLDER_OBFUSCATED_DISPLAYNAME:
        if (values->displayname.len > 0) {
            placeholder_obfuscate(out, values->displayname);
        } else {
            buf_append_str(out, unset);
        }
        break;
    case PLACEHOLDER_CONTROL_CLUSTER:
        json_escape(out, game->control_cluster.len > 0 ? game->control_cluster : unset);
        break;
    case PLACEHOLDER_PLAYER_CLUSTER:
        if (game->player_cluster_count > 0) {
            json_escape(out, game->player_clusters[values->user_id % game->player_cluster_count]);
        } else {
            buf_append_str(out, unset);
        }
        break;
    case PLACEHOLDER_COUNT:
        break;
    }
}

bool placeholder_scan(struct str text)
{
    size_t at;

    return find_next(text, 0, &at) != PLACEHOLDER_COUNT;
}

void placeholder_append_json(struct buf *out, struct str json, const struct game *game,
                             const struct placeholder_values *values)
{
    size_t from = 0;

    while (from < json.len) {
        size_t at;
        enum placeholder which = find_next(json, from, &at);

        buf_append(out, json.data + from, at - from);
        if (which == PLACEHOLDER_COUNT) {
            return;
        }
        append_value(out, which, game, values);
        from = at + words[which].len;
    }
}
