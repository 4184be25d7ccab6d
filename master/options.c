/* SPDX-License-Identifier: MIT */
/* options.c - walks argv once; every flag of a setting is conf's, by its table. */
#include "master/options.h"

#include <stdio.h>
#include <string.h>

#include "conf/settings_table.h"
#include "shm/base/str.h"

#define FLAG_NAME_BYTES 64

/* The flags that are no settings: they say where the settings are. */
enum own_flag { OWN_GAME, OWN_CONFIG, OWN_HELP, OWN_VERSION };

struct own_row {
    struct settings_row text; /* as those of settings are described; no key, no field */
    enum own_flag flag;
};

/* clang-format off */
static const struct own_row own_rows[] = {
    {{.letter = 'C', .flag = "game", .argument = "DIR", .kind = SETTINGS_TEXT, .initial = ".",
      .sentence = "The folder of the game."}, OWN_GAME},
    {{.flag = "config", .argument = "FILE", .kind = SETTINGS_TEXT, .initial = "ctfg.yaml of the game",
      .sentence = "The settings."}, OWN_CONFIG},
    {{.letter = 'V', .flag = "version", .kind = SETTINGS_BOOL, .sentence = "Print the version."}, OWN_VERSION},
    {{.letter = 'h', .flag = "help", .kind = SETTINGS_BOOL, .sentence = "Print this."}, OWN_HELP},
};
/* clang-format on */

/* clang-format off */
static const struct options_special_row special_rows[OPTION_SPECIALS] = {
    [OPTION_FORMAT]   = {"--format",   "export",  "csv|json", "How it is written. [json]"},
    [OPTION_WHAT]     = {"--what",     "export",  "TABLE",    "players, solves, hints, submissions or scoreboard. [all of them]"},
    [OPTION_OUTPUT]   = {"--output",   "export",  "FILE",     "Where to; never over a file that is there. [standard output]"},
    [OPTION_DEADLINE] = {"--deadline", "upgrade", "SECONDS",  "How long to wait for the new program. [90]"},
};
/* clang-format on */

/* Where the walk over argv stands. */
struct walk {
    struct options *options;
    int at;
    char *error;
    size_t error_bytes;
};

/* One flag as it was written, taken apart. */
struct written_flag {
    char name[FLAG_NAME_BYTES]; /* with its dashes */
    const char *value;          /* in the same word, behind '=' or the letter; NULL: not there */
};

/* name: "-C" or "--game". */
static const struct own_row *own_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(own_rows); i++) {
        const struct settings_row *text = &own_rows[i].text;
        bool is_letter = text->letter != 0 && name[1] == text->letter && name[2] == '\0';

        if (is_letter || (name[1] == '-' && strcmp(name + 2, text->flag) == 0)) {
            return &own_rows[i];
        }
    }
    return NULL;
}

const struct settings_row *options_flag_at(uint32_t index)
{
    if (index < ARRAY_LEN(own_rows)) {
        return &own_rows[index].text;
    }
    index -= (uint32_t)ARRAY_LEN(own_rows);
    for (uint32_t i = 0; i < settings_row_count; i++) {
        if (settings_rows[i].flag != NULL && index-- == 0) {
            return &settings_rows[i];
        }
    }
    return NULL;
}

/* "--port=80", "--port", "-p80", "-p".  A name that is too long is cut, and then known to nobody. */
static void flag_take_apart(const char *word, struct written_flag *ret_flag)
{
    bool is_long = word[1] == '-';
    size_t name_len = is_long ? strcspn(word, "=") : 2;

    (void)str_copy((struct str){word, name_len}, ret_flag->name, sizeof(ret_flag->name));
    if (word[name_len] == '\0') {
        ret_flag->value = NULL;
    } else {
        ret_flag->value = word + name_len + (word[name_len] == '=' ? 1 : 0);
    }
}

/* The value in the flag's own word, or the next word; false: one is wanted and there is none, or
 * there is one and none is wanted. */
static bool flag_settle_value(struct walk *walk, struct written_flag *flag, bool takes_value)
{
    const struct options *options = walk->options;

    if (takes_value && flag->value == NULL) {
        if (walk->at + 1 >= options->argc) {
            (void)snprintf(walk->error, walk->error_bytes, "%s needs a value", flag->name);
            return false;
        }
        walk->at++;
        flag->value = options->argv[walk->at];
    }
    if (!takes_value && flag->value != NULL) {
        (void)snprintf(walk->error, walk->error_bytes, "%s takes no value", flag->name);
        return false;
    }
    return true;
}

static bool take_own_flag(struct walk *walk, const struct own_row *row, struct written_flag *flag)
{
    struct options *options = walk->options;

    if (!flag_settle_value(walk, flag, row->text.argument != NULL)) {
        return false;
    }
    switch (row->flag) {
    case OWN_GAME:
        options->source.game_dir = flag->value;
        break;
    case OWN_CONFIG:
        options->source.config_path = flag->value;
        break;
    case OWN_HELP:
        options->wants_help = true;
        break;
    case OWN_VERSION:
        options->wants_version = true;
        break;
    }
    return true;
}

/* false: it is no such flag, or its value is missing (then there is an error). */
static bool take_special_flag(struct walk *walk, struct written_flag *flag)
{
    for (size_t i = 0; i < OPTION_SPECIALS; i++) {
        if (strcmp(special_rows[i].name, flag->name) == 0) {
            bool ok = flag_settle_value(walk, flag, true);

            walk->options->special[i] = flag->value;
            return ok;
        }
    }
    return false;
}

static bool take_flag(struct walk *walk, const char *word)
{
    struct written_flag flag;
    struct settings_flag setting;

    flag_take_apart(word, &flag);
    const struct own_row *own = own_find(flag.name);
    if (own != NULL) {
        return take_own_flag(walk, own, &flag);
    }
    if (take_special_flag(walk, &flag) || walk->error[0] != '\0') {
        return walk->error[0] == '\0';
    }
    /* conf knows "p" and "-p" alike; here one dash is for letters and two are for words. */
    bool is_letter = flag.name[1] != '-';
    bool is_known = settings_find_flag(flag.name, &setting) &&
                    is_letter == (strlen(flag.name + strspn(flag.name, "-")) == 1);
    if (!is_known) {
        (void)snprintf(walk->error, walk->error_bytes,
                       "there is no flag %s; `ctfg help` lists them", flag.name);
        return false;
    }
    if (!flag_settle_value(walk, &flag, setting.takes_value)) {
        return false;
    }
    if (!settings_append_flag(&walk->options->overrides, &setting, flag.value)) {
        (void)snprintf(walk->error, walk->error_bytes, "the value of %s holds a newline",
                       flag.name);
        return false;
    }
    return true;
}

static bool take_argument(struct walk *walk, const char *word)
{
    struct options *options = walk->options;

    if (options->argument_count == OPTIONS_ARGUMENTS_MAX) {
        (void)snprintf(walk->error, walk->error_bytes, "there are too many arguments");
        return false;
    }
    if (options->argument_count == 0) {
        options->command_at = walk->at; /* until main.c finds that it is no command */
    }
    options->arguments[options->argument_count++] = word;
    return true;
}

static bool take_words(struct walk *walk)
{
    const struct options *options = walk->options;
    bool flags_ended = false;

    for (walk->at = 1; walk->at < options->argc; walk->at++) {
        const char *word = options->argv[walk->at];
        bool is_flag = !flags_ended && word[0] == '-' && word[1] != '\0';

        if (is_flag && strcmp(word, "--") == 0) {
            flags_ended = true;
        } else if (!(is_flag ? take_flag(walk, word) : take_argument(walk, word))) {
            return false;
        }
    }
    return true;
}

bool options_parse(int argc, char **argv, struct options *ret_options, char *ret_error,
                   size_t error_bytes)
{
    struct options options = {
        .argc = argc,
        .argv = argv,
        .source = {.game_dir = "."},
        .overrides = BUF_INIT(OPTIONS_OVERRIDES_BYTES_MAX),
    };
    struct walk walk = {.options = &options, .error = ret_error, .error_bytes = error_bytes};
    char variable[SETTINGS_VARIABLE_BYTES];

    ret_error[0] = '\0';
    /* The environment first: the later line wins, and the command line has the last word. */
    if (!settings_append_environment(&options.overrides, variable)) {
        (void)snprintf(ret_error, error_bytes, "the variable %s holds a newline", variable);
        goto fail;
    }
    if (!take_words(&walk)) {
        goto fail;
    }
    buf_append_char(&options.overrides, '\0');
    if (options.overrides.failed) {
        (void)snprintf(ret_error, error_bytes, "the flags are longer than %d bytes",
                       OPTIONS_OVERRIDES_BYTES_MAX);
        goto fail;
    }
    options.source.overrides = options.overrides.data;
    *ret_options = options;
    return true;
fail:
    buf_free(&options.overrides);
    return false;
}

const char *options_foreign_flag(const struct options *options, const char *command)
{
    for (size_t i = 0; i < OPTION_SPECIALS; i++) {
        if (options->special[i] != NULL && strcmp(special_rows[i].command, command) != 0) {
            return special_rows[i].name;
        }
    }
    return NULL;
}

const struct options_special_row *options_special_at(uint32_t index)
{
    return index < OPTION_SPECIALS ? &special_rows[index] : NULL;
}

void options_free(struct options *options)
{
    buf_free(&options->overrides);
    options->source.overrides = NULL;
}
