/* SPDX-License-Identifier: MIT */
/* credentials.c - reads credentials.csv with libcsv, a line at a time; see credentials.h. */
#include "conf/credentials.h"

#include <stdio.h>
#include <string.h>

#include <csv.h>

#include "conf/index.h"
#include "shm/base/check.h"
#include "shm/base/hash.h"

#define ARGON2ID_PREFIX STR("$argon2id$")
/* What a hash may ask for at each login: more would let one player's login stall the others. */
#define ARGON2ID_KIB_MAX (256u << 10)
#define ARGON2ID_PASSES_MAX 16
#define ARGON2ID_LANES_MAX 16
/* libsodium's own hashes have at most 127 characters. */
#define ARGON2ID_BYTES_MAX 127
/* A hash has two commas ("m=19456,t=2,p=1") and nobody puts it into quotes: it comes in three. */
#define ARGON2ID_VALUES 3

struct loader {
    const char *file;
    struct arena *arena;
    struct diag *diag;
    uint64_t hash_seed;

    struct csv_parser parser;
    uint32_t line;     /* being fed */
    uint32_t row_line; /* where the current row began: a quoted value may span lines */
    bool row_open;
    struct str fields[1 + ARGON2ID_VALUES]; /* of the row; in the arena */
    uint32_t field_count;
    uint32_t rows;

    struct game_player *players;
    uint32_t *lines; /* of each player */
    uint32_t count;
    uint32_t room;
    struct index by_name;
};

/* A part like "m=19456": its number, if it is in range. */
static bool take_parameter(struct str *rest, char separator, const char *name, uint64_t max)
{
    struct str part;
    uint64_t value;
    struct str prefix = str_from(name);

    return str_split(rest, separator, &part) && str_starts_with(part, prefix) &&
           str_to_u64((struct str){part.data + prefix.len, part.len - prefix.len}, 1, max, &value);
}

/* Unpadded base64 of at least `least` characters. */
static bool is_base64(struct str text, size_t least)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool ok = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '+' || c == '/';

        if (!ok) {
            return false;
        }
    }
    return text.len >= least;
}

/* $argon2id$v=19$m=19456,t=2,p=1$salt$hash; what crypto_pwhash_str_verify() will take. */
static bool hash_is_sound(struct str hash)
{
    struct str rest = {hash.data + ARGON2ID_PREFIX.len, hash.len - ARGON2ID_PREFIX.len};
    struct str costs;
    struct str salt;

    return hash.len <= ARGON2ID_BYTES_MAX && take_parameter(&rest, '$', "v=", 19) &&
           str_split(&rest, '$', &costs) && take_parameter(&costs, ',', "m=", ARGON2ID_KIB_MAX) &&
           take_parameter(&costs, ',', "t=", ARGON2ID_PASSES_MAX) &&
           take_parameter(&costs, ',', "p=", ARGON2ID_LANES_MAX) && costs.data == NULL &&
           str_split(&rest, '$', &salt) && is_base64(salt, 11) && rest.data != NULL &&
           is_base64(rest, 22);
}

static bool is_plain_text(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f) {
            return false;
        }
    }
    return str_is_utf8(text);
}

static uint32_t find_name(const struct loader *loader, struct str name)
{
    uint64_t hash = hash_str(name, loader->hash_seed);

    for (uint32_t at = index_first(&loader->by_name, hash); at != INDEX_END;
         at = index_next(&loader->by_name, &hash)) {
        if (str_equal(loader->players[at].username, name)) {
            return at;
        }
    }
    return INDEX_END;
}

/* What is wrong with the row; NULL: nothing. */
static const char *row_problem(const struct loader *loader, struct str username,
                               struct str password)
{
    if (loader->field_count < 2) {
        return "must be username,password";
    }
    if (loader->field_count > 2) {
        return "has more than two values; a password with a comma goes into \"quotes\"";
    }
    if (username.len == 0) {
        return "has no username";
    }
    if (username.len > GAME_USERNAME_BYTES_MAX) {
        return "has a username longer than 64 bytes";
    }
    if (!is_plain_text(username)) {
        return "has a username that is not UTF-8, or holds control characters";
    }
    if (password.len == 0) {
        return "has no password";
    }
    if (password.len > GAME_PASSWORD_BYTES_MAX) {
        return "has a password longer than 256 bytes";
    }
    if (!is_plain_text(password)) {
        return "has a password that is not UTF-8, or holds control characters";
    }
    if (str_starts_with(password, ARGON2ID_PREFIX) && !hash_is_sound(password)) {
        return "has a damaged argon2id hash, or one that asks for more than 256 MiB, 16 passes or "
               "16 lanes; expected $argon2id$v=19$m=...,t=...,p=...$salt$hash";
    }
    return NULL;
}

static void add_player(struct loader *loader, struct str username, struct str password)
{
    uint32_t twin = find_name(loader, username);

    if (twin != INDEX_END) {
        diag_error(loader->diag, loader->file, loader->row_line,
                   "the username \"%.*s\" is here twice, first in line %u", STR_ARG(username),
                   loader->lines[twin]);
        return;
    }
    if (loader->count == loader->room) {
        if (loader->room == GAME_PLAYERS_MAX) {
            diag_error(loader->diag, loader->file, loader->row_line,
                       "there are more than %d players", GAME_PLAYERS_MAX);
        }
        loader->room = 0; /* said once; the rest is not kept */
    }
    if (loader->room == 0) {
        return;
    }
    loader->players[loader->count] =
        (struct game_player){.username = username,
                             .password = password,
                             .credential_hash = hash_str(password, 0),
                             .password_is_hash = str_starts_with(password, ARGON2ID_PREFIX)};
    loader->lines[loader->count] = loader->row_line;
    index_add(&loader->by_name, hash_str(username, loader->hash_seed), loader->count);
    loader->count++;
}

static void on_field(void *bytes, size_t len, void *context)
{
    struct loader *loader = context;

    if (loader->field_count < ARRAY_LEN(loader->fields)) {
        loader->fields[loader->field_count] =
            arena_str(loader->arena, (struct str){len > 0 ? bytes : "", len});
    }
    loader->field_count++;
}

/* The second value, or the hash that its own commas cut. */
static struct str take_password(struct loader *loader)
{
    const struct str *parts = &loader->fields[1];
    char hash[GAME_PASSWORD_BYTES_MAX + 1];

    if (loader->field_count < 2) {
        return STR("");
    }
    if (loader->field_count != 1 + ARGON2ID_VALUES || !str_starts_with(parts[0], ARGON2ID_PREFIX)) {
        return parts[0];
    }
    int len = snprintf(hash, sizeof(hash), "%.*s,%.*s,%.*s", STR_ARG(parts[0]), STR_ARG(parts[1]),
                       STR_ARG(parts[2]));

    loader->field_count = 2;
    return len > 0 && len < (int)sizeof(hash) ? arena_str(loader->arena, str_from(hash)) : parts[0];
}

static void on_row(int terminator, void *context)
{
    struct loader *loader = context;
    struct str username = loader->fields[0];
    struct str password = take_password(loader);
    /* docs/organiser.md: "that starts with"; such as "username (badge)", or "Usernames". */
    bool is_header = loader->rows == 0 && str_starts_with_nocase(username, STR("username"));

    (void)terminator;
    loader->row_open = false;
    loader->rows++;
    if (!is_header) {
        const char *problem = row_problem(loader, username, password);

        if (problem != NULL) {
            diag_error(loader->diag, loader->file, loader->row_line, "this line %s", problem);
        } else {
            add_player(loader, username, password);
        }
    }
    loader->field_count = 0;
}

static bool parser_start(struct loader *loader)
{
    loader->field_count = 0;
    loader->row_open = false;
    return csv_init(&loader->parser, CSV_STRICT | CSV_STRICT_FINI) == 0;
}

/* After a syntax error libcsv is of no use any more: a fresh one goes on with the next line. */
static void report_quotes(struct loader *loader)
{
    diag_error(loader->diag, loader->file, loader->row_line,
               "the quotes are not closed, or stand inside a value; write "
               "\"a value with \"\"quotes\"\"\"");
    csv_free(&loader->parser);
    CHECK(parser_start(loader));
}

static void feed_line(struct loader *loader, const char *bytes, size_t len)
{
    if (!loader->row_open) {
        loader->row_line = loader->line;
        loader->row_open = true;
    }
    if (csv_parse(&loader->parser, bytes, len, on_field, on_row, loader) != len) {
        report_quotes(loader);
    }
    if (loader->parser.quoted == 0 && loader->field_count == 0) {
        loader->row_open = false; /* a blank line is no row */
    }
}

static uint32_t count_lines(struct str bytes)
{
    uint32_t lines = 1;

    for (size_t i = 0; i < bytes.len && lines < GAME_PLAYERS_MAX; i++) {
        lines += bytes.data[i] == '\n' || bytes.data[i] == '\r';
    }
    return lines;
}

bool credentials_load(struct str bytes, const char *file, uint64_t hash_seed, struct arena *arena,
                      struct diag *diag, struct game_player **ret_players, uint32_t *ret_count)
{
    struct loader loader = {.file = file, .arena = arena, .diag = diag, .hash_seed = hash_seed};
    uint32_t errors_before = diag->errors;

    bytes = str_skip_bom(bytes);
    loader.room = count_lines(bytes);
    loader.players = arena_alloc(arena, loader.room, sizeof(*loader.players));
    loader.lines = arena_alloc(arena, loader.room, sizeof(*loader.lines));
    index_init(&loader.by_name, arena, loader.room);
    CHECK(parser_start(&loader));
    while (bytes.len > 0) {
        const char *newline = memchr(bytes.data, '\n', bytes.len);
        size_t len = newline != NULL ? (size_t)(newline - bytes.data) + 1 : bytes.len;

        loader.line++;
        feed_line(&loader, bytes.data, len);
        bytes = (struct str){bytes.data + len, bytes.len - len};
    }
    if (csv_fini(&loader.parser, on_field, on_row, &loader) != 0) {
        report_quotes(&loader);
    }
    csv_free(&loader.parser);
    if (loader.count == 0 && diag->errors == errors_before) {
        diag_error(diag, file, 0, "there are no players; write one a line: username,password");
    }
    *ret_players = loader.players;
    *ret_count = loader.count;
    return diag->errors == errors_before;
}
