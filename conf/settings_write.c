/* SPDX-License-Identifier: MIT */
/* settings_write.c - ctfg.yaml, its manual, --help and docs/configuration.md from the one table. */
#include "conf/settings_table.h"

#include <string.h>

#include "conf/roff.h"
#include "conf/settings_value.h"

static const struct {
    const char *name;
    const char *sentence;
} sections[] = {
    {"game", "What players see."},
    {"listen", "Where ctfg listens."},
    {"log", "What it writes to standard error."},
    {"http", "What one request may take, and who may ask."},
    {"stream", "Live events over WebSocket."},
    {"limits", "How often, and for how long: 10 + 1/2s is ten at once, then one in two seconds."},
    {"database", "events.db, and how much may wait for it."},
    {"process", "Processes, and how they end."},
};

static struct str section_of(const struct settings_row *row)
{
    return (struct str){row->key, strcspn(row->key, ".")};
}

static bool in_section(const struct settings_row *row, const char *name)
{
    return str_equal(section_of(row), str_from(name));
}

/* Texts that YAML would take for something else stand in quotes. */
static void write_yaml_value(FILE *out, const struct settings_row *row)
{
    bool quoted = row->kind == SETTINGS_TEXT || row->kind == SETTINGS_ADDRESS ||
                  row->kind == SETTINGS_IMAGE || row->kind == SETTINGS_COLOUR ||
                  row->kind == SETTINGS_STREAM_URL || row->kind == SETTINGS_ENDPOINT ||
                  row->kind == SETTINGS_MOMENT;
    struct str rest = str_from(row->initial);
    struct str item;

    if (row->kind != SETTINGS_LIST) {
        fprintf(out, quoted ? " \"%s\"\n" : " %s\n", row->initial);
        return;
    }
    if (rest.len == 0) {
        fputs(" []\n", out);
        return;
    }
    fputc('\n', out);
    while (str_split(&rest, ',', &item)) {
        fprintf(out, "    - %.*s\n", STR_ARG(item));
    }
}

void settings_write_sample(FILE *out)
{
    fputs("# The settings of ctfg, each with its default: delete what you do not change.\n"
          "# A flag or a CTFG_ variable wins over this file; docs/configuration.md has them all.\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        fprintf(out, "\n# %s\n%s:\n", sections[i].sentence, sections[i].name);
        for (uint32_t j = 0; j < settings_row_count; j++) {
            const struct settings_row *row = &settings_rows[j];

            if (in_section(row, sections[i].name)) {
                fprintf(out, "  # %s\n  %s:", row->sentence, strchr(row->key, '.') + 1);
                write_yaml_value(out, row);
            }
        }
    }
}

void settings_write_help(FILE *out, const struct settings_row *row)
{
    char left[64];
    char letter[8] = "    ";

    if (row->letter != 0) {
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    }
    (void)snprintf(left, sizeof(left), "%s--%s%s%s", letter, row->flag,
                   row->argument != NULL ? " " : "", row->argument != NULL ? row->argument : "");
    fprintf(out, "  %-38s %s", left, row->sentence);
    if (row->kind != SETTINGS_BOOL && row->initial[0] != '\0') {
        fprintf(out, " [%s]", row->initial);
    }
    fputc('\n', out);
}

/* '|' would end a cell of a Markdown table. */
static void write_cell(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        fputs(*text == '|' ? "\\|" : (const char[]){*text, '\0'}, out);
    }
}

/* "auto|text" -> `auto`, `text` */
static void write_choices(FILE *out, const char *choices, const char *code)
{
    struct str rest = str_from(choices);
    struct str word;

    for (const char *comma = ""; str_split(&rest, '|', &word); comma = ", ") {
        fprintf(out, "%s%s%.*s%s", comma, code, STR_ARG(word), code);
    }
}

/* code: what stands round words that are to be typed as they are. */
static void write_range(FILE *out, const struct settings_row *row, const char *code)
{
    static const char *const entries[] = {[SETTINGS_ENTRY_TEXT] = "texts",
                                          [SETTINGS_ENTRY_NETWORK] = "addresses, CIDR blocks",
                                          [SETTINGS_ENTRY_ORIGIN] = "origins"};
    char least[SETTINGS_NUMBER_BYTES];
    char most[SETTINGS_NUMBER_BYTES];

    switch (row->kind) {
    case SETTINGS_BOOL:
        fprintf(out, "%strue%s, %sfalse%s", code, code, code, code);
        break;
    case SETTINGS_COUNT:
    case SETTINGS_BYTES:
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
        settings_format_number(row, row->least, least);
        settings_format_number(row, row->most, most);
        fprintf(out, "%s to %s", least, most);
        break;
    case SETTINGS_LIMIT:
        fprintf(out, "burst %llu to %llu", (unsigned long long)row->least,
                (unsigned long long)row->most);
        break;
    case SETTINGS_CHOICE:
        write_choices(out, row->choices, code);
        break;
    case SETTINGS_LIST:
        fprintf(out, "list of %s", entries[row->entry]);
        break;
    case SETTINGS_TEXT:
    case SETTINGS_ADDRESS:
    case SETTINGS_IMAGE:
        fprintf(out, "text, up to %llu bytes", (unsigned long long)row->most);
        break;
    case SETTINGS_COLOUR:
        fprintf(out, "%s#rrggbb%s", code, code);
        break;
    case SETTINGS_ENDPOINT:
        fprintf(out, "%sADDR:PORT%s, %soff%s", code, code, code, code);
        break;
    case SETTINGS_STREAM_URL:
        fprintf(out, "%sws://%s or %swss://%s URL", code, code, code, code);
        break;
    case SETTINGS_MOMENT:
        fputs("date, time and zone", out);
        break;
    }
}

static void write_reference_row(FILE *out, const struct settings_row *row)
{
    char variable[SETTINGS_VARIABLE_BYTES];

    settings_variable_name(row, variable);
    fprintf(out, "| `%s` | ", row->key);
    if (row->flag != NULL && row->letter != 0) {
        fprintf(out, "`-%c`, ", row->letter);
    }
    if (row->flag != NULL) {
        fprintf(out, "`--%s` ", row->flag);
    }
    fprintf(out, "| `%s` | ", variable);
    if (row->initial[0] != '\0') {
        fprintf(out, "`%s` ", row->initial);
    }
    fputs("| ", out);
    write_range(out, row, "`");
    fputs(" | ", out);
    write_cell(out, row->sentence);
    fputs(row->at_restart ? " *At a restart.* |\n" : " |\n", out);
}

void settings_write_reference(FILE *out)
{
    fputs(
        "# Configuration\n\n"
        "Every setting has a key in `ctfg.yaml` (in the game folder, or where `--config` says) and "
        "a\n"
        "variable of the environment; some have a flag. Whoever comes later in this list wins:\n"
        "the default, `ctfg.yaml`, `.env` in the game folder, the environment, the command line.\n"
        "`ctfg check` tells what is wrong with any of them, with the line. `conf/ctfg.yaml` is a\n"
        "sample with every key.\n\n"
        "Times carry a unit (`20ms`, `15s`, `5m`, `12h`), sizes may (`16KiB`, `1MiB`). On the\n"
        "command line `-k` and `-t` take bare numbers as seconds. Lists are comma-separated in\n"
        "variables and flags. A limit like `10 + 1/2s` allows ten at once, then one in two "
        "seconds.\n"
        "\n"
        "A reload (`SIGHUP`) takes a changed setting over, but for those marked *At a restart*; "
        "the "
        "log\n"
        "names them when they differ.\n"
        "\n"
        "Three secrets are no settings and stand in `.env`, in the environment or, which wins, in\n"
        "files of systemd's `$CREDENTIALS_DIRECTORY`: `CTFG_API_TOKEN` (awards), "
        "`CTFG_ADMIN_TOKEN`\n"
        "(reset, logout) and `CTFG_DISPLAY_TOKEN` (the room's screen). What a missing one guards "
        "is\nswitched off.\n\n"
        "This page is written from the table in `conf/settings_table.c`.\n",
        out);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        fprintf(out,
                "\n## %s\n\n%s\n\n| key | flag | variable | default | values | what it does |\n"
                "|---|---|---|---|---|---|\n",
                sections[i].name, sections[i].sentence);
        for (uint32_t j = 0; j < settings_row_count; j++) {
            if (in_section(&settings_rows[j], sections[i].name)) {
                write_reference_row(out, &settings_rows[j]);
            }
        }
    }
}

/* ---- ctfg.yaml(5) ------------------------------------------------------------------------------ */

static void write_manual_row(FILE *out, const struct settings_row *row)
{
    char variable[SETTINGS_VARIABLE_BYTES];

    settings_variable_name(row, variable);
    fputs(".TP\n.B ", out);
    roff_write(out, strchr(row->key, '.') + 1);
    fputc('\n', out);
    roff_write(out, row->sentence);
    fputs("\n.br\n", out);
    write_range(out, row, "");
    if (row->kind == SETTINGS_LIST && row->initial[0] != '\0') {
        fputs("; by default what the sample of `ctfg print settings` holds", out);
    } else if (row->initial[0] != '\0') {
        fputs("; default: ", out);
        roff_write(out, row->initial);
    }
    fprintf(out, "%s\n.br\n%s", row->at_restart ? "; takes effect at a restart" : "", variable);
    if (row->flag != NULL) {
        fputs(", ", out);
        roff_write_flag(out, row->letter, row->flag, NULL);
    }
    fputc('\n', out);
}

void settings_write_manual(FILE *out)
{
    fputs(".SH NAME\nctfg.yaml \\- settings of a ctfg game\n"
          ".SH DESCRIPTION\n"
          "Every setting of\n.BR ctfg (1)\nhas a key here, in the file ctfg.yaml of the game's "
          "folder or where\n.B \\-\\-config\nsays, and a variable of the environment; some "
          "have a flag.\n"
          "Whoever comes later in this list wins: the default, ctfg.yaml, .env in the game's "
          "folder, the environment, the command line.\n"
          ".PP\n"
          "Times carry a unit (20ms, 15s, 5m, 12h), sizes may (16KiB, 1MiB).\n"
          "Lists are lists in the file and comma\\-separated elsewhere.\n"
          ".PP\n"
          ".B ctfg print settings\nwrites a file with every key and its default;\n"
          ".B ctfg check\ntells what is wrong in one, with the line.\n",
          out);
    for (size_t i = 0; i < ARRAY_LEN(sections); i++) {
        fprintf(out, ".SH \"%s\"\n", sections[i].name);
        roff_write(out, sections[i].sentence);
        fputc('\n', out);
        for (uint32_t j = 0; j < settings_row_count; j++) {
            if (in_section(&settings_rows[j], sections[i].name)) {
                write_manual_row(out, &settings_rows[j]);
            }
        }
    }
    fputs(".SH SEE ALSO\n.BR ctfg (1)\n", out);
}
