/* SPDX-License-Identifier: MIT */
/* settings_value.c - numbers with units, limits, addresses, lists; see settings_value.h. */
#include "conf/settings_value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/moment.h"
#include "conf/network.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"", 1}, {"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30},
};
static const struct unit ms_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000},
};

static bool MUST_USE PRINTF_LIKE(2, 3) refuse(char *ret_reason, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(ret_reason, SETTINGS_REASON_BYTES, format, arguments);
    va_end(arguments);
    return false;
}

/* "16KiB", "16 KiB": a whole number and one of the units. */
static bool parse_with_unit(struct str text, const struct unit *units, size_t unit_count,
                            uint64_t *ret_value)
{
    size_t digits = 0;
    uint64_t number;

    if (text.len == 0) {
        return false; /* its data may be NULL, to which nothing is added */
    }
    while (digits < text.len && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    struct str unit = str_trim((struct str){text.data + digits, text.len - digits});

    if (!str_to_u64((struct str){text.data, digits}, 0, UINT32_MAX, &number)) {
        return false;
    }
    for (size_t i = 0; i < unit_count; i++) {
        if (str_equal(unit, str_from(units[i].name))) {
            *ret_value = number * units[i].factor; /* below 2^32 times 2^30 */
            return true;
        }
    }
    return false;
}

void settings_format_number(const struct settings_row *row, uint64_t value, char *ret_text)
{
    const struct unit *units = row->kind == SETTINGS_BYTES ? byte_units : ms_units;
    size_t count = row->kind == SETTINGS_BYTES ? ARRAY_LEN(byte_units) : ARRAY_LEN(ms_units);
    uint64_t number = row->kind == SETTINGS_SECONDS ? value * 1000 : value;
    size_t best = 0;

    if (row->kind != SETTINGS_BYTES && row->kind != SETTINGS_MS && row->kind != SETTINGS_SECONDS) {
        count = 0;
    }
    for (size_t i = 0; i < count && number > 0; i++) {
        best = number % units[i].factor == 0 ? i : best;
    }
    (void)snprintf(ret_text, SETTINGS_NUMBER_BYTES, "%llu%s",
                   (unsigned long long)(count > 0 ? number / units[best].factor : number),
                   count > 0 ? units[best].name : "");
}

static bool set_number(uint32_t *field, const struct settings_row *row, struct str text,
                       char *ret_reason)
{
    uint64_t value;
    uint64_t per_unit = 1;
    char least[SETTINGS_NUMBER_BYTES];
    char most[SETTINGS_NUMBER_BYTES];
    bool ok;

    switch (row->kind) {
    case SETTINGS_BYTES:
        ok = parse_with_unit(text, byte_units, ARRAY_LEN(byte_units), &value);
        if (!ok) {
            return refuse(ret_reason, "must be a size such as 4096, 16KiB or 1MiB");
        }
        break;
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
        per_unit = row->kind == SETTINGS_MS ? 1 : 1000;
        ok = parse_with_unit(text, ms_units, ARRAY_LEN(ms_units), &value);
        if (!ok || value % per_unit != 0) {
            return refuse(ret_reason, "must be a time with its unit, such as %s",
                          per_unit == 1 ? "20ms, 15s, 2m or 1h" : "30s, 10m or 12h");
        }
        break;
    default:
        ok = str_to_u64(text, 0, UINT32_MAX, &value);
        if (!ok) {
            return refuse(ret_reason, "must be a whole number");
        }
    }
    value /= per_unit;
    if (value < row->least || value > row->most) {
        settings_format_number(row, row->least, least);
        settings_format_number(row, row->most, most);
        return refuse(ret_reason, "must be from %s to %s", least, most);
    }
    *field = (uint32_t)value;
    return true;
}

/* "10 + 1/2s": burst, then count in a time.  "100 + 10/s" leaves out the 1 of the time. */
static bool set_limit(struct settings_limit *field, const struct settings_row *row, struct str text,
                      char *ret_reason)
{
    struct str rest = text;
    struct str part;
    uint64_t burst;
    uint64_t count;
    uint64_t time_ms;
    char time_text[32];

    if (!str_split(&rest, '+', &part) ||
        !str_to_u64(str_trim(part), row->least, row->most, &burst) ||
        !str_split(&rest, '/', &part) || !str_to_u64(str_trim(part), 1, 1000000, &count)) {
        goto wrong;
    }
    rest = str_trim(rest);
    if (rest.len == 0 || rest.len >= sizeof(time_text) - 1) {
        goto wrong;
    }
    bool bare_unit = rest.data[0] < '0' || rest.data[0] > '9';

    (void)snprintf(time_text, sizeof(time_text), "%s%.*s", bare_unit ? "1" : "", STR_ARG(rest));
    if (!parse_with_unit(str_from(time_text), ms_units, ARRAY_LEN(ms_units), &time_ms) ||
        time_ms < count || time_ms / count > 86400000) {
        goto wrong;
    }
    *field = (struct settings_limit){(uint32_t)burst, (uint32_t)(time_ms / count)};
    return true;
wrong:
    return refuse(ret_reason,
                  "must be a limit such as 10 + 1/2s (ten at once, then one in two seconds); "
                  "%llu to %llu at once, at most 1000 a second",
                  (unsigned long long)row->least, (unsigned long long)row->most);
}

static bool check_text(struct str text, uint64_t most, char *ret_reason)
{
    if (text.len > most) {
        return refuse(ret_reason, "must be at most %llu bytes long", (unsigned long long)most);
    }
    if (!str_is_utf8(text)) {
        return refuse(ret_reason, "must be UTF-8");
    }
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];

        if (c == 0x7f || (c < 0x20 && c != '\n' && c != '\t')) {
            return refuse(ret_reason, "must not hold control characters");
        }
    }
    return true;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool check_colour(struct str text, char *ret_reason)
{
    bool ok = text.len == 7 && text.data[0] == '#';

    for (size_t i = 1; ok && i < 7; i++) {
        ok = is_hex(text.data[i]);
    }
    return ok || text.len == 0 || refuse(ret_reason, "must be a colour such as \"#3b82f6\"");
}

/* A name is the resolver's to judge; with a colon in it, it is a port or a URL, or IPv6. */
static bool check_address(struct str text, char *ret_reason)
{
    static const struct str local = STR("unix:");
    uint8_t address[NETWORK_ADDRESS_BYTES];
    bool ok = text.len == 0;

    if (str_starts_with(text, local)) {
        ok = text.len > local.len;
    } else if (text.len > 0) {
        size_t colons = 0;

        if (text.len > 2 && text.data[0] == '[' && text.data[text.len - 1] == ']') {
            text = (struct str){text.data + 1, text.len - 2}; /* listen_open() takes them off too */
        }
        for (size_t i = 0; i < text.len; i++) {
            colons += text.data[i] == ':' ? 1 : 0;
        }
        bool is_v6 = colons > 1 && text.data[0] != '[' &&
                     (memchr(text.data, '%', text.len) != NULL || /* fe80::1%eth0 */
                      network_address_parse(text, address));

        ok = (colons == 0 || is_v6) && memchr(text.data, '/', text.len) == NULL &&
             memchr(text.data, ' ', text.len) == NULL;
    }
    return ok || refuse(ret_reason, "must be an address such as 127.0.0.1 or ::1, without a port, "
                                    "which is listen.port, or \"unix:/path\"");
}

static bool check_endpoint(struct str text, char *ret_reason)
{
    uint64_t port;
    size_t colon = text.len;

    if (str_equal(text, STR("off"))) {
        return true;
    }
    while (colon > 0 && text.data[colon - 1] != ':') {
        colon--;
    }
    return (colon > 1 &&
            str_to_u64((struct str){text.data + colon, text.len - colon}, 0, 65535, &port)) ||
           refuse(ret_reason, "must be address:port, such as 127.0.0.1:9180, or off");
}

static bool check_stream_url(struct str text, char *ret_reason)
{
    static const struct str path = STR("/scorestream");
    bool ok = text.len == 0;

    if (str_starts_with(text, STR("ws://")) || str_starts_with(text, STR("wss://"))) {
        ok = text.len > path.len + 6 &&
             str_equal((struct str){text.data + text.len - path.len, path.len}, path) &&
             memchr(text.data, '?', text.len) == NULL && memchr(text.data, '#', text.len) == NULL &&
             memchr(text.data, '&', text.len) == NULL && memchr(text.data, ' ', text.len) == NULL;
    }
    return ok || refuse(ret_reason, "must be a URL such as wss://play.example.org/scorestream, "
                                    "without a query");
}

static bool check_image(struct str text, char *ret_reason)
{
    struct str rest = text;
    struct str part;

    while (text.len > 0 && str_split(&rest, '/', &part)) {
        if (part.len == 0 || part.data[0] == '.') {
            return refuse(ret_reason, "must be a path below images/, such as logo.svg");
        }
    }
    return true;
}

static bool check_choice(const struct settings_row *row, struct str text, char *ret_reason)
{
    struct str rest = str_from(row->choices);
    struct str word;

    while (str_split(&rest, '|', &word)) {
        if (str_equal(word, text)) {
            return true;
        }
    }
    return refuse(ret_reason, "must be one of %s", row->choices);
}

/* "host" or "host:port" as browsers write it: no port that goes without saying, a host of ASCII. */
static bool is_authority(struct str text, uint64_t unsaid_port)
{
    uint8_t address[NETWORK_ADDRESS_BYTES];
    struct str host = text;
    uint64_t port;
    size_t colon = text.len;

    while (colon > 0 && text.data[colon - 1] != ':' && text.data[colon - 1] != ']') {
        colon--;
    }
    if (colon > 0 && text.data[colon - 1] == ':') {
        host.len = colon - 1;
        if (!str_to_u64((struct str){text.data + colon, text.len - colon}, 1, 65535, &port) ||
            port == unsaid_port) {
            return false;
        }
    }
    if (host.len > 0 && host.data[0] == '[') {
        return host.data[host.len - 1] == ']' && network_address_parse(host, address);
    }
    for (size_t i = 0; i < host.len; i++) {
        unsigned char c = (unsigned char)host.data[i];

        if (c <= ' ' || c >= 0x7f || strchr("/:?#@[]\\*,", c) != NULL) {
            return false;
        }
    }
    return host.len > 0;
}

/* The worker compares an Origin with the whole of it. */
static bool is_origin(struct str text)
{
    static const struct str http = STR("http://");
    static const struct str https = STR("https://");

    if (str_starts_with_nocase(text, https)) {
        return is_authority((struct str){text.data + https.len, text.len - https.len}, 443);
    }
    if (str_starts_with_nocase(text, http)) {
        return is_authority((struct str){text.data + http.len, text.len - http.len}, 80);
    }
    return str_equal_nocase(text, STR("null")); /* of a page that is a file, or in a sandbox */
}

static bool check_entry(const struct settings_row *row, struct str item, char *ret_reason)
{
    struct network network;

    switch (row->entry) {
    case SETTINGS_ENTRY_TEXT:
        return true;
    case SETTINGS_ENTRY_NETWORK:
        return network_parse(item, &network) ||
               refuse(ret_reason,
                      "must be addresses such as 192.0.2.7, or blocks such as 10.0.0.0/8 or "
                      "2001:db8::/32; \"%.*s\" is neither",
                      STR_ARG(item));
    case SETTINGS_ENTRY_ORIGIN:
        return is_origin(item) ||
               refuse(ret_reason,
                      "must be origins such as https://board.example.org or http://10.0.0.7:8080, "
                      "without a path, nor the port 443 of https or 80 of http; \"%.*s\" is none",
                      item.len < 80 ? (int)item.len : 80, item.data);
    }
    return false;
}

static bool set_bool(bool *field, struct str text, char *ret_reason)
{
    if (!str_equal(text, STR("true")) && !str_equal(text, STR("false"))) {
        return refuse(ret_reason, "must be true or false");
    }
    *field = str_equal(text, STR("true"));
    return true;
}

static bool set_moment(uint64_t *field, struct str text, char *ret_reason)
{
    *field = 0;
    return text.len == 0 || moment_parse(text, field) ||
           refuse(ret_reason, "must be a date, a time and a zone such as "
                              "\"2026-11-28T10:00:00+01:00\" or \"2026-11-28T09:00:00Z\"");
}

static bool set_list(struct settings *settings, const struct settings_row *row, struct str text,
                     struct arena *arena, char *ret_reason)
{
    struct settings_list *list = (void *)((char *)settings + row->offset);
    struct str item;
    bool first = true;

    if (str_trim(text).len == 0) {
        list->count = 0;
        return true;
    }
    while (str_split(&text, ',', &item)) {
        if (!settings_set_item(settings, row, str_trim(item), first, arena, ret_reason)) {
            return false;
        }
        first = false;
    }
    return true;
}

bool settings_set_item(struct settings *settings, const struct settings_row *row, struct str item,
                       bool first, struct arena *arena, char *ret_reason)
{
    struct settings_list *list = (void *)((char *)settings + row->offset);
    uint32_t at = first ? 0 : list->count;

    if (at == SETTINGS_LIST_MAX) {
        return refuse(ret_reason, "must have at most %d entries", SETTINGS_LIST_MAX);
    }
    if (item.len == 0) {
        return refuse(ret_reason, "must not have an empty entry");
    }
    if (!check_text(item, row->most, ret_reason) || !check_entry(row, item, ret_reason)) {
        return false;
    }
    list->items[at] = arena_str(arena, item);
    list->count = at + 1;
    return true;
}

/* What YAML's "|" and ">" make of several lines would end a header in its middle. */
static struct str one_line(struct str text, struct arena *arena)
{
    char *line = arena_alloc(arena, text.len + 1, sizeof(*line));

    for (size_t i = 0; i < text.len; i++) {
        line[i] = text.data[i];
        if (line[i] == '\n' || line[i] == '\t') {
            line[i] = ' ';
        }
    }
    return str_trim((struct str){line, text.len});
}

bool settings_set(struct settings *settings, const struct settings_row *row, struct str text,
                  struct arena *arena, char *ret_reason)
{
    void *field = (char *)settings + row->offset;
    bool ok = false;

    switch (row->kind) {
    case SETTINGS_BOOL:
        return set_bool(field, text, ret_reason);
    case SETTINGS_COUNT:
    case SETTINGS_BYTES:
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
        return set_number(field, row, text, ret_reason);
    case SETTINGS_LIMIT:
        return set_limit(field, row, text, ret_reason);
    case SETTINGS_MOMENT:
        return set_moment(field, text, ret_reason);
    case SETTINGS_LIST:
        return set_list(settings, row, text, arena, ret_reason);
    case SETTINGS_TEXT:
        ok = text.len >= row->least || refuse(ret_reason, "must not be empty");
        break;
    case SETTINGS_CHOICE:
        ok = check_choice(row, text, ret_reason);
        break;
    case SETTINGS_COLOUR:
        ok = check_colour(text, ret_reason);
        break;
    case SETTINGS_ADDRESS:
        ok = check_address(text, ret_reason);
        break;
    case SETTINGS_ENDPOINT:
        ok = check_endpoint(text, ret_reason);
        break;
    case SETTINGS_STREAM_URL:
        ok = check_stream_url(text, ret_reason);
        break;
    case SETTINGS_IMAGE:
        ok = check_image(text, ret_reason);
        break;
    }
    if (!ok || !check_text(text, row->most, ret_reason)) {
        return false;
    }
    *(struct str *)field = arena_str(arena, row->is_header ? one_line(text, arena) : text);
    return true;
}
