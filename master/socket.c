/* SPDX-License-Identifier: MIT */
/* socket.c - socket(2), bind(2), listen(2), and what people call the result. */
#include "master/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOST_BYTES 128
#define PORT_BYTES 16

/* Each sockaddr in its own type: no cast reads one as another. */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage room;
};

void socket_close(int *fd)
{
    int error = errno;

    if (*fd >= 0) {
        (void)close(*fd);
    }
    *fd = -1;
    errno = error;
}

static void allow_everyone_in(int fd, int family)
{
    int on = 1;
    int off = 0;

    /* Neither can fail for a fresh TCP socket, and bind tells if it is missed. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
}

static bool bind_patiently(int fd, const struct sockaddr *address, socklen_t len, uint32_t tries)
{
    const struct timespec pause = {.tv_nsec = SOCKET_BIND_PAUSE_MS * 1000000L};

    while (bind(fd, address, len) != 0) {
        if (errno != EADDRINUSE || --tries == 0) {
            return false;
        }
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

int socket_listen_tcp(const struct sockaddr *address, socklen_t len, uint32_t backlog,
                      uint32_t bind_tries)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    allow_everyone_in(fd, address->sa_family);
    if (!bind_patiently(fd, address, len, bind_tries) || listen(fd, (int)backlog) != 0) {
        socket_close(&fd);
    }
    return fd;
}

/* A socket with nobody behind it: it is left by a process that was killed.  Any other file stays. */
static bool unix_remove_stale(const union address *address)
{
    struct stat facts;

    if (lstat(address->local.sun_path, &facts) != 0 || !S_ISSOCK(facts.st_mode)) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool is_stale =
        fd >= 0 && connect(fd, &address->any, sizeof(address->local)) != 0 && errno == ECONNREFUSED;

    socket_close(&fd);
    return is_stale && unlink(address->local.sun_path) == 0;
}

static bool unix_bind(int fd, const union address *address)
{
    if (bind(fd, &address->any, sizeof(address->local)) == 0) {
        return true;
    }
    if (errno != EADDRINUSE) {
        return false;
    }
    if (!unix_remove_stale(address)) {
        errno = EADDRINUSE;
        return false;
    }
    return bind(fd, &address->any, sizeof(address->local)) == 0;
}

int socket_listen_unix(const char *path, uint32_t backlog)
{
    union address address = {.local = {.sun_family = AF_UNIX}};

    if (path[0] == '\0' || strlen(path) >= sizeof(address.local.sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    (void)str_copy(str_from(path), address.local.sun_path, sizeof(address.local.sun_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 &&
        (!unix_bind(fd, &address) || chmod(path, 0666) != 0 || listen(fd, (int)backlog) != 0)) {
        socket_close(&fd);
    }
    return fd;
}

int socket_listen_nameless(uint32_t backlog, struct sockaddr_un *ret_address, socklen_t *ret_len)
{
    union address address = {.local = {.sun_family = AF_UNIX}};
    socklen_t len = sizeof(address.local);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (bind(fd, &address.any, sizeof(address.local.sun_family)) != 0 ||
        getsockname(fd, &address.any, &len) != 0 || listen(fd, (int)backlog) != 0) {
        socket_close(&fd);
        return -1;
    }
    *ret_address = address.local;
    *ret_len = len;
    return fd;
}

uint32_t socket_port(int fd)
{
    union address address = {.room = {0}};
    socklen_t len = sizeof(address);

    if (getsockname(fd, &address.any, &len) != 0) {
        return 0;
    }
    if (address.any.sa_family == AF_INET6) {
        return ntohs(address.v6.sin6_port);
    }
    return address.any.sa_family == AF_INET ? ntohs(address.v4.sin_port) : 0;
}

void socket_url(int fd, const char *path, char *ret_url)
{
    union address address = {.room = {0}};
    socklen_t len = sizeof(address);
    char host[HOST_BYTES];
    char port[PORT_BYTES];

    ret_url[0] = '\0';
    if (getsockname(fd, &address.any, &len) != 0) {
        return;
    }
    if (address.any.sa_family == AF_UNIX) {
        (void)snprintf(ret_url, SOCKET_URL_BYTES, "unix:%s", address.local.sun_path);
        return;
    }
    if (getnameinfo(&address.any, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return;
    }
    if (strcmp(host, "::") == 0 || strcmp(host, "0.0.0.0") == 0) {
        (void)str_copy(STR("localhost"), host, sizeof(host));
    }
    bool is_v6 = strchr(host, ':') != NULL;
    (void)snprintf(ret_url, SOCKET_URL_BYTES, "http://%s%s%s:%s%s", is_v6 ? "[" : "", host,
                   is_v6 ? "]" : "", port, path);
}
