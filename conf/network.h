/* SPDX-License-Identifier: MIT */
/*
 * network.h - addresses and CIDR blocks as people and proxies write them.
 *
 * The settings are checked by the parser that a worker trusts proxies by, so that what `ctfg check`
 * takes is what counts.  Any process; nothing here allocates or logs.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/compiler.h"
#include "shm/base/str.h"

/* IPv6, or IPv4 mapped into it. */
#define NETWORK_ADDRESS_BYTES 16

struct network {
    uint8_t base[NETWORK_ADDRESS_BYTES];
    uint32_t bits; /* of the 128 that an address in it shares with the base */
};

void network_address_from_v4(const void *v4, uint8_t *ret_address);
bool network_address_is_v4(const uint8_t *address);
/* "192.0.2.1", "2001:db8::1", "[2001:db8::1]:443", "192.0.2.1:4711"; a port is passed over. */
MUST_USE bool network_address_parse(struct str text, uint8_t *ret_address);

/* "10.0.0.0/8", "2001:db8::/32", or one address. */
MUST_USE bool network_parse(struct str text, struct network *ret_network);
bool network_contains(const struct network *network, const uint8_t *address);
