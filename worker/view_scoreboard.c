/* SPDX-License-Identifier: MIT */
/* view_scoreboard.c - GET /api/scoreboard: everyone on the board in rank order, and all challenges. */
#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/hash.h"
#include "shm/base/json_out.h"
#include "shm/challenges.h"
#include "worker/context.h"
#include "worker/mirror.h"
#include "worker/view_parts.h"

/*
 * Where one block of lines ends and the next begins is decided by who stands there, not by counting:
 * who climbs a thousand places changes the block left and the block entered, and none in between.
 * One line in LINES_A_BLOCK ends a block.
 */
#define LINES_A_BLOCK 256
#define LINES_A_BLOCK_MAX 1024
#define CHALLENGES_A_BLOCK 64

/* All that a player's line is made of; hashed as bytes. */
struct line {
    int64_t score_points;
    uint64_t raised_ts_us; /* 0: the score was never raised */
    uint32_t user_id;
    uint32_t solves;
    char name[PLAYER_NAME_BYTES];
};
static_assert(sizeof(struct line) == 56, "no padding: hashed as bytes");

/* Of a player's line, so that a build looks only at those that have changed. */
struct mark {
    uint64_t hash;
    bool is_listed;
    bool ends_block;
};

struct challenge_line {
    uint32_t id;
    uint32_t points;
    uint32_t solves;
    uint32_t first_user_id;
    bool has_first;
    struct str title; /* of the game; a reload begins a new snapshot before the game goes */
    struct str category;
};

enum part_kind { PART_HEAD, PART_LINES, PART_MIDDLE, PART_CHALLENGES, PART_TAIL };

struct block {
    enum part_kind kind;
    uint32_t first;
    uint32_t count;
};

struct scoreboard {
    struct game *game; /* a reference: titles are borrowed from it */
    uint64_t seq;
    uint64_t ts_us;
    uint64_t taken_in; /* the mirror's refresh that the lines are of */
    uint32_t players_max;
    struct line *lines; /* by player slot, as marks */
    struct mark *marks;
    uint32_t *places; /* player slots of those who are listed, best first */
    uint32_t place_count;
    struct challenge_line *challenges;
    uint32_t challenge_count;
    uint32_t challenge_max;
    struct block *blocks; /* one a part of the plan */
    uint32_t block_max;
};

static struct line line_of(const struct player_view *view)
{
    struct line line = {
        .score_points = view->score_points,
        .raised_ts_us = view->raised_seq != 0 ? view->raised_ts_us : 0,
        .user_id = view->user_id,
        .solves = view->solves,
    };

    (void)str_copy(str_from(view->name), line.name, sizeof(line.name));
    return line;
}

static bool ends_block(uint32_t user_id)
{
    return hash_bytes(&user_id, sizeof(user_id), 0) % LINES_A_BLOCK == 0;
}

/* Lines of players whose rows were read since the last build, and everyone's place. */
static void take_lines(struct scoreboard *board, const struct mirror *mirror)
{
    for (uint32_t player = 0; player < mirror->players_max; player++) {
        if (mirror->read_in[player] > board->taken_in) {
            const struct player_view *view = &mirror->players[player];

            board->lines[player] = line_of(view);
            board->marks[player] = (struct mark){
                .hash = hash_bytes(&board->lines[player], sizeof(struct line), PART_LINES),
                .is_listed = mirror_is_listed(view),
                .ends_block = ends_block(view->user_id),
            };
        }
    }
    board->taken_in = mirror->refresh;
    board->place_count = 0;
    for (uint32_t place = 0; place < mirror->player_count; place++) {
        uint32_t player = mirror->order[place];

        if (player < mirror->players_max && board->marks[player].is_listed) {
            board->places[board->place_count++] = player;
        }
    }
}

/* Of the same cut as the lines: what came after it is taken back by trying again. */
static bool take_challenges(struct scoreboard *board, const struct worker *worker,
                            const struct mirror *mirror)
{
    struct board_cut cut;

    if (!board_read_begin(&worker->board, &cut) || cut.version != mirror->version) {
        return false;
    }
    board->challenge_count = 0;
    for (uint32_t i = 0; i < board->game->challenge_count; i++) {
        const struct game_challenge *challenge = &board->game->challenges[i];
        struct challenge_view view = {.first_player = SHM_NONE};
        struct challenge_line *line = &board->challenges[board->challenge_count++];

        (void)challenges_read(cut.bank, challenge->slot, &view); /* false: nobody solved it yet */
        *line = (struct challenge_line){
            .id = challenge->id,
            .points = challenge->points,
            .solves = view.solves,
            .has_first = view.first_player < mirror->players_max,
            .title = challenge->title,
            .category = challenge->category,
        };
        if (line->has_first) {
            line->first_user_id = mirror->players[view.first_player].user_id;
        }
    }
    return board_read_done(&worker->board, &cut);
}

static bool add_block(struct view_snapshot *snapshot, struct block block, uint64_t key, bool comma)
{
    struct scoreboard *board = snapshot->own;

    if (snapshot->part_count == board->block_max) {
        uint32_t max = board->block_max * 2 + 16;
        struct block *blocks = realloc(board->blocks, max * sizeof(*blocks));

        if (blocks == NULL) {
            return false;
        }
        board->blocks = blocks;
        board->block_max = max;
    }
    board->blocks[snapshot->part_count] = block;
    return view_plan_part(snapshot, key, comma);
}

static bool plan_lines(struct view_snapshot *snapshot)
{
    const struct scoreboard *board = snapshot->own;
    uint64_t hashes[LINES_A_BLOCK_MAX];
    uint32_t first = 0;

    for (uint32_t i = 0; i < board->place_count; i++) {
        const struct mark *mark = &board->marks[board->places[i]];
        uint32_t count = i + 1 - first;

        hashes[count - 1] = mark->hash;
        if (!mark->ends_block && count < LINES_A_BLOCK_MAX && i + 1 < board->place_count) {
            continue;
        }
        uint64_t key = hash_bytes(hashes, count * sizeof(hashes[0]), PART_LINES);

        if (!add_block(snapshot, (struct block){PART_LINES, first, count}, key, first > 0)) {
            return false;
        }
        first = i + 1;
    }
    return true;
}

static uint64_t challenge_key(const struct challenge_line *line, uint64_t seed)
{
    const uint32_t numbers[] = {line->id, line->points, line->solves, line->first_user_id,
                                line->has_first};

    seed = hash_bytes(numbers, sizeof(numbers), seed);
    return hash_str(line->category, hash_str(line->title, seed));
}

static bool plan_challenges(struct view_snapshot *snapshot)
{
    const struct scoreboard *board = snapshot->own;

    for (uint32_t first = 0; first < board->challenge_count; first += CHALLENGES_A_BLOCK) {
        uint32_t count = board->challenge_count - first;
        uint64_t key = PART_CHALLENGES;

        count = count < CHALLENGES_A_BLOCK ? count : CHALLENGES_A_BLOCK;
        for (uint32_t i = 0; i < count; i++) {
            key = challenge_key(&board->challenges[first + i], key);
        }
        if (!add_block(snapshot, (struct block){PART_CHALLENGES, first, count}, key, first > 0)) {
            return false;
        }
    }
    return true;
}

static bool plan(struct view_snapshot *snapshot)
{
    const struct scoreboard *board = snapshot->own;
    const uint64_t head[] = {board->seq, board->ts_us};

    return add_block(snapshot, (struct block){.kind = PART_HEAD},
                     hash_bytes(head, sizeof(head), PART_HEAD), false) &&
           plan_lines(snapshot) &&
           add_block(snapshot, (struct block){.kind = PART_MIDDLE}, PART_MIDDLE, false) &&
           plan_challenges(snapshot) &&
           add_block(snapshot, (struct block){.kind = PART_TAIL}, PART_TAIL, false);
}

static void lines_free(struct scoreboard *board)
{
    free(board->lines);
    free(board->marks);
    free(board->places);
    board->lines = NULL;
    board->marks = NULL;
    board->places = NULL;
    board->players_max = 0;
    board->taken_in = 0;
}

static bool make_lines(struct scoreboard *board, const struct mirror *mirror)
{
    uint32_t max = mirror->players_max;

    lines_free(board);
    board->lines = calloc(max, sizeof(*board->lines));
    board->marks = calloc(max, sizeof(*board->marks));
    board->places = calloc(max, sizeof(*board->places));
    if (board->lines == NULL || board->marks == NULL || board->places == NULL) {
        lines_free(board);
        return false;
    }
    board->players_max = max;
    return true;
}

/* Room for everyone, kept from build to build. */
static bool make_room(struct view_snapshot *snapshot, const struct worker *worker)
{
    struct scoreboard *board = snapshot->own;

    if (board == NULL) {
        board = calloc(1, sizeof(*board));
        if (board == NULL) {
            return false;
        }
        snapshot->own = board;
    }
    if (board->game == NULL || board->game != worker->game) {
        game_unref(board->game);
        board->game = game_ref(worker->game);
    }
    uint32_t challenges = board->game->challenge_count;

    if (board->players_max < worker->mirror->players_max && !make_lines(board, worker->mirror)) {
        return false;
    }
    if (board->challenge_max < challenges) {
        free(board->challenges);
        board->challenges = calloc(challenges, sizeof(*board->challenges));
        board->challenge_max = board->challenges != NULL ? challenges : 0;
    }
    return board->challenge_max >= challenges;
}

/* Cuts tried until lines and challenges are of the same one. */
#define TAKE_TRIES 16

static enum view_taken scoreboard_take(struct worker *worker, struct view_snapshot *snapshot,
                                       uint64_t until_us)
{
    if (!make_room(snapshot, worker)) {
        return VIEW_NOT_TAKEN;
    }
    struct scoreboard *board = snapshot->own;

    for (int attempt = 0; attempt < TAKE_TRIES; attempt++) {
        enum mirror_status status = mirror_refresh(worker->mirror, until_us);

        if (status != MIRROR_WHOLE) {
            return status == MIRROR_COPYING ? VIEW_TAKING : VIEW_NOT_TAKEN;
        }
        if (take_challenges(board, worker, worker->mirror)) {
            take_lines(board, worker->mirror);
            board->seq = worker->mirror->seq;
            board->ts_us = worker->mirror->last_ts_us;
            snapshot->seq = board->seq;
            return plan(snapshot) ? VIEW_TAKEN : VIEW_NOT_TAKEN;
        }
    }
    return VIEW_NOT_TAKEN;
}

static void write_line(struct json_out *json, const struct line *line)
{
    json_object_begin(json);
    json_key_u64(json, "user_id", line->user_id);
    json_key_str(json, "displayname", str_from(line->name));
    json_key_i64(json, "score", line->score_points);
    json_key_u64(json, "solves", line->solves);
    if (line->raised_ts_us > 0) {
        json_key_u64(json, "ts", line->raised_ts_us / 1000);
    } else {
        json_key_null(json, "ts");
    }
    json_object_end(json);
}

static void write_challenge(struct json_out *json, const struct challenge_line *line)
{
    json_object_begin(json);
    json_key_u64(json, "id", line->id);
    json_key_str(json, "title", line->title);
    json_key_str(json, "category", line->category);
    json_key_u64(json, "points", line->points);
    json_key_u64(json, "solves", line->solves);
    if (line->has_first) {
        json_key_u64(json, "first", line->first_user_id);
    } else {
        json_key_null(json, "first");
    }
    json_object_end(json);
}

static void scoreboard_write(const struct view_snapshot *snapshot, uint32_t part, struct buf *out)
{
    const struct scoreboard *board = snapshot->own;
    const struct block *block = &board->blocks[part];
    struct json_out json = JSON_OUT(out);

    switch (block->kind) {
    case PART_HEAD:
        buf_append_str(out, STR("{\"seq\":"));
        buf_append_u64(out, board->seq);
        buf_append_str(out, STR(",\"ts\":"));
        buf_append_u64(out, board->ts_us / 1000);
        buf_append_str(out, STR(",\"players\":["));
        break;
    case PART_LINES:
        for (uint32_t i = 0; i < block->count; i++) {
            write_line(&json, &board->lines[board->places[block->first + i]]);
        }
        break;
    case PART_MIDDLE:
        buf_append_str(out, STR("],\"challenges\":["));
        break;
    case PART_CHALLENGES:
        for (uint32_t i = 0; i < block->count; i++) {
            write_challenge(&json, &board->challenges[block->first + i]);
        }
        break;
    case PART_TAIL:
        buf_append_str(out, STR("]}"));
        break;
    }
}

static void scoreboard_free(void *own)
{
    struct scoreboard *board = own;

    if (board != NULL) {
        game_unref(board->game);
        lines_free(board);
        free(board->challenges);
        free(board->blocks);
        free(board);
    }
}

const struct view_maker view_scoreboard = {
    .take = scoreboard_take,
    .write = scoreboard_write,
    .free_own = scoreboard_free,
};
