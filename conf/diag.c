/* SPDX-License-Identifier: MIT */
/* diag.c - collects the mistakes in a game's files; see diag.h. */
#include "conf/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/base/check.h"

/* A sentence with two names in it fits; what a file puts into it beyond that is cut. */
#define DIAG_LINE_BYTES 640

/* Names come from files: one entry stays one line, and a terminal sees no escape sequence. */
static void make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            *text = '?';
        }
    }
}

static void PRINTF_LIKE(5, 0) diag_add(struct diag *diag, bool is_warning, const char *file,
                                       uint32_t line, const char *format, va_list arguments)
{
    char text[DIAG_LINE_BYTES];
    int used;

    if (is_warning) {
        diag->warnings++;
    } else {
        diag->errors++;
    }
    if (diag->count == DIAG_MAX) {
        return;
    }
    if (diag->lines == NULL) {
        diag->lines = calloc(DIAG_MAX, sizeof(*diag->lines));
        diag->is_warning = calloc(DIAG_MAX, sizeof(*diag->is_warning));
        CHECK(diag->lines != NULL && diag->is_warning != NULL);
    }
    if (line > 0) {
        used = snprintf(text, sizeof(text), "%.200s:%u: ", file, line);
    } else {
        used = snprintf(text, sizeof(text), "%.200s: ", file);
    }
    CHECK(used > 0 && (size_t)used < sizeof(text));
    CHECK(vsnprintf(text + used, sizeof(text) - (size_t)used, format, arguments) >= 0);
    make_printable(text);
    diag->lines[diag->count] = strdup(text);
    CHECK(diag->lines[diag->count] != NULL);
    diag->is_warning[diag->count] = is_warning;
    diag->count++;
}

void diag_error(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diag_add(diag, false, file, line, format, arguments);
    va_end(arguments);
}

void diag_warning(struct diag *diag, const char *file, uint32_t line, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diag_add(diag, true, file, line, format, arguments);
    va_end(arguments);
}

void diag_print(const struct diag *diag)
{
    for (uint32_t i = 0; i < diag->count; i++) {
        fprintf(stderr, "%s: %s\n", diag->is_warning[i] ? "warning" : "error", diag->lines[i]);
    }
    if (diag->errors + diag->warnings > diag->count) {
        fprintf(stderr, "... and %u more\n", diag->errors + diag->warnings - diag->count);
    }
    if (diag->errors + diag->warnings > 0) {
        fprintf(stderr, "%u error%s, %u warning%s\n", diag->errors, diag->errors == 1 ? "" : "s",
                diag->warnings, diag->warnings == 1 ? "" : "s");
    }
}

void diag_free(struct diag *diag)
{
    for (uint32_t i = 0; i < diag->count; i++) {
        free(diag->lines[i]);
    }
    free(diag->lines);
    free(diag->is_warning);
    *diag = (struct diag){0};
}
