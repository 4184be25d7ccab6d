/* SPDX-License-Identifier: MIT */
/*
 * settings_fuzz.c - ctfg.yaml, .env and the lines of flags through the real loader: every value is
 * within its row's range, or there is a mistake with a line.
 *
 * The first byte says which of them the rest is.
 */
#include "conf/files.c" /* append_entry() */

#include "conf/settings_table.h"
#include "test/fuzz/fuzz.h"

static const char *const names[] = {"ctfg.yaml", "overrides", ".env"};

static struct game_files files_with(const char *name, struct str bytes)
{
    struct diag diag = {0};
    struct reader reader = {.piece = BUF_INIT(PIECE_BYTES_MAX), .diag = &diag};
    struct piece_head head = {0};

    buf_append(&reader.piece, &head, sizeof(head));
    append_entry(&reader, name, name, bytes);
    finish_head(&reader);
    CHECK(!reader.piece.failed);
    return (struct game_files){.piece = reader.piece.data, .size_bytes = reader.piece.len};
}

static void check_text(const struct settings_row *row, struct str text)
{
    CHECK(text.len <= row->most);
    CHECK(text.len == 0 || memchr(text.data, '\0', text.len) == NULL);
}

static void check_row(const struct settings_row *row, const struct settings *settings)
{
    const char *field = (const char *)settings + row->offset;
    uint32_t number;

    switch (row->kind) {
    case SETTINGS_COUNT:
    case SETTINGS_BYTES:
    case SETTINGS_MS:
    case SETTINGS_SECONDS:
    case SETTINGS_LIMIT: /* its burst comes first */
        memcpy(&number, field, sizeof(number));
        CHECK(number >= row->least && number <= row->most);
        break;
    case SETTINGS_LIST: {
        const struct settings_list *list = (const void *)field;

        CHECK(list->count <= SETTINGS_LIST_MAX);
        for (uint32_t i = 0; i < list->count; i++) {
            check_text(row, list->items[i]);
        }
        break;
    }
    case SETTINGS_MOMENT: { /* of the years 2000 to 2199, or 0 */
        uint64_t ms;

        memcpy(&ms, field, sizeof(ms));
        CHECK(ms == 0 || (ms >= 946598400000 && ms < 7258204800000));
        break;
    }
    case SETTINGS_BOOL:
        CHECK(*field == 0 || *field == 1);
        break;
    case SETTINGS_TEXT:
    case SETTINGS_CHOICE:
    case SETTINGS_COLOUR:
    case SETTINGS_ENDPOINT:
    case SETTINGS_STREAM_URL:
    case SETTINGS_ADDRESS:
    case SETTINGS_IMAGE:
        check_text(row, *(const struct str *)(const void *)field);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings settings = {0};
    struct arena arena = {0};
    struct diag diag = {0};

    fuzz_begin();
    if (size < 1) {
        return 0;
    }
    char *copy = fuzz_copy(data + 1, size - 1);
    struct game_files files =
        files_with(names[data[0] % ARRAY_LEN(names)], (struct str){copy, size - 1});
    bool ok = settings_load(&files, &arena, &diag, &settings);

    CHECK(ok == (diag.errors == 0));
    for (uint32_t i = 0; ok && i < settings_row_count; i++) {
        check_row(&settings_rows[i], &settings);
    }
    diag_free(&diag);
    arena_free(&arena);
    files_free(&files);
    free(copy);
    return 0;
}
