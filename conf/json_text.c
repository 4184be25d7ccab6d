/* SPDX-License-Identifier: MIT */
/* json_text.c - one walk that escapes, one that counts lines; see json_text.h. */
#include "conf/json_text.h"

#include <stdio.h>
#include <string.h>

struct escaper {
    struct str text;
    size_t at;
    uint32_t line;
    bool in_string;
    bool changed; /* the piece just given differs from the text's */
};

/* The next piece of the escaped text, for one or two bytes of the original.  0: the end. */
static size_t escape_next(struct escaper *escaper, char ret_piece[8])
{
    struct str text = escaper->text;
    char c;

    escaper->changed = false;
    if (escaper->at == text.len) {
        return 0;
    }
    c = text.data[escaper->at++];
    escaper->line += c == '\n';
    ret_piece[0] = c;
    if (c == '"') {
        escaper->in_string = !escaper->in_string;
    }
    if (!escaper->in_string) {
        return 1;
    }
    if (c == '\\' && escaper->at < text.len && (unsigned char)text.data[escaper->at] >= 0x20) {
        ret_piece[1] = text.data[escaper->at++];
        return 2;
    }
    if ((unsigned char)c >= 0x20) {
        return 1;
    }
    escaper->changed = true;
    if (c == '\r' && escaper->at < text.len && text.data[escaper->at] == '\n') {
        escaper->at++;
        escaper->line++;
        c = '\n';
    }
    return (size_t)snprintf(ret_piece, 8, "\\u%04x", (unsigned)c);
}

struct json_text_raw json_text_escape(struct str text, struct buf *out)
{
    struct escaper escaper = {.text = text, .line = 1};
    struct json_text_raw raw = {0};
    char piece[8];
    size_t len;
    uint32_t line = escaper.line;

    while ((len = escape_next(&escaper, piece)) > 0) {
        unsigned char c = (unsigned char)text.data[escaper.at - 1];

        buf_append(out, piece, len);
        if (escaper.changed && (c == '\n' || c == '\r' || c == '\t')) {
            raw.blank_line = raw.blank_line == 0 ? line : raw.blank_line;
        } else if (escaper.changed && raw.control_line == 0) {
            raw.control_line = line;
            raw.control = c;
        }
        line = escaper.line;
    }
    return raw;
}

uint32_t json_text_line_at(struct str text, size_t offset)
{
    struct escaper escaper = {.text = text, .line = 1};
    char piece[8];
    size_t len;
    size_t passed = 0;
    uint32_t line = 1;

    while ((len = escape_next(&escaper, piece)) > 0 && passed + len < offset) {
        passed += len;
        line = escaper.line;
    }
    return line;
}

/* Where the walk of json_text_find() is. */
struct finder {
    struct str text;
    size_t at;
    uint32_t line;
    uint32_t depth;
    uint32_t element; /* of the outer array */
    int32_t item;     /* of an array in an element */
    bool in_key;      /* the last key at depth 2 is the one that is looked for */
    bool token_seen;  /* the current element, or item, has begun */
    uint32_t best_line;
};

/* Steps over a string; *ret_is_key: a colon follows. */
static struct str pass_string(struct finder *finder, bool *ret_is_key)
{
    struct str text = finder->text;
    size_t start = ++finder->at;
    size_t end;

    while (finder->at < text.len && text.data[finder->at] != '"') {
        finder->line += text.data[finder->at] == '\n';
        finder->at += text.data[finder->at] == '\\' && finder->at + 1 < text.len ? 2 : 1;
    }
    end = finder->at < text.len ? finder->at : text.len;
    finder->at = end;
    size_t next = end + 1;

    while (next < text.len && memchr(" \t\r\n", text.data[next], 4) != NULL) {
        next++;
    }
    *ret_is_key = next < text.len && text.data[next] == ':';
    return (struct str){text.data + start, end - start};
}

/* A string, number, bracket or word begins here: is it (part of) the place?  true: the place. */
static bool at_token(struct finder *finder, const struct json_place *place)
{
    if (finder->depth == 1 && !finder->token_seen) {
        finder->token_seen = true;
        if (finder->element == place->element) {
            finder->best_line = finder->line;
            return place->key == NULL;
        }
    }
    if (finder->depth == 3 && finder->in_key && finder->item == place->item &&
        !finder->token_seen) {
        finder->token_seen = true;
        finder->best_line = finder->line;
        return place->item_key == NULL;
    }
    return false;
}

static bool at_key(struct finder *finder, const struct json_place *place, struct str key,
                   uint32_t line)
{
    if (finder->element != place->element || place->key == NULL) {
        return false;
    }
    if (finder->depth == 2) {
        finder->in_key = str_equal(key, str_from(place->key));
        if (finder->in_key) {
            finder->best_line = line;
            return place->item < 0;
        }
    }
    if (finder->depth == 4 && finder->in_key && finder->item == place->item &&
        place->item_key != NULL && str_equal(key, str_from(place->item_key))) {
        finder->best_line = line;
        return true;
    }
    return false;
}

static bool find_step(struct finder *finder, const struct json_place *place)
{
    char c = finder->text.data[finder->at];
    uint32_t line = finder->line;
    bool found = false;
    bool is_key;
    struct str string;

    switch (c) {
    case '\n':
        finder->line++;
        break;
    case ' ':
    case '\t':
    case '\r':
    case ':':
        break;
    case ',':
        if (finder->depth == 1) {
            finder->element++;
            finder->token_seen = false;
        } else if (finder->depth == 3) {
            finder->item++;
            finder->token_seen = false;
        }
        break;
    case '[':
    case '{':
        found = at_token(finder, place);
        finder->depth++;
        if (finder->depth == 1 || finder->depth == 3) {
            finder->token_seen = false;
            finder->item = 0;
        }
        break;
    case ']':
    case '}':
        finder->depth -= finder->depth > 0;
        finder->token_seen = true;
        break;
    case '"':
        found = at_token(finder, place);
        string = pass_string(finder, &is_key);
        found = found || (is_key && at_key(finder, place, string, line));
        break;
    default:
        found = at_token(finder, place);
    }
    finder->at++;
    return found;
}

uint32_t json_text_find(struct str text, struct json_place place)
{
    struct finder finder = {.text = text, .line = 1};

    while (finder.at < text.len && finder.element <= place.element) {
        if (find_step(&finder, &place)) {
            break;
        }
    }
    return finder.best_line;
}
