/* SPDX-License-Identifier: MIT */
/* network_test.c - which texts are addresses and blocks, and who is in a block. */
#include "conf/network.h"

#include <arpa/inet.h>

#include "test/unit/conf/folder.h"

static void a_prefix_fits_its_address(void **state)
{
    (void)state;
    static const struct {
        struct str text;
        bool ok;
        uint32_t bits;
    } rows[] = {
        {STR_INIT("192.0.2.7"), true, 128},    {STR_INIT("10.0.0.0/8"), true, 104},
        {STR_INIT("0.0.0.0/0"), true, 96},     {STR_INIT("10.0.0.1/32"), true, 128},
        {STR_INIT("::/0"), true, 0},           {STR_INIT("2001:db8::/128"), true, 128},
        {STR_INIT("::1"), true, 128},          {STR_INIT("[2001:db8::1]:443"), true, 128},
        {STR_INIT("192.0.2.7:80"), true, 128}, {STR_INIT(" 192.0.2.7\t"), true, 128},
        {STR_INIT("10.0.0.0/33"), false, 0},   {STR_INIT("2001:db8::/129"), false, 0},
        {STR_INIT("10.0.0.0/"), false, 0},     {STR_INIT("10.0.0.0/-1"), false, 0},
        {STR_INIT("10.0.0.0/8/8"), false, 0},  {STR_INIT("/8"), false, 0},
        {STR_INIT("banana"), false, 0},        {STR_INIT(""), false, 0},
        {STR_INIT("10.0.0"), false, 0},        {STR_INIT("[::1"), false, 0},
        {STR_INIT("proxy.example"), false, 0}, {STR_INIT("10.0.0.256"), false, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network network = {0};

        assert_int_equal(network_parse(rows[i].text, &network), rows[i].ok);
        assert_int_equal(network.bits, rows[i].bits);
    }
}

static void a_block_contains_what_shares_its_bits(void **state)
{
    (void)state;
    static const struct {
        struct str block;
        const char *address;
        bool contains;
    } rows[] = {
        {STR_INIT("192.0.2.0/25"), "::ffff:192.0.2.127", true},
        {STR_INIT("192.0.2.0/25"), "::ffff:192.0.2.128", false},
        {STR_INIT("2001:db8::/33"), "2001:db8:7fff::1", true},
        {STR_INIT("2001:db8::/33"), "2001:db8:8000::1", false},
        {STR_INIT("172.16.0.0/12"), "::ffff:172.31.255.255", true},
        {STR_INIT("172.16.0.0/12"), "::ffff:172.32.0.0", false},
        {STR_INIT("172.16.0.0/12"), "::ffff:172.0.0.1", false},
        {STR_INIT("0.0.0.0/0"), "::ffff:8.8.8.8", true},
        {STR_INIT("0.0.0.0/0"), "2001:db8::1", false},
        {STR_INIT("::/0"), "::ffff:8.8.8.8", true},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct network network;
        uint8_t address[NETWORK_ADDRESS_BYTES];

        assert_true(network_parse(rows[i].block, &network));
        assert_int_equal(inet_pton(AF_INET6, rows[i].address, address), 1);
        assert_int_equal(network_contains(&network, address), rows[i].contains);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prefix_fits_its_address),
        cmocka_unit_test(a_block_contains_what_shares_its_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
