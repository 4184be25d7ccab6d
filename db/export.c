/* SPDX-License-Identifier: MIT */
/*
 * export.c - `ctfg export`: players, solves, hints, submissions and the scoreboard, as of one moment.
 *
 * It reads from a private copy of the database: whoever reads slowly (a pager, a slow disk) must not
 * hold the log of a running server, which cannot shrink while somebody still needs it.
 */

#include "db/db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/game.h"
#include "db/map.h"
#include "db/rebuild.h"
#include "db/store.h"
#include "db/table_out.h"
#include "db/verify.h"
#include "shm/base/check.h"
#include "shm/base/clock.h"
#include "shm/players.h"
#include "shm/rank.h"
#include "shm/segment.h"

#define LINES_A_TIME 256
#define USERNAME_BYTES 256

enum outcome { EXPORT_DONE = 0, EXPORT_FAILED = 1, EXPORT_IMPOSSIBLE = 2 };

struct export
{
    struct store *store;
    const struct game *game;
    struct table_out table;
    struct segment segment;
    struct board board; /* live bank: the game as the log tells it */
    struct roster roster;
    uint64_t newest_seq;
    struct map solves; /* of each challenge, so far */
};

#define CELL(column, of_kind, ...)                                                                 \
    ((struct table_cell){.name = (column), .kind = (of_kind), __VA_ARGS__})
#define NUMBER(column, value) CELL(column, TABLE_NUMBER, .number = (int64_t)(value))
#define TEXT(column, value) CELL(column, TABLE_TEXT, .text = (value))
#define TIME(column, value) CELL(column, TABLE_TIME, .number = (int64_t)(value))
#define YES_NO(column, value) CELL(column, TABLE_BOOL, .number = (value))

/* Empty is none: null in JSON. */
static void make_none_if(struct table_cell *cell, bool is_none)
{
    if (is_none) {
        cell->kind = TABLE_NONE;
    }
}

static struct str title_of(const struct export *export, int64_t challenge_id)
{
    const struct game_challenge *challenge =
        challenge_id < 0 || challenge_id > UINT32_MAX
            ? NULL
            : game_find_challenge(export->game, (uint32_t)challenge_id);

    return challenge == NULL ? STR("") : challenge->title;
}

/* ---- the rows of each table: with NULL the names of its columns ---------------------------------- */

static void put(struct export *export, const char *table, bool is_head,
                const struct table_cell *cells, uint32_t count)
{
    if (is_head) {
        table_out_open(&export->table, table, cells, count);
    } else {
        table_out_row(&export->table, cells, count);
    }
}

static bool put_player(void *context, const struct store_user *user)
{
    struct export *export = context;
    static const struct store_user nobody;
    const struct store_user *row = user == NULL ? &nobody : user;
    const struct bank *bank = board_live(&export->board);
    struct player_view view = {0};
    uint32_t place = 0;
    uint64_t at;

    bool is_known = map_get(&export->roster.by_id, row->id, &at) &&
                    players_read(bank, export->roster.users[at].slot, &view);
    bool has_place = is_known && rank_find_place(bank, export->roster.users[at].slot, &place) &&
                     ((view.flags & SHM_PLAYER_NAMED) != 0 || view.last_seq != 0);
    struct table_cell cells[] = {
        NUMBER("user_id", row->id),
        TEXT("username", row->username),
        TEXT("displayname", row->displayname),
        YES_NO("in_game", game_find_player(export->game, row->username) != NULL),
        NUMBER("score", view.score_points),
        NUMBER("solves", view.solves),
        NUMBER("place", place + 1),
    };

    make_none_if(&cells[2], row->displayname.len == 0);
    make_none_if(&cells[6], !has_place);
    put(export, "players", user == NULL, cells, ARRAY_LEN(cells));
    return true;
}

static bool put_solve(void *context, const struct store_row *solve)
{
    struct export *export = context;
    static const struct store_row none;
    const struct store_row *row = solve == NULL ? &none : solve;
    uint64_t place = 0;

    if (solve != NULL) {
        (void)!map_get(&export->solves, (uint64_t)row->challenge_id, &place);
        map_put(&export->solves, (uint64_t)row->challenge_id, ++place);
    }
    struct table_cell cells[] = {
        NUMBER("id", row->id),
        TIME("time", row->ts_us),
        NUMBER("user_id", row->user_id),
        TEXT("username", row->username),
        TEXT("displayname", row->displayname),
        NUMBER("challenge_id", row->challenge_id),
        TEXT("challenge", title_of(export, row->challenge_id)),
        NUMBER("points", row->points),
        NUMBER("place", place),
        YES_NO("awarded", (row->flags & EVENT_FROM_AWARD) != 0),
    };

    make_none_if(&cells[4], row->displayname.len == 0);
    put(export, "solves", solve == NULL, cells, ARRAY_LEN(cells));
    return true;
}

static bool put_hint(void *context, const struct store_row *hint)
{
    struct export *export = context;
    static const struct store_row none;
    const struct store_row *row = hint == NULL ? &none : hint;
    struct table_cell cells[] = {
        NUMBER("id", row->id),
        TIME("time", row->ts_us),
        NUMBER("user_id", row->user_id),
        TEXT("username", row->username),
        TEXT("displayname", row->displayname),
        NUMBER("challenge_id", row->challenge_id),
        TEXT("challenge", title_of(export, row->challenge_id)),
        NUMBER("hint_id", row->hint_id),
        NUMBER("points", row->points),
    };

    make_none_if(&cells[4], row->displayname.len == 0);
    put(export, "hints", hint == NULL, cells, ARRAY_LEN(cells));
    return true;
}

static bool put_submission(void *context, const struct store_row *submission)
{
    struct export *export = context;
    static const struct store_row none;
    const struct store_row *row = submission == NULL ? &none : submission;
    struct table_cell cells[] = {
        TIME("time", row->ts_us),
        NUMBER("user_id", row->user_id),
        TEXT("username", row->username),
        TEXT("displayname", row->displayname),
        NUMBER("challenge_id", row->challenge_id),
        TEXT("challenge", title_of(export, row->challenge_id)),
        TEXT("result", row->is_guess                          ? STR("incorrect")
                       : (row->flags & EVENT_FROM_AWARD) != 0 ? STR("awarded")
                                                              : STR("correct")),
        TEXT("guess", row->guess),
    };

    make_none_if(&cells[3], row->displayname.len == 0);
    make_none_if(&cells[7], !row->is_guess);
    put(export, "submissions", submission == NULL, cells, ARRAY_LEN(cells));
    return true;
}

static enum store_status put_line(struct export *export, const struct rank_line *line)
{
    static const struct rank_line none;
    const struct rank_line *row = line == NULL ? &none : line;
    struct player_view view = {0};
    char username[USERNAME_BYTES] = "";
    enum store_status status = STORE_OK;

    if (line != NULL) {
        (void)players_read(board_live(&export->board), line->player, &view);
        if ((view.flags & SHM_PLAYER_NAMED) == 0 && view.last_seq == 0) {
            return STORE_OK; /* neither a name nor an event: on no board */
        }
        status = store_copy_username(export->store, view.user_id, username, sizeof(username));
    }
    struct table_cell cells[] = {
        NUMBER("place", row->place + 1),      NUMBER("user_id", view.user_id),
        TEXT("username", str_from(username)), TEXT("displayname", str_from(view.name)),
        NUMBER("score", row->score_points),   NUMBER("solves", row->solves),
        TIME("time", row->raised_ts_us),
    };

    make_none_if(&cells[6], row->raised_seq == 0);
    put(export, "scoreboard", line == NULL, cells, ARRAY_LEN(cells));
    return status;
}

/* ---- the tables -------------------------------------------------------------------------------- */

static enum store_status export_players(struct export *export)
{
    (void)put_player(export, NULL);
    return store_each_user(export->store, put_player, export);
}

static enum store_status export_solves(struct export *export)
{
    (void)put_solve(export, NULL);
    return store_each_row(export->store, STORE_ROWS_SOLVES, put_solve, export);
}

static enum store_status export_hints(struct export *export)
{
    (void)put_hint(export, NULL);
    return store_each_row(export->store, STORE_ROWS_HINTS, put_hint, export);
}

static enum store_status export_submissions(struct export *export)
{
    (void)put_submission(export, NULL);
    return store_each_row(export->store, STORE_ROWS_SUBMISSIONS, put_submission, export);
}

static enum store_status export_scoreboard(struct export *export)
{
    struct rank_line lines[LINES_A_TIME];
    const struct bank *bank = board_live(&export->board);
    enum store_status status = put_line(export, NULL);
    uint32_t first = 0;

    for (uint32_t count = LINES_A_TIME; status == STORE_OK && count == LINES_A_TIME;) {
        count = rank_copy_lines(bank, first, LINES_A_TIME, lines);
        for (uint32_t i = 0; i < count && status == STORE_OK; i++) {
            status = put_line(export, &lines[i]);
        }
        first += count;
    }
    return status;
}

static const struct {
    const char *name;
    enum store_status (*run)(struct export *export);
} tables[] = {
    {"players", export_players},         {"solves", export_solves},         {"hints", export_hints},
    {"submissions", export_submissions}, {"scoreboard", export_scoreboard},
};

const char *db_export_table(uint32_t number)
{
    return number < ARRAY_LEN(tables) ? tables[number].name : NULL;
}

/* ---- all of it --------------------------------------------------------------------------------- */

static bool count_user(void *context, const struct store_sum *sum)
{
    uint32_t *users = context;

    (void)sum;
    (*users)++;
    return true;
}

/* Scores and places as the board has them, from the same rows. */
static enum store_status fold(struct export *export)
{
    const struct game *game = export->game;
    uint32_t users = 0; /* with events: at worst none of them is in the game */
    enum store_status status = store_each_user_sum(export->store, UINT64_MAX, count_user, &users);

    if (status != STORE_OK) {
        return status;
    }
    struct shm_sizes sizes = segment_sizes_for(game->player_slots + users, game->challenge_slots,
                                               game->hint_slots, 1, 1);

    CHECK(segment_create(&sizes, &export->segment));
    board_attach(&export->segment, &export->board);
    struct rebuild rebuild = {.store = export->store, .game = game, .board = &export->board};

    status = rebuild_run(&rebuild);
    if (status == STORE_OK) {
        board_publish(&export->board);
        export->newest_seq = rebuild.newest_seq;
        export->roster = rebuild.roster;
        rebuild.roster = (struct roster){0};
    }
    rebuild_free(&rebuild);
    return status;
}

static enum store_status write_tables(struct export *export, const char *what)
{
    enum store_status status = STORE_OK;
    struct table_cell about[] = {
        TEXT("name", export->game->settings.game_name),
        TIME("exported", clock_real_us()),
        NUMBER("seq", export->newest_seq),
    };

    for (size_t i = 0; i < ARRAY_LEN(about); i++) {
        table_out_value(&export->table, &about[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(tables) && status == STORE_OK; i++) {
        if (what == NULL || strcmp(what, tables[i].name) == 0) {
            status = tables[i].run(export);
            table_out_close(&export->table);
        }
    }
    return status;
}

static enum outcome run(struct export *export, const struct db_export_request *request)
{
    enum store_status status = fold(export);

    if (status == STORE_OK) {
        map_init(&export->solves, export->game->challenge_count);
        table_out_begin(&export->table, request->out, request->is_csv ? TABLE_CSV : TABLE_JSON);
        status = write_tables(export, request->what);
        bool is_written = table_out_end(&export->table);

        map_free(&export->solves);
        if (status == STORE_OK && !is_written) {
            (void)fprintf(request->errors, "The export cannot be written: %s\n", strerror(errno));
            return EXPORT_FAILED;
        }
    }
    if (status != STORE_OK) {
        (void)fprintf(request->errors, "The database cannot be read: %s\n",
                      store_error(export->store));
        return EXPORT_FAILED;
    }
    return EXPORT_DONE;
}

int db_export(const struct game *game, const struct db_export_request *request)
{
    char dir[STORE_PATH_BYTES];
    char path[STORE_PATH_BYTES + 16];
    char error[512];
    struct export export = {.game = game};

    (void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(game->settings.database_dir));
    (void)snprintf(path, sizeof(path), "%s/" STORE_FILE, dir);
    if (verify_is_absent(path)) {
        (void)fprintf(request->errors,
                      "There is no database in %s yet: name its folder with --dbdir.\n", dir);
        return EXPORT_IMPOSSIBLE;
    }
    struct store_options options = {.dir = dir, .read_only = true, .private_copy = true};

    if (store_open(&options, &export.store, error, sizeof(error)) != STORE_OK) {
        (void)fprintf(request->errors, "%s\n", error);
        return EXPORT_IMPOSSIBLE;
    }
    enum outcome outcome = run(&export, request);

    roster_free(&export.roster);
    segment_destroy(&export.segment);
    store_close(export.store);
    return (int)outcome;
}
