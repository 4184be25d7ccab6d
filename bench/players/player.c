/* SPDX-License-Identifier: MIT */
/* player.c - what a player does next, and whether the answer was the expected one. */
#include "bench/players/player.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "shm/base/check.h"

/* Well below the burst that a player may guess wrongly at once. */
#define WRONG_GUESSES 4
#define HINTS 2
#define RETRIES_MAX 5
#define RETRY_MS 250
#define INFLATED_BYTES 256
/* Every so many-th player is like the older page: a stream without `since`. */
#define OLD_PAGE_EVERY 10

static void take_turn(struct player *player);

static uint64_t random_below(uint64_t bound)
{
    return bound > 0 ? (uint64_t)random() % bound : 0;
}

static bool has(struct str text, const char *part)
{
    return text.len > 0 && memmem(text.data, text.len, part, strlen(part)) != NULL;
}

/* The number behind `"key":`, or -1. */
static int64_t number_of(struct str text, const char *key)
{
    const char *at = text.len > 0 ? memmem(text.data, text.len, key, strlen(key)) : NULL;

    if (at == NULL) {
        return -1;
    }
    at += strlen(key);
    size_t len = 0;
    int64_t value;

    while (at + len < text.data + text.len && strchr(",}", at[len]) == NULL) {
        len++;
    }
    return str_to_i64((struct str){at, len}, INT64_MIN, INT64_MAX, &value) ? value : -1;
}

/* The begin of an answer, plain; big ones come as gzip. */
static struct str plain_begin(struct str body, char text[INFLATED_BYTES])
{
    z_stream inflated = {
        .next_in = (unsigned char *)(uintptr_t)body.data,
        .avail_in = (unsigned)body.len,
        .next_out = (unsigned char *)text,
        .avail_out = INFLATED_BYTES,
    };

    if (body.len < 2 || (unsigned char)body.data[0] != 0x1f) {
        return body;
    }
    if (inflateInit2(&inflated, 15 + 16) != Z_OK) {
        return (struct str){NULL, 0};
    }
    (void)inflate(&inflated, Z_SYNC_FLUSH);
    (void)inflateEnd(&inflated);
    return (struct str){text, INFLATED_BYTES - inflated.avail_out};
}

static void end(struct player *player)
{
    if (!player->done) {
        player->done = true;
        player->setting->on_done();
    }
}

static void on_timer(uv_timer_t *timer)
{
    take_turn(timer->data);
}

static void take_turn_in(struct player *player, uint64_t delay_ms)
{
    CHECK(uv_timer_start(&player->timer, on_timer, delay_ms, 0) == 0);
}

static void ask(struct player *player, enum tally_kind kind, struct str path, struct str body)
{
    player->asking = kind;
    client_ask(&player->client, path, body);
}

static void get(struct player *player, enum tally_kind kind, const char *path)
{
    ask(player, kind, str_from(path), (struct str){NULL, 0});
}

/* A challenge that is open and unsolved, chosen at random.  The requirements keep the order. */
static uint32_t choose_challenge(const struct player *player)
{
    const struct plan *plan = player->setting->plan;
    uint32_t chosen = plan->challenge_count, seen = 0;

    for (uint32_t i = 0; i < plan->challenge_count; i++) {
        const struct plan_challenge *challenge = &plan->challenges[i];
        bool open = !player->solved[i];

        for (uint32_t k = 0; open && k < challenge->requirement_count; k++) {
            open = player->solved[challenge->requirements[k]];
        }
        if (open && random_below(++seen) == 0) {
            chosen = i;
        }
    }
    return chosen;
}

static bool opens_something(const struct player *player, uint32_t solved)
{
    const struct plan *plan = player->setting->plan;

    for (uint32_t i = 0; i < plan->challenge_count; i++) {
        for (uint32_t k = 0; k < plan->challenges[i].requirement_count; k++) {
            if (plan->challenges[i].requirements[k] == solved && !player->solved[i]) {
                return true;
            }
        }
    }
    return false;
}

static void submit(struct player *player, enum tally_kind kind, struct str flag_json)
{
    const struct plan_challenge *challenge = &player->setting->plan->challenges[player->challenge];
    struct buf body = BUF_INIT(4096);

    buf_printf(&body, "{\"id\":%u,\"flag\":%.*s}", challenge->id, STR_ARG(flag_json));
    ask(player, kind, STR("/api/submit"), buf_str(&body));
    buf_free(&body);
}

/* One challenge in about eight begins with a wrong guess, one in ten with a hint. */
static void play_challenge(struct player *player)
{
    const struct plan_challenge *challenge = &player->setting->plan->challenges[player->challenge];
    uint32_t bought = player->hints_bought[player->challenge];

    if (!player->has_tried && player->wrong_left > 0 && random_below(8) == 0) {
        player->has_tried = true;
        player->wrong_left--;
        submit(player, TALLY_WRONG, STR("\"flag{is_it_this_one}\""));
    } else if (!player->has_tried && player->hints_left > 0 && bought < challenge->hint_count &&
               challenge->hint_costs[bought] <= player->total && random_below(10) == 0) {
        char body[64];
        int len =
            snprintf(body, sizeof(body), "{\"id\":%u,\"hint_id\":%u}", challenge->id, bought + 1);

        player->has_tried = true;
        player->hints_left--;
        ask(player, TALLY_HINT, STR("/api/hint"), (struct str){body, (size_t)len});
    } else {
        submit(player, TALLY_SOLVE, challenge->flag_json);
    }
}

/* Chooses what to solve next; called again after the pause. */
static void take_turn(struct player *player)
{
    const struct plan *plan = player->setting->plan;

    if (player->client.asked_us == 0) {
        get(player, TALLY_PAGE, "/");
        return;
    }
    if (player->challenge == plan->challenge_count) {
        player->challenge = choose_challenge(player);
        player->has_tried = false;
    }
    play_challenge(player);
}

static void next_challenge(struct player *player)
{
    player->challenge = player->setting->plan->challenge_count;
    if (player->solved_count == player->setting->plan->challenge_count) {
        player->finished = true;
        end(player);
    } else if (player->setting->pause_max_ms == 0) {
        take_turn(player);
    } else {
        take_turn_in(player, random_below(player->setting->pause_max_ms));
    }
}

static void on_stream_opened(struct stream *stream, bool ok, uint64_t elapsed_us)
{
    struct player *player = stream->owner;

    if (!ok) {
        end(player);
        return;
    }
    tally_add(TALLY_STREAM, elapsed_us);
    get(player, TALLY_CHALLENGES, "/api/challenges");
}

/* The URL is a JSON string without escapes: base64url, and what a URL is made of. */
static bool remember_stream_url(struct player *player, struct str body)
{
    static const char key[] = "\"websocket_url\":\"";
    const char *at = memmem(body.data, body.len, key, sizeof(key) - 1);

    if (at == NULL || player->client.cookie.len == 0) {
        return false;
    }
    at += sizeof(key) - 1;
    const char *quote = memchr(at, '"', (size_t)(body.data + body.len - at));

    buf_append(&player->stream_url, at, quote != NULL ? (size_t)(quote - at) : 0);
    return player->stream_url.len > 0;
}

static void set_name(struct player *player)
{
    char body[64];
    int len = snprintf(body, sizeof(body), "{\"name\":\"Crew %u-%03u\"}", player->number / 1000,
                       player->number % 1000);

    ask(player, TALLY_NAME, STR("/api/set-name"), (struct str){body, (size_t)len});
}

static void open_stream(struct player *player, struct str scoreboard)
{
    char text[INFLATED_BYTES];
    int64_t seq = number_of(plain_begin(scoreboard, text), "\"seq\":");

    CHECK(seq >= 0);
    player->stream.owner = player;
    player->stream.has_since = player->number % OLD_PAGE_EVERY != OLD_PAGE_EVERY - 1;
    player->stream.since = (uint64_t)seq;
    stream_open(&player->stream, &player->setting->address, buf_str(&player->stream_url),
                on_stream_opened);
}

static void read_next_file(struct player *player)
{
    const struct player_setting *setting = player->setting;

    if (player->files_read < setting->file_count) {
        ask(player, TALLY_FILE, setting->files[player->files_read++], (struct str){NULL, 0});
    } else {
        get(player, TALLY_GAME, "/api/game");
    }
}

static bool is_expected(enum tally_kind kind, unsigned status, struct str body)
{
    if (status != 200) {
        return false;
    }
    switch (kind) {
    case TALLY_WRONG:
        return has(body, "\"result\":\"incorrect\"");
    case TALLY_SOLVE:
        return has(body, "\"result\":\"correct\"");
    case TALLY_HINT:
    case TALLY_NAME:
        return has(body, "\"result\":\"ok\"");
    case TALLY_PAGE:
    case TALLY_FILE:
    case TALLY_GAME:
    case TALLY_LOGIN:
    case TALLY_SCOREBOARD:
    case TALLY_STREAM:
    case TALLY_CHALLENGES:
    case TALLY_DELIVERY:
    case TALLY_KINDS:
        break;
    }
    return true;
}

static void go_on(struct player *player, struct str body)
{
    switch (player->asking) {
    case TALLY_PAGE:
    case TALLY_FILE:
        read_next_file(player);
        break;
    case TALLY_GAME:
        ask(player, TALLY_LOGIN, STR("/api/login"),
            player->setting->plan->players[player->number].login_json);
        break;
    case TALLY_LOGIN:
        CHECK(remember_stream_url(player, body));
        set_name(player);
        break;
    case TALLY_NAME:
        get(player, TALLY_SCOREBOARD, "/api/scoreboard");
        break;
    case TALLY_SCOREBOARD:
        open_stream(player, body);
        break;
    case TALLY_SOLVE:
        player->total = number_of(body, "\"total\":");
        player->solved[player->challenge] = true;
        player->solved_count++;
        if (opens_something(player, player->challenge)) {
            get(player, TALLY_CHALLENGES, "/api/challenges");
        } else {
            next_challenge(player);
        }
        break;
    case TALLY_HINT:
        player->hints_bought[player->challenge]++;
        player->total = number_of(body, "\"total\":");
        take_turn(player);
        break;
    case TALLY_WRONG:
        take_turn(player);
        break;
    case TALLY_CHALLENGES:
        next_challenge(player);
        break;
    case TALLY_STREAM:
    case TALLY_DELIVERY:
    case TALLY_KINDS:
        break;
    }
}

static void on_answer(struct client *client, unsigned status, struct str body, uint64_t elapsed_us)
{
    struct player *player = (struct player *)((char *)client - offsetof(struct player, client));

    if (is_expected(player->asking, status, body)) {
        tally_add(player->asking, elapsed_us);
        go_on(player, body);
        return;
    }
    tally_error(player->asking, "not the expected answer", status, body);
    if (player->asking != TALLY_SOLVE || ++player->retries > RETRIES_MAX) {
        end(player);
    } else {
        take_turn_in(player, RETRY_MS);
    }
}

void player_start(struct player *player, const struct player_setting *setting, uint32_t number,
                  uint64_t delay_ms)
{
    uint32_t challenges = setting->plan->challenge_count;

    *player = (struct player){
        .setting = setting,
        .number = number,
        .challenge = challenges,
        .wrong_left = WRONG_GUESSES,
        .hints_left = HINTS,
        .solved = calloc(challenges + 1, sizeof(bool)),
        .hints_bought = calloc(challenges + 1, sizeof(uint32_t)),
        .stream_url = BUF_INIT(512),
    };
    CHECK(player->solved != NULL && player->hints_bought != NULL);
    client_init(&player->client, &setting->address, on_answer);
    CHECK(uv_timer_init(uv_default_loop(), &player->timer) == 0);
    player->timer.data = player;
    take_turn_in(player, delay_ms);
}
