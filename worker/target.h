/* SPDX-License-Identifier: MIT */
/*
 * target.h - the target of a request line, in its forms (RFC 9112, section 3.2), and host names.
 *
 * Pure functions over bytes from outside; called by http.c alone.
 */
#pragma once

#include <stdbool.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "worker/http.h"

#define TARGET_HOST_BYTES_MAX 255 /* a DNS name and a port fit */

/*
 * Cuts a target into path and query.  Of the absolute form ("http://host/path") the host takes the
 * place of *host; the others leave it alone.  "*" is a path of its own, for OPTIONS alone.
 * false: no such target; nothing is written.
 */
MUST_USE bool target_parse(struct str target, enum method method, struct str *host,
                           struct str *ret_path, struct str *ret_query);
/* Characters of names, addresses and ports only. */
bool target_host_is_plain(struct str host);
