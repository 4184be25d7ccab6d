/* SPDX-License-Identifier: MIT */
/* api_challenges.c - GET /api/challenges: what this player may see of the game. */
#include "conf/game.h"
#include "conf/placeholder.h"
#include "shm/board.h"
#include "worker/api.h"
#include "worker/blob.h"
#include "worker/challenge_texts.h"
#include "worker/context.h"
#include "worker/player.h"
#include "worker/response.h"
#include "worker/route.h"

/* Every text of the largest game, filled in and escaped, stays below it. */
#define CHALLENGES_ANSWER_BYTES_MAX (256u << 20)

/* The fragments belong to one game: after a reload the first who asks makes them anew. */
static const struct challenge_texts *texts_of_game(struct worker *worker)
{
    if (worker->texts_generation != worker->game->generation) {
        challenge_texts_free(worker->texts);
        worker->texts = challenge_texts_build(worker->game);
        worker->texts_generation = worker->texts != NULL ? worker->game->generation : 0;
    }
    return worker->texts;
}

void api_challenges(struct exchange *exchange)
{
    struct worker *worker = exchange->worker;
    const struct challenge_texts *texts = texts_of_game(worker);
    struct buf body = BUF_INIT(CHALLENGES_ANSWER_BYTES_MAX);
    struct str locked;
    struct player_view view;

    if (texts == NULL || !player_read(worker, exchange->session.player, BOARD_READ_TRIES, &view)) {
        response_error(exchange->conn, 503, "unavailable");
        return;
    }
    struct placeholder_values values = {
        .username = exchange->who->username,
        .user_id = view.user_id,
        .displayname = player_display_name(&view),
    };
    bool with_locked = http_query_value(exchange->request->query, "locked", &locked) &&
                       str_equal(locked, STR("1"));
    challenge_texts_append(texts, worker->game, board_live(&worker->board),
                           exchange->session.player, &values, with_locked, &body);
    struct blob *blob = blob_from_buf(&body);
    if (blob == NULL) {
        response_error(exchange->conn, 503, "unavailable");
    } else {
        response_blob(exchange->conn, 200, blob, NULL);
    }
    blob_unref(blob);
    buf_free(&body);
}
