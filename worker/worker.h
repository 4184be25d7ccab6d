/* SPDX-License-Identifier: MIT */
/*
 * worker.h - all that the master knows of a worker.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"

struct game;
struct heritage;

/*
 * master, before the first fork and after each accepted reload: builds what all workers share for
 * the given game (the compressed page), so that children inherit it ready-made.  false: no memory.
 */
MUST_USE bool worker_prepare(struct game *game);

/* A worker, in the child after fork: never returns, exits with a status of <sysexits.h>. */
_Noreturn void worker_main(struct heritage *heritage);

/* What the route of a row of shm/slots is called ("POST", "/api/submit"): a death has a name in the
 * log.  NULL: no such row. */
const char *worker_route_name(uint32_t row, const char **ret_method);
