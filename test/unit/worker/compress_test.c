/* SPDX-License-Identifier: MIT */
/* compress_test.c - what is compressed unpacks to the same; pieces join to one stream; the choice. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "worker/compress.h"

/* By zlib's own reader: head, trailer and CRC are checked by it. */
static void assert_unpacks_to(const struct buf *packed, struct str plain)
{
    z_stream stream = {0};
    size_t room = plain.len + 1;
    Bytef *out = malloc(room);

    assert_non_null(out);
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    stream.next_in = (z_const Bytef *)packed->data;
    stream.avail_in = (uInt)packed->len;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    assert_int_equal(inflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(stream.total_out, plain.len);
    assert_memory_equal(out, plain.data, plain.len);
    (void)inflateEnd(&stream);
    free(out);
}

static struct buf sample(size_t len)
{
    struct buf text = BUF_INIT(1 << 24);

    while (text.len < len) {
        buf_printf(&text, "{\"id\":%zu,\"name\":\"player\"},", text.len);
    }
    return text;
}

static void gzip_unpacks_to_the_same(void **state)
{
    struct buf text = sample(100000);
    struct buf packed = BUF_INIT(1 << 20);

    (void)state;
    assert_true(compress_gzip(buf_str(&text), COMPRESS_BEST, &packed));
    assert_true(packed.len < text.len / 3);
    assert_unpacks_to(&packed, buf_str(&text));
    buf_free(&packed);
    buf_free(&text);
}

static void a_bound_that_is_too_small_is_an_error(void **state)
{
    struct buf text = sample(100000);
    struct buf packed = BUF_INIT(100);

    (void)state;
    assert_false(compress_gzip(buf_str(&text), COMPRESS_FAST, &packed));
    assert_int_equal(packed.len, 0);
    buf_free(&packed);
    packed = BUF_INIT(100);
    assert_false(compress_brotli(buf_str(&text), COMPRESS_FAST, &packed));
    buf_free(&packed);
    buf_free(&text);
}

static void pieces_join_to_one_stream_in_any_order(void **state)
{
    static const size_t lens[] = {0, 1, 300, 70000, 5};
    static const size_t order[] = {3, 0, 2, 2, 4, 1, 3};
    struct deflater *deflater = deflater_new();
    struct buf plain[ARRAY_LEN(lens)];
    struct buf piece[ARRAY_LEN(lens)];
    uint32_t crc[ARRAY_LEN(lens)];
    struct buf out = BUF_INIT(1 << 20);
    struct buf whole = BUF_INIT(1 << 20);
    struct compress_join join;

    (void)state;
    assert_non_null(deflater);
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        plain[i] = sample(lens[i]);
        piece[i] = BUF_INIT(1 << 20);
        assert_true(deflater_piece(deflater, buf_str(&plain[i]), &piece[i], &crc[i]));
    }
    compress_join_begin(&join, &out);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        size_t at = order[i];

        compress_join_piece(&join, buf_str(&piece[at]), crc[at], plain[at].len);
        compress_join_byte(&join, ',');
        buf_append_str(&whole, buf_str(&plain[at]));
        buf_append_char(&whole, ',');
    }
    compress_join_end(&join);
    assert_false(out.failed);
    assert_unpacks_to(&out, buf_str(&whole));
    for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
        buf_free(&plain[i]);
        buf_free(&piece[i]);
    }
    buf_free(&out);
    buf_free(&whole);
    deflater_free(deflater);
}

static void the_client_chooses(void **state)
{
    static const struct {
        const char *accept;
        bool have_br;
        bool have_gzip;
        const char *wanted;
    } rows[] = {
        {"gzip, deflate, br", true, true, "br"},
        {"gzip, deflate, br", false, true, "gzip"},
        {"gzip, deflate, br", true, false, "br"},
        {"gzip, deflate, br", false, false, ""},
        {"br;q=0.5, gzip", true, true, "gzip"},
        {"br;q=0, gzip;q=0", true, true, ""},
        {"GZIP", true, true, "gzip"},
        {"*", true, true, "br"},
        {"*;q=0", true, true, ""},
        {"br;q=0, *", true, true, "gzip"},
        {"gzip;q=0.001", true, true, "gzip"},
        {"gzip;q=bad", true, true, ""},
        {"identity", true, true, ""},
        {"", true, true, ""},
        {",,;q=1,", true, true, ""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct str got =
            compress_choose(str_from(rows[i].accept), rows[i].have_br, rows[i].have_gzip);

        assert_int_equal(got.len, strlen(rows[i].wanted));
        assert_memory_equal(got.data, rows[i].wanted, got.len);
    }
    assert_int_equal(compress_choose((struct str){0}, true, true).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gzip_unpacks_to_the_same),
        cmocka_unit_test(a_bound_that_is_too_small_is_an_error),
        cmocka_unit_test(pieces_join_to_one_stream_in_any_order),
        cmocka_unit_test(the_client_chooses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
