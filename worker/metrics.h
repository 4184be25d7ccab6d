/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - /metrics as text, from the rows of all processes: the exposition format 0.0.4, or
 * OpenMetrics 1.0 for a scraper that accepts it.
 *
 * Process  any worker: it reads the rows of its siblings, so every worker gives the same answer.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/buf.h"

struct worker;

void metrics_write(struct buf *out, const struct worker *worker, bool open_metrics);
