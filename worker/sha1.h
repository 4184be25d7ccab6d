/* SPDX-License-Identifier: MIT */
/* sha1.h - SHA-1 (FIPS 180-4), for the WebSocket handshake, which is all it is still good for. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHA1_BYTES 20
/* Longer input is no handshake. */
#define SHA1_INPUT_BYTES_MAX 119

/* len is at most SHA1_INPUT_BYTES_MAX: two blocks. */
void sha1_short(const void *bytes, size_t len, uint8_t ret_digest[SHA1_BYTES]);
