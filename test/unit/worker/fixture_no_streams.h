/* SPDX-License-Identifier: MIT */
/* fixture_no_streams.h - stands in for routes' names and for streams, in tests that have neither. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "worker/conn.h"
#include "worker/route.h"
#include "worker/stream.h"

const char *route_name(uint32_t row, const char **ret_method)
{
    (void)row;
    (void)ret_method;
    return NULL;
}

void stream_on_bytes(struct conn *conn, const char *bytes, size_t len)
{
    (void)conn;
    (void)bytes;
    (void)len;
}

void stream_on_drained(struct conn *conn)
{
    (void)conn;
}

void stream_on_closed(struct conn *conn)
{
    (void)conn;
}
