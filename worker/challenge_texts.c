/* SPDX-License-Identifier: MIT */
/* challenge_texts.c - builds the JSON fragments of challenges, and a player's list from them. */
#include "worker/challenge_texts.h"

#include <stdlib.h>

#include "conf/game.h"
#include "conf/placeholder.h"
#include "shm/base/json_out.h"
#include "shm/solved.h"
#include "worker/rules.h"

/* A challenge's text, quoted and escaped. */
struct text {
    struct str json;
    bool has_placeholders; /* to be filled in for each reader */
};

struct fragments {
    struct str head; /* {"id":7,"title":...,"points":100 */
    struct text description;
    struct text content;    /* neither part set: the file has none */
    struct str *hint_heads; /* {"id":1,"cost":10 */
    struct str *hint_texts; /* ,"text":"..." */
};

struct challenge_texts {
    struct buf bytes; /* what the fragments point into, once it has stopped growing */
    struct str *hints;
    struct fragments *fragments; /* in the order of game->challenges */
};

/* Most lists fit: one piece of memory, where growing by doubling takes five and copies each. */
#define FIRST_LIST_BYTES_MAX 65536u
#define TEXTS_BYTES_MAX (512u << 20) /* far above what a game's files may hold, escaped */

/* While bytes still grow, a fragment is an offset: data holds it until settle(). */
static struct str mark(const struct buf *bytes, size_t from)
{
    return (struct str){(const char *)from,
                        bytes->len - from}; /* NOLINT(performance-no-int-to-ptr) */
}

static void settle(const struct buf *bytes, struct str *fragment)
{
    if (fragment->len > 0) {
        fragment->data = bytes->data + (size_t)fragment->data;
    }
}

static struct text text_build(struct buf *bytes, struct str source)
{
    struct json_out json = JSON_OUT(bytes);
    size_t from = bytes->len;

    json_str(&json, source);
    return (struct text){
        .json = mark(bytes, from),
        .has_placeholders = placeholder_scan(source),
    };
}

static struct str head_build(struct buf *bytes, const struct game_challenge *challenge)
{
    struct json_out json = JSON_OUT(bytes);
    size_t from = bytes->len;

    json_object_begin(&json);
    json_key_u64(&json, "id", challenge->id);
    json_key_str(&json, "title", challenge->title);
    json_key_str(&json, "category", challenge->category);
    json_key_str(&json, "difficulty", challenge->difficulty);
    json_key_u64(&json, "points", challenge->points);
    return mark(bytes, from);
}

static void hint_build(struct buf *bytes, const struct game_hint *hint, struct str *ret_head,
                       struct str *ret_text)
{
    struct json_out json = JSON_OUT(bytes);
    size_t from = bytes->len;

    json_object_begin(&json);
    json_key_u64(&json, "id", hint->id);
    json_key_u64(&json, "cost", hint->cost_points);
    *ret_head = mark(bytes, from);
    from = bytes->len;
    json_key_str(&json, "text", hint->text);
    *ret_text = mark(bytes, from);
}

static void build_one(struct challenge_texts *texts, const struct game_challenge *challenge,
                      struct fragments *fragments, struct str *hints)
{
    struct buf *bytes = &texts->bytes;

    fragments->head = head_build(bytes, challenge);
    fragments->description = text_build(bytes, challenge->description);
    if (challenge->content.data != NULL) {
        fragments->content = text_build(bytes, challenge->content);
    }
    fragments->hint_heads = hints;
    fragments->hint_texts = hints + challenge->hint_count;
    for (uint32_t i = 0; i < challenge->hint_count; i++) {
        hint_build(bytes, &challenge->hints[i], &fragments->hint_heads[i],
                   &fragments->hint_texts[i]);
    }
}

struct challenge_texts *challenge_texts_build(const struct game *game)
{
    struct challenge_texts *texts = calloc(1, sizeof(*texts));
    size_t hint_count = 0;

    for (uint32_t i = 0; i < game->challenge_count; i++) {
        hint_count += game->challenges[i].hint_count;
    }
    if (texts == NULL) {
        return NULL;
    }
    texts->bytes = BUF_INIT(TEXTS_BYTES_MAX);
    texts->hints = calloc(2 * hint_count + 1, sizeof(*texts->hints));
    texts->fragments = calloc((size_t)game->challenge_count + 1, sizeof(*texts->fragments));
    if (texts->hints == NULL || texts->fragments == NULL) {
        challenge_texts_free(texts);
        return NULL;
    }
    struct str *hints = texts->hints;
    for (uint32_t i = 0; i < game->challenge_count; i++) {
        build_one(texts, &game->challenges[i], &texts->fragments[i], hints);
        hints += (size_t)2 * game->challenges[i].hint_count;
    }
    if (texts->bytes.failed) {
        challenge_texts_free(texts);
        return NULL;
    }
    for (uint32_t i = 0; i < game->challenge_count; i++) {
        settle(&texts->bytes, &texts->fragments[i].head);
        settle(&texts->bytes, &texts->fragments[i].description.json);
        settle(&texts->bytes, &texts->fragments[i].content.json);
    }
    for (size_t i = 0; i < 2 * hint_count; i++) {
        settle(&texts->bytes, &texts->hints[i]);
    }
    return texts;
}

void challenge_texts_free(struct challenge_texts *texts)
{
    if (texts != NULL) {
        buf_free(&texts->bytes);
        free(texts->hints);
        free(texts->fragments);
        free(texts);
    }
}

static void append_text(struct buf *out, const struct text *text, const struct game *game,
                        const struct placeholder_values *values)
{
    if (text->has_placeholders) {
        placeholder_append_json(out, text->json, game, values);
    } else {
        buf_append_str(out, text->json);
    }
}

static void append_hints(struct buf *out, const struct fragments *fragments,
                         const struct game_challenge *challenge, uint32_t bought)
{
    buf_append_str(out, STR(",\"hints\":["));
    for (uint32_t i = 0; i < challenge->hint_count; i++) {
        if (i > 0) {
            buf_append_char(out, ',');
        }
        buf_append_str(out, fragments->hint_heads[i]);
        if (i < bought) {
            buf_append_str(out, fragments->hint_texts[i]);
        }
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

static void append_locked(struct buf *out, const struct fragments *fragments,
                          const struct game *game, const struct game_challenge *challenge,
                          const struct bank *bank, uint32_t player)
{
    struct json_out json = JSON_OUT(out);

    buf_append_str(out, fragments->head);
    buf_append_str(out, STR(",\"locked\":true,\"requirements\":"));
    json_array_begin(&json);
    for (uint32_t i = 0; i < challenge->requirement_count; i++) {
        uint32_t slot = challenge->requirement_slots[i];
        const struct game_challenge *required = game_challenge_at(game, slot);

        if (required == NULL) {
            continue;
        }
        json_object_begin(&json);
        json_key_u64(&json, "id", required->id);
        json_key_str(&json, "title", required->title);
        json_key_bool(&json, "solved", solved_test(bank, player, slot));
        json_object_end(&json);
    }
    json_array_end(&json);
    buf_append_char(out, '}');
}

void challenge_texts_append(const struct challenge_texts *texts, const struct game *game,
                            const struct bank *bank, uint32_t player,
                            const struct placeholder_values *values, bool with_locked,
                            struct buf *out)
{
    size_t guess_bytes =
        texts->bytes.len < FIRST_LIST_BYTES_MAX ? texts->bytes.len : FIRST_LIST_BYTES_MAX;
    bool first = true;

    if (!buf_reserve(out, guess_bytes)) {
        return;
    }
    buf_append_char(out, '[');
    for (uint32_t i = 0; i < game->challenge_count; i++) {
        const struct game_challenge *challenge = &game->challenges[i];
        const struct fragments *fragments = &texts->fragments[i];
        bool is_open = rules_is_open(bank, player, challenge);

        if (!is_open && !with_locked) {
            continue;
        }
        if (!first) {
            buf_append_char(out, ',');
        }
        first = false;
        if (!is_open) {
            append_locked(out, fragments, game, challenge, bank, player);
            continue;
        }
        buf_append_str(out, fragments->head);
        buf_append_str(out, solved_test(bank, player, challenge->slot) ? STR(",\"solved\":true")
                                                                       : STR(",\"solved\":false"));
        buf_append_str(out, STR(",\"description\":"));
        append_text(out, &fragments->description, game, values);
        append_hints(out, fragments, challenge, rules_hints_bought(bank, player, challenge));
        if (challenge->content.data != NULL) {
            buf_append_str(out, STR(",\"content\":"));
            append_text(out, &fragments->content, game, values);
        }
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}
