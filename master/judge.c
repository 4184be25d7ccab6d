/* SPDX-License-Identifier: MIT */
/* judge.c - numbers in, verdicts out. */
#include "master/judge.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "conf/env.h"
#include "conf/settings.h"
#include "db/db.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"

#define MIB (UINT64_C(1) << 20)

static void PRINTF_LIKE(4, 5)
    found(struct finding *finding, enum judge_level level, const char *what, const char *value, ...)
{
    va_list values;

    *finding = (struct finding){.level = level};
    (void)snprintf(finding->what, sizeof(finding->what), "%s", what);
    va_start(values, value);
    (void)vsnprintf(finding->value, sizeof(finding->value), value, values);
    va_end(values);
}

static void PRINTF_LIKE(2, 3) mend_by(struct finding *finding, const char *mend, ...)
{
    va_list values;

    va_start(values, mend);
    (void)vsnprintf(finding->mend, sizeof(finding->mend), mend, values);
    va_end(values);
}

void judge_open_files(uint64_t limit, bool is_server, uint32_t conns_per_worker, uint32_t workers,
                      uint32_t players, struct finding *ret_finding)
{
    uint64_t most = (uint64_t)conns_per_worker + JUDGE_SPARE_FILES;
    uint64_t wanted =
        (uint64_t)players * JUDGE_CONNS_A_PLAYER / (workers == 0 ? 1 : workers) + JUDGE_SPARE_FILES;
    enum judge_level level = JUDGE_OK;

    if (wanted > most) {
        wanted = most;
    }
    if (limit < wanted) {
        level = JUDGE_FAIL;
    } else if (limit < most) {
        level = JUDGE_WARN;
    }
    found(ret_finding, level, "open files",
          "%" PRIu64 " a process (%s); %" PRIu32 " players on %" PRIu32 " worker%s want %" PRIu64
          ", http.connections allows %" PRIu32,
          limit, is_server ? "the server's limit" : "this shell's limit", players, workers,
          workers == 1 ? "" : "s", wanted, conns_per_worker);
    if (level != JUDGE_OK) {
        mend_by(ret_finding,
                "LimitNOFILE=200000 in its unit (systemctl edit ctfg), or `ulimit -Hn 200000` "
                "before it starts");
    }
}

void judge_backlog(uint32_t somaxconn, uint32_t wanted, struct finding *ret_finding)
{
    bool is_low = somaxconn < wanted;

    found(ret_finding, is_low ? JUDGE_WARN : JUDGE_OK, "net.core.somaxconn",
          "%" PRIu32 ", listen.backlog wants %" PRIu32, somaxconn, wanted);
    if (is_low) {
        mend_by(ret_finding, "sysctl -w net.core.somaxconn=%" PRIu32, wanted);
    }
}

void judge_clock(bool is_known, bool is_synchronised, int64_t error_us, struct finding *ret_finding)
{
    if (is_known && is_synchronised) {
        found(ret_finding, JUDGE_OK, "clock", "synchronised, within %" PRId64 " ms",
              error_us / 1000);
        return;
    }
    found(ret_finding, JUDGE_WARN, "clock", "%s",
          is_known ? "nobody keeps it right: dates of solves may be wrong"
                   : "the kernel does not say whether it is kept right");
    mend_by(ret_finding, "timedatectl set-ntp true");
}

void judge_disk(const char *dir, uint64_t free_bytes, uint64_t database_bytes,
                uint64_t log_bytes_max, struct finding *ret_finding)
{
    /* The log may grow to its limit; copies are made before a reset and by `ctfg backup`. */
    uint64_t wanted = 4 * (log_bytes_max + database_bytes);
    enum judge_level level = JUDGE_OK;

    if (free_bytes < log_bytes_max) {
        level = JUDGE_FAIL;
    } else if (free_bytes < wanted) {
        level = JUDGE_WARN;
    }
    found(ret_finding, level, "disk",
          "%" PRIu64 " MiB free in %s, %" PRIu64 " are wanted, %" PRIu64 " the least",
          free_bytes / MIB, dir, wanted / MIB, log_bytes_max / MIB);
    if (level != JUDGE_OK) {
        mend_by(ret_finding, "journalctl --vacuum-size=100M, or a larger disk for --dbdir");
    }
}

void judge_fsync(const char *dir, uint64_t median_us, struct finding *ret_finding)
{
    enum judge_level level = JUDGE_OK;

    if (median_us >= JUDGE_FSYNC_UNFIT_US) {
        level = JUDGE_FAIL;
    } else if (median_us >= JUDGE_FSYNC_SLOW_US) {
        level = JUDGE_WARN;
    }
    found(ret_finding, level, "fsync", "%.1f ms in %s: a submit takes as long",
          (double)median_us / 1000, dir);
    if (level != JUDGE_OK) {
        mend_by(ret_finding, "--dbdir on a local SSD");
    }
}

void judge_database(const char *dir, const struct db_health *health, struct finding *ret_finding)
{
    char holder[64] = "no server runs";

    if (health->holder != 0) {
        (void)snprintf(holder, sizeof(holder), "a server runs, its db is process %d",
                       (int)health->holder);
    }
    if (!health->has_folder) {
        found(ret_finding, JUDGE_FAIL, "database", "there is no folder %s", dir);
        mend_by(ret_finding, "install -d -m 700 -o ctfg -g ctfg %s", dir);
    } else if (!health->exists) {
        found(ret_finding, JUDGE_OK, "database", "none in %s yet: the first start makes one", dir);
    } else if (!health->is_readable) {
        found(ret_finding, JUDGE_FAIL, "database", "%s", health->finding);
        mend_by(ret_finding,
                "run this as the database's owner (runuser -u ctfg -- ctfg doctor ...), or "
                "`ctfg restore FILE` with the newest backup");
    } else if (!health->is_sound) {
        found(ret_finding, JUDGE_FAIL, "database", "damaged in %s: %s", dir, health->finding);
        mend_by(ret_finding, "stop the server, then `ctfg restore FILE` with the newest backup");
    } else {
        found(ret_finding, JUDGE_OK, "database", "sound, %" PRIu64 " MiB in %s; %s",
              health->bytes / MIB, dir, holder);
    }
}

static bool is_local(const char *address)
{
    return strncmp(address, "unix:", 5) == 0 || strncmp(address, "127.", 4) == 0 ||
           strcmp(address, "::1") == 0 || strcmp(address, "[::1]") == 0 ||
           strcmp(address, "localhost") == 0;
}

void judge_proxies(const char *address, uint32_t trusted, struct finding *ret_finding)
{
    bool is_open = !is_local(address) && trusted == 0;

    if (is_open) {
        found(ret_finding, JUDGE_WARN, "proxies",
              "none is trusted besides loopback, but anybody may connect to %s",
              address[0] == '\0' ? "all addresses" : address);
        mend_by(ret_finding, "--listen 127.0.0.1 with the proxy on this machine, else "
                             "http.trusted_proxies: [ADDRESS OF THE PROXY] in ctfg.yaml");
    } else {
        found(ret_finding, JUDGE_OK, "proxies",
              "%" PRIu32 " trusted besides loopback; listens at %s", trusted,
              address[0] == '\0' ? "all addresses" : address);
    }
}

/* "0.0.0.0/0", "::/0" and what is nearly as large. */
static bool is_everybody(struct str network)
{
    struct str rest = network;
    struct str address;
    uint64_t prefix;
    bool is_ipv6 = memchr(network.data, ':', network.len) != NULL;

    return str_split(&rest, '/', &address) && rest.data != NULL &&
           str_to_u64(rest, 0, 128, &prefix) &&
           prefix < (is_ipv6 ? JUDGE_IPV6_PREFIX_LEAST : JUDGE_IPV4_PREFIX_LEAST);
}

void judge_trust(const struct settings_list *trusted, struct finding *ret_finding)
{
    for (uint32_t i = 0; i < trusted->count; i++) {
        if (is_everybody(trusted->items[i])) {
            found(ret_finding, JUDGE_FAIL, "forwarded headers",
                  "X-Forwarded-For is believed of everybody in %.*s: anybody can pretend to be "
                  "anywhere",
                  STR_ARG(trusted->items[i]));
            mend_by(ret_finding,
                    "http.trusted_proxies: [ADDRESS OF THE PROXY] in ctfg.yaml, nothing wider");
            return;
        }
    }
    found(ret_finding, JUDGE_OK, "forwarded headers", "believed of loopback and %" PRIu32 " more",
          trusted->count);
}

void judge_token(const char *name, size_t bytes, struct finding *ret_finding)
{
    if (bytes == 0) {
        found(ret_finding, JUDGE_OK, name, "not set: what it guards is off");
    } else if (bytes < ENV_TOKEN_BYTES_ADVISED) {
        found(ret_finding, bytes < JUDGE_TOKEN_BYTES_LEAST ? JUDGE_FAIL : JUDGE_WARN, name,
              "only %zu characters", bytes);
        mend_by(ret_finding, "%s=$(openssl rand -hex 24) in .env", name);
    } else {
        found(ret_finding, JUDGE_OK, name, "%zu characters", bytes);
    }
}

void judge_secret(const char *path, mode_t mode, struct finding *ret_finding)
{
    bool is_open = (mode & S_IRWXO) != 0;

    found(ret_finding, is_open ? JUDGE_FAIL : JUDGE_OK, path, "mode %04o%s",
          (unsigned)(mode & 07777), is_open ? ", so every user of this machine may read it" : "");
    if (is_open) {
        mend_by(ret_finding, "chmod o= %s", path);
    }
}
