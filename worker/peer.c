/* SPDX-License-Identifier: MIT */
/*
 * peer.c - believes X-Forwarded-* from trusted peers only, and compares Origin with Host.
 *
 * Source: RFC 7239 section 5.2 for the meaning of the chain, RFC 6454 for origins.
 */
#include "worker/peer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "conf/game.h"
#include "conf/network.h"
#include "worker/conn.h"
#include "worker/context.h"
#include "worker/http.h"

#define FORWARDED_HOPS_MAX 16 /* a longer chain is not looked at further */

static_assert(PEER_ADDRESS_BYTES == NETWORK_ADDRESS_BYTES, "an address is one for both");

static bool is_unix_socket(const struct peer_address *address)
{
    static const uint8_t zeros[PEER_ADDRESS_BYTES];

    return memcmp(address->bytes, zeros, PEER_ADDRESS_BYTES) == 0;
}

static bool is_loopback(const struct peer_address *address)
{
    static const uint8_t v6_loopback[16] = {[15] = 1};

    return memcmp(address->bytes, v6_loopback, 16) == 0 ||
           (network_address_is_v4(address->bytes) && address->bytes[12] == 127);
}

bool peer_is_trusted(const struct settings *settings, const struct peer_address *address)
{
    if (is_unix_socket(address) || is_loopback(address)) {
        return true;
    }
    for (uint32_t i = 0; i < settings->trusted_proxies.count; i++) {
        struct network network;

        if (network_parse(settings->trusted_proxies.items[i], &network) &&
            network_contains(&network, address->bytes)) {
            return true;
        }
    }
    return false;
}

static struct peer_address own_address(const struct conn *conn)
{
    struct peer_address address = {0};

    if (conn->peer_address_len == 4) {
        network_address_from_v4(conn->peer_address, address.bytes);
    } else if (conn->peer_address_len == 16) {
        memcpy(address.bytes, conn->peer_address, 16);
    }
    return address;
}

/* By the settings in force: a proxy keeps its connections, a reload may have trusted it since. */
static bool conn_is_trusted(const struct conn *conn)
{
    struct peer_address address = own_address(conn);

    return peer_is_trusted(&conn->worker->game->settings, &address);
}

/* The part behind the last comma, which is cut off *rest. */
static struct str cut_last(struct str *rest)
{
    size_t at = rest->len;

    while (at > 0 && rest->data[at - 1] != ',') {
        at--;
    }
    struct str last = {rest->data + at, rest->len - at};
    rest->len = at > 0 ? at - 1 : 0;
    return str_trim(last);
}

/* From right to left through the lines of X-Forwarded-For, which are one list (RFC 9110, 5.3); *line:
 * how many of the lines before the last are used up. */
static bool next_hop(const struct request *request, struct str *rest, unsigned *line,
                     struct str *ret_hop)
{
    if (rest->len == 0) {
        if (*line == ARRAY_LEN(request->forwarded_before)) {
            return false;
        }
        *rest = request->forwarded_before[(*line)++];
        if (rest->len == 0) {
            return false;
        }
    }
    *ret_hop = cut_last(rest);
    return true;
}

void peer_client_address(const struct conn *conn, const struct request *request,
                         struct peer_address *ret_address)
{
    const struct settings *settings = &conn->worker->game->settings;
    struct str rest = request->forwarded_for;
    struct str hop;
    unsigned line = 0;

    *ret_address = own_address(conn);
    if (!peer_is_trusted(settings, ret_address) || rest.len == 0) {
        return;
    }
    for (unsigned i = 0; i < FORWARDED_HOPS_MAX && next_hop(request, &rest, &line, &hop); i++) {
        struct peer_address address = {0};

        if (!network_address_parse(hop, address.bytes)) {
            return;
        }
        *ret_address = address;
        if (!peer_is_trusted(settings, &address)) {
            return;
        }
    }
}

/* Of IPv6 the network: one host has all of its 2^64 addresses to choose from (RFC 4291, 2.5.1). */
struct str peer_address_key(const struct peer_address *address)
{
    bool is_whole = network_address_is_v4(address->bytes) || is_unix_socket(address);

    return (struct str){(const char *)address->bytes,
                        is_whole ? PEER_ADDRESS_BYTES : PEER_NETWORK_BYTES};
}

void peer_address_text(const struct peer_address *address, char *ret_text)
{
    const char *done;

    if (is_unix_socket(address)) {
        (void)str_copy(STR("unix"), ret_text, INET6_ADDRSTRLEN);
        return;
    }
    if (network_address_is_v4(address->bytes)) {
        done = inet_ntop(AF_INET, address->bytes + 12, ret_text, INET6_ADDRSTRLEN);
    } else {
        done = inet_ntop(AF_INET6, address->bytes, ret_text, INET6_ADDRSTRLEN);
    }
    if (done == NULL) {
        ret_text[0] = '\0';
    }
}

bool peer_is_https(const struct conn *conn, const struct request *request)
{
    struct str proto = request->forwarded_proto;

    return proto.data != NULL && conn_is_trusted(conn) &&
           str_equal_nocase(cut_last(&proto), STR("https"));
}

struct str peer_host(const struct conn *conn, const struct request *request)
{
    struct str forwarded = request->forwarded_host;

    if (forwarded.len > 0 && conn_is_trusted(conn)) {
        return cut_last(&forwarded);
    }
    return request->host;
}

/* Without a default port, so that "example.org" and "example.org:443" are the same place. */
static struct str without_default_port(struct str authority)
{
    static const struct str ports[] = {STR_INIT(":80"), STR_INIT(":443")};

    for (size_t i = 0; i < ARRAY_LEN(ports); i++) {
        if (authority.len > ports[i].len && memcmp(authority.data + authority.len - ports[i].len,
                                                   ports[i].data, ports[i].len) == 0) {
            authority.len -= ports[i].len;
            break;
        }
    }
    return authority;
}

bool peer_origin_is_allowed(const struct conn *conn, const struct request *request)
{
    const struct settings *settings = &conn->worker->game->settings;
    struct str origin = request->origin;
    struct str authority = origin;

    if (origin.data == NULL) {
        return true;
    }
    for (uint32_t i = 0; i < settings->allowed_origins.count; i++) {
        if (str_equal_nocase(settings->allowed_origins.items[i], origin)) {
            return true;
        }
    }
    if (str_starts_with_nocase(origin, STR("http://"))) {
        authority.data += 7;
        authority.len -= 7;
    } else if (str_starts_with_nocase(origin, STR("https://"))) {
        authority.data += 8;
        authority.len -= 8;
    } else {
        return false; /* "null" and schemes that no page of ours has */
    }
    return authority.len > 0 && str_equal_nocase(without_default_port(authority),
                                                 without_default_port(peer_host(conn, request)));
}

void peer_append_websocket_url(struct buf *out, const struct conn *conn,
                               const struct request *request, const char *token)
{
    struct str configured = conn->worker->game->settings.websocket_url;

    if (configured.len > 0) {
        buf_append_str(out, configured);
    } else {
        buf_append_str(out, peer_is_https(conn, request) ? STR("wss://") : STR("ws://"));
        buf_append_str(out, peer_host(conn, request));
        buf_append_str(out, STR("/scorestream"));
    }
    buf_append_str(out, STR("?token="));
    buf_append_str(out, str_from(token));
}
