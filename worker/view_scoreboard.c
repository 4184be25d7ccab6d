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

/* All that a line's text is made of; hashed as bytes. */
struct line {
    int64_t score_points;
    uint64_t raised_ts_us; /* 0: the score was never raised */
    uint32_t user_id;
    uint32_t solves;
    char name[PLAYER_NAME_BYTES];
};
static_assert(sizeof(struct line) == 56, "no padding: hashed as bytes");

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
    struct line *lines;
    uint32_t line_count;
    uint32_t line_max;
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

static void take_lines(struct scoreboard *board, const struct mirror *mirror)
{
    board->line_count = 0;
    for (uint32_t place = 0; place < mirror->player_count; place++) {
        uint32_t player = mirror->order[place];

        if (player < mirror->players_max && mirror_is_listed(&mirror->players[player])) {
            board->lines[board->line_count++] = line_of(&mirror->players[player]);
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

static bool ends_block(const struct line *line, uint32_t lines_in_block)
{
    uint64_t hash = hash_bytes(&line->user_id, sizeof(line->user_id), 0);

    return hash % LINES_A_BLOCK == 0 || lines_in_block == LINES_A_BLOCK_MAX;
}

static bool plan_lines(struct view_snapshot *snapshot)
{
    const struct scoreboard *board = snapshot->own;
    uint32_t first = 0;

    for (uint32_t i = 0; i < board->line_count; i++) {
        uint32_t count = i + 1 - first;

        if (!ends_block(&board->lines[i], count) && i + 1 < board->line_count) {
            continue;
        }
        uint64_t key = hash_bytes(&board->lines[first], count * sizeof(struct line), PART_LINES);

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

    if (board->line_max < worker->mirror->players_max) {
        free(board->lines);
        board->lines = calloc(worker->mirror->players_max, sizeof(*board->lines));
        board->line_max = board->lines != NULL ? worker->mirror->players_max : 0;
    }
    if (board->challenge_max < challenges) {
        free(board->challenges);
        board->challenges = calloc(challenges, sizeof(*board->challenges));
        board->challenge_max = board->challenges != NULL ? challenges : 0;
    }
    return board->lines != NULL && board->challenge_max >= challenges;
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
            write_line(&json, &board->lines[block->first + i]);
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
        free(board->lines);
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
