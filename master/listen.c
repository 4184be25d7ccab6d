/* SPDX-License-Identifier: MIT */
/* listen.c - binds, or takes over, every socket that somebody connects to. */
#include "master/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "conf/settings.h"
#include "shm/base/buf.h"
#include "shm/base/log.h"
#include "shm/base/str.h"

#define METRICS_BACKLOG_CONNS 64 /* a scraper or two */
#define SOMAXCONN_FILE "/proc/sys/net/core/somaxconn"
#define HOST_BYTES 128

/* What is being opened, and where the sentence goes if it cannot be. */
struct opening {
    struct listeners *listeners;
    uint32_t bind_tries;
    char *error;
    size_t error_bytes;
};

static bool complain(const struct opening *opening, const char *what, const char *where)
{
    (void)snprintf(opening->error, opening->error_bytes, "%s %s: %s", what, where,
                   log_errno_text(errno));
    return false;
}

static bool add_player_fd(struct listeners *listeners, int fd)
{
    if (listeners->player_count == HERITAGE_LISTENERS_MAX) {
        errno = EMFILE;
        return false;
    }
    listeners->player_fds[listeners->player_count++] = fd;
    return true;
}

uint32_t listen_clamp(uint32_t wanted, uint32_t somaxconn)
{
    return somaxconn != 0 && wanted > somaxconn ? somaxconn : wanted;
}

uint32_t listen_somaxconn(void)
{
    char text[32] = "";
    uint64_t value = 0;
    FILE *file = fopen(SOMAXCONN_FILE, "re");

    if (file == NULL) {
        return 0;
    }
    if (fgets(text, sizeof(text), file) == NULL ||
        !str_to_u64(str_trim(str_from(text)), 1, UINT32_MAX, &value)) {
        value = 0;
    }
    (void)fclose(file);
    return (uint32_t)value;
}

/* ---- bind -------------------------------------------------------------------------------------- */

/* Every address, by one socket that takes IPv4 as well; IPv4 alone where there is no IPv6. */
static bool open_everywhere(const struct opening *opening, uint32_t port)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    uint32_t backlog = opening->listeners->backlog_effective;
    char where[HOST_BYTES];
    int fd = socket_listen_tcp((struct sockaddr *)&v6, sizeof(v6), backlog, opening->bind_tries);

    if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        fd = socket_listen_tcp((struct sockaddr *)&v4, sizeof(v4), backlog, opening->bind_tries);
    }
    if (fd < 0) {
        (void)snprintf(where, sizeof(where), "port %u", port);
        return complain(opening, "cannot listen at", where);
    }
    return add_player_fd(opening->listeners, fd);
}

static void address_set_port(struct sockaddr_storage *address, uint32_t port)
{
    if (address->ss_family == AF_INET6) {
        ((struct sockaddr_in6 *)(void *)address)->sin6_port = htons((uint16_t)port);
    } else {
        ((struct sockaddr_in *)(void *)address)->sin_port = htons((uint16_t)port);
    }
}

/* One address of a host.  false: it cannot be had; an address this machine lacks is no mistake. */
static bool open_one(const struct opening *opening, const struct addrinfo *one, uint32_t *port)
{
    struct sockaddr_storage address = {0};

    memcpy(&address, one->ai_addr, one->ai_addrlen);
    address_set_port(&address, *port);
    int fd = socket_listen_tcp((const struct sockaddr *)&address, one->ai_addrlen,
                               opening->listeners->backlog_effective, opening->bind_tries);
    if (fd < 0) {
        return errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL;
    }
    if (!add_player_fd(opening->listeners, fd)) {
        socket_close(&fd);
        return false;
    }
    *port = socket_port(fd); /* the next address of the host gets the same, also if it was 0 */
    return true;
}

/* Two lines of a hosts file may give a name the same address. */
static bool stands_before(const struct addrinfo *all, const struct addrinfo *one)
{
    while (all != one && (all->ai_addrlen != one->ai_addrlen ||
                          memcmp(all->ai_addr, one->ai_addr, one->ai_addrlen) != 0)) {
        all = all->ai_next;
    }
    return all != one;
}

/* A host may have several addresses ("localhost"): all of them, at the same port. */
static bool open_at(const struct opening *opening, struct str address, uint32_t port)
{
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char host[HOST_BYTES];
    char where[HOST_BYTES + sizeof(", port 65535")];

    /* "[::1]" and "::1" are the same. */
    if (address.len >= 2 && address.data[0] == '[' && address.data[address.len - 1] == ']') {
        address = (struct str){address.data + 1, address.len - 2};
    }
    (void)str_copy(address, host, sizeof(host));
    int result = getaddrinfo(host, NULL, &wanted, &found);
    if (result != 0) {
        (void)snprintf(opening->error, opening->error_bytes, "cannot listen at %s: %s", host,
                       gai_strerror(result));
        return false;
    }
    bool ok = true;
    for (const struct addrinfo *one = found; ok && one != NULL; one = one->ai_next) {
        ok = stands_before(found, one) || open_one(opening, one, &port);
    }
    ok = ok && opening->listeners->player_count > 0;
    if (!ok) {
        (void)snprintf(where, sizeof(where), "%s, port %u", host, port);
        (void)complain(opening, "cannot listen at", where);
    }
    freeaddrinfo(found);
    return ok;
}

static bool open_unix(const struct opening *opening, struct str path)
{
    char where[HOST_BYTES];

    (void)str_copy(path, where, sizeof(where));
    int fd = socket_listen_unix(where, opening->listeners->backlog_effective);
    if (fd < 0) {
        return complain(opening, "cannot listen at", where);
    }
    return add_player_fd(opening->listeners, fd);
}

/* ---- sockets that are open already ------------------------------------------------------------- */

static bool is_listening_stream(int fd)
{
    return sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0;
}

static bool parse_fds(struct str list, struct listeners *listeners, bool is_metrics)
{
    struct str part;

    while (str_split(&list, ',', &part)) {
        uint64_t fd;

        if (!str_to_u64(part, 3, INT32_MAX, &fd) || !is_listening_stream((int)fd)) {
            return false;
        }
        if (is_metrics) {
            listeners->metrics_fd = (int)fd;
        } else if (!add_player_fd(listeners, (int)fd)) {
            return false;
        }
    }
    return true;
}

bool listen_parse_handed(const char *value, struct listeners *listeners)
{
    struct str rest = str_from(value);
    struct str part;

    while (str_split(&rest, ';', &part)) {
        struct str name;

        if (!str_split(&part, '=', &name) || part.data == NULL) {
            return false;
        }
        bool is_metrics = str_equal(name, STR("metrics"));
        if ((!is_metrics && !str_equal(name, STR("players"))) ||
            !parse_fds(part, listeners, is_metrics)) {
            return false;
        }
    }
    return listeners->player_count > 0;
}

/* Sockets of a .socket unit; FileDescriptorName=metrics marks the scraper's. */
static bool take_from_systemd(const struct opening *opening)
{
    char **names = NULL;
    int count = sd_listen_fds_with_names(1, &names);
    bool ok = true;

    for (int i = 0; i < count; i++) {
        int fd = SD_LISTEN_FDS_START + i;

        if (names != NULL && names[i] != NULL && strcmp(names[i], "metrics") == 0) {
            opening->listeners->metrics_fd = fd;
        } else {
            ok = add_player_fd(opening->listeners, fd) && ok;
        }
        if (names != NULL) {
            free(names[i]);
        }
    }
    free(names);
    return ok || complain(opening, "cannot take", "so many sockets from systemd");
}

/* A second listen(2) only sets the backlog anew. */
static bool take_over(int fd, uint32_t backlog)
{
    int flags = fcntl(fd, F_GETFL);

    if (!is_listening_stream(fd)) {
        errno = ENOTSOCK;
        return false;
    }
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && listen(fd, (int)backlog) == 0;
}

static bool take_over_all(const struct opening *opening)
{
    const struct listeners *listeners = opening->listeners;

    for (uint32_t i = 0; i < listeners->player_count; i++) {
        if (!take_over(listeners->player_fds[i], listeners->backlog_effective)) {
            return complain(opening, "cannot listen at", "a socket that was handed over");
        }
    }
    if (listeners->metrics_fd >= 0 && !take_over(listeners->metrics_fd, METRICS_BACKLOG_CONNS)) {
        return complain(opening, "cannot listen at", "the metrics socket that was handed over");
    }
    return true;
}

/* player_count stays 0 where nobody handed anything over. */
static bool inherit(const struct opening *opening)
{
    const char *handed = getenv(LISTEN_UPGRADE_VARIABLE);

    if (handed != NULL) {
        bool ok = listen_parse_handed(handed, opening->listeners);

        (void)unsetenv(LISTEN_UPGRADE_VARIABLE);
        if (!ok) {
            errno = EBADF;
            return complain(opening, "cannot take over", "the sockets of an upgrade");
        }
    } else if (!take_from_systemd(opening)) {
        return false;
    }
    return take_over_all(opening);
}

/* ---- all together ------------------------------------------------------------------------------ */

/* A proxy that was told the other address would find nobody there, and nothing would say why. */
static void warn_of_address(const struct listeners *listeners, struct str address)
{
    char url[SOCKET_URL_BYTES];

    socket_url(listeners->player_fds[0], "/", url);
    if (memmem(url, strlen(url), address.data, address.len) == NULL) {
        LOG(LOG_LEVEL_WARN, "listen.address is not listened at: systemd's socket takes its place",
            LOG_SLICE("address", address), LOG_STR("socket", url));
    }
}

static bool open_players(const struct opening *opening, const struct settings *settings)
{
    struct listeners *listeners = opening->listeners;
    struct str address = settings->listen_address;
    bool is_unix = str_starts_with(address, STR("unix:"));
    bool was_handed = getenv(LISTEN_UPGRADE_VARIABLE) != NULL;

    if (!inherit(opening)) {
        return false;
    }
    listeners->unlink_at_end = is_unix && (was_handed || listeners->player_count == 0);
    if (listeners->player_count > 0) {
        if (!was_handed && address.len > 0) {
            warn_of_address(listeners, address);
        }
        return true;
    }
    if (is_unix) {
        return open_unix(opening, (struct str){address.data + 5, address.len - 5});
    }
    return address.len == 0 ? open_everywhere(opening, settings->port)
                            : open_at(opening, address, settings->port);
}

static bool open_db(const struct opening *opening)
{
    struct listeners *listeners = opening->listeners;

    listeners->db_fd = socket_listen_nameless(listeners->backlog_effective, &listeners->db_address,
                                              &listeners->db_address_len);
    return listeners->db_fd >= 0 ||
           complain(opening, "cannot open", "the socket between workers and db");
}

/* ADDR:PORT, cut at the last colon. */
static bool endpoint_split(struct str endpoint, struct str *ret_host, uint32_t *ret_port)
{
    size_t colon = endpoint.len;
    uint64_t port;

    while (colon > 0 && endpoint.data[colon - 1] != ':') {
        colon--;
    }
    struct str digits = {endpoint.data + colon, endpoint.len - colon};
    if (colon == 0 || !str_to_u64(digits, 0, UINT16_MAX, &port)) {
        return false;
    }
    *ret_host = (struct str){endpoint.data, colon - 1};
    *ret_port = (uint32_t)port;
    return true;
}

/* Players matter more than numbers about them: a metrics port that is taken is no reason to stop. */
static void open_metrics(const struct settings *settings, struct listeners *listeners)
{
    struct listeners found = {.backlog_effective = METRICS_BACKLOG_CONNS};
    char error[256] = "not of the form ADDR:PORT";
    struct opening opening = {&found, SOCKET_BIND_TRIES_HASTY, error, sizeof(error)};
    struct str host;
    uint32_t port;

    if (listeners->metrics_fd >= 0 || str_equal(settings->metrics_listen, STR("off"))) {
        return;
    }
    if (!endpoint_split(settings->metrics_listen, &host, &port) || !open_at(&opening, host, port)) {
        LOG(LOG_LEVEL_WARN, "no /metrics: give this server a free address by --metrics-listen",
            LOG_STR("error", error));
    } else {
        listeners->metrics_fd = found.player_fds[0];
        found.player_fds[0] = HERITAGE_FD_NONE;
    }
    /* One is enough, and one that nobody accepts from would leave a scraper hanging. */
    for (uint32_t i = 0; i < found.player_count; i++) {
        socket_close(&found.player_fds[i]);
    }
}

bool listen_open(const struct settings *settings, struct listeners *ret_listeners, char *ret_error,
                 size_t error_bytes)
{
    struct listeners listeners = {
        .metrics_fd = HERITAGE_FD_NONE,
        .db_fd = HERITAGE_FD_NONE,
        .backlog_effective = listen_clamp(settings->backlog_conns, listen_somaxconn()),
    };
    struct opening opening = {&listeners, SOCKET_BIND_TRIES, ret_error, error_bytes};

    if (listeners.backlog_effective < settings->backlog_conns) {
        LOG(LOG_LEVEL_WARN, "backlog is clamped: raise the sysctl net.core.somaxconn for a herd",
            LOG_U64("wanted", settings->backlog_conns),
            LOG_U64("got", listeners.backlog_effective));
    }
    if (!open_players(&opening, settings) || !open_db(&opening)) {
        listen_close(&listeners);
        return false;
    }
    open_metrics(settings, &listeners);
    listeners.port = socket_port(listeners.player_fds[0]);
    socket_url(listeners.player_fds[0], "/", listeners.url);
    if (listeners.metrics_fd >= 0) {
        socket_url(listeners.metrics_fd, "/metrics", listeners.metrics_url);
    }
    *ret_listeners = listeners;
    return true;
}

void listen_close_players(struct listeners *listeners)
{
    for (uint32_t i = 0; i < listeners->player_count; i++) {
        socket_close(&listeners->player_fds[i]);
    }
    if (listeners->unlink_at_end && listeners->player_count > 0) {
        (void)unlink(listeners->url + strlen("unix:")); /* gone already is as good */
    }
    listeners->player_count = 0;
    socket_close(&listeners->metrics_fd);
}

void listen_close(struct listeners *listeners)
{
    listen_close_players(listeners);
    socket_close(&listeners->db_fd);
}

static bool set_descriptor_flags(const struct listeners *listeners, int flags)
{
    bool ok = true;

    for (uint32_t i = 0; i < listeners->player_count; i++) {
        ok = fcntl(listeners->player_fds[i], F_SETFD, flags) == 0 && ok;
    }
    if (listeners->metrics_fd >= 0) {
        ok = fcntl(listeners->metrics_fd, F_SETFD, flags) == 0 && ok;
    }
    return ok;
}

bool listen_hand_on(const struct listeners *listeners, char ret_value[LISTEN_UPGRADE_BYTES])
{
    struct buf text = BUF_INIT(LISTEN_UPGRADE_BYTES - 1);

    buf_append_str(&text, STR("players"));
    for (uint32_t i = 0; i < listeners->player_count; i++) {
        buf_printf(&text, "%c%d", i == 0 ? '=' : ',', listeners->player_fds[i]);
    }
    if (listeners->metrics_fd >= 0) {
        buf_printf(&text, ";metrics=%d", listeners->metrics_fd);
    }
    bool ok = !text.failed && set_descriptor_flags(listeners, 0);
    (void)str_copy(buf_str(&text), ret_value, LISTEN_UPGRADE_BYTES);
    buf_free(&text);
    return ok;
}

void listen_keep(const struct listeners *listeners)
{
    (void)set_descriptor_flags(listeners, FD_CLOEXEC);
}
