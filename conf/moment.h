/* SPDX-License-Identifier: MIT */
/* moment.h - a date and time with its zone, as organisers write it (RFC 3339, without fractions). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

/*
 * "2026-11-28T10:00:00+01:00" or "2026-11-28T09:00:00Z" -> milliseconds since 1970, UTC, above 0.
 * false: it is not written so, there is no such day or time, or it is not of the years 2000 to 2199.
 */
MUST_USE bool moment_parse(struct str text, uint64_t *ret_ms);
