/* SPDX-License-Identifier: MIT */
/*
 * peer.h - who is at the other end: address and scheme behind a trusted proxy, and Origin checks.
 *
 * X-Forwarded-* count only when the peer itself is trusted (loopback, unix socket, a configured
 * block); then the client is the rightmost address that is not a trusted proxy.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/buf.h"
#include "shm/base/str.h"

struct conn;
struct request;
struct settings;

#define PEER_ADDRESS_BYTES 16
#define PEER_NETWORK_BYTES 8 /* of an IPv6 address: the part that a host cannot choose */

struct peer_address {
    uint8_t bytes[PEER_ADDRESS_BYTES]; /* IPv6, or IPv4 mapped into it; zeros: a unix socket */
};

bool peer_is_trusted(const struct settings *settings, const struct peer_address *address);
void peer_client_address(const struct conn *conn, const struct request *request,
                         struct peer_address *ret_address);
/* The address, of IPv6 its /64, as the key of a rate limit; points into *address. */
struct str peer_address_key(const struct peer_address *address);
/* Text form for the log; ret_text has INET6_ADDRSTRLEN bytes. */
void peer_address_text(const struct peer_address *address, char *ret_text);
bool peer_is_https(const struct conn *conn, const struct request *request);
/* Host as the client named it. */
struct str peer_host(const struct conn *conn, const struct request *request);
/* Absent: true.  Else the request's own host, or one of allowed_origins. */
bool peer_origin_is_allowed(const struct conn *conn, const struct request *request);
/* The stream's URL with the given token, into a buf of at most WEBSOCKET_URL_BYTES_MAX: an older page
 * cuts what is longer (docs/openapi.yaml, WebsocketUrl).  With a Host that is too long the buf has failed. */
#define WEBSOCKET_URL_BYTES_MAX 190
void peer_append_websocket_url(struct buf *out, const struct conn *conn,
                               const struct request *request, const char *token);
