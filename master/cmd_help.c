/* SPDX-License-Identifier: MIT */
/* cmd_help.c - `ctfg help`: every command and every flag, a line each. */
#include <stdio.h>

#include "conf/settings_table.h"
#include "master/command.h"
#include "master/options.h"
#include "shm/base/version.h"

int cmd_help(struct options *options)
{
    (void)options;
    (void)printf("ctfg %s, a Capture-The-Flag game engine.\n\n", CTFG_VERSION);
    for (uint32_t i = 0; command_at(i) != NULL; i++) {
        if (command_at(i)->sentence != NULL) {
            (void)printf("  ctfg %-39s %s\n", command_at(i)->usage, command_at(i)->sentence);
        }
    }
    (void)printf("\nFlags:\n");
    for (uint32_t i = 0; options_flag_at(i) != NULL; i++) {
        settings_write_help(stdout, options_flag_at(i));
    }
    (void)printf("\nFlags of one command:\n");
    for (uint32_t i = 0; options_special_at(i) != NULL; i++) {
        const struct options_special_row *row = options_special_at(i);
        char left[64];

        (void)snprintf(left, sizeof(left), "%s: %s %s", row->command, row->name, row->argument);
        (void)printf("  %-39s %s\n", left, row->sentence);
    }
    return 0;
}
