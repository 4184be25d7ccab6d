/* SPDX-License-Identifier: MIT */
/* json_error.c - from Jansson's sentence and place to ours; see json_error.h. */
#include "conf/json_error.h"

#include <string.h>

#include "conf/json_text.h"

/* How Jansson's sentence begins, and ours. */
struct words {
    const char *start;
    bool in_string; /* where commas and slashes mean nothing */
    const char *sentence;
};

/* clang-format off */
static const struct words words[] = {
    {"invalid escape",       true,  "a backslash stands before a character that JSON does not know it "
                                    "with; write \\\\ for each backslash, as in \"^flag\\\\{hello\\\\}$\""},
    {"\\u0000",              true,  "a string holds the character \\u0000; take it out"},
    {"invalid Unicode",      true,  "\\uD800 to \\uDFFF are only halves of a character; write the "
                                    "character itself"},
    {"unable to decode",     true,  "there is a byte that is no UTF-8; save the file as UTF-8"},
    {"too big",              false, "a number is too large"},
    {"real number overflow", false, "a number is too large"},
    {"maximum parsing",      false, "brackets are nested too deep; close those before this"},
    {"invalid token",        false, "this is no string, number, true, false or null; strings stand in "
                                    "double quotes"},
    {"unexpected token",     false, "a value is missing before this"},
    {"':' expected",         false, "there is no colon between a key and its value"},
    {"']' expected",         false, "a comma or ] is missing before this"},
    {"'}' expected",         false, "a comma or } is missing before this"},
    {"string or '}'",        false, "a key in double quotes, or }, belongs here"},
    {"'[' or '{' expected",  false, "the file must begin with ["},
    {"end of file expected", false, "there is something behind the last bracket; take it out"},
};
/* clang-format on */

/* The string that ends at `end`, without its quotes. */
static struct str string_before(struct str text, size_t end)
{
    size_t start = end > 0 ? end - 1 : 0;

    while (start > 0 &&
           (text.data[start - 1] != '"' || (start > 1 && text.data[start - 2] == '\\'))) {
        start--;
    }
    return (struct str){text.data + start, end > start ? end - 1 - start : 0};
}

/* Is the last thing before `end` a comma, and what Jansson met there a closing bracket? */
static bool is_trailing_comma(struct str text, size_t end)
{
    if (end == 0 || (text.data[end - 1] != ']' && text.data[end - 1] != '}')) {
        return false;
    }
    struct str before = str_trim((struct str){text.data, end - 1});

    return before.len > 0 && before.data[before.len - 1] == ',';
}

static bool is_comment(struct str text, size_t end)
{
    char c = end > 0 ? text.data[end - 1] : '\0';

    return c == '#' ||
           (c == '/' && end < text.len && (text.data[end] == '/' || text.data[end] == '*'));
}

static const char *sentence_of(const json_error_t *error, struct str escaped, size_t end)
{
    const struct words *found = NULL;

    if (json_error_code(error) == json_error_premature_end_of_input) {
        return "the file ends in the middle; close every quote, brace and bracket";
    }
    for (size_t i = 0; found == NULL && i < ARRAY_LEN(words); i++) {
        if (strncmp(error->text, words[i].start, strlen(words[i].start)) == 0) {
            found = &words[i];
        }
    }
    if (found != NULL && found->in_string) {
        return found->sentence;
    }
    if (is_trailing_comma(escaped, end)) {
        return "there is a comma before a closing bracket; take it out";
    }
    if (is_comment(escaped, end)) {
        return "JSON has no comments; take them out";
    }
    /* else: a Jansson with other sentences */
    return found != NULL ? found->sentence : "look for a missing comma, quote or bracket";
}

void json_error_report(struct str text, struct str escaped, const json_error_t *error,
                       const char *file, struct diag *diag)
{
    size_t end = error->position > 0 ? (size_t)error->position : 0;
    uint32_t line = json_text_line_at(text, end);

    end = end < escaped.len ? end : escaped.len;
    if (json_error_code(error) == json_error_duplicate_key) {
        struct str key = string_before(escaped, end);

        diag_error(diag, file, line,
                   "the key \"%.*s\" is here twice between the same braces; take one of them out",
                   key.len < 60 ? (int)key.len : 60, key.data);
        return;
    }
    diag_error(diag, file, line, "this is no valid JSON: %s", sentence_of(error, escaped, end));
}
