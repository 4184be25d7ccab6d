/* SPDX-License-Identifier: MIT */
/* yaml_lines.c - keys by their indentation; see yaml_lines.h. */
#include "conf/yaml_lines.h"

#include <string.h>

struct yaml_lines yaml_lines_begin(struct str text)
{
    return (struct yaml_lines){.rest = text};
}

/* What stands before the colon, if that can be a key: a word, quoted or not. */
static bool key_of_line(struct str line, struct str *ret_key)
{
    struct str key;
    struct str rest = line;

    if (line.len == 0 || strchr("#-%{}[]|>&*!\t", line.data[0]) != NULL ||
        memchr(line.data, ':', line.len) == NULL || !str_split(&rest, ':', &key)) {
        return false;
    }
    if (rest.len > 0 && rest.data[0] != ' ' && rest.data[0] != '\t' && rest.data[0] != '\r') {
        return false;
    }
    key = str_trim(key);
    if (key.len >= 2 && (key.data[0] == '"' || key.data[0] == '\'') &&
        key.data[key.len - 1] == key.data[0]) {
        key = (struct str){key.data + 1, key.len - 2};
    }
    *ret_key = key;
    return key.len > 0;
}

bool yaml_lines_next(struct yaml_lines *lines, struct str *ret_section, struct str *ret_key)
{
    struct str line;
    struct str key;

    while (str_split(&lines->rest, '\n', &line)) {
        size_t indent = 0;

        lines->line++;
        while (indent < line.len && line.data[indent] == ' ') {
            indent++;
        }
        if (!key_of_line((struct str){line.data + indent, line.len - indent}, &key)) {
            continue;
        }
        if (indent == 0) {
            lines->section = key;
            lines->section_indent = 0;
            *ret_section = STR("");
            *ret_key = key;
            return true;
        }
        if (lines->section_indent == 0) {
            lines->section_indent = indent;
        }
        if (indent == lines->section_indent) {
            *ret_section = lines->section;
            *ret_key = key;
            return true;
        }
    }
    return false;
}

bool yaml_lines_find_tab(struct yaml_lines *lines)
{
    struct str line;

    while (str_split(&lines->rest, '\n', &line)) {
        lines->line++;
        while (line.len > 0 && line.data[0] == ' ') {
            line = (struct str){line.data + 1, line.len - 1};
        }
        if (line.len > 1 && line.data[0] == '\t') {
            return true;
        }
    }
    return false;
}
