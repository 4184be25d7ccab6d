/* SPDX-License-Identifier: MIT */
/* settings_test.c - ctfg.yaml, .env, overrides: notation, ranges, precedence, lines of mistakes. */
#include "conf/settings_load.h"

#include "conf/settings_table.h"
#include "conf/settings_value.h"
#include "shm/base/buf.h"
#include "test/unit/conf/folder.h"

struct loaded {
    bool ok;
    struct arena arena;
    struct diag diag;
    struct settings settings;
};

static struct loaded load(const char *yaml, const char *env, const char *overrides)
{
    struct loaded loaded = {0};
    struct folder folder = folder_with_game();
    struct files_source source = {.game_dir = folder.path, .overrides = overrides};
    struct game_files files;

    if (yaml != NULL) {
        folder_write(&folder, "ctfg.yaml", yaml);
    }
    if (env != NULL) {
        folder_write(&folder, ".env", env);
    }
    assert_true(files_read(&source, &loaded.diag, &files));
    loaded.ok = settings_load(&files, &loaded.arena, &loaded.diag, &loaded.settings);
    files_free(&files);
    folder_end(&folder);
    return loaded;
}

static void release(struct loaded *loaded)
{
    arena_free(&loaded->arena);
    diag_free(&loaded->diag);
}

static void expect_error(const char *yaml, const char *where, const char *what)
{
    struct loaded loaded = load(yaml, NULL, NULL);

    assert_false(loaded.ok);
    assert_said(&loaded.diag, where, what);
    release(&loaded);
}

static void without_a_file_all_have_their_defaults(void **state)
{
    (void)state;
    struct loaded loaded = load(NULL, NULL, NULL);
    const struct settings *settings = &loaded.settings;

    assert_true(loaded.ok);
    assert_int_equal(settings->port, 8080);
    assert_int_equal(settings->backlog_conns, 4096);
    assert_int_equal(settings->ws_ping_interval_ms, 15000);
    assert_int_equal(settings->ws_ping_timeout_ms, 45000);
    assert_int_equal(settings->stream_tick_ms, 20);
    assert_int_equal(settings->http_head_bytes_max, 16384);
    assert_int_equal(settings->http_body_bytes_max, 16384);
    assert_int_equal(settings->http_idle_timeout_ms, 75000);
    assert_int_equal(settings->session_ttl_s, 43200);
    assert_int_equal(settings->stream_token_ttl_s, 3600);
    assert_int_equal(settings->limit_submit.burst, 10);
    assert_int_equal(settings->limit_submit.interval_ms, 2000);
    assert_int_equal(settings->limit_hint.interval_ms, 1000);
    assert_int_equal(settings->limit_name.interval_ms, 100);
    assert_int_equal(settings->limit_login_name.interval_ms, 6000);
    assert_int_equal(settings->limit_login_address.burst, 3000);
    assert_int_equal(settings->limit_login_address.interval_ms, 20);
    assert_int_equal(settings->wal_bytes_max, 64 << 20);
    assert_int_equal(settings->blocked_names.count, 13);
    assert_string_equal(settings->metrics_listen.data, "127.0.0.1:9180");
    assert_string_equal(settings->database_dir.data, ".");
    assert_false(settings->board_public);
    release(&loaded);
}

static void a_file_of_comments_says_nothing(void **state)
{
    (void)state;
    static const char *const files[] = {"",          "\n\n",         "# port: 1\n  # x\n",
                                        "listen:\n", "listen: {}\n", "listen:\n  # port: 1\n"};

    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct loaded loaded = load(files[i], NULL, NULL);

        if (!loaded.ok) {
            diag_print(&loaded.diag);
        }
        assert_true(loaded.ok);
        assert_int_equal(loaded.settings.port, 8080);
        release(&loaded);
    }
}

static void every_kind_of_value_is_read(void **state)
{
    (void)state;
    struct loaded loaded = load("listen:\n  port: 81\n  address: 'unix:/run/x'\n  metrics: off\n"
                                "game:\n  welcome: |\n    port: no key\n    two\n"
                                "  accent_colour: \"#aAbB09\"\n  board_public: true\n"
                                "  ends: 2026-11-28T10:00:00+01:00\n"
                                "  blocked_names:\n    - foo\n    - bar\n"
                                "http: {body_size: 1MiB, trusted_proxies: [10.0.0.0/8, \"::1\"]}\n"
                                "stream:\n    tick: 1s\n    url: wss://x.example/scorestream\n"
                                "limits:\n  submit: 5+2/m\n  session: 2d\n",
                                NULL, NULL);
    const struct settings *settings = &loaded.settings;

    diag_print(&loaded.diag);
    assert_true(loaded.ok);
    assert_int_equal(settings->port, 81);
    assert_string_equal(settings->listen_address.data, "unix:/run/x");
    assert_string_equal(settings->metrics_listen.data, "off");
    assert_string_equal(settings->game_welcome.data, "port: no key\ntwo\n");
    assert_string_equal(settings->accent_colour.data, "#aAbB09");
    assert_int_equal(settings->ends_ms, 1795856400000);
    assert_int_equal(settings->starts_ms, 0);
    assert_true(settings->board_public);
    assert_int_equal(settings->blocked_names.count, 2);
    assert_string_equal(settings->blocked_names.items[1].data, "bar");
    assert_int_equal(settings->http_body_bytes_max, 1 << 20);
    assert_int_equal(settings->trusted_proxies.count, 2);
    assert_int_equal(settings->stream_tick_ms, 1000);
    assert_int_equal(settings->limit_submit.burst, 5);
    assert_int_equal(settings->limit_submit.interval_ms, 30000);
    assert_int_equal(settings->session_ttl_s, 172800);
    release(&loaded);
}

/* A reload names the settings that wait for a restart by this. */
static void a_change_is_noticed_whatever_its_kind(void **state)
{
    (void)state;
    static const char *const changed[] = {
        "listen.port",   "listen.address", "game.board_public",  "game.ends",  "game.blocked_names",
        "game.logo",     "http.body_size", "game.accent_colour", "stream.url", "stream.tick",
        "limits.submit", "limits.session", "log.level",
    };
    struct loaded one = load(NULL, NULL, NULL);
    struct loaded other = load(
        "listen: {port: 81, address: '[::1]'}\n"
        "game: {board_public: true, ends: 2026-11-28T10:00:00Z, blocked_names: [foo], logo: l.png,"
        " accent_colour: '#aabb09'}\n"
        "http: {body_size: 1MiB}\n"
        "stream: {url: 'wss://x.example/scorestream', tick: 1s}\n"
        "limits: {submit: 5+2/m, session: 2d}\n"
        "log: {level: debug}\n",
        NULL, NULL);

    diag_print(&other.diag);
    assert_true(one.ok && other.ok);
    for (uint32_t i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];
        bool differs = false;

        for (size_t j = 0; j < ARRAY_LEN(changed); j++) {
            differs = differs || strcmp(row->key, changed[j]) == 0;
        }
        if (settings_differ(row, &one.settings, &other.settings) != differs) {
            fail_msg("%s: %s", row->key, differs ? "the change is missed" : "nothing changed");
        }
        assert_false(settings_differ(row, &other.settings, &other.settings));
    }
    release(&one);
    /* Of two lists of one length the words count. */
    one = load("game: {blocked_names: [bar]}\n", NULL, NULL);
    assert_true(settings_differ(settings_find_key(STR("game.blocked_names")), &one.settings,
                                &other.settings));
    release(&one);
    release(&other);
}

/* Some editors put one before the text; nobody sees it. */
static void a_byte_order_mark_is_no_part_of_the_first_key(void **state)
{
    (void)state;
    struct loaded loaded = load("\xef\xbb\xbfgame:\n  name: A night\n", NULL, NULL);

    assert_true(loaded.ok);
    assert_int_equal(loaded.diag.errors, 0);
    assert_true(str_equal(loaded.settings.game_name, STR("A night")));
    release(&loaded);
    loaded = load("\xef\xbb\xbf# nothing\n", NULL, NULL);
    assert_true(loaded.ok);
    release(&loaded);
}

static void an_empty_list_means_none(void **state)
{
    (void)state;
    struct loaded loaded = load("game:\n  blocked_names: []\n", NULL, NULL);

    assert_true(loaded.ok);
    assert_int_equal(loaded.settings.blocked_names.count, 0);
    release(&loaded);
    loaded = load(NULL, NULL, "game.blocked_names=\n");
    assert_true(loaded.ok);
    assert_int_equal(loaded.settings.blocked_names.count, 0);
    release(&loaded);
}

static void unknown_keys_have_their_line_and_a_suggestion(void **state)
{
    (void)state;
    struct loaded loaded =
        load("listen:\n  prot: 1\n  port: 99999\nlitsen:\n  port: 1\nport: 3\n", NULL, NULL);

    assert_false(loaded.ok);
    assert_said(&loaded.diag, "ctfg.yaml:2: ", "no key \"prot\" in listen; did you mean \"port\"?");
    assert_said(&loaded.diag, "ctfg.yaml:4: ", "no key \"litsen\"; did you mean \"listen\"?");
    assert_said(&loaded.diag, "ctfg.yaml:6: ", "no key \"port\"");
    assert_said(&loaded.diag, "ctfg.yaml:3: ", "listen.port must be from 0 to 65535");
    assert_int_equal(loaded.diag.errors, 4);
    release(&loaded);
    expect_error("listen: {prot: 1}\n", "ctfg.yaml:1: ", "prot");
}

static void a_key_is_there_once(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *where;
        const char *what;
    } rows[] = {
        {"listen:\n  port: 1\n  port: 2\n", "ctfg.yaml:3: ", "twice, first in line 2"},
        {"listen:\n  port: 1\nlisten:\n  port: 2\n", "ctfg.yaml:4: ", "twice, first in line 2"},
        {"\nlisten: {port: 1, port: 2}\n", "ctfg.yaml:2: ", "\"port\" is here twice"},
        {"listen:\n  port: 1\nlisten:\n  backlog: 2\n", "ctfg.yaml:", "\"listen\" is here twice"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct loaded loaded = load(rows[i].yaml, NULL, NULL);

        assert_said(&loaded.diag, rows[i].where, rows[i].what);
        assert_int_equal(loaded.diag.errors, 1);
        release(&loaded);
    }
}

static void what_is_no_yaml_has_a_line(void **state)
{
    (void)state;
    expect_error("listen:\n  port: [1]\n", "ctfg.yaml:2: ", "a single value belongs here");
    expect_error("listen: 5\n", "ctfg.yaml:1: ", "keys and values belong here");
    expect_error("- a\n- b\n", "ctfg.yaml: ", "keys and values belong here");
    expect_error("game:\n  blocked_names: admin\n", "ctfg.yaml:2: ", "a list belongs here");
    expect_error("game:\n  name: a: b\n", "ctfg.yaml:2: ", "no valid YAML");
    expect_error("listen:\n\n\tport: 1\n", "ctfg.yaml:3: ", "a tab cannot indent");
    expect_error("listen:\n  port: &x 1\n  backlog: *x\n",
                 "ctfg.yaml:3: ", "an alias such as *name");
    expect_error("game:\n  name: *b\n", "ctfg.yaml:2: ", "an alias such as *name");
    expect_error("game:\n  blocked_names: [*b]\n", "ctfg.yaml:2: ", "an alias such as *name");
    expect_error("\xff\n", "ctfg.yaml:1: ", "no UTF-8");
    expect_error("game:\n  name: a\xff\n", "ctfg.yaml:2: ", "no UTF-8");
}

static void each_kind_of_mistake_says_what_is_expected(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *what;
    } rows[] = {
        {"listen:\n  port: x", "listen.port must be a whole number"},
        {"listen:\n  port: -1", "listen.port must be a whole number"},
        {"listen:\n  port: 65536", "must be from 0 to 65535"},
        {"listen:\n  port: 99999999999999999999", "must be a whole number"},
        {"listen:\n  address: \"[::1]:8080\"", "without a port, which is listen.port"},
        {"listen:\n  address: http://127.0.0.1:80", "must be an address such as"},
        {"listen:\n  address: \"unix:\"", "must be an address such as"},
        {"listen:\n  metrics: nine", "must be address:port"},
        {"listen:\n  metrics: :9180", "must be address:port"},
        {"listen:\n  metrics: 1.2.3.4:99999", "must be address:port"},
        {"log:\n  level: loud", "must be one of debug|info|warn|error"},
        {"http:\n  head_size: 16k", "must be a size such as"},
        {"http:\n  head_size: 5GiB", "must be from 1KiB to 64KiB"},
        {"http:\n  idle_timeout: 75", "must be a time with its unit"},
        {"http:\n  idle_timeout: 1ms", "must be from 50ms to 1h"},
        {"limits:\n  stream_token: 2d", "must be from 1s to 1d"},
        {"limits:\n  session: 1500ms", "must be a time with its unit"},
        {"limits:\n  submit: 10", "must be a limit such as"},
        {"limits:\n  submit: 0 + 1/s", "must be a limit such as"},
        {"limits:\n  submit: 1 + 0/s", "must be a limit such as"},
        {"limits:\n  submit: 1 + 2000/s", "at most 1000 a second"},
        {"limits:\n  submit: 1 + 1/0s", "must be a limit such as"},
        {"game:\n  board_public: yes", "must be true or false"},
        {"game:\n  accent_colour: blue", "must be a colour"},
        {"game:\n  starts: 2026-11-28", "must be a date, a time and a zone"},
        {"game:\n  accent_colour: \"#12345g\"", "must be a colour"},
        {"game:\n  logo: ../x.png", "must be a path below images/"},
        {"game:\n  logo: /x.png", "must be a path below images/"},
        {"game:\n  name: \"a\\x01b\"", "must not hold control characters"},
        {"game:\n  blocked_names: [\"\"]", "must not have an empty entry"},
        {"http:\n  trusted_proxies: [10.0.0.1, banana]", "must be addresses such as"},
        {"http:\n  trusted_proxies: [10.0.0.0/33]", "\"10.0.0.0/33\" is neither"},
        {"http:\n  trusted_proxies: [\"2001:db8::/129\"]", "must be addresses such as"},
        {"http:\n  allowed_origins:\n  - example.org", "\"example.org\" is none"},
        {"http:\n  allowed_origins: [\"*\"]", "must be origins such as"},
        {"http:\n  allowed_origins: [\"https://a.example/\"]", "without a path"},
        {"http:\n  allowed_origins: [\"https://a.example:443\"]", "nor the port 443"},
        {"http:\n  allowed_origins: [\"http://a.example:65536\"]", "must be origins such as"},
        {"http:\n  allowed_origins: [\"http://\"]", "must be origins such as"},
        {"http:\n  allowed_origins: [\"http://[::1\"]", "must be origins such as"},
        {"stream:\n  url: https://x/scorestream", "must be a URL such as wss://"},
        {"stream:\n  url: wss://x/other", "must be a URL such as wss://"},
        {"stream:\n  url: wss://x/scorestream?a=b", "must be a URL such as wss://"},
        {"stream:\n  url: wss:///scorestream", "must be a URL such as wss://"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        expect_error(rows[i].yaml, "ctfg.yaml:2: ", rows[i].what);
    }
}

static void proxies_and_origins_are_taken_as_the_worker_reads_them(void **state)
{
    (void)state;
    struct loaded loaded =
        load("http:\n  trusted_proxies: [192.0.2.7, 0.0.0.0/0, 10.0.0.0/32, \"::/0\","
             " \"2001:db8::/128\", \"[2001:db8::1]\"]\n"
             "  allowed_origins: [\"http://a\", HTTPS://B.example:8443, \"http://[::1]:8080\","
             " \"https://[2001:db8::1]\", \"https://a.example:80\", \"null\"]\n",
             NULL, NULL);

    diag_print(&loaded.diag);
    assert_true(loaded.ok);
    assert_int_equal(loaded.settings.trusted_proxies.count, 6);
    assert_int_equal(loaded.settings.allowed_origins.count, 6);
    release(&loaded);
    loaded = load(NULL, "CTFG_HTTP_TRUSTED_PROXIES=10.0.0.0/8,banana\n", NULL);
    assert_said(&loaded.diag, ".env:1: ", "\"banana\" is neither");
    release(&loaded);
}

static void a_value_in_braces_has_the_line_of_its_section(void **state)
{
    (void)state;
    expect_error("\nlisten: {port: \"80 80\"}\n", "ctfg.yaml:2: ", "must be a whole number");
    expect_error("\nlisten: {\n  port: \"80 80\"}\n", "ctfg.yaml:3: ", "must be a whole number");
    expect_error("\nhttp: {trusted_proxies: [banana]}\n", "ctfg.yaml:2: ", "\"banana\" is neither");
}

static void a_timeout_within_the_interval_is_refused(void **state)
{
    (void)state;
    expect_error("stream:\n  ping_interval: 45s\n", "ctfg.yaml:2: ", "must be longer than");
    /* It is said of whoever set one of the two last. */
    struct loaded loaded =
        load("stream:\n  ping_interval: 20s\n", NULL, "stream.ping_timeout=20s\n");

    assert_said(&loaded.diag, "the command line or environment: ", "must be longer than");
    release(&loaded);
    loaded = load("stream:\n  ping_interval: 20s\n", "CTFG_STREAM_PING_TIMEOUT=20s\n",
                  "listen.port=81\n");
    assert_said(&loaded.diag, ".env:1: ", "must be longer than");
    release(&loaded);
}

static void a_game_that_ends_before_it_starts_is_refused(void **state)
{
    (void)state;
    expect_error("game:\n  starts: 2026-11-28T10:00:00Z\n  ends: 2026-11-28T11:00:00+01:00\n",
                 "ctfg.yaml:3: ", "game.ends must be later than game.starts");
    expect_error("game:\n  ends: 2026-11-28T10:00:00Z\n\n"
                 "  starts: 2026-11-28T11:00:00Z\n",
                 "ctfg.yaml:2: ", "game.ends must be later than game.starts");
    struct loaded loaded = load("game:\n  ends: 2026-11-28T10:00:00Z\n",
                                "\nCTFG_GAME_STARTS=2026-11-28T10:00:00Z\n", NULL);

    assert_said(&loaded.diag, ".env:2: ", "game.ends must be later than game.starts");
    release(&loaded);
}

static void the_command_line_wins_over_env_over_file(void **state)
{
    (void)state;
    const char *yaml = "listen:\n  port: 1\n  backlog: 1\ngame:\n  name: file\n";
    struct loaded loaded =
        load(yaml, "CTFG_LISTEN_PORT=2\nCTFG_LISTEN_BACKLOG='2'\n",
             "listen.port=3\nlisten.port=4\nhttp.allowed_origins=https://a, https://b\n");

    assert_true(loaded.ok);
    assert_int_equal(loaded.settings.port, 4);
    assert_int_equal(loaded.settings.backlog_conns, 2);
    assert_string_equal(loaded.settings.game_name.data, "file");
    assert_int_equal(loaded.settings.allowed_origins.count, 2);
    assert_string_equal(loaded.settings.allowed_origins.items[1].data, "https://b");
    release(&loaded);
    loaded = load(NULL, "\nCTFG_LISTEN_PORT=x\n", "nothing.here=1\nlisten.backlog=0\n");
    assert_said(&loaded.diag, ".env:2: ", "listen.port must be a whole number");
    assert_said(&loaded.diag, "command line", "no setting \"nothing.here\"");
    assert_said(&loaded.diag, "command line", "listen.backlog must be from 1");
    release(&loaded);
}

static void old_flags_become_overrides(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        const char *value;
        const char *line;
    } rows[] = {
        {"-p", "81", "listen.port=81\n"},
        {"--port", "81", "listen.port=81\n"},
        {"-b", "/var/x", "database.dir=/var/x\n"},
        {"--dbdir", "12", "database.dir=12\n"},
        {"-w", "wss://x/scorestream", "stream.url=wss://x/scorestream\n"},
        {"--websocket-url", "ws://x/scorestream", "stream.url=ws://x/scorestream\n"},
        {"-k", "20", "stream.ping_interval=20s\n"},
        {"--ws-keepalive-interval", "200ms", "stream.ping_interval=200ms\n"},
        {"-t", "45", "stream.ping_timeout=45s\n"},
        {"--ws-ping-timeout", "60", "stream.ping_timeout=60s\n"},
        {"-g", "64", "listen.backlog=64\n"},
        {"--ws-backlog", "64", "listen.backlog=64\n"},
        {"-L", NULL, "stream.log_ping_latency=true\n"},
        {"--ws-log-ping-latency", NULL, "stream.log_ping_latency=true\n"},
        {"-d", NULL, "process.developer_mode=true\n"},
        {"--developer-mode", NULL, "process.developer_mode=true\n"},
        {"--workers", "3", "process.workers=3\n"},
        {"--listen", "::1", "listen.address=::1\n"},
        {"--metrics-listen", "off", "listen.metrics=off\n"},
        {"--user", "ctfg", "process.user=ctfg\n"},
        {"--web-root", "x", "http.web_root=x\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct settings_flag flag;
        struct buf overrides = BUF_INIT(256);

        assert_true(settings_find_flag(rows[i].flag, &flag));
        assert_int_equal(flag.takes_value, rows[i].value != NULL);
        assert_true(settings_append_flag(&overrides, &flag, rows[i].value));
        buf_append_char(&overrides, '\0');
        assert_string_equal(overrides.data, rows[i].line);
        buf_free(&overrides);
    }
    struct settings_flag flag;
    struct buf overrides = BUF_INIT(256);

    assert_false(settings_find_flag("--prot", &flag));
    assert_false(settings_find_flag("-x", &flag));
    assert_false(settings_find_flag("", &flag));
    assert_false(settings_find_flag("--", &flag));
    assert_true(settings_find_flag("-p", &flag));
    assert_false(settings_append_flag(&overrides, &flag, "1\nlisten.backlog=1"));
    assert_int_equal(overrides.len, 0);
}

static void the_environment_becomes_overrides(void **state)
{
    (void)state;
    struct buf overrides = BUF_INIT(1024);
    char variable[SETTINGS_VARIABLE_BYTES];

    assert_int_equal(setenv("CTFG_STREAM_PING_TIMEOUT", "60s", 1), 0);
    assert_true(settings_append_environment(&overrides, variable));
    buf_append_char(&overrides, '\0');
    assert_string_equal(overrides.data, "stream.ping_timeout=60s\n");
    assert_int_equal(setenv("CTFG_STREAM_PING_TIMEOUT", "60s\nx=y", 1), 0);
    assert_false(settings_append_environment(&overrides, variable));
    assert_string_equal(variable, "CTFG_STREAM_PING_TIMEOUT");
    assert_int_equal(unsetenv("CTFG_STREAM_PING_TIMEOUT"), 0);
    buf_free(&overrides);
}

static size_t field_bytes(enum settings_kind kind)
{
    switch (kind) {
    case SETTINGS_BOOL:
        return sizeof(bool);
    case SETTINGS_COUNT:
    case SETTINGS_BYTES:
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
        return sizeof(uint32_t);
    case SETTINGS_MOMENT:
        return sizeof(uint64_t);
    case SETTINGS_LIMIT:
        return sizeof(struct settings_limit);
    case SETTINGS_LIST:
        return sizeof(struct settings_list);
    case SETTINGS_TEXT:
    case SETTINGS_CHOICE:
    case SETTINGS_COLOUR:
    case SETTINGS_ENDPOINT:
    case SETTINGS_STREAM_URL:
    case SETTINGS_ADDRESS:
    case SETTINGS_IMAGE:
        return sizeof(struct str);
    }
    return 0;
}

static void every_field_has_one_row(void **state)
{
    (void)state;
    static bool covered[sizeof(struct settings)];
    size_t gap = 0;

    for (uint32_t i = 0; i < settings_row_count; i++) {
        for (size_t j = 0; j < field_bytes(settings_rows[i].kind); j++) {
            assert_false(covered[settings_rows[i].offset + j]);
            covered[settings_rows[i].offset + j] = true;
        }
    }
    for (size_t i = 0; i < sizeof(covered); i++) {
        gap = covered[i] ? 0 : gap + 1;
        /* Padding never fills an aligned word of the smallest number but before a pointer. */
        assert_true(gap < 8);
        assert_false(gap >= 4 && i % 8 == 3);
    }
}

static void rows_are_sound(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < settings_row_count; i++) {
        const struct settings_row *row = &settings_rows[i];

        assert_ptr_equal(settings_find_key(str_from(row->key)), row);
        assert_true(row->least <= row->most || row->most == 0);
        assert_true(strlen(row->key) + sizeof("CTFG_") <= SETTINGS_VARIABLE_BYTES);
        assert_true(strlen(row->sentence) < 100);
        for (uint32_t j = 0; j < i; j++) {
            const struct settings_row *other = &settings_rows[j];

            assert_string_not_equal(row->key, other->key);
            assert_true(row->letter == 0 || row->letter != other->letter);
            assert_true(row->flag == NULL || other->flag == NULL ||
                        strcmp(row->flag, other->flag) != 0);
        }
    }
}

static void any_cut_of_the_sample_is_survived(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    assert_non_null(out);
    settings_write_sample(out);
    assert_int_equal(fclose(out), 0);
    struct settings_yaml_key keys[128];
    struct settings_yaml_value values[128];

    for (uint32_t i = 0; i < settings_row_count; i++) {
        keys[i] = (struct settings_yaml_key){settings_rows[i].key,
                                             settings_rows[i].kind == SETTINGS_LIST};
    }
    for (size_t cut = 0; cut <= len; cut += cut < 600 ? 1 : 37) {
        struct arena arena = {0};
        struct diag diag = {0};
        bool ok = settings_read_yaml((struct str){text, cut}, "ctfg.yaml", keys, settings_row_count,
                                     &arena, &diag, values);

        assert_true(ok == (diag.errors == 0));
        arena_free(&arena);
        diag_free(&diag);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_all_have_their_defaults),
        cmocka_unit_test(a_file_of_comments_says_nothing),
        cmocka_unit_test(every_kind_of_value_is_read),
        cmocka_unit_test(a_change_is_noticed_whatever_its_kind),
        cmocka_unit_test(a_byte_order_mark_is_no_part_of_the_first_key),
        cmocka_unit_test(an_empty_list_means_none),
        cmocka_unit_test(unknown_keys_have_their_line_and_a_suggestion),
        cmocka_unit_test(a_key_is_there_once),
        cmocka_unit_test(what_is_no_yaml_has_a_line),
        cmocka_unit_test(each_kind_of_mistake_says_what_is_expected),
        cmocka_unit_test(proxies_and_origins_are_taken_as_the_worker_reads_them),
        cmocka_unit_test(a_value_in_braces_has_the_line_of_its_section),
        cmocka_unit_test(a_timeout_within_the_interval_is_refused),
        cmocka_unit_test(a_game_that_ends_before_it_starts_is_refused),
        cmocka_unit_test(the_command_line_wins_over_env_over_file),
        cmocka_unit_test(old_flags_become_overrides),
        cmocka_unit_test(the_environment_becomes_overrides),
        cmocka_unit_test(every_field_has_one_row),
        cmocka_unit_test(rows_are_sound),
        cmocka_unit_test(any_cut_of_the_sample_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
