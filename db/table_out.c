/* SPDX-License-Identifier: MIT */
/* table_out.c - a row is built in one buffer and written at once. */

#include "db/table_out.h"

#include <string.h>
#include <time.h>

/* A guess is at most as long as a request's body, which JSON may make six times longer. */
#define ROW_BYTES_MAX (8u << 20)
#define TIME_BYTES 48

static struct str time_text(int64_t ts_us, char text[TIME_BYTES])
{
    time_t seconds = (time_t)(ts_us / 1000000);
    struct tm utc;

    if (gmtime_r(&seconds, &utc) == NULL) {
        return STR("");
    }
    size_t len = strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);

    len += (size_t)snprintf(text + len, TIME_BYTES - len, ".%03dZ", (int)(ts_us / 1000 % 1000));
    return (struct str){text, len};
}

/* ---- CSV --------------------------------------------------------------------------------------- */

static void csv_text(struct buf *row, struct str text)
{
    bool is_formula = text.len > 0 && memchr("=+-@\t\r\n", text.data[0], 7) != NULL;
    bool is_quoted = is_formula;

    for (size_t i = 0; i < text.len && !is_quoted; i++) {
        is_quoted = memchr(",\"\r\n", text.data[i], 4) != NULL;
    }
    if (!is_quoted) {
        buf_append_str(row, text);
        return;
    }
    buf_append_char(row, '"');
    if (is_formula) {
        buf_append_char(row, '\'');
    }
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            buf_append_char(row, '"');
        }
        buf_append_char(row, text.data[i]);
    }
    buf_append_char(row, '"');
}

/* As JSON has it: a byte that is no UTF-8, of an older file, becomes U+FFFD. */
static void csv_utf8(struct buf *row, struct str text)
{
    struct buf mended = BUF_INIT(ROW_BYTES_MAX);

    if (str_is_utf8(text)) {
        csv_text(row, text);
        return;
    }
    for (size_t at = 0; at < text.len;) {
        size_t len = str_utf8_len(text.data + at, text.len - at);

        buf_append_str(&mended, len > 0 ? (struct str){text.data + at, len} : STR("\xEF\xBF\xBD"));
        at += len > 0 ? len : 1;
    }
    csv_text(row, (struct str){mended.data, mended.len});
    buf_free(&mended);
}

static void csv_cell(struct buf *row, const struct table_cell *cell)
{
    char text[TIME_BYTES];

    switch (cell->kind) {
    case TABLE_NONE:
        break;
    case TABLE_NUMBER:
        buf_append_i64(row, cell->number);
        break;
    case TABLE_TEXT:
        csv_utf8(row, cell->text);
        break;
    case TABLE_TIME:
        buf_append_str(row, time_text(cell->number, text));
        break;
    case TABLE_BOOL:
        buf_append_str(row, cell->number != 0 ? STR("true") : STR("false"));
        break;
    }
}

static void csv_row(struct table_out *table, const struct table_cell *cells, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) {
            buf_append_char(&table->row, ',');
        }
        csv_cell(&table->row, &cells[i]);
    }
    buf_append_str(&table->row, STR("\r\n"));
}

/* ---- JSON -------------------------------------------------------------------------------------- */

static void json_cell(struct table_out *table, const struct table_cell *cell)
{
    char text[TIME_BYTES];

    json_key(&table->json, cell->name);
    switch (cell->kind) {
    case TABLE_NONE:
        json_null(&table->json);
        break;
    case TABLE_NUMBER:
        json_i64(&table->json, cell->number);
        break;
    case TABLE_TEXT:
        json_str(&table->json, cell->text);
        break;
    case TABLE_TIME:
        json_str(&table->json, time_text(cell->number, text));
        break;
    case TABLE_BOOL:
        json_bool(&table->json, cell->number != 0);
        break;
    }
}

/* ---- both -------------------------------------------------------------------------------------- */

/* What has been built goes out; a row that did not fit is an error of the stream, never half a row. */
static void flush(struct table_out *table)
{
    if (!table->row.failed && table->row.len > 0) {
        (void)fwrite(table->row.data, 1, table->row.len, table->out);
        buf_reset(&table->row);
    }
}

void table_out_begin(struct table_out *table, FILE *out, enum table_format format)
{
    *table = (struct table_out){.out = out, .format = format, .row = BUF_INIT(ROW_BYTES_MAX)};
    table->json = JSON_OUT(&table->row);
    if (format == TABLE_JSON) {
        json_object_begin(&table->json);
    }
}

void table_out_value(struct table_out *table, const struct table_cell *cell)
{
    if (table->format == TABLE_JSON) {
        json_cell(table, cell);
    }
}

void table_out_open(struct table_out *table, const char *name, const struct table_cell *cells,
                    uint32_t count)
{
    if (table->format == TABLE_JSON) {
        json_key(&table->json, name);
        json_array_begin(&table->json);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        buf_printf(&table->row, "%s%s", i > 0 ? "," : "", cells[i].name);
    }
    buf_append_str(&table->row, STR("\r\n"));
}

void table_out_row(struct table_out *table, const struct table_cell *cells, uint32_t count)
{
    if (table->format == TABLE_CSV) {
        csv_row(table, cells, count);
    } else {
        buf_append_str(&table->row, table->json.need_comma ? STR("") : STR("\n"));
        json_object_begin(&table->json);
        for (uint32_t i = 0; i < count; i++) {
            json_cell(table, &cells[i]);
        }
        json_object_end(&table->json);
        buf_append_char(&table->row, '\n');
    }
    flush(table);
}

void table_out_close(struct table_out *table)
{
    if (table->format == TABLE_JSON) {
        json_array_end(&table->json);
    }
    flush(table);
}

bool table_out_end(struct table_out *table)
{
    if (table->format == TABLE_JSON) {
        json_object_end(&table->json);
        buf_append_char(&table->row, '\n');
    }
    flush(table);
    bool ok = !table->row.failed && fflush(table->out) == 0 && ferror(table->out) == 0;

    buf_free(&table->row);
    return ok;
}
