/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - /metrics as text (Prometheus exposition format 0.0.4), from the rows of all processes.
 *
 * Process  any worker: it reads the rows of its siblings, so every worker gives the same answer.
 */
#pragma once

#include "shm/base/buf.h"

struct worker;

void metrics_write(struct buf *out, const struct worker *worker);
