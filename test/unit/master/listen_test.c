/* SPDX-License-Identifier: MIT */
/* listen_test.c - sockets that are bound, handed on, taken over; and refused with a sentence. */
#include "master/listen.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/settings.h"
#include "shm/base/log.h"
#include "shm/base/proc.h"

static char error[256];

static struct settings settings_at(struct str address)
{
    return (struct settings){
        .listen_address = address,
        .metrics_listen = STR("off"),
        .backlog_conns = 16,
    };
}

static int connect_to(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        socket_close(&fd);
    }
    return fd;
}

/* As libc's, but for one host: /etc/hosts has its address in two lines. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *wanted,
                struct addrinfo **ret_found)
{
    int (*ask)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    bool is_twice = strcmp(host, "twice") == 0;
    int result = ask(is_twice ? "127.0.0.1" : host, service, wanted, ret_found);

    return result == 0 && is_twice ? ask("127.0.0.1", service, wanted, &(*ret_found)->ai_next)
                                   : result;
}

static void a_backlog_is_what_the_kernel_allows(void **state)
{
    (void)state;
    assert_int_equal(listen_clamp(4096, 128), 128);
    assert_int_equal(listen_clamp(100, 128), 100);
    assert_int_equal(listen_clamp(4096, 0), 4096);
}

static void all_addresses_take_ipv4_too(void **state)
{
    (void)state;
    struct settings settings = settings_at(STR(""));
    struct listeners listeners;

    assert_true(listen_open(&settings, &listeners, error, sizeof(error)));
    assert_int_not_equal(listeners.port, 0);
    int fd = connect_to(listeners.port);
    assert_true(fd >= 0);
    socket_close(&fd);
    char url[64];
    (void)snprintf(url, sizeof(url), "http://localhost:%u/", listeners.port);
    assert_string_equal(listeners.url, url);
    assert_int_equal(listeners.metrics_fd, HERITAGE_FD_NONE);
    listen_close(&listeners);
}

static void one_address_is_called_by_its_name(void **state)
{
    (void)state;
    struct settings settings = settings_at(STR("127.0.0.1"));
    struct listeners listeners;

    settings.metrics_listen = STR("127.0.0.1:0");
    assert_true(listen_open(&settings, &listeners, error, sizeof(error)));
    assert_memory_equal(listeners.url, "http://127.0.0.1:", strlen("http://127.0.0.1:"));
    assert_true(listeners.metrics_fd >= 0);
    assert_non_null(strstr(listeners.metrics_url, "/metrics"));
    listen_close(&listeners);
}

static void an_address_that_a_host_has_twice_is_listened_at_once(void **state)
{
    (void)state;
    struct settings settings = settings_at(STR("twice"));
    struct listeners listeners;

    assert_true(listen_open(&settings, &listeners, error, sizeof(error)));
    assert_int_equal(listeners.player_count, 1);
    int client = connect_to(listeners.port);

    assert_true(client >= 0);
    socket_close(&client);
    listen_close(&listeners);
}

static void an_address_of_another_machine_is_refused_with_a_sentence(void **state)
{
    (void)state;
    struct settings settings = settings_at(STR("192.0.2.1"));
    struct listeners listeners;

    assert_false(listen_open(&settings, &listeners, error, sizeof(error)));
    assert_non_null(strstr(error, "192.0.2.1"));
}

static void a_taken_metrics_port_is_no_reason_not_to_serve(void **state)
{
    (void)state;
    struct settings settings = settings_at(STR("127.0.0.1"));
    struct listeners first;
    struct listeners second;
    char endpoint[64];

    settings.metrics_listen = STR("127.0.0.1:0");
    assert_true(listen_open(&settings, &first, error, sizeof(error)));
    (void)snprintf(endpoint, sizeof(endpoint), "127.0.0.1:%u", socket_port(first.metrics_fd));
    settings.metrics_listen = str_from(endpoint);
    assert_true(listen_open(&settings, &second, error, sizeof(error)));
    assert_int_equal(second.metrics_fd, HERITAGE_FD_NONE);
    listen_close(&first);
    listen_close(&second);
}

static void a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
    (void)state;
    char dir[] = "/tmp/ctfg-listen-XXXXXX";
    char address[64];
    struct listeners first;
    struct listeners second;
    struct stat found;

    assert_non_null(mkdtemp(dir));
    (void)snprintf(address, sizeof(address), "unix:%s/s", dir);
    struct settings settings = settings_at(str_from(address));
    assert_true(listen_open(&settings, &first, error, sizeof(error)));
    assert_string_equal(first.url, address);
    assert_false(listen_open(&settings, &second, error, sizeof(error)));
    /* As after a kill -9: nobody listens, the file is there. */
    first.unlink_at_end = false;
    listen_close(&first);
    assert_int_equal(stat(address + 5, &found), 0);
    assert_true(listen_open(&settings, &second, error, sizeof(error)));
    listen_close(&second);
    assert_int_equal(stat(address + 5, &found), -1);
    assert_int_equal(rmdir(dir), 0);
}

static void what_an_upgrade_hands_on_is_taken_over(void **state)
{
    (void)state;
    struct settings settings = settings_at(STR("127.0.0.1"));
    struct listeners old;
    struct listeners next;
    char handed[LISTEN_UPGRADE_BYTES];

    settings.metrics_listen = STR("127.0.0.1:0");
    assert_true(listen_open(&settings, &old, error, sizeof(error)));
    assert_true(listen_hand_on(&old, handed));
    assert_int_equal(fcntl(old.player_fds[0], F_GETFD), 0);
    assert_int_equal(setenv(LISTEN_UPGRADE_VARIABLE, handed, 1), 0);
    assert_true(listen_open(&settings, &next, error, sizeof(error)));
    assert_int_equal(next.port, old.port);
    assert_int_equal(next.metrics_fd, old.metrics_fd);
    assert_int_equal(fcntl(next.player_fds[0], F_GETFD), FD_CLOEXEC);
    assert_null(getenv(LISTEN_UPGRADE_VARIABLE));
    socket_close(&old.db_fd);
    listen_close(&next);
}

static void a_forged_handover_is_refused(void **state)
{
    (void)state;
    static const char *const values[] = {"",          "players=", "players=0",     "players=999",
                                         "metrics=3", "x=3",      "players=3;y=4", "players"};

    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        struct listeners listeners = {.metrics_fd = HERITAGE_FD_NONE};

        assert_false(listen_parse_handed(values[i], &listeners));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_backlog_is_what_the_kernel_allows),
        cmocka_unit_test(all_addresses_take_ipv4_too),
        cmocka_unit_test(one_address_is_called_by_its_name),
        cmocka_unit_test(an_address_that_a_host_has_twice_is_listened_at_once),
        cmocka_unit_test(an_address_of_another_machine_is_refused_with_a_sentence),
        cmocka_unit_test(a_taken_metrics_port_is_no_reason_not_to_serve),
        cmocka_unit_test(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
        cmocka_unit_test(what_an_upgrade_hands_on_is_taken_over),
        cmocka_unit_test(a_forged_handover_is_refused),
    };

    proc_set_role(PROC_TEST);
    log_init(LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
