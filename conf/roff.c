/* SPDX-License-Identifier: MIT */
/* roff.c - escapes, and how a flag looks. */
#include "conf/roff.h"

#include <stdbool.h>

void roff_write(FILE *out, const char *text)
{
    bool is_start = true;

    for (; *text != '\0'; text++) {
        if (is_start && (*text == '.' || *text == '\'')) {
            fputs("\\&", out);
        }
        if (*text == '\\') {
            fputs("\\e", out);
        } else if (*text == '-') {
            fputs("\\-", out);
        } else {
            fputc(*text, out);
        }
        is_start = *text == '\n';
    }
}

void roff_write_flag(FILE *out, char letter, const char *flag, const char *argument)
{
    if (letter != 0) {
        fprintf(out, "\\fB\\-%c\\fR, ", letter);
    }
    fputs("\\fB\\-\\-", out);
    roff_write(out, flag);
    fputs("\\fR", out);
    if (argument != NULL) {
        fputs(" \\fI", out);
        roff_write(out, argument);
        fputs("\\fR", out);
    }
}
