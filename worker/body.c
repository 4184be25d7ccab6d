/* SPDX-License-Identifier: MIT */
/*
 * body.c - reads a request's JSON object with Jansson, and the one HTML form there is.
 *
 * struct body is never defined: it is Jansson's root object under a name that keeps Jansson's own
 * inside this file.
 */
#include "worker/body.h"

#include <string.h>

#include <jansson.h>

#include "worker/http.h"

static bool read_field(const json_t *root, struct body_field *field)
{
    const json_t *value = json_object_get(root, field->name);

    field->present = false;
    if (value == NULL || json_is_null(value)) {
        return field->optional;
    }
    switch (field->kind) {
    case BODY_STR:
        if (!json_is_string(value)) {
            return false;
        }
        field->str = (struct str){json_string_value(value), json_string_length(value)};
        break;
    case BODY_INT:
        if (!json_is_integer(value)) {
            return false;
        }
        field->number = json_integer_value(value);
        break;
    }
    field->present = true;
    return true;
}

enum body_verdict body_parse(struct str text, struct body_field *fields, size_t count,
                             struct body **ret_body)
{
    json_error_t error;
    json_t *root = NULL;

    if (text.len > 0) {
        root = json_loadb(text.data, text.len, JSON_REJECT_DUPLICATES, &error);
    }
    if (!json_is_object(root)) {
        json_decref(root);
        return BODY_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_field(root, &fields[i])) {
            json_decref(root);
            return BODY_MISSING;
        }
    }
    *ret_body = (struct body *)root;
    return BODY_OK;
}

bool body_is_empty(const struct body *body)
{
    return json_object_size((const json_t *)body) == 0;
}

void body_free(struct body *body)
{
    json_decref((json_t *)body);
}

const char *body_verdict_code(enum body_verdict verdict)
{
    return verdict == BODY_INVALID ? "invalid_json" : "missing_parameters";
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool body_form_value(struct str form, const char *name, char *ret_value, size_t size_bytes)
{
    struct str encoded;
    size_t len = 0;

    if (!http_query_value(form, name, &encoded)) {
        return false;
    }
    for (size_t i = 0; i < encoded.len; i++) {
        char c = encoded.data[i] == '+' ? ' ' : encoded.data[i];

        if (c == '%' && i + 2 < encoded.len) {
            int high = hex_digit(encoded.data[i + 1]);
            int low = hex_digit(encoded.data[i + 2]);

            if (high < 0 || low < 0) {
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (len + 1 >= size_bytes) {
            return false;
        }
        ret_value[len++] = c;
    }
    ret_value[len] = '\0';
    return true;
}
