/* SPDX-License-Identifier: MIT */
/* settings_table.c - every setting in one table, and finding a row by key, flag or variable. */
#include "conf/settings_table.h"

#include <stdlib.h>
#include <string.h>

#include "conf/arena.h"
#include "conf/settings.h"

#define FIELD(name) offsetof(struct settings, name)
#define BLOCKED_NAMES                                                                              \
    "admin,administrator,moderator,mod,root,system,ctfg,official,support,staff,owner,operator,"    \
    "gamemaster"

/* One section after the other, as they stand in conf/ctfg.yaml; a section's rows stay together. */
/* clang-format off */
const struct settings_row settings_rows[] = {
    {.key = "game.name", .kind = SETTINGS_TEXT, .offset = FIELD(game_name),
     .initial = "Capture the Flag", .most = 100,
     .sentence = "The name of the game, above the login and in the page's title."},
    {.key = "game.welcome", .kind = SETTINGS_TEXT, .offset = FIELD(game_welcome),
     .initial = "", .most = 8192,
     .sentence = "A few lines of Markdown above the login."},
    {.key = "game.logo", .kind = SETTINGS_IMAGE, .offset = FIELD(game_logo),
     .initial = "", .most = 200,
     .sentence = "A picture of the game folder's images/ that stands beside the name."},
    {.key = "game.accent_colour", .kind = SETTINGS_COLOUR, .offset = FIELD(accent_colour),
     .initial = "", .most = 7,
     .sentence = "The colour of buttons and links, as \"#rrggbb\"; empty: the page's own."},
    {.key = "game.language", .kind = SETTINGS_TEXT, .offset = FIELD(page_language),
     .initial = "", .most = 16,
     .sentence = "The language of the page, such as \"en\"; empty: what the browser asks for."},
    {.key = "game.board_public", .kind = SETTINGS_BOOL, .offset = FIELD(board_public),
     .initial = "false",
     .sentence = "Anyone may see the scoreboard and the room's screen without a login."},
    {.key = "game.starts", .kind = SETTINGS_MOMENT, .offset = FIELD(starts_ms), .initial = "",
     .sentence = "The beginning, as \"2026-11-28T10:00:00+01:00\": /board counts down to it; nothing is closed before."},
    {.key = "game.ends", .kind = SETTINGS_MOMENT, .offset = FIELD(ends_ms), .initial = "",
     .sentence = "The end, in the same way: /board counts down; the game goes on all the same."},
    {.key = "game.blocked_names", .kind = SETTINGS_LIST, .offset = FIELD(blocked_names),
     .initial = BLOCKED_NAMES, .most = 30,
     .sentence = "Words no display name may contain; of less than five letters: as a word of its own."},

    {.key = "listen.address", .kind = SETTINGS_ADDRESS, .offset = FIELD(listen_address),
     .initial = "", .most = 108, .flag = "listen", .argument = "ADDR",
     .at_restart = true, .sentence = "The address to listen at, or \"unix:/path\"; empty: all of them, IPv4 and IPv6."},
    {.key = "listen.port", .kind = SETTINGS_COUNT, .offset = FIELD(port),
     .initial = "8080", .least = 0, .most = 65535, .letter = 'p', .flag = "port", .argument = "PORT",
     .at_restart = true, .sentence = "The TCP port players reach; 0 takes any free one and tells which."},
    {.key = "listen.backlog", .kind = SETTINGS_COUNT, .offset = FIELD(backlog_conns),
     .initial = "4096", .least = 1, .most = 65535, .letter = 'g', .flag = "ws-backlog",
     .argument = "N",
     .at_restart = true, .sentence = "Connections the kernel holds for us in a rush; net.core.somaxconn may be lower."},
    {.key = "listen.metrics", .kind = SETTINGS_ENDPOINT, .offset = FIELD(metrics_listen),
     .initial = "127.0.0.1:9180", .most = 108, .flag = "metrics-listen", .argument = "ADDR:PORT|off",
     .at_restart = true, .sentence = "Where /metrics is served to a scraper, away from players; off: nowhere."},

    {.key = "log.level", .kind = SETTINGS_CHOICE, .offset = FIELD(log_level),
     .initial = "info", .most = 8, .choices = "debug|info|warn|error",
     .sentence = "The least severe lines that are written."},
    {.key = "log.format", .kind = SETTINGS_CHOICE, .offset = FIELD(log_format),
     .initial = "auto", .most = 8, .choices = "auto|text|logfmt|json",
     .at_restart = true, .sentence = "auto is text on a terminal and logfmt elsewhere."},
    {.key = "log.file", .kind = SETTINGS_TEXT, .offset = FIELD(log_file),
     .initial = "", .most = 1024,
     .at_restart = true,
     .sentence = "Lines are added to this file; SIGUSR1 opens it anew. Empty: standard error, the journal."},
    {.key = "log.access_every", .kind = SETTINGS_COUNT, .offset = FIELD(access_log_every),
     .initial = "0", .least = 0, .most = 1000000,
     .sentence = "One request in so many gets a line; 1: all of them, 0: none."},

    {.key = "http.head_size", .kind = SETTINGS_BYTES, .offset = FIELD(http_head_bytes_max),
     .initial = "16KiB", .least = 1024, .most = 65536,
     .sentence = "The longest request line with its headers; beyond it: 431."},
    {.key = "http.body_size", .kind = SETTINGS_BYTES, .offset = FIELD(http_body_bytes_max),
     .initial = "16KiB", .least = 1024, .most = 1048576,
     .sentence = "The longest request body; beyond it: 413."},
    {.key = "http.head_timeout", .kind = SETTINGS_MS, .offset = FIELD(http_head_timeout_ms),
     .initial = "10s", .least = 50, .most = 300000,
     .sentence = "From a request's first byte to the end of its headers."},
    {.key = "http.body_timeout", .kind = SETTINGS_MS, .offset = FIELD(http_body_timeout_ms),
     .initial = "10s", .least = 50, .most = 300000,
     .sentence = "From the end of the headers to the end of the body."},
    {.key = "http.idle_timeout", .kind = SETTINGS_MS, .offset = FIELD(http_idle_timeout_ms),
     .initial = "75s", .least = 50, .most = 3600000,
     .sentence = "How long a connection may rest between two requests; keep it above the proxy's."},
    {.key = "http.write_timeout", .kind = SETTINGS_MS, .offset = FIELD(http_write_timeout_ms),
     .initial = "30s", .least = 50, .most = 3600000,
     .sentence = "A client that takes none of its answer for so long is closed."},
    {.key = "http.connections", .kind = SETTINGS_COUNT, .offset = FIELD(conns_per_worker_max),
     .initial = "12000", .least = 16, .most = 1000000,
     .sentence = "Connections one worker holds; beyond them it answers 503."},
    {.key = "http.trusted_proxies", .kind = SETTINGS_LIST, .offset = FIELD(trusted_proxies),
     .initial = "", .most = 64, .entry = SETTINGS_ENTRY_NETWORK,
     .sentence = "Proxies whose X-Forwarded-For, -Proto and -Host count, besides loopback: addresses, CIDR."},
    {.key = "http.allowed_origins", .kind = SETTINGS_LIST, .offset = FIELD(allowed_origins),
     .initial = "", .most = 200, .entry = SETTINGS_ENTRY_ORIGIN,
     .sentence = "Origins that may open the stream, besides the page's own host, as \"https://board.example.org\"."},
    {.key = "http.own_page_csp", .kind = SETTINGS_TEXT, .offset = FIELD(own_page_csp),
     .initial = "", .most = 2000, .is_header = true,
     .sentence = "Content-Security-Policy of your own index.html; empty: none is sent with it."},
    {.key = "http.web_root", .kind = SETTINGS_TEXT, .offset = FIELD(web_root),
     .initial = "", .most = 1024, .flag = "web-root", .argument = "DIR",
     .sentence = "The folder of your own page, seen from where ctfg starts; empty: the game folder."},

    {.key = "stream.url", .kind = SETTINGS_STREAM_URL, .offset = FIELD(websocket_url),
     .initial = "", .most = 100, .letter = 'w', .flag = "websocket-url", .argument = "URL",
     .sentence = "Where players find the stream; empty: at the host and scheme of their request."},
    {.key = "stream.ping_interval", .kind = SETTINGS_MS, .offset = FIELD(ws_ping_interval_ms),
     .initial = "15s", .least = 50, .most = 3600000, .letter = 'k',
     .flag = "ws-keepalive-interval", .argument = "SECONDS", .flag_unit = "s",
     .sentence = "How often a stream's client is pinged."},
    {.key = "stream.ping_timeout", .kind = SETTINGS_MS, .offset = FIELD(ws_ping_timeout_ms),
     .initial = "45s", .least = 50, .most = 3600000, .letter = 't',
     .flag = "ws-ping-timeout", .argument = "SECONDS", .flag_unit = "s",
     .sentence = "A client silent for so long is closed; longer than the interval."},
    {.key = "stream.log_ping_latency", .kind = SETTINGS_BOOL, .offset = FIELD(ws_log_ping_latency),
     .initial = "false", .letter = 'L', .flag = "ws-log-ping-latency",
     .sentence = "Writes how long each client takes to answer a ping."},
    {.key = "stream.message_size", .kind = SETTINGS_BYTES, .offset = FIELD(ws_message_bytes_max),
     .initial = "4KiB", .least = 125, .most = 1048576,
     .sentence = "The longest message a client may send; beyond it: close code 1009."},
    {.key = "stream.tick", .kind = SETTINGS_MS, .offset = FIELD(stream_tick_ms),
     .initial = "20ms", .least = 1, .most = 1000,
     .sentence = "Events that fall within one tick share a frame."},
    {.key = "stream.window", .kind = SETTINGS_BYTES, .offset = FIELD(stream_window_bytes),
     .initial = "1MiB", .least = 16384, .most = 1073741824,
     .sentence = "Recent frames a worker keeps for slow clients; who falls out of them resyncs."},
    {.key = "stream.history", .kind = SETTINGS_COUNT, .offset = FIELD(history_events),
     .initial = "1000", .least = 0, .most = 100000,
     .sentence = "Newest events in a first frame; a player's older ones are added up into one."},
    {.key = "stream.ring", .kind = SETTINGS_COUNT, .offset = FIELD(ring_events),
     .initial = "262144", .least = 1024, .most = 16777216,
     .at_restart = true, .sentence = "Events kept in shared memory, rounded up to a power of two; 64 bytes each."},

    {.key = "limits.submit", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_submit),
     .initial = "10 + 1/2s", .least = 1, .most = 1000000,
     .sentence = "Guesses a player may make; a right one gives its try back."},
    {.key = "limits.hint", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_hint),
     .initial = "20 + 1/s", .least = 1, .most = 1000000,
     .sentence = "Hints a player may ask for."},
    {.key = "limits.name", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_name),
     .initial = "100 + 10/s", .least = 1, .most = 1000000,
     .sentence = "Display names a player may try."},
    {.key = "limits.award", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_award),
     .initial = "100 + 10/s", .least = 1, .most = 1000000,
     .sentence = "Awards by one API token."},
    {.key = "limits.api", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_api),
     .initial = "100 + 10/s", .least = 1, .most = 1000000,
     .sentence = "Calls of /api/events, /api/player and /api/solves together, by a player, else by an address."},
    {.key = "limits.login_name", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_login_name),
     .initial = "10 + 1/6s", .least = 1, .most = 1000000,
     .sentence = "Failed logins for one username."},
    {.key = "limits.login_address", .kind = SETTINGS_LIMIT, .offset = FIELD(limit_login_address),
     .initial = "3000 + 50/s", .least = 1, .most = 1000000,
     .sentence = "Failed logins and wrong tokens from one address; a whole room may share it."},
    {.key = "limits.session", .kind = SETTINGS_SECONDS, .offset = FIELD(session_ttl_s),
     .initial = "12h", .least = 1, .most = 31536000,
     .sentence = "How long a login lasts."},
    {.key = "limits.stream_token", .kind = SETTINGS_SECONDS, .offset = FIELD(stream_token_ttl_s),
     .initial = "1h", .least = 1, .most = 86400,
     .sentence = "How long the token in a stream's URL can be used, again and again."},
    {.key = "limits.password_queue", .kind = SETTINGS_COUNT, .offset = FIELD(password_queue_max),
     .initial = "10000", .least = 1, .most = 1000000,
     .sentence = "Logins of one worker that wait for argon2id; beyond them: 503."},

    {.key = "database.dir", .kind = SETTINGS_TEXT, .offset = FIELD(database_dir),
     .initial = ".", .least = 1, .most = 1024, .letter = 'b', .flag = "dbdir", .argument = "DIR",
     .at_restart = true, .sentence = "The folder of events.db, seen from where ctfg starts."},
    {.key = "database.queue", .kind = SETTINGS_COUNT, .offset = FIELD(db_queue_max),
     .initial = "65536", .least = 16, .most = 1048576,
     .at_restart = true, .sentence = "Requests that may wait for a transaction; beyond them: 503."},
    {.key = "database.batch", .kind = SETTINGS_COUNT, .offset = FIELD(db_batch_max),
     .initial = "4096", .least = 1, .most = 65536,
     .at_restart = true, .sentence = "Requests that share a transaction and its fsync."},
    {.key = "database.request_timeout", .kind = SETTINGS_MS, .offset = FIELD(db_request_timeout_ms),
     .initial = "5s", .least = 50, .most = 60000,
     .sentence = "A player whose request has had no answer by then gets 503 and may try again."},
    {.key = "database.wal_size", .kind = SETTINGS_BYTES, .offset = FIELD(wal_bytes_max),
     .initial = "64MiB", .least = 1048576, .most = 4294967295,
     .at_restart = true, .sentence = "At three quarters of this the write-ahead log is checkpointed at once; it stays below twice this."},
    {.key = "database.guesses_kept", .kind = SETTINGS_COUNT, .offset = FIELD(guesses_kept_max),
     .initial = "1000000", .least = 0, .most = 100000000,
     .sentence = "Wrong guesses kept for the organiser, newest first."},
    {.key = "database.backups_kept", .kind = SETTINGS_COUNT, .offset = FIELD(backups_kept_max),
     .initial = "20", .least = 1, .most = 1000,
     .sentence = "Copies from before a reset, and from before an upgrade, kept beside events.db."},

    {.key = "process.workers", .kind = SETTINGS_COUNT, .offset = FIELD(workers),
     .initial = "0", .least = 0, .most = 64, .flag = "workers", .argument = "N",
     .at_restart = true, .sentence = "Worker processes; 0: one a core."},
    {.key = "process.user", .kind = SETTINGS_TEXT, .offset = FIELD(user),
     .initial = "", .most = 64, .flag = "user", .argument = "NAME",
     .at_restart = true, .sentence = "The user ctfg becomes when it is started as root."},
    {.key = "process.sandbox", .kind = SETTINGS_CHOICE, .offset = FIELD(sandbox),
     .initial = "auto", .most = 8, .choices = "auto|on|off",
     .at_restart = true,
     .sentence = "Workers may call nothing they do not need (seccomp); auto: where the kernel can."},
    {.key = "process.drain_timeout", .kind = SETTINGS_MS, .offset = FIELD(drain_timeout_ms),
     .initial = "10s", .least = 50, .most = 600000,
     .sentence = "How long running requests may take to end when ctfg stops."},
    {.key = "process.upgrade_spread", .kind = SETTINGS_MS, .offset = FIELD(upgrade_spread_ms),
     .initial = "10s", .least = 0, .most = 600000,
     .sentence = "After an upgrade the old streams are closed over this time, so that not all return at once."},
    {.key = "process.developer_mode", .kind = SETTINGS_BOOL, .offset = FIELD(developer_mode),
     .initial = "false", .letter = 'd', .flag = "developer-mode",
     .sentence = "Files are read again when they change, nothing is cached, errors are detailed."},
};
/* clang-format on */

const uint32_t settings_row_count = ARRAY_LEN(settings_rows);

const struct settings_row *settings_find_key(struct str key)
{
    for (uint32_t i = 0; i < settings_row_count; i++) {
        if (str_equal(key, str_from(settings_rows[i].key))) {
            return &settings_rows[i];
        }
    }
    return NULL;
}

static bool lists_differ(const struct settings_list *one, const struct settings_list *other)
{
    bool differ = one->count != other->count;

    for (uint32_t i = 0; !differ && i < one->count; i++) {
        differ = !str_equal(one->items[i], other->items[i]);
    }
    return differ;
}

bool settings_differ(const struct settings_row *row, const struct settings *one,
                     const struct settings *other)
{
    const void *a = (const char *)one + row->offset;
    const void *b = (const char *)other + row->offset;

    switch (row->kind) {
    case SETTINGS_BOOL:
        return *(const bool *)a != *(const bool *)b;
    case SETTINGS_COUNT:
    case SETTINGS_BYTES:
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
        return *(const uint32_t *)a != *(const uint32_t *)b;
    case SETTINGS_MOMENT:
        return *(const uint64_t *)a != *(const uint64_t *)b;
    case SETTINGS_LIMIT:
        return memcmp(a, b, sizeof(struct settings_limit)) != 0;
    case SETTINGS_LIST:
        return lists_differ(a, b);
    case SETTINGS_TEXT:
    case SETTINGS_CHOICE:
    case SETTINGS_COLOUR:
    case SETTINGS_ENDPOINT:
    case SETTINGS_STREAM_URL:
    case SETTINGS_ADDRESS:
    case SETTINGS_IMAGE:
        return !str_equal(*(const struct str *)a, *(const struct str *)b);
    }
    return false;
}

static void copy_list(const struct settings_list *from, struct arena *arena,
                      struct settings_list *to)
{
    to->count = from->count;
    for (uint32_t i = 0; i < from->count; i++) {
        to->items[i] = arena_str(arena, from->items[i]);
    }
}

void settings_copy(const struct settings_row *row, const struct settings *from, struct arena *arena,
                   struct settings *to)
{
    const void *source = (const char *)from + row->offset;
    void *field = (char *)to + row->offset;

    switch (row->kind) {
    case SETTINGS_BOOL:
        *(bool *)field = *(const bool *)source;
        break;
    case SETTINGS_COUNT:
    case SETTINGS_BYTES:
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
        *(uint32_t *)field = *(const uint32_t *)source;
        break;
    case SETTINGS_MOMENT:
        *(uint64_t *)field = *(const uint64_t *)source;
        break;
    case SETTINGS_LIMIT:
        *(struct settings_limit *)field = *(const struct settings_limit *)source;
        break;
    case SETTINGS_LIST:
        copy_list(source, arena, field);
        break;
    case SETTINGS_TEXT:
    case SETTINGS_CHOICE:
    case SETTINGS_COLOUR:
    case SETTINGS_ENDPOINT:
    case SETTINGS_STREAM_URL:
    case SETTINGS_ADDRESS:
    case SETTINGS_IMAGE:
        *(struct str *)field = arena_str(arena, *(const struct str *)source);
        break;
    }
}

void settings_variable_name(const struct settings_row *row, char *ret_name)
{
    size_t used = str_copy(STR(SETTINGS_VARIABLE_PREFIX), ret_name, SETTINGS_VARIABLE_BYTES);

    for (const char *c = row->key; *c != '\0' && used < SETTINGS_VARIABLE_BYTES - 1; c++) {
        bool is_lower = *c >= 'a' && *c <= 'z';

        ret_name[used++] = is_lower ? (char)(*c - 'a' + 'A') : '_';
    }
    ret_name[used] = '\0';
}

const struct settings_row *settings_find_variable(struct str name)
{
    bool may_be_one = str_starts_with(name, STR(SETTINGS_VARIABLE_PREFIX));

    for (uint32_t i = 0; may_be_one && i < settings_row_count; i++) {
        char variable[SETTINGS_VARIABLE_BYTES];

        settings_variable_name(&settings_rows[i], variable);
        if (str_equal(name, str_from(variable))) {
            return &settings_rows[i];
        }
    }
    return NULL;
}

bool settings_find_flag(const char *name, struct settings_flag *ret_flag)
{
    const char *bare = name + strspn(name, "-");

    for (uint32_t i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        bool is_letter = row->letter != 0 && bare[0] == row->letter && bare[1] == '\0';

        if (is_letter || (row->flag != NULL && strcmp(bare, row->flag) == 0)) {
            *ret_flag = (struct settings_flag){row, row->kind != SETTINGS_BOOL};
            return true;
        }
    }
    return false;
}

static void append_line(struct buf *overrides, const struct settings_row *row, const char *value,
                        const char *unit)
{
    buf_printf(overrides, "%s=%s%s\n", row->key, value, unit);
}

bool settings_append_flag(struct buf *overrides, const struct settings_flag *flag,
                          const char *value)
{
    const char *text = flag->takes_value && value != NULL ? value : "true";
    bool is_bare_number = text[0] != '\0' && text[strspn(text, "0123456789")] == '\0';
    const char *unit = flag->row->flag_unit;

    if (strchr(text, '\n') != NULL) {
        return false;
    }
    append_line(overrides, flag->row, text, unit != NULL && is_bare_number ? unit : "");
    return true;
}

bool settings_append_environment(struct buf *overrides, char ret_variable[SETTINGS_VARIABLE_BYTES])
{
    for (uint32_t i = 0; i < settings_row_count; i++) {
        char name[SETTINGS_VARIABLE_BYTES];

        settings_variable_name(&settings_rows[i], name);
        const char *value = getenv(name);

        if (value == NULL) {
            continue;
        }
        if (strchr(value, '\n') != NULL) {
            memcpy(ret_variable, name, sizeof(name));
            return false;
        }
        append_line(overrides, &settings_rows[i], value, "");
    }
    return true;
}
