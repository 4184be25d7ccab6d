/* SPDX-License-Identifier: MIT */
/* network.c - text into addresses and blocks, and who is in a block; see network.h. */
#include "conf/network.h"

#include <arpa/inet.h>
#include <string.h>

static const uint8_t v4_mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

void network_address_from_v4(const void *v4, uint8_t *ret_address)
{
    memcpy(ret_address, v4_mapped_prefix, sizeof(v4_mapped_prefix));
    memcpy(ret_address + sizeof(v4_mapped_prefix), v4, 4);
}

bool network_address_is_v4(const uint8_t *address)
{
    return memcmp(address, v4_mapped_prefix, sizeof(v4_mapped_prefix)) == 0;
}

bool network_address_parse(struct str text, uint8_t *ret_address)
{
    char copy[INET6_ADDRSTRLEN + 8];
    unsigned char v4[4];

    text = str_trim(text);
    if (text.len > 1 && text.data[0] == '[') {
        const char *end = memchr(text.data, ']', text.len);

        if (end == NULL) {
            return false;
        }
        text = (struct str){text.data + 1, (size_t)(end - text.data) - 1};
    }
    if (text.len == 0 || text.len >= sizeof(copy)) {
        return false;
    }
    (void)str_copy(text, copy, sizeof(copy));
    char *colon = strchr(copy, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        *colon = '\0'; /* one colon: IPv4 with a port */
    }
    if (inet_pton(AF_INET, copy, v4) == 1) {
        network_address_from_v4(v4, ret_address);
        return true;
    }
    return inet_pton(AF_INET6, copy, ret_address) == 1;
}

bool network_parse(struct str text, struct network *ret_network)
{
    struct network network = {.bits = 128};
    struct str base = text;
    const char *slash = text.len > 0 ? memchr(text.data, '/', text.len) : NULL;
    uint64_t bits;

    if (slash != NULL) {
        base.len = (size_t)(slash - text.data);
    }
    if (!network_address_parse(base, network.base)) {
        return false;
    }
    if (slash != NULL) {
        struct str bits_text = {slash + 1, text.len - base.len - 1};
        bool is_v4 = network_address_is_v4(network.base);

        if (!str_to_u64(bits_text, 0, is_v4 ? 32 : 128, &bits)) {
            return false;
        }
        network.bits = (uint32_t)bits + (is_v4 ? 96 : 0);
    }
    *ret_network = network;
    return true;
}

bool network_contains(const struct network *network, const uint8_t *address)
{
    size_t whole = network->bits / 8;
    unsigned rest = network->bits % 8;

    if (memcmp(network->base, address, whole) != 0) {
        return false;
    }
    return rest == 0 || (network->base[whole] >> (8 - rest)) == (address[whole] >> (8 - rest));
}
