/* SPDX-License-Identifier: MIT */
/* env.c - the lines of .env, and where the three tokens come from; see env.h. */
#include "conf/env.h"

#include <stdlib.h>
#include <string.h>

#include "conf/nearest.h"
#include "conf/settings_table.h"
#include "shm/base/check.h"

#define TOKEN_BYTES_MAX 256
/* Settings there may be: their table has half as many. */
#define VARIABLES_MAX 128

static const struct {
    const char *name;
    size_t offset;
} tokens[] = {
    {"CTFG_API_TOKEN", offsetof(struct game, api_token)},
    {"CTFG_ADMIN_TOKEN", offsetof(struct game, admin_token)},
    {"CTFG_DISPLAY_TOKEN", offsetof(struct game, display_token)},
};

struct env_reader env_begin(struct str text)
{
    return (struct env_reader){.rest = str_skip_bom(text)};
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.data[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (!is_letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return name.len > 0;
}

static struct str unquote(struct str value)
{
    value = str_trim(value);
    if (value.len > 0 && (value.data[0] == '"' || value.data[0] == '\'')) {
        const char *end = memchr(value.data + 1, value.data[0], value.len - 1);

        if (end != NULL) {
            return (struct str){value.data + 1, (size_t)(end - value.data) - 1};
        }
        return value;
    }
    for (size_t i = 0; i < value.len; i++) {
        bool after_blank = i == 0 || value.data[i - 1] == ' ' || value.data[i - 1] == '\t';

        if (value.data[i] == '#' && after_blank) {
            return str_trim((struct str){value.data, i});
        }
    }
    return value;
}

bool env_next(struct env_reader *reader, struct env_line *ret_line)
{
    struct str line;
    struct str name;

    while (str_split(&reader->rest, '\n', &line)) {
        reader->line++;
        line = str_trim(line);
        if (line.len == 0 || line.data[0] == '#') {
            continue;
        }
        if (str_starts_with(line, STR("export "))) {
            line = str_trim((struct str){line.data + 7, line.len - 7});
        }
        struct str value = line;
        bool is_pair =
            str_split(&value, '=', &name) && value.data != NULL && is_name(str_trim(name));

        *ret_line = (struct env_line){.line = reader->line};
        if (is_pair) {
            ret_line->name = str_trim(name);
            ret_line->value = unquote(value);
        }
        return true;
    }
    return false;
}

void env_append_tokens(struct buf *lines)
{
    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        const char *value = getenv(tokens[i].name);

        if (value != NULL && strchr(value, '\n') == NULL) {
            const char *quote = strchr(value, '"') == NULL ? "\"" : "";

            buf_printf(lines, "%s=%s%s%s\n", tokens[i].name, quote, value, quote);
        }
    }
}

static bool is_token(struct str value)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.data[i];

        if (c <= ' ' || c > '~' || c == '"' || c == '\'') {
            return false;
        }
    }
    return value.len <= TOKEN_BYTES_MAX;
}

/* Its place in tokens[]; their number: no token is called so. */
static size_t token_at(struct str name)
{
    size_t i = 0;

    while (i < ARRAY_LEN(tokens) && !str_equal(name, str_from(tokens[i].name))) {
        i++;
    }
    return i;
}

/* NULL: no token is called so. */
static struct str *token_field(struct game *game, struct str name)
{
    size_t i = token_at(name);

    return i == ARRAY_LEN(tokens) ? NULL : (struct str *)(void *)((char *)game + tokens[i].offset);
}

/* true: the variable is a token, for better or worse. */
static bool read_token(const struct env_line *line, const char *file, struct arena *arena,
                       struct diag *diag, struct game *game)
{
    struct str *field = token_field(game, line->name);

    if (field == NULL) {
        return false;
    }
    if (!is_token(line->value)) {
        diag_error(diag, file, line->line,
                   "%.*s must be at most %d printable characters without blanks and quotes",
                   STR_ARG(line->name), TOKEN_BYTES_MAX);
    } else if (line->value.len > 0 && line->value.len < ENV_TOKEN_BYTES_ADVISED) {
        diag_warning(diag, file, line->line,
                     "%.*s has fewer than %d characters; make a longer one with "
                     "`openssl rand -hex 24`",
                     STR_ARG(line->name), ENV_TOKEN_BYTES_ADVISED);
    }
    *field = arena_str(arena, line->value);
    return true;
}

/* A mistyped token would silently leave what it guards switched off, a setting its default. */
static void warn_unknown(const struct env_line *line, const char *file, struct diag *diag)
{
    char variables[VARIABLES_MAX][SETTINGS_VARIABLE_BYTES];
    const char *names[ARRAY_LEN(tokens) + VARIABLES_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(tokens); i++) {
        names[count++] = tokens[i].name;
    }
    CHECK(settings_row_count <= VARIABLES_MAX);
    for (uint32_t i = 0; i < settings_row_count; i++) {
        settings_variable_name(&settings_rows[i], variables[i]);
        names[count++] = variables[i];
    }
    const char *nearest = nearest_word(line->name, names, count);

    diag_warning(diag, file, line->line, "nothing reads %.*s%s%s%s", STR_ARG(line->name),
                 nearest != NULL ? "; did you mean " : "", nearest != NULL ? nearest : "",
                 nearest != NULL ? "?" : "");
}

/* In what line each variable that is read was first; 0: in none. */
struct first_lines {
    uint32_t of[ARRAY_LEN(tokens) + VARIABLES_MAX];
};

/* NULL: nothing reads a variable of that name. */
static uint32_t *first_line_of(struct first_lines *first, struct str name)
{
    size_t i = token_at(name);

    if (i < ARRAY_LEN(tokens)) {
        return &first->of[i];
    }
    const struct settings_row *row = settings_find_variable(name);

    return row == NULL ? NULL : &first->of[ARRAY_LEN(tokens) + (size_t)(row - settings_rows)];
}

/* The later line wins, as in a shell; whoever edits the earlier one would wonder. */
static void warn_if_twice(struct first_lines *first, const struct env_line *line, const char *file,
                          struct diag *diag)
{
    uint32_t *before = first_line_of(first, line->name);

    if (before == NULL) {
        return;
    }
    if (*before != 0) {
        diag_warning(diag, file, line->line,
                     "%.*s is here twice, first in line %u; the later one counts",
                     STR_ARG(line->name), *before);
    } else {
        *before = line->line;
    }
}

static void read_lines(struct str bytes, const char *file, bool has_lines, struct arena *arena,
                       struct diag *diag, struct game *game)
{
    struct first_lines first = {0};
    struct env_line line;

    for (struct env_reader reader = env_begin(bytes); env_next(&reader, &line);) {
        line.line = has_lines ? line.line : 0;
        if (has_lines) {
            warn_if_twice(&first, &line, file, diag);
        }
        if (line.name.len == 0) {
            diag_error(diag, file, line.line, "must be NAME=value");
        } else if (!read_token(&line, file, arena, diag, game) &&
                   str_starts_with(line.name, STR(SETTINGS_VARIABLE_PREFIX)) &&
                   settings_find_variable(line.name) == NULL) {
            warn_unknown(&line, file, diag);
        }
    }
}

/* A file that holds nothing but the token.  Whoever hands one over wants what it guards, so an empty
 * one is a mistake. */
static void read_secret(struct str name, struct str bytes, const char *file, struct arena *arena,
                        struct diag *diag, struct game *game)
{
    struct env_line line = {.name = name, .value = str_trim(bytes)};

    if (token_field(game, name) == NULL) {
        warn_unknown(&line, file, diag);
    } else if (line.value.len == 0) {
        diag_error(diag, file, 0, "is empty; write the token into it, or hand over none");
    } else {
        (void)read_token(&line, file, arena, diag, game);
    }
}

void env_read_tokens(const struct game_files *files, struct arena *arena, struct diag *diag,
                     struct game *game)
{
    struct str bytes;
    struct str name;

    /* The later one wins.  The environment is no file of ours: its lines have no numbers. */
    if (files_find(files, ".env", &bytes)) {
        read_lines(bytes, files_display_path(files, ".env"), true, arena, diag, game);
    }
    if (files_find(files, "environment", &bytes)) {
        read_lines(bytes, files_display_path(files, "environment"), false, arena, diag, game);
    }
    for (uint32_t i = 0; files_at(files, i, &name, &bytes); i++) {
        if (str_starts_with(name, STR(FILES_SECRET))) {
            const char *path = files_display_path(files, name.data); /* a NUL stands behind it */
            size_t skip = strlen(FILES_SECRET);

            read_secret((struct str){name.data + skip, name.len - skip}, bytes, path, arena, diag,
                        game);
        }
    }
}
