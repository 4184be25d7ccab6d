/* SPDX-License-Identifier: MIT */
/* names.c - the rules for display names, each with the sentence of its refusal; see names.h. */
#include "conf/names.h"

#include <stddef.h>
#include <string.h>

#include "conf/settings.h"

/* The same letter five times in a row is shouting. */
#define NAME_REPEAT_MAX 4
/* Shorter blocked words stand inside innocent ones ("mod" in "Modest"). */
#define NAME_ANYWHERE_LETTERS 5

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

static bool is_word_char(char c)
{
    return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_name_char(char c)
{
    return is_word_char(c) || (c != '\0' && strchr(" -_.,'!?@#()", c) != NULL);
}

/* Characters, not bytes: UTF-8 continuation bytes (10xxxxxx) do not count. */
static size_t count_chars(const char *text, size_t len)
{
    size_t chars = 0;

    for (size_t i = 0; i < len; i++) {
        chars += ((unsigned char)text[i] & 0xc0) != 0x80;
    }
    return chars;
}

/* Trims and collapses.  Returns false when more than NAME_CHARS_MAX characters are left; the text
 * then is a part only.  A character has at most 4 bytes. */
static bool collapse(struct str wanted, char *ret_text, size_t *ret_len)
{
    size_t len = 0;
    bool pending_space = false;

    for (size_t i = 0; i < wanted.len; i++) {
        if (is_space(wanted.data[i])) {
            pending_space = len > 0;
            continue;
        }
        if (len + 2 > (size_t)NAME_CHARS_MAX * 4) {
            return false;
        }
        if (pending_space) {
            ret_text[len++] = ' ';
            pending_space = false;
        }
        ret_text[len++] = wanted.data[i];
    }
    *ret_len = len;
    return true;
}

static bool holds_word(const char *name, size_t len, struct str word)
{
    size_t letters = 0;

    for (size_t i = 0; i < word.len; i++) {
        letters += is_letter(word.data[i]);
    }
    for (size_t at = 0; word.len > 0 && at + word.len <= len; at++) {
        if (!str_equal_nocase((struct str){name + at, word.len}, word)) {
            continue;
        }
        bool own_word = (at == 0 || !is_word_char(name[at - 1])) &&
                        (at + word.len == len || !is_word_char(name[at + word.len]));

        if (letters >= NAME_ANYWHERE_LETTERS || own_word) {
            return true;
        }
    }
    return false;
}

static bool repeats(const char *name, size_t len)
{
    size_t run = 0;

    for (size_t i = 0; i < len; i++) {
        run = i > 0 && lower(name[i]) == lower(name[i - 1]) ? run + 1 : 1;
        if (run > NAME_REPEAT_MAX && is_word_char(name[i])) {
            return true;
        }
    }
    return false;
}

const char *name_check(struct str wanted, const struct settings_list *blocked, char *ret_name)
{
    char text[NAME_CHARS_MAX * 4 + 2];
    size_t len = 0;
    bool fits = collapse(wanted, text, &len);
    size_t chars = fits ? count_chars(text, len) : NAME_CHARS_MAX + 1;

    if (chars == 0) {
        return "Display name cannot be empty";
    }
    if (chars < NAME_CHARS_MIN) {
        return "Display name must be at least 2 characters";
    }
    if (chars > NAME_CHARS_MAX) {
        return "Display name cannot exceed 30 characters";
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_name_char(text[i])) {
            return "Display name contains invalid characters";
        }
    }
    for (uint32_t i = 0; i < blocked->count; i++) {
        if (holds_word(text, len, blocked->items[i])) {
            return "Display name contains restricted terms";
        }
    }
    if (repeats(text, len)) {
        return "Display name contains excessive character repetition";
    }
    str_copy((struct str){text, len}, ret_name, NAME_FIELD_BYTES);
    return NULL;
}

void name_fold(const char *name, char *ret_folded)
{
    size_t i = 0;

    for (; i < NAME_FIELD_BYTES - 1 && name[i] != '\0'; i++) {
        ret_folded[i] = lower(name[i]);
    }
    memset(ret_folded + i, 0, NAME_FIELD_BYTES - i);
}
