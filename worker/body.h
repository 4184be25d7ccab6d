/* SPDX-License-Identifier: MIT */
/*
 * body.h - a JSON body as typed fields, or why it is none.  The worker's only reader of JSON.
 *
 * Owner   the caller: body_free().  Texts point into the body and go with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

enum body_kind { BODY_STR, BODY_INT };

struct body_field {
    const char *name;
    enum body_kind kind;
    bool optional;
    /* Filled in: */
    bool present;
    struct str str;
    int64_t number;
};

enum body_verdict {
    BODY_OK,
    BODY_INVALID, /* no JSON object: 400 invalid_json */
    BODY_MISSING, /* a field is absent or of another type: 400 missing_parameters */
};

struct body;

/* Fills fields[].  *ret_body is set on BODY_OK only. */
MUST_USE enum body_verdict body_parse(struct str text, struct body_field *fields, size_t count,
                                      struct body **ret_body);
/* {}: no field at all, known or not. */
bool body_is_empty(const struct body *body);
void body_free(struct body *body); /* takes NULL */
/* The contract's word for a refusal. */
const char *body_verdict_code(enum body_verdict verdict);
/* One value of an application/x-www-form-urlencoded body, decoded.  false: absent or too long. */
MUST_USE bool body_form_value(struct str form, const char *name, char *ret_value,
                              size_t size_bytes);
