/* SPDX-License-Identifier: MIT */
/*
 * limit.h - which limit for whom: the settings' numbers and the words of shm/gcra.h put together.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "shm/layout.h"

struct worker;

/* Takes one token.  false: *ret_retry_us says when there is one again; the refusal is counted. */
MUST_USE bool limit_take_player(struct worker *worker, enum limit_kind kind, uint32_t player,
                                uint64_t *ret_retry_us);
MUST_USE bool limit_take_key(struct worker *worker, enum limit_kind kind, struct str key,
                             uint64_t *ret_retry_us);
void limit_refund_player(struct worker *worker, enum limit_kind kind, uint32_t player);
void limit_refund_key(struct worker *worker, enum limit_kind kind, struct str key);
/* Tokens left; *ret_retry_us is 0 unless there is none. */
uint32_t limit_left_player(struct worker *worker, enum limit_kind kind, uint32_t player,
                           uint64_t *ret_retry_us);
