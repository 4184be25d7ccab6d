/* SPDX-License-Identifier: MIT */
/* query.h - numbers from a query string, within their range or refused. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* Absent: true and *ret_value is left as it is.  false: there, but no number of [min, max]. */
MUST_USE bool query_number(struct str query, const char *name, uint64_t min, uint64_t max,
                           uint64_t *ret_value);
/* The same, but it has to be there. */
MUST_USE bool query_number_needed(struct str query, const char *name, uint64_t min, uint64_t max,
                                  uint64_t *ret_value);
