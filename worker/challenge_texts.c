/* SPDX-License-Identifier: MIT */
/* challenge_texts.c - builds the JSON fragments of challenges, and a player's list from them. */
#include "worker/challenge_texts.h"

#include <stdlib.h>

#include "conf/game.h"
#include "conf/placeholder.h"
#include "shm/base/json_out.h"
#include "shm/solved.h"
#include "worker/rules.h"

/* A piece with one of a challenge's texts in it, escaped. */
struct text {
    struct str json;
    bool has_placeholders; /* to be filled in for each reader */
};

/* An open challenge: head, solved or not, upto_hints, its hints, after_hints. */
struct fragments {
    struct str head;         /* {"id":7,"title":...,"points":100 */
    struct text upto_hints;  /* ,"description":"...","hints":[ */
    struct text after_hints; /* ],"content":"..."} or, where the file has none, ]} */
    struct str *hints;       /* {"id":1,"cost":10}, from the second on with a comma before it */
    struct str *hints_sold;  /* the same with ,"text":"..." */
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

static struct text text_build(struct buf *bytes, struct str before, struct str source,
                              struct str behind)
{
    struct json_out json = JSON_OUT(bytes);
    size_t from = bytes->len;

    buf_append_str(bytes, before);
    json_str(&json, source);
    buf_append_str(bytes, behind);
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

static struct str hint_build(struct buf *bytes, const struct game_hint *hint, bool is_first,
                             bool is_sold)
{
    struct json_out json = {.buf = bytes, .need_comma = !is_first};
    size_t from = bytes->len;

    json_object_begin(&json);
    json_key_u64(&json, "id", hint->id);
    json_key_u64(&json, "cost", hint->cost_points);
    if (is_sold) {
        json_key_str(&json, "text", hint->text);
    }
    json_object_end(&json);
    return mark(bytes, from);
}

static void build_one(struct challenge_texts *texts, const struct game_challenge *challenge,
                      struct fragments *fragments, struct str *hints)
{
    struct buf *bytes = &texts->bytes;
    fragments->head = head_build(bytes, challenge);
    fragments->upto_hints =
        text_build(bytes, STR(",\"description\":"), challenge->description, STR(",\"hints\":["));
    if (challenge->content.data != NULL) {
        fragments->after_hints =
            text_build(bytes, STR("],\"content\":"), challenge->content, STR("}"));
    } else {
        size_t from = bytes->len;

        buf_append_str(bytes, STR("]}"));
        fragments->after_hints = (struct text){.json = mark(bytes, from)};
    }
    fragments->hints = hints;
    fragments->hints_sold = hints + challenge->hint_count;
    for (uint32_t i = 0; i < challenge->hint_count; i++) {
        fragments->hints[i] = hint_build(bytes, &challenge->hints[i], i == 0, false);
        fragments->hints_sold[i] = hint_build(bytes, &challenge->hints[i], i == 0, true);
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
        settle(&texts->bytes, &texts->fragments[i].upto_hints.json);
        settle(&texts->bytes, &texts->fragments[i].after_hints.json);
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

static void append_open(struct buf *out, const struct fragments *fragments, const struct game *game,
                        const struct game_challenge *challenge, const struct bank *bank,
                        uint32_t player, const struct placeholder_values *values)
{
    uint32_t bought = rules_hints_bought(bank, player, challenge);

    buf_append_str(out, fragments->head);
    buf_append_str(out, solved_test(bank, player, challenge->slot) ? STR(",\"solved\":true")
                                                                   : STR(",\"solved\":false"));
    append_text(out, &fragments->upto_hints, game, values);
    for (uint32_t i = 0; i < challenge->hint_count; i++) {
        buf_append_str(out, i < bought ? fragments->hints_sold[i] : fragments->hints[i]);
    }
    append_text(out, &fragments->after_hints, game, values);
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
        if (is_open) {
            append_open(out, fragments, game, challenge, bank, player, values);
        } else {
            append_locked(out, fragments, game, challenge, bank, player);
        }
    }
    buf_append_char(out, ']');
}
