/* SPDX-License-Identifier: MIT */
/*
 * settings.h - ctfg.yaml, the flags and the environment, as one flat struct of checked values.
 *
 * The table in settings_table.c has one row a key: name in the file, flag, environment variable,
 * unit, default, least, most, one sentence.  It writes conf/ctfg.yaml, `ctfg --help` and
 * docs/configuration.md, so they cannot drift.  Every number's range is checked once, here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shm/base/str.h"

#define SETTINGS_LIST_MAX 64

struct settings_list {
    uint32_t count;
    struct str items[SETTINGS_LIST_MAX];
};

struct settings_limit {
    uint32_t burst;       /* this many at once, */
    uint32_t interval_ms; /* then one in this time */
};

struct settings {
    /* listening */
    uint32_t port;             /* -p, --port; 0: any free one (tests) */
    struct str listen_address; /* --listen; empty: every address, IPv6 and IPv4; "unix:/path" */
    struct str metrics_listen; /* --metrics-listen ADDR:PORT, or "off" */
    uint32_t backlog_conns;    /* -g, --ws-backlog */
    uint32_t workers;          /* --workers; 0: one a core */
    struct str user;           /* --user: dropped to when started as root */
    struct str sandbox;        /* auto, on, off: worker/sandbox.h */
    struct str database_dir;   /* -b, --dbdir */
    struct str web_root;       /* --web-root */
    bool developer_mode;       /* -d */

    /* log */
    struct str log_level;      /* debug, info, warn, error */
    struct str log_format;     /* auto, text, logfmt, json */
    struct str log_file;       /* empty: standard error */
    uint32_t access_log_every; /* log one request in N; 0: none */

    /* HTTP */
    uint32_t http_head_bytes_max; /* request line and headers */
    uint32_t http_body_bytes_max;
    uint32_t http_head_timeout_ms;
    uint32_t http_body_timeout_ms;
    uint32_t http_idle_timeout_ms;
    uint32_t http_write_timeout_ms; /* a client that takes nothing for so long is closed */
    uint32_t conns_per_worker_max;
    struct settings_list trusted_proxies; /* addresses or CIDR blocks besides loopback and unix */
    struct settings_list allowed_origins; /* besides the request's own host */
    struct str own_page_csp;              /* Content-Security-Policy of the organiser's own page */

    /* stream */
    struct str websocket_url;      /* -w; empty: derived from the request */
    uint32_t ws_ping_interval_ms;  /* -k (seconds there) */
    uint32_t ws_ping_timeout_ms;   /* -t (seconds there) */
    bool ws_log_ping_latency;      /* -L */
    uint32_t ws_message_bytes_max; /* from a client */
    uint32_t stream_tick_ms;       /* events that land within it share a frame */
    uint32_t stream_window_bytes;  /* recent frames a worker keeps for slow clients */
    uint32_t history_events;       /* W: newest events in a first frame without since */
    uint32_t ring_events;          /* R: events kept in shared memory; rounded up to a power of 2 */

    /* identity and limits */
    uint32_t session_ttl_s;
    uint32_t stream_token_ttl_s;
    uint32_t password_queue_max; /* logins that wait for argon2id, a worker */
    struct settings_limit limit_submit;
    struct settings_limit limit_hint;
    struct settings_limit limit_name;
    struct settings_limit limit_award;
    struct settings_limit limit_api;
    struct settings_limit limit_login_name;    /* failed logins, by username */
    struct settings_limit limit_login_address; /* failed logins, by client address */
    struct settings_list blocked_names;        /* words no display name may contain */

    /* db */
    uint32_t db_queue_max;          /* requests that wait for one transaction */
    uint32_t db_batch_max;          /* requests in one transaction */
    uint32_t db_request_timeout_ms; /* a worker answers 503 after it */
    uint32_t wal_bytes_max;
    uint32_t guesses_kept_max; /* rejected guesses kept, newest first */
    uint32_t backups_kept_max; /* copies from before a reset, newest first */

    /* game and page */
    struct str game_name;
    struct str game_logo;     /* path below the game folder's images/, or empty */
    struct str game_welcome;  /* Markdown above the login */
    struct str accent_colour; /* #rrggbb, or empty */
    struct str page_language; /* of the catalogue; empty: the browser's */
    bool board_public;        /* the scoreboard and /board without a login */
    uint64_t starts_ms;       /* since 1970, for the countdown; 0: not told */
    uint64_t ends_ms;

    /* process */
    uint32_t drain_timeout_ms;
    uint32_t upgrade_spread_ms;
};
