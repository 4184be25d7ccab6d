/* SPDX-License-Identifier: MIT */
/* journal.c - writes an event's fields into one datagram for journald. */
#include "shm/base/journal.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shm/base/log.h"

#define SOCKET_PATH "/run/systemd/journal/socket"
#define DATAGRAM_BYTES (4 * LOG_LINE_BYTES) /* the line, its values once more, and their names */
#define NAME_BYTES_MAX 64                   /* journald takes no longer field name */

static struct journal {
    struct sockaddr_un address;
    int fd; /* -1: none yet, or it cannot be had */
} journal = {.address = {.sun_family = AF_UNIX, .sun_path = SOCKET_PATH}, .fd = -1};

struct datagram {
    char bytes[DATAGRAM_BYTES];
    size_t len;
};

bool journal_reads(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[48]; /* "DEVICE:INODE", both decimal */
    struct stat facts;

    if (stream == NULL || fstat(fd, &facts) != 0) {
        return false;
    }
    (void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)facts.st_dev, (uintmax_t)facts.st_ino);
    return strcmp(stream, own) == 0;
}

void journal_start(void)
{
    if (journal.fd >= 0) {
        (void)close(journal.fd); /* the parent's: journald tells senders apart by their socket */
    }
    journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void put(struct datagram *out, const void *bytes, size_t len)
{
    if (len <= sizeof(out->bytes) - out->len) {
        memcpy(out->bytes + out->len, bytes, len);
        out->len += len;
    }
}

/* NAME, newline, 64-bit length (little-endian), value, newline: holds any bytes.  Whole or not at all. */
static void put_field(struct datagram *out, const char *name, struct str value)
{
    size_t name_len = strlen(name);
    uint8_t length[8];

    if (name_len + value.len + sizeof(length) + 2 > sizeof(out->bytes) - out->len) {
        return;
    }
    for (unsigned i = 0; i < sizeof(length); i++) {
        length[i] = (uint8_t)((uint64_t)value.len >> (8 * i));
    }
    put(out, name, name_len);
    put(out, "\n", 1);
    put(out, length, sizeof(length));
    put(out, value.data, value.len);
    put(out, "\n", 1);
}

/* "took_us" is CTFG_TOOK_US: upper-case letters, digits and underscores are allowed. */
static void field_name(const char *key, char ret_name[NAME_BYTES_MAX + 1])
{
    size_t len = str_copy(STR("CTFG_"), ret_name, NAME_BYTES_MAX + 1);

    for (; *key != '\0' && len < NAME_BYTES_MAX; key++) {
        bool is_lower = *key >= 'a' && *key <= 'z';
        bool is_digit = *key >= '0' && *key <= '9';

        ret_name[len++] = is_lower ? (char)(*key - 'a' + 'A') : is_digit ? *key : '_';
    }
    ret_name[len] = '\0';
}

static void put_value(struct datagram *out, const struct log_field *field)
{
    char name[NAME_BYTES_MAX + 1];
    char digits[LOG_DIGITS_MAX];

    field_name(field->key, name);
    put_field(out, name, log_field_text(field, digits));
}

bool journal_send(int priority, struct str line, struct str process, const struct log_field *fields)
{
    struct datagram out;

    out.len = 0;
    put_field(&out, "MESSAGE", line);
    put_field(&out, "PRIORITY", (struct str){(const char[]){(char)('0' + priority)}, 1});
    put_field(&out, "SYSLOG_IDENTIFIER", STR("ctfg"));
    put_field(&out, "CTFG_PROC", process);
    for (; fields->key != NULL; fields++) {
        put_value(&out, fields);
    }
    if (journal.fd < 0) {
        errno = EBADF;
        return false;
    }
    ssize_t sent;
    do {
        sent = sendto(journal.fd, out.bytes, out.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                      (const struct sockaddr *)&journal.address, sizeof(journal.address));
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}
