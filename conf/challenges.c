/* SPDX-License-Identifier: MIT */
/* challenges.c - reads challenges.json with Jansson and checks every field; see challenges.h. */
#include "conf/challenges.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "conf/flag.h"
#include "conf/index.h"
#include "conf/json_error.h"
#include "conf/json_text.h"
#include "conf/nearest.h"
#include "conf/requirements.h"
#include "shm/base/hash.h"

#define ERROR_TEXT_BYTES 160
/* "challenge", a title of which 60 bytes are told, and the NUL. */
#define NAME_BYTES 80

struct loader {
    struct str text; /* as in the file: what lines are counted in */
    const char *file;
    struct arena *arena;
    struct diag *diag;
    struct challenges *out;
    json_t *array; /* all challenges; borrowed from challenges_load() */
    struct index by_id;
    uint32_t *elements; /* of each challenge: its place in the file's array, for lines */
};

/* An object whose fields are being read: a challenge, or one of its hints. */
struct reading {
    struct loader *loader;
    json_t *object;
    uint32_t element;
    int32_t hint; /* -1: the challenge itself */
};

static const char *const challenge_keys[] = {"id",      "title", "category",    "difficulty",
                                             "points",  "flag",  "testflag",    "description",
                                             "content", "hints", "requirements"};
static const char *const hint_keys[] = {"id", "text", "cost"};

static uint32_t line_of(const struct reading *reading, const char *key)
{
    struct json_place place = {reading->element, key, -1, NULL};

    if (reading->loader->diag->count == DIAG_MAX) {
        return 0; /* nobody will see it: no need to walk the text */
    }
    if (reading->hint >= 0) {
        place = (struct json_place){reading->element, "hints", reading->hint, key};
    }
    return json_text_find(reading->loader->text, place);
}

/* A file may be one long line, as programs write it: then only this tells where to look. */
static void name_challenge(const struct reading *reading, char ret_name[NAME_BYTES])
{
    json_t *object = json_array_get(reading->loader->array, reading->element);
    json_t *id = json_object_get(object, "id");
    const char *title = json_string_value(json_object_get(object, "title"));

    if (json_is_integer(id)) {
        (void)snprintf(ret_name, NAME_BYTES, "challenge %lld", (long long)json_integer_value(id));
    } else if (title != NULL && title[0] != '\0') {
        (void)snprintf(ret_name, NAME_BYTES, "challenge \"%.60s\"", title);
    } else {
        (void)snprintf(ret_name, NAME_BYTES, "challenge number %u of the file",
                       reading->element + 1);
    }
}

static void PRINTF_LIKE(3, 4)
    complain(const struct reading *reading, const char *key, const char *format, ...)
{
    char name[NAME_BYTES];
    char text[480];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    name_challenge(reading, name);
    diag_error(reading->loader->diag, reading->loader->file, line_of(reading, key), "%s: %s", name,
               text);
}

/* NULL: it is not there, or null. */
static json_t *get(const struct reading *reading, const char *key)
{
    json_t *value = json_object_get(reading->object, key);

    return json_is_null(value) ? NULL : value;
}

/* false: missing or wrong, and said. */
static bool read_integer(const struct reading *reading, const char *key, int64_t least,
                         int64_t most, uint32_t *ret_value)
{
    json_t *value = get(reading, key);

    if (value == NULL) {
        complain(reading, NULL, "\"%s\" is missing", key);
        return false;
    }
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most) {
        complain(reading, key, "\"%s\" must be a whole number from %lld to %lld", key,
                 (long long)least, (long long)most);
        return false;
    }
    *ret_value = (uint32_t)json_integer_value(value);
    return true;
}

/* Borrowed from Jansson.  false: missing or wrong, and said. */
static bool read_string(const struct reading *reading, const char *key, size_t least, size_t most,
                        struct str *ret_text)
{
    json_t *value = get(reading, key);

    if (value == NULL) {
        complain(reading, NULL, "\"%s\" is missing", key);
        return false;
    }
    if (!json_is_string(value)) {
        complain(reading, key, "\"%s\" must be a string", key);
        return false;
    }
    size_t len = json_string_length(value);

    if (len < least || len > most) {
        complain(reading, key, "\"%s\" must be of %zu to %zu bytes", key, least, most);
        return false;
    }
    *ret_text = (struct str){json_string_value(value), len};
    return true;
}

static void keep_string(const struct reading *reading, const char *key, size_t least, size_t most,
                        struct str *field)
{
    struct str text;

    if (read_string(reading, key, least, most, &text)) {
        *field = arena_str(reading->loader->arena, text);
    }
}

static void warn_unknown_keys(const struct reading *reading, const char *const *known,
                              uint32_t count)
{
    const char *key;
    json_t *value;

    json_object_foreach(reading->object, key, value)
    {
        bool is_known = false;

        for (uint32_t i = 0; i < count; i++) {
            is_known = is_known || strcmp(key, known[i]) == 0;
        }
        if (!is_known) {
            const char *nearest = nearest_word(str_from(key), known, count);
            char name[NAME_BYTES];

            name_challenge(reading, name);
            diag_warning(reading->loader->diag, reading->loader->file, line_of(reading, key),
                         "%s: nothing reads \"%.60s\"%s%s%s", name, key,
                         nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                         nearest != NULL ? "\"?" : "");
        }
    }
}

static void judge_testflag(const struct reading *reading, enum flag_verdict verdict)
{
    switch (verdict) {
    case FLAG_RIGHT:
        break;
    case FLAG_NO_MATCH:
        complain(reading, "testflag",
                 "the flag's pattern does not match the testflag; it must do so exactly once");
        break;
    case FLAG_MATCHES_TWICE:
        complain(reading, "testflag",
                 "the flag's pattern matches the testflag more than once; it must do so exactly "
                 "once: put ^ before it and $ behind it");
        break;
    case FLAG_GIVEN_UP:
        complain(reading, "testflag",
                 "the flag's pattern takes too many steps on the testflag, so that every such "
                 "guess is wrong; make it simpler, without a + or * inside another");
        break;
    }
}

/* The pattern itself stays out of every message: it is the answer. */
static void read_flag(const struct reading *reading, struct game_challenge *challenge)
{
    struct str pattern;
    struct str guess;
    char error[ERROR_TEXT_BYTES];
    size_t offset;

    if (!read_string(reading, "flag", 1, FLAG_PATTERN_BYTES_MAX, &pattern)) {
        return;
    }
    struct flag *flag = flag_compile(pattern, error, sizeof(error), &offset);

    challenge->flag = flag;
    if (flag == NULL) {
        complain(reading, "flag", "the flag is no valid pattern: %s, at byte %zu of it", error,
                 offset);
        return;
    }
    if (get(reading, "testflag") != NULL &&
        read_string(reading, "testflag", 0, FLAG_GUESS_BYTES_MAX, &guess)) {
        judge_testflag(reading, flag_judge(flag, guess));
    }
}

static void read_hint(struct loader *loader, uint32_t element, uint32_t at, json_t *object,
                      struct game_hint *hint)
{
    struct reading reading = {loader, object, element, (int32_t)at};

    if (!json_is_object(object)) {
        complain(&reading, NULL, "a hint must be an object with id, text and cost");
        return;
    }
    if (read_integer(&reading, "id", 1, GAME_HINTS_PER_CHALLENGE_MAX, &hint->id) &&
        hint->id != at + 1) {
        complain(&reading, "id",
                 "hints out of order: this is number %u of its challenge and must "
                 "have the id %u",
                 at + 1, at + 1);
    }
    keep_string(&reading, "text", 1, GAME_TEXT_BYTES_MAX, &hint->text);
    (void)!read_integer(&reading, "cost", 0, GAME_POINTS_MAX, &hint->cost_points);
    warn_unknown_keys(&reading, hint_keys, ARRAY_LEN(hint_keys));
}

static void read_hints(const struct reading *reading, struct game_challenge *challenge,
                       struct game_hint **ret_hints)
{
    struct loader *loader = reading->loader;
    json_t *hints = get(reading, "hints");
    size_t count = json_array_size(hints);

    if (hints == NULL) {
        return;
    }
    if (!json_is_array(hints) || count > GAME_HINTS_PER_CHALLENGE_MAX) {
        complain(reading, "hints", "\"hints\" must be an array of at most %d hints",
                 GAME_HINTS_PER_CHALLENGE_MAX);
        return;
    }
    *ret_hints = arena_alloc(loader->arena, count, sizeof(**ret_hints));
    challenge->hint_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        read_hint(loader, reading->element, i, json_array_get(hints, i), &(*ret_hints)[i]);
    }
    if (loader->out->hint_count <= GAME_HINTS_MAX &&
        loader->out->hint_count + count > GAME_HINTS_MAX) {
        complain(reading, "hints", "there are more than %d hints in all", GAME_HINTS_MAX);
    }
    loader->out->hint_count += (uint32_t)count;
}

/* The position of the challenge with this id; INDEX_END: none. */
static uint32_t find_id(const struct loader *loader, uint32_t id)
{
    uint64_t hash = hash_bytes(&id, sizeof(id), 0);

    for (uint32_t at = index_first(&loader->by_id, hash); at != INDEX_END;
         at = index_next(&loader->by_id, &hash)) {
        if (loader->out->list[at].id == id) {
            return at;
        }
    }
    return INDEX_END;
}

static void read_id(const struct reading *reading, struct game_challenge *challenge)
{
    struct loader *loader = reading->loader;

    if (!read_integer(reading, "id", 1, GAME_ID_MAX, &challenge->id)) {
        return;
    }
    uint32_t twin = find_id(loader, challenge->id);

    if (twin != INDEX_END) {
        struct reading first = {loader, NULL, loader->elements[twin], -1};

        const char *title = json_string_value(get(reading, "title"));

        diag_error(
            loader->diag, loader->file, line_of(reading, "id"),
            "the id %u is used twice, first in line %u%s%.60s%s; give each challenge its own",
            challenge->id, line_of(&first, "id"), title != NULL ? ", again by \"" : "",
            title != NULL ? title : "", title != NULL ? "\"" : "");
        return;
    }
    index_add(&loader->by_id, hash_bytes(&challenge->id, sizeof(challenge->id), 0),
              (uint32_t)(challenge - loader->out->list));
}

static void read_challenge(struct loader *loader, uint32_t element, json_t *object)
{
    struct reading reading = {loader, object, element, -1};
    struct game_challenge *challenge = &loader->out->list[loader->out->count];

    if (!json_is_object(object)) {
        complain(&reading, NULL, "a challenge must be an object in braces");
        return;
    }
    loader->elements[loader->out->count] = element;
    read_id(&reading, challenge);
    keep_string(&reading, "title", 1, GAME_TITLE_BYTES_MAX, &challenge->title);
    keep_string(&reading, "category", 0, GAME_TITLE_BYTES_MAX, &challenge->category);
    keep_string(&reading, "difficulty", 0, GAME_TITLE_BYTES_MAX, &challenge->difficulty);
    (void)!read_integer(&reading, "points", 0, GAME_POINTS_MAX, &challenge->points);
    keep_string(&reading, "description", 0, GAME_TEXT_BYTES_MAX, &challenge->description);
    if (get(&reading, "content") != NULL) {
        keep_string(&reading, "content", 0, GAME_TEXT_BYTES_MAX, &challenge->content);
    }
    read_flag(&reading, challenge);
    read_hints(&reading, challenge, &loader->out->hints[loader->out->count]);
    warn_unknown_keys(&reading, challenge_keys, ARRAY_LEN(challenge_keys));
    loader->out->count++;
}

static void add_requirement(const struct reading *reading, struct game_challenge *challenge,
                            uint32_t *positions, json_t *value, uint32_t own_position)
{
    json_int_t id = json_integer_value(value);
    uint32_t at = INDEX_END;

    if (!json_is_integer(value)) {
        complain(reading, "requirements", "\"requirements\" must hold ids of challenges");
        return;
    }
    if (id > 0 && id <= GAME_ID_MAX) {
        at = find_id(reading->loader, (uint32_t)id);
    }
    if (at == INDEX_END) {
        complain(reading, "requirements", "no challenge has the id %lld that is required here",
                 (long long)id);
        return;
    }
    if (at == own_position) {
        complain(reading, "requirements", "it requires itself, so nobody can open it");
        return;
    }
    for (uint32_t i = 0; i < challenge->requirement_count; i++) {
        if (positions[i] == at) {
            return; /* twice the same is no harm */
        }
    }
    positions[challenge->requirement_count++] = at;
}

static void read_requirements(struct loader *loader, uint32_t position)
{
    struct game_challenge *challenge = &loader->out->list[position];
    struct reading reading = {loader, json_array_get(loader->array, loader->elements[position]),
                              loader->elements[position], -1};
    json_t *requirements = get(&reading, "requirements");
    size_t count = json_array_size(requirements);

    if (requirements == NULL) {
        return;
    }
    if (!json_is_array(requirements) || count > GAME_REQUIREMENTS_MAX) {
        complain(&reading, "requirements", "\"requirements\" must be an array of at most %d ids",
                 GAME_REQUIREMENTS_MAX);
        return;
    }
    uint32_t *positions = arena_alloc(loader->arena, count, sizeof(*positions));

    loader->out->requirements[position] = positions;
    for (size_t i = 0; i < count; i++) {
        add_requirement(&reading, challenge, positions, json_array_get(requirements, i), position);
    }
}

static void report_cycle(void *context, uint32_t position, const char *cycle)
{
    struct loader *loader = context;
    struct reading reading = {loader, NULL, loader->elements[position], -1};

    diag_error(loader->diag, loader->file, line_of(&reading, "requirements"),
               "challenges %s require each other in a circle, so nobody can open them", cycle);
}

static void read_array(struct loader *loader, json_t *array)
{
    struct challenges *out = loader->out;
    uint32_t count = (uint32_t)json_array_size(array);

    loader->array = array;
    out->list = arena_alloc(loader->arena, count, sizeof(*out->list));
    out->hints = arena_alloc(loader->arena, count, sizeof(*out->hints));
    out->requirements = arena_alloc(loader->arena, count, sizeof(*out->requirements));
    loader->elements = arena_alloc(loader->arena, count, sizeof(*loader->elements));
    index_init(&loader->by_id, loader->arena, count);
    for (uint32_t i = 0; i < count; i++) {
        read_challenge(loader, i, json_array_get(array, i));
    }
    for (uint32_t i = 0; i < out->count; i++) {
        read_requirements(loader, i);
    }
    requirements_find_cycles(out, loader->arena, report_cycle, loader);
}

bool challenges_load(struct str bytes, const char *file, struct arena *arena, struct diag *diag,
                     struct challenges *ret_challenges)
{
    uint32_t errors_before = diag->errors;
    struct loader loader = {.file = file, .arena = arena, .diag = diag, .out = ret_challenges};
    struct buf escaped;
    json_error_t error;
    json_t *root = NULL;

    *ret_challenges = (struct challenges){0};
    bytes = str_skip_bom(bytes);
    loader.text = bytes;
    if (str_trim(bytes).len == 0) {
        diag_error(diag, file, 0, "the file is empty; it must hold an array of challenges");
        return false;
    }
    escaped = BUF_INIT(bytes.len * 6 + 1);
    struct json_text_raw raw = json_text_escape(bytes, &escaped);

    if (raw.blank_line > 0) {
        diag_warning(diag, file, raw.blank_line,
                     "a string holds a raw line break or tab, from here on; it is taken as it is, "
                     "though JSON wants \\n and \\t");
    }
    if (raw.control_line > 0 &&
        raw.control != 0) { /* of a NUL the parser says that it cannot stay */
        diag_warning(diag, file, raw.control_line,
                     "a string holds the control character 0x%02x, which nobody sees; take it out",
                     raw.control);
    }
    if (escaped.failed) {
        diag_error(diag, file, 0, "there is no memory to read the file");
        goto out;
    }
    root = json_loadb(escaped.data, escaped.len, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL) {
        json_error_report(bytes, buf_str(&escaped), &error, file, diag);
        goto out;
    }
    size_t count = json_array_size(root);

    if (!json_is_array(root) || count == 0 || count > GAME_CHALLENGES_MAX) {
        diag_error(diag, file, 1, "the file must hold an array of 1 to %d challenges",
                   GAME_CHALLENGES_MAX);
        goto out;
    }
    read_array(&loader, root);
out:
    json_decref(root);
    buf_free(&escaped);
    return diag->errors == errors_before;
}

void challenges_release(struct challenges *challenges)
{
    for (uint32_t i = 0; i < challenges->count; i++) {
        flag_free((struct flag *)challenges->list[i].flag);
        challenges->list[i].flag = NULL;
    }
}
