/* SPDX-License-Identifier: MIT */
/* settings.c - YAML files by schema (libcyaml), and the ladder of sources; see settings_load.h. */
#include "conf/settings_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cyaml/cyaml.h>

#include "conf/env.h"
#include "conf/nearest.h"
#include "conf/settings_table.h"
#include "conf/settings_value.h"
#include "conf/yaml_lines.h"
#include "shm/base/check.h"

#define YAML_KEYS_MAX 128
#define YAML_SECTION_BYTES 32
#define YAML_ITEMS_MAX 1024

/* What libcyaml writes for one key. */
struct cell {
    char *text;
    char **items;
    uint32_t item_count;
};

/* The schema that libcyaml reads by, made from the list of keys: a mapping of texts, lists and, for
 * each section, a mapping of texts and lists. */
struct schema {
    const struct settings_yaml_key *keys;
    uint32_t key_count;
    cyaml_schema_value_t root;
    cyaml_schema_field_t root_fields[YAML_KEYS_MAX + 1];
    cyaml_schema_field_t fields[2 * YAML_KEYS_MAX]; /* of all sections, each with its end */
    char sections[YAML_KEYS_MAX][YAML_SECTION_BYTES];
};

/* What libcyaml had to say: the first complaint, and the place in the innermost line of its trace. */
struct complaint {
    char text[200];
    uint32_t line;
};

static const cyaml_schema_value_t item_schema = {
    .type = CYAML_STRING, .flags = CYAML_FLAG_POINTER, .data_size = 1, .string.max = UINT32_MAX};

static void __attribute__((format(printf, 3, 0)))
complaint_keep(cyaml_log_t level, void *context, const char *format, va_list arguments)
{
    struct complaint *complaint = context;
    char text[200];
    const char *place;

    if (level != CYAML_LOG_ERROR) {
        return;
    }
    (void)vsnprintf(text, sizeof(text), format, arguments);
    text[strcspn(text, "\n")] = '\0';
    place = strstr(text, "(line: ");
    if (place != NULL && complaint->line == 0) {
        complaint->line = (uint32_t)strtoul(place + strlen("(line: "), NULL, 10);
    }
    /* Lines of the trace begin with blanks: where something is wrong, never what. */
    if (complaint->text[0] == '\0' && text[0] != ' ' && strstr(text, "Backtrace:") == NULL) {
        const char *start = strncmp(text, "Load: ", 6) == 0 ? text + 6 : text;

        (void)snprintf(complaint->text, sizeof(complaint->text), "%s", start);
    }
}

/* The part before the dot; empty at the first level. */
static struct str key_section(const char *key)
{
    const char *dot = strchr(key, '.');

    return dot == NULL ? STR("") : (struct str){key, (size_t)(dot - key)};
}

static const char *key_name(const char *key)
{
    const char *dot = strchr(key, '.');

    return dot == NULL ? key : dot + 1;
}

static cyaml_schema_field_t key_field(const struct settings_yaml_key *key, uint32_t offset)
{
    cyaml_schema_field_t field = {
        .key = key_name(key->key),
        .value.flags = (enum cyaml_flag)(CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL)};

    if (key->is_list) {
        field.data_offset = offset + (uint32_t)offsetof(struct cell, items);
        field.count_offset = offset + (uint32_t)offsetof(struct cell, item_count);
        field.count_size = sizeof(uint32_t);
        field.value.type = CYAML_SEQUENCE;
        field.value.data_size = sizeof(char *);
        field.value.sequence.entry = &item_schema;
        field.value.sequence.max = YAML_ITEMS_MAX;
    } else {
        field.data_offset = offset + (uint32_t)offsetof(struct cell, text);
        field.value.type = CYAML_STRING;
        field.value.data_size = 1;
        field.value.string.max = UINT32_MAX;
    }
    return field;
}

/* Cells of the first level lie in the root's struct, cells of a section in the section's own; keys of
 * one section stand together in the list. */
static void schema_init(struct schema *schema, const struct settings_yaml_key *keys, uint32_t count)
{
    cyaml_schema_field_t *root = schema->root_fields;
    cyaml_schema_field_t *field = schema->fields;

    CHECK(count <= YAML_KEYS_MAX);
    memset(schema, 0, sizeof(*schema));
    schema->keys = keys;
    schema->key_count = count;
    for (uint32_t i = 0; i < count;) {
        struct str section = key_section(keys[i].key);
        uint32_t at = (uint32_t)(root - schema->root_fields);
        uint32_t first = i;

        if (section.len == 0) {
            *root++ = key_field(&keys[i++], at * (uint32_t)sizeof(struct cell));
            continue;
        }
        str_copy(section, schema->sections[at], YAML_SECTION_BYTES);
        *root = (cyaml_schema_field_t){
            .key = schema->sections[at],
            .data_offset = at * (uint32_t)sizeof(struct cell),
            .value = {.type = CYAML_MAPPING,
                      .flags = (enum cyaml_flag)(CYAML_FLAG_POINTER_NULL_STR | CYAML_FLAG_OPTIONAL),
                      .mapping.fields = field}};
        for (; i < count && str_equal(key_section(keys[i].key), section); i++) {
            *field++ = key_field(&keys[i], (i - first) * (uint32_t)sizeof(struct cell));
        }
        field++; /* its key is NULL: the end of the section */
        root->value.data_size = (i - first) * (uint32_t)sizeof(struct cell);
        root++;
    }
    schema->root = (cyaml_schema_value_t){
        .type = CYAML_MAPPING,
        .flags = CYAML_FLAG_POINTER,
        .data_size = (uint32_t)((size_t)(root - schema->root_fields) * sizeof(struct cell)),
        .mapping.fields = schema->root_fields};
}

/* From libcyaml's structs into the arena. */
static void copy_value(const struct cell *cell, struct arena *arena,
                       struct settings_yaml_value *value)
{
    value->is_set = cell->text != NULL || cell->items != NULL;
    if (cell->text != NULL) {
        value->text = arena_str(arena, str_from(cell->text));
    }
    if (cell->items != NULL) {
        struct str *items = arena_alloc(arena, cell->item_count, sizeof(*items));

        for (uint32_t j = 0; j < cell->item_count; j++) {
            items[j] = arena_str(arena, str_from(cell->items[j]));
        }
        value->items = items;
        value->item_count = cell->item_count;
    }
}

static void copy_values(const struct schema *schema, const struct cell *root, struct arena *arena,
                        struct settings_yaml_value *values)
{
    uint32_t at = 0;

    for (uint32_t i = 0; i < schema->key_count; at++) {
        struct str section = key_section(schema->keys[i].key);
        const struct cell *cell = &root[at];
        bool is_section = section.len > 0;

        if (is_section) {
            memcpy(&cell, &root[at].text, sizeof(cell));
        }
        do {
            if (cell != NULL) {
                copy_value(cell, arena, &values[i]);
                cell++;
            }
            i++;
        } while (i < schema->key_count && is_section &&
                 str_equal(key_section(schema->keys[i].key), section));
    }
}

static void report_unknown(const struct schema *schema, const char *file, uint32_t line,
                           struct str section, struct str key, struct diag *diag)
{
    const char *known[YAML_KEYS_MAX];
    uint32_t count = 0;

    for (uint32_t i = 0; section.len == 0 && schema->root_fields[i].key != NULL; i++) {
        known[count++] = schema->root_fields[i].key;
    }
    for (uint32_t i = 0; i < schema->key_count && section.len > 0; i++) {
        if (str_equal(key_section(schema->keys[i].key), section)) {
            known[count++] = key_name(schema->keys[i].key);
        }
    }
    const char *nearest = nearest_word(key, known, count);

    diag_error(diag, file, line, "there is no key \"%.*s\"%s%.*s%s%s%s", STR_ARG(key),
               section.len > 0 ? " in " : "", STR_ARG(section),
               nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
               nearest != NULL ? "\"?" : "");
}

/* Only blanks and comments: no document at all, for YAML. */
static bool says_nothing(struct str bytes)
{
    struct str line;

    while (str_split(&bytes, '\n', &line)) {
        line = str_trim(line);
        if (line.len > 0 && line.data[0] != '#') {
            return false;
        }
    }
    return true;
}

/* Finds the line of each value, and keys that are unknown or there twice.  true: one is twice. */
static bool walk_lines(const struct schema *schema, struct str bytes, const char *file,
                       struct diag *diag, struct settings_yaml_value *values)
{
    struct yaml_lines lines = yaml_lines_begin(bytes);
    struct str section;
    struct str key;
    bool known_section = false;
    bool twice = false;

    while (yaml_lines_next(&lines, &section, &key)) {
        bool known = false;

        if (section.len > 0 && !known_section) {
            continue; /* below an unknown key: said already */
        }
        for (uint32_t i = 0; i < schema->key_count; i++) {
            const char *name = schema->keys[i].key;

            if (str_equal(key_section(name), section) && str_equal(str_from(key_name(name)), key)) {
                if (values[i].line != 0) {
                    diag_error(diag, file, lines.line, "%s is here twice, first in line %u", name,
                               values[i].line);
                    twice = true;
                }
                values[i].line = lines.line;
                known = true;
            }
            known = known || (section.len == 0 && str_equal(key_section(name), key));
        }
        if (section.len == 0) {
            known_section = known;
        }
        if (!known) {
            report_unknown(schema, file, lines.line, section, key, diag);
        }
    }
    return twice;
}

/* A value in braces has no line that the walk above knows: that of its section is where it begins. */
static void find_lines_in_braces(const struct schema *schema, struct str bytes,
                                 struct settings_yaml_value *values)
{
    struct yaml_lines lines = yaml_lines_begin(bytes);
    struct str section;
    struct str key;

    while (yaml_lines_next(&lines, &section, &key)) {
        for (uint32_t i = 0; section.len == 0 && i < schema->key_count; i++) {
            if (values[i].is_set && values[i].line == 0 &&
                str_equal(key_section(schema->keys[i].key), key)) {
                values[i].line = lines.line;
            }
        }
    }
}

/* libcyaml speaks of events, libyaml of tokens: the same in an organiser's words.
 * twice_said: walk_lines() has found a key that is there twice. */
static void report_complaint(const struct complaint *complaint, cyaml_err_t error, bool twice_said,
                             struct str bytes, const char *file, struct diag *diag)
{
    static const char seen[] = "Mapping field already seen: ";
    static const struct {
        const char *start;
        const char *sentence;
    } words[] = {
        {"Expecting STRING", "a single value belongs here"},
        {"Expecting SEQUENCE", "a list belongs here, such as [a, b]"},
        {"Expecting MAPPING", "keys and values belong here, such as \"port: 8080\""},
    };
    const char *text = complaint->text;
    struct yaml_lines lines = yaml_lines_begin(bytes);

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (strncmp(text, words[i].start, strlen(words[i].start)) == 0) {
            diag_error(diag, file, complaint->line, "%s", words[i].sentence);
            return;
        }
    }
    if (error == CYAML_ERR_ALIAS || error == CYAML_ERR_INVALID_ALIAS) {
        diag_error(diag, file, complaint->line,
                   "an alias such as *name is not taken here; write the value itself, in quotes if "
                   "it begins with *");
    } else if (strncmp(text, seen, sizeof(seen) - 1) == 0) {
        if (!twice_said) {
            diag_error(diag, file, complaint->line, "\"%s\" is here twice; put both into one",
                       text + sizeof(seen) - 1);
        }
    } else if (strncmp(text, "Unexpected key: ", 16) == 0) {
        diag_error(diag, file, complaint->line, "there is no key \"%s\"", text + 16);
    } else if (strncmp(text, "libyaml: ", 9) == 0 && yaml_lines_find_tab(&lines)) {
        diag_error(diag, file, lines.line, "a tab cannot indent a line in YAML; use blanks");
    } else if (strncmp(text, "libyaml: ", 9) == 0) {
        diag_error(diag, file, complaint->line, "this is no valid YAML: %s", text + 9);
    } else {
        diag_error(diag, file, complaint->line, "%s",
                   text[0] != '\0' ? text : cyaml_strerror(error));
    }
}

/* Of a text that is not UTF-8: the first line that is to blame. */
static uint32_t line_of_strange_byte(struct str bytes)
{
    struct str line;
    uint32_t number = 0;

    while (str_split(&bytes, '\n', &line)) {
        number++;
        if (!str_is_utf8(line)) {
            break;
        }
    }
    return number;
}

bool settings_read_yaml(struct str bytes, const char *file, const struct settings_yaml_key *keys,
                        uint32_t key_count, struct arena *arena, struct diag *diag,
                        struct settings_yaml_value *ret_values)
{
    uint32_t errors_before = diag->errors;
    struct schema *schema = arena_alloc(arena, 1, sizeof(*schema));
    struct complaint complaint = {0};
    cyaml_data_t *data = NULL;

    bytes = str_skip_bom(bytes);
    if (!str_is_utf8(bytes)) {
        diag_error(diag, file, line_of_strange_byte(bytes),
                   "there is a byte that is no UTF-8; save the file as UTF-8");
        return false;
    }
    schema_init(schema, keys, key_count);
    memset(ret_values, 0, key_count * sizeof(*ret_values));
    if (says_nothing(bytes)) {
        return true;
    }
    bool twice_said = walk_lines(schema, bytes, file, diag, ret_values);
    bool unknown_keys = diag->errors > errors_before;
    cyaml_config_t config = {
        .log_fn = complaint_keep,
        .log_ctx = &complaint,
        .mem_fn = cyaml_mem,
        .log_level = CYAML_LOG_ERROR,
        /* Said already: go on for what else is wrong.  No aliases: nothing here can grow. */
        .flags = CYAML_CFG_NO_ALIAS | (unknown_keys ? CYAML_CFG_IGNORE_UNKNOWN_KEYS : 0)};
    cyaml_err_t error = cyaml_load_data((const uint8_t *)bytes.data, bytes.len, &config,
                                        &schema->root, &data, NULL);

    if (error != CYAML_OK) {
        report_complaint(&complaint, error, twice_said, bytes, file, diag);
        return false;
    }
    if (data != NULL) {
        copy_values(schema, data, arena, ret_values);
        find_lines_in_braces(schema, bytes, ret_values);
        (void)cyaml_free(&config, &schema->root, data, 0);
    }
    return diag->errors == errors_before;
}

/* Where a setting was said last. */
struct place {
    const char *file;
    uint32_t line;
    uint32_t order; /* which was said after which; 0: nowhere, it has its default */
};

/* The work of one settings_load(). */
struct loading {
    const struct game_files *files;
    struct arena *arena;
    struct diag *diag;
    struct settings *settings;
    struct place *places; /* one a row */
    uint32_t said;
};

static void set_place(struct loading *loading, const struct settings_row *row, const char *file,
                      uint32_t line)
{
    loading->places[row - settings_rows] = (struct place){file, line, ++loading->said};
}

/* Of two settings that do not go together: who had the last word. */
static struct place last_place(const struct loading *loading, struct str key, struct str other_key)
{
    struct place place = loading->places[settings_find_key(key) - settings_rows];
    struct place other = loading->places[settings_find_key(other_key) - settings_rows];

    return other.order > place.order ? other : place;
}

static void set_from(struct loading *loading, const struct settings_row *row, struct str text,
                     const char *file, uint32_t line)
{
    char reason[SETTINGS_REASON_BYTES];

    if (!settings_set(loading->settings, row, text, loading->arena, reason)) {
        diag_error(loading->diag, file, line, "%s %s", row->key, reason);
    }
    set_place(loading, row, file, line);
}

static void set_list_from(struct loading *loading, const struct settings_row *row,
                          const struct settings_yaml_value *value, const char *file)
{
    struct settings_list *list = (void *)((char *)loading->settings + row->offset);
    char reason[SETTINGS_REASON_BYTES];

    list->count = 0; /* "key: []" and "key:" mean none, not the default */
    for (uint32_t i = 0; i < value->item_count; i++) {
        if (!settings_set_item(loading->settings, row, value->items[i], i == 0, loading->arena,
                               reason)) {
            diag_error(loading->diag, file, value->line, "%s %s", row->key, reason);
            return;
        }
    }
}

static void load_yaml(struct loading *loading)
{
    const char *file = files_display_path(loading->files, "ctfg.yaml");
    struct arena *arena = loading->arena;
    struct settings_yaml_key *keys = arena_alloc(arena, settings_row_count, sizeof(*keys));
    struct settings_yaml_value *values = arena_alloc(arena, settings_row_count, sizeof(*values));
    struct str bytes;

    if (!files_find(loading->files, "ctfg.yaml", &bytes)) {
        return;
    }
    for (uint32_t i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];

        keys[i] = (struct settings_yaml_key){row->key, row->kind == SETTINGS_LIST};
    }
    /* Whatever could be read is checked, also beside a mistake: all of them in one go. */
    (void)!settings_read_yaml(bytes, file, keys, settings_row_count, arena, loading->diag, values);
    for (uint32_t i = 0; i < settings_row_count; i++) {
        if (keys[i].is_list && (values[i].is_set || values[i].line > 0)) {
            set_list_from(loading, &settings_rows[i], &values[i], file);
        } else if (values[i].is_set) {
            set_from(loading, &settings_rows[i], values[i].text, file, values[i].line);
        }
    }
}

/* Variables of .env that are settings; its tokens are env_read_tokens()'s. */
static void load_env(struct loading *loading)
{
    const char *file = files_display_path(loading->files, ".env");
    struct str bytes = STR("");
    struct env_line line;

    (void)files_find(loading->files, ".env", &bytes);
    for (struct env_reader reader = env_begin(bytes); env_next(&reader, &line);) {
        const struct settings_row *row = settings_find_variable(line.name);

        if (row != NULL) {
            set_from(loading, row, line.value, file, line.line);
        }
    }
}

/* Environment and flags, as "key=value" lines. */
static void load_overrides(struct loading *loading)
{
    const char *file = files_display_path(loading->files, "overrides");
    struct str rest = STR("");
    struct str line;
    struct str key;

    (void)files_find(loading->files, "overrides", &rest);
    while (str_split(&rest, '\n', &line)) {
        struct str value = line;

        if (line.len == 0 || !str_split(&value, '=', &key)) {
            continue;
        }
        const struct settings_row *row = settings_find_key(key);

        if (row == NULL) {
            diag_error(loading->diag, file, 0, "there is no setting \"%.*s\"", STR_ARG(key));
            continue;
        }
        set_from(loading, row, value, file, 0);
    }
}

/* Settings that go together only in one order. */
static void check_orders(const struct loading *loading)
{
    const struct settings *settings = loading->settings;
    struct place place;

    if (settings->ws_ping_timeout_ms <= settings->ws_ping_interval_ms) {
        place = last_place(loading, STR("stream.ping_timeout"), STR("stream.ping_interval"));
        diag_error(
            loading->diag, place.file, place.line,
            "stream.ping_timeout must be longer than stream.ping_interval, else every client "
            "is closed before it can answer");
    }
    if (settings->starts_ms > 0 && settings->ends_ms > 0 &&
        settings->ends_ms <= settings->starts_ms) {
        place = last_place(loading, STR("game.ends"), STR("game.starts"));
        diag_error(loading->diag, place.file, place.line,
                   "game.ends must be later than game.starts");
    }
}

bool settings_load(const struct game_files *files, struct arena *arena, struct diag *diag,
                   struct settings *ret_settings)
{
    uint32_t errors_before = diag->errors;
    struct loading loading = {.files = files, .arena = arena, .diag = diag};
    char reason[SETTINGS_REASON_BYTES];

    loading.settings = arena_alloc(arena, 1, sizeof(*loading.settings));
    loading.places = arena_alloc(arena, settings_row_count, sizeof(*loading.places));
    for (uint32_t i = 0; i < settings_row_count; i++) {
        CHECK(settings_set(loading.settings, &settings_rows[i], str_from(settings_rows[i].initial),
                           arena, reason));
    }
    /* In the order of who has the last word. */
    load_yaml(&loading);
    load_env(&loading);
    load_overrides(&loading);
    check_orders(&loading); /* the defaults are in order: one of the two was said somewhere */
    if (diag->errors > errors_before) {
        return false;
    }
    *ret_settings = *loading.settings;
    return true;
}
