/* SPDX-License-Identifier: MIT */
/*
 * cmd_print.c - `ctfg print TEXT`: what else is written from the tables of commands and flags, for the
 * Makefile, packages and whoever wants a fresh ctfg.yaml.
 */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "conf/roff.h"
#include "conf/settings_table.h"
#include "master/command.h"
#include "master/options.h"
#include "shm/base/compiler.h"
#include "shm/base/str.h"
#include "shm/base/version.h"

/* ---- ctfg(1) ----------------------------------------------------------------------------------- */

/* A paragraph with a term in bold. */
struct term {
    const char *term;
    const char *text;
};

/* clang-format off */
static const struct term environment[] = {
    {"CTFG_...", "Every setting has a variable: see ctfg.yaml(5)."},
    {"CTFG_API_TOKEN, CTFG_ADMIN_TOKEN, CTFG_DISPLAY_TOKEN",
     "Allow awards, resets and the room's screen; what a missing one guards is switched off."},
    {"CREDENTIALS_DIRECTORY",
     "Set by systemd: a folder with a file a token, called as its variable. It wins over the others."},
    {"NOTIFY_SOCKET, WATCHDOG_USEC, LISTEN_FDS",
     "Set by systemd: readiness, watchdog, and sockets that are open already."},
};
static const struct term files[] = {
    {"challenges.json", "The challenges; an argument of the commands above names another file."},
    {"credentials.csv", "Who plays: username and password, one a line."},
    {"ctfg.yaml", "The settings; optional."},
    {".env", "Tokens and settings as variables; optional."},
    {"game-clusters.yaml, images/, index.html, favicon.ico, css/, js/, fonts/", "Optional."},
    {"events.db", "The database, in the folder that --dbdir names."},
};
static const struct term signals[] = {
    {"SIGHUP", "Reads the game's files again; a mistake changes nothing but the log."},
    {"SIGTERM, SIGINT", "Finishes what is under way and stops; the second one hurries."},
    {"SIGUSR1", "Opens log.file anew, after a rotation."},
    {"SIGUSR2", "Hands over to the program that now has the same path; no connection is refused."},
};
static const struct term statuses[] = {
    {"0", "All is well."},
    {"1", "What was asked for failed."},
    {"2", "The game's files, a setting or the database cannot be used; the lines say why."},
    {"64", "The command line is wrong."},
    {"67", "There is no user of that name."},
    {"69", "An address cannot be listened at, or log.file not be written."},
    {"70", "A process died again and again before the server ever served."},
    {"71", "The system gives no memory, or no signals; the line says which."},
    {"73", "init: the folder is not empty, or cannot be written."},
};
/* clang-format on */

static void write_terms(const char *title, const struct term *terms, size_t count)
{
    printf(".SH \"%s\"\n", title);
    for (size_t i = 0; i < count; i++) {
        fputs(".TP\n.B ", stdout);
        roff_write(stdout, terms[i].term);
        fputc('\n', stdout);
        roff_write(stdout, terms[i].text);
        fputc('\n', stdout);
    }
}

static void write_commands(void)
{
    fputs(".SH COMMANDS\n", stdout);
    for (uint32_t i = 0; command_at(i) != NULL; i++) {
        if (command_at(i)->sentence != NULL) {
            fputs(".TP\n.B ctfg ", stdout);
            roff_write(stdout, command_at(i)->usage);
            fputc('\n', stdout);
            roff_write(stdout, command_at(i)->sentence);
            fputs(".\n", stdout);
        }
    }
}

static void write_flags(void)
{
    fputs(".SH OPTIONS\n", stdout);
    for (uint32_t i = 0; options_flag_at(i) != NULL; i++) {
        const struct settings_row *row = options_flag_at(i);

        fputs(".TP\n", stdout);
        roff_write_flag(stdout, row->letter, row->flag, row->argument);
        fputc('\n', stdout);
        roff_write(stdout, row->sentence);
        if (row->kind != SETTINGS_BOOL && row->initial[0] != '\0') {
            fputs(" [", stdout);
            roff_write(stdout, row->initial);
            fputc(']', stdout);
        }
        fputc('\n', stdout);
    }
    for (uint32_t i = 0; options_special_at(i) != NULL; i++) {
        const struct options_special_row *row = options_special_at(i);

        printf(".TP\n%s: ", row->command);
        roff_write_flag(stdout, 0, row->name + strlen("--"), row->argument);
        fputc('\n', stdout);
        roff_write(stdout, row->sentence);
        fputc('\n', stdout);
    }
}

static void print_manual(void)
{
    printf(".TH CTFG 1 \"\" \"ctfg %s\" \"User Commands\"\n", CTFG_VERSION);
    fputs(
        ".SH NAME\nctfg \\- a Capture\\-The\\-Flag game engine\n"
        ".SH SYNOPSIS\n.B ctfg\n[\\fICOMMAND\\fR] [\\fIFLAGS\\fR] [\\fIchallenges.json\\fR]\n"
        ".SH DESCRIPTION\n"
        "ctfg serves a Capture\\-The\\-Flag game over HTTP: the page players see, its API, a live "
        "stream of solves and a scoreboard.\n"
        "It stays in the foreground, logs to standard error, and writes one line with its "
        "address when it serves.\n"
        "A game is a folder:\n.B ctfg init\nwrites one to start from,\n.B ctfg check\n"
        "lists every mistake in one.\n",
        stdout);
    write_commands();
    write_flags();
    write_terms("ENVIRONMENT", environment, ARRAY_LEN(environment));
    write_terms("FILES", files, ARRAY_LEN(files));
    write_terms("SIGNALS", signals, ARRAY_LEN(signals));
    write_terms("EXIT STATUS", statuses, ARRAY_LEN(statuses));
    fputs(".SH SEE ALSO\n.BR ctfg.yaml (5),\n.BR systemctl (1)\n", stdout);
}

static void print_settings_manual(void)
{
    printf(".TH CTFG.YAML 5 \"\" \"ctfg %s\" \"File Formats\"\n", CTFG_VERSION);
    settings_write_manual(stdout);
}

/* ---- completion for bash ----------------------------------------------------------------------- */

/* What completes a flag's value, by the word the flag's table calls it; the rest is known to its
 * user alone. */
static const struct {
    const char *argument;
    const char *compgen;
} completions[] = {{"DIR", "-d"}, {"FILE", "-f"}, {"NAME", "-u"}};

static const char *compgen_for(const char *argument)
{
    for (size_t i = 0; i < ARRAY_LEN(completions); i++) {
        if (strcmp(argument, completions[i].argument) == 0) {
            return completions[i].compgen;
        }
    }
    return "-W ''";
}

static void print_completion(void)
{
    fputs("# completion for bash, written by `ctfg print completion`\n"
          "_ctfg() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
          "    case $prev in\n",
          stdout);
    for (uint32_t i = 0; options_flag_at(i) != NULL; i++) {
        const struct settings_row *row = options_flag_at(i);

        if (row->argument != NULL) {
            fputs("        ", stdout);
            if (row->letter != 0) {
                printf("-%c | ", row->letter);
            }
            printf("--%s) mapfile -t COMPREPLY < <(compgen %s -- \"$cur\") && return ;;\n",
                   row->flag, compgen_for(row->argument));
        }
    }
    for (uint32_t i = 0; options_special_at(i) != NULL; i++) {
        printf("        %s) mapfile -t COMPREPLY < <(compgen %s -- \"$cur\") && return ;;\n",
               options_special_at(i)->name, compgen_for(options_special_at(i)->argument));
    }
    fputs("        print) mapfile -t COMPREPLY < <(compgen -W"
          " 'settings manual settings-manual completion' -- \"$cur\") && return ;;\n"
          "    esac\n"
          "    case $cur in\n"
          "        -*) mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    for (uint32_t i = 0; options_flag_at(i) != NULL; i++) {
        printf("%s--%s", i == 0 ? "" : " ", options_flag_at(i)->flag);
    }
    for (uint32_t i = 0; options_special_at(i) != NULL; i++) {
        printf(" %s", options_special_at(i)->name);
    }
    fputs("' -- \"$cur\") ;;\n"
          "        *) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
          "    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen -W '",
          stdout);
    for (uint32_t i = 0; command_at(i) != NULL; i++) {
        if (command_at(i)->sentence != NULL) {
            printf("%s%s", i == 0 ? "" : " ", command_at(i)->name);
        }
    }
    fputs("' -- \"$cur\")\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _ctfg ctfg\n",
          stdout);
}

/* ---- which of them ----------------------------------------------------------------------------- */

static void print_settings(void)
{
    settings_write_sample(stdout);
}

int cmd_print(struct options *options)
{
    static const struct {
        const char *name;
        void (*print)(void);
    } texts[] = {
        {"settings", print_settings},
        {"manual", print_manual},
        {"settings-manual", print_settings_manual},
        {"completion", print_completion},
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(options->arguments[0], texts[i].name) == 0) {
            texts[i].print();
            return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
        }
    }
    (void)fprintf(stderr,
                  "ctfg: print knows settings, manual, settings-manual and completion, "
                  "not \"%s\"\n",
                  options->arguments[0]);
    return EX_USAGE;
}
