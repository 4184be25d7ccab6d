/* SPDX-License-Identifier: MIT */
/*
 * session_fuzz.c - what a request carries inside: cookies, tokens, claims somebody has signed, numbers
 * of a query, fields of a body, display names.
 *
 * The first byte says which of them the rest is.
 */
#include "worker/session.c" /* sign(), struct claims */

#include "conf/names.h"
#include "shm/segment.h"
#include "test/fuzz/game.h"
#include "worker/body.h"
#include "worker/query.h"

static struct {
    bool begun;
    struct segment segment;
    struct worker worker;
} ours;

static void begin(void)
{
    struct shm_sizes sizes = segment_sizes_for(2, 2, 2, 1024, 1);
    uint8_t key[32];

    fuzz_begin();
    ours.begun = true;
    memset(key, 7, sizeof(key));
    CHECK(segment_create(&sizes, &ours.segment));
    board_attach(&ours.segment, &ours.worker.board);
    revoked_attach(&ours.segment, &ours.worker.revoked);
    struct bank *spare = board_spare_clear(&ours.worker.board);
    players_put(spare, 0, 101, 0, SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME, "");
    players_put(spare, 1, 102, 0, SHM_PLAYER_KNOWN | SHM_PLAYER_IN_GAME, "");
    board_set_session_key(&ours.worker.board, key);
    board_publish(&ours.worker.board);
    ours.worker.game = fuzz_game();
    CHECK(session_start(&ours.worker));
}

/* Whoever is let in is a player of the game, or the room's screen. */
static void check_session(enum session_kind kind, const struct session *session)
{
    CHECK(kind == SESSION_DISPLAY_TOKEN ? session->player == SHM_NONE : session->player < 2);
}

static void try_text(struct str text)
{
    for (int kind = SESSION_COOKIE; kind <= SESSION_DISPLAY_TOKEN; kind++) {
        struct session session;

        if (session_verify(&ours.worker, (enum session_kind)kind, text, &session)) {
            char again[SESSION_TEXT_BYTES_MAX];
            struct signed_claims claims;
            size_t len;

            check_session((enum session_kind)kind, &session);
            CHECK(base64url_decode(text, &claims, sizeof(claims), &len));
            base64url_encode(&claims, sizeof(claims), again);
            CHECK(str_equal(text, str_from(again))); /* one session has one text */
        }
    }
}

static void try_cookie(struct str header)
{
    struct session session;
    struct str rest = header;
    struct str value;

    while (http_cookie_next(&rest, SESSION_COOKIE_NAME, &value)) {
        CHECK(value.data >= header.data && value.len <= header.len);
    }
    if (session_verify_cookie(&ours.worker, header, &session)) {
        check_session(SESSION_COOKIE, &session);
    }
}

/* As if the key had leaked: the claims are lies, their signature is right. */
static void try_claims(struct str bytes)
{
    char text[SESSION_TEXT_BYTES_MAX];
    struct signed_claims claims = {0};

    if (bytes.len < sizeof(claims.claims)) {
        return;
    }
    memcpy(&claims.claims, bytes.data, sizeof(claims.claims));
    sign(mac_key(&ours.worker), &claims.claims, claims.mac);
    base64url_encode(&claims, sizeof(claims), text);
    try_text(str_from(text));
}

static void try_query(struct str query)
{
    uint64_t number = 5;

    CHECK(!query_number(query, "since", 1, 100, &number) || (number >= 1 && number <= 100));
    CHECK(!query_number_needed(query, "limit", 0, UINT64_MAX, &number) || query.len > 0);
}

static void try_body(struct str text)
{
    struct body_field fields[] = {
        {.name = "id", .kind = BODY_INT},
        {.name = "flag", .kind = BODY_STR},
        {.name = "confirm", .kind = BODY_STR, .optional = true},
    };
    char value[64];
    struct body *body;

    if (body_parse(text, fields, ARRAY_LEN(fields), &body) == BODY_OK) {
        CHECK(fields[1].str.data != NULL && fields[1].str.data[fields[1].str.len] == '\0');
        body_free(body);
    }
    if (body_form_value(text, "token", value, sizeof(value))) {
        CHECK(strlen(value) < sizeof(value));
    }
}

static void try_name(struct str wanted)
{
    char name[NAME_FIELD_BYTES];
    char folded[NAME_FIELD_BYTES];

    if (name_check(wanted, &ours.worker.game->settings.blocked_names, name) == NULL) {
        CHECK(strlen(name) >= NAME_CHARS_MIN && strlen(name) <= NAME_CHARS_MAX);
        name_fold(name, folded);
        CHECK(strlen(folded) == strlen(name));
        CHECK(name_check(str_from(name), &ours.worker.game->settings.blocked_names, folded) ==
              NULL); /* what is stored may be chosen again, and stays as it is */
        CHECK(strcmp(name, folded) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct str) = {try_text,  try_cookie, try_claims,
                                                try_query, try_body,   try_name};

    if (!ours.begun) {
        begin();
    }
    if (size < 1) {
        return 0;
    }
    char *copy = fuzz_copy(data + 1, size - 1);

    tries[data[0] % ARRAY_LEN(tries)]((struct str){copy, size - 1});
    free(copy);
    return 0;
}
