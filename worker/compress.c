/* SPDX-License-Identifier: MIT */
/* compress.c - gzip (RFC 1952), deflate pieces (RFC 1951) and brotli (RFC 7932) in memory. */
#include "worker/compress.h"

#include <limits.h>
#include <stdlib.h>

#include <brotli/encode.h>
#include <zlib.h>

#define GZIP_WINDOW_BITS (15 + 16) /* zlib's way to ask for a gzip head and trailer */
#define RAW_WINDOW_BITS (-15)      /* and for neither */
#define MEMORY_LEVEL 8
/* Level 1 deflates a board at over 100 MB/s and makes it but a tenth larger than level 6. */
#define FAST_LEVEL 1
/* Of pieces: a line is most like the one before it, so the nearest place that matches is looked at and no
 * other.  A quarter faster than level 1 by itself, and no larger (deflateTune() in zlib.h). */
#define MATCH_GOOD 4
#define MATCH_LAZY 4
#define MATCH_NICE 258
#define MATCH_CHAIN 1
#define FAST_BROTLI_QUALITY 4
/* Above it, brotli's best takes seconds: a start must not. */
#define BEST_BROTLI_BYTES_MAX (256u << 10)
#define LARGE_BROTLI_QUALITY 9

/* deflate() takes 32-bit sizes; nothing we compress comes near. */
static bool fits_zlib(struct str bytes)
{
    return bytes.len <= UINT_MAX / 2;
}

/* Runs deflate() over all of `bytes` into room for its worst case. */
static bool deflate_all(z_stream *stream, struct str bytes, int flush, struct buf *out)
{
    size_t room = deflateBound(stream, (uLong)bytes.len) + 16; /* 16: an empty block for a flush */

    if (!buf_reserve(out, room)) {
        return false;
    }
    stream->next_in = (z_const Bytef *)bytes.data;
    stream->avail_in = (uInt)bytes.len;
    stream->next_out = (Bytef *)out->data + out->len;
    stream->avail_out = (uInt)room;
    int status = deflate(stream, flush);
    if (status != (flush == Z_FINISH ? Z_STREAM_END : Z_OK) || stream->avail_in > 0) {
        out->failed = true;
        return false;
    }
    out->len += room - stream->avail_out;
    return true;
}

bool compress_gzip(struct str bytes, enum compress_effort effort, struct buf *out)
{
    z_stream stream = {0};
    int level = effort == COMPRESS_BEST ? Z_BEST_COMPRESSION : FAST_LEVEL;

    if (!fits_zlib(bytes) || deflateInit2(&stream, level, Z_DEFLATED, GZIP_WINDOW_BITS,
                                          MEMORY_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
        return false;
    }
    bool ok = deflate_all(&stream, bytes, Z_FINISH, out);

    (void)deflateEnd(&stream);
    return ok;
}

bool compress_brotli(struct str bytes, enum compress_effort effort, struct buf *out)
{
    int quality = FAST_BROTLI_QUALITY;
    size_t len = BrotliEncoderMaxCompressedSize(bytes.len);

    if (effort == COMPRESS_BEST) {
        quality = bytes.len > BEST_BROTLI_BYTES_MAX ? LARGE_BROTLI_QUALITY : BROTLI_MAX_QUALITY;
    }
    if (len == 0 || !buf_reserve(out, len) ||
        BrotliEncoderCompress(quality, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, bytes.len,
                              (const uint8_t *)bytes.data, &len,
                              (uint8_t *)out->data + out->len) == BROTLI_FALSE) {
        return false;
    }
    out->len += len;
    return true;
}

/* ---- Accept-Encoding ---- */

/* "0", "0.5", "1.000" in thousandths; anything else counts as 0: not wanted. */
static uint32_t quality_of(struct str text)
{
    uint64_t whole;
    uint32_t quality = 0;
    struct str digit = {text.data, 1};

    if (text.len == 0 || !str_to_u64(digit, 0, 1, &whole)) {
        return 0;
    }
    for (size_t i = 2; i < 5; i++) {
        bool there = i < text.len && text.data[i] >= '0' && text.data[i] <= '9';

        quality = quality * 10 + (there ? (uint32_t)(text.data[i] - '0') : 0);
    }
    return whole == 1 ? 1000 : quality;
}

/* One element of the list: "gzip", "br;q=0.5". */
static struct str coding_of(struct str element, uint32_t *ret_quality)
{
    struct str coding;
    struct str parameter;

    *ret_quality = 1000;
    if (!str_split(&element, ';', &coding)) {
        return (struct str){0};
    }
    while (str_split(&element, ';', &parameter)) {
        parameter = str_trim(parameter);
        if (str_starts_with_nocase(parameter, STR("q="))) {
            *ret_quality = quality_of((struct str){parameter.data + 2, parameter.len - 2});
        }
    }
    return str_trim(coding);
}

struct str compress_choose(struct str accept_encoding, bool have_br, bool have_gzip)
{
    struct {
        struct str name;
        bool have;
        bool named;
        uint32_t quality;
    } forms[] = {
        /* Equal wishes: the smaller form first. */
        {.name = STR("br"), .have = have_br},
        {.name = STR("gzip"), .have = have_gzip},
    };
    struct str element;
    uint32_t any_quality = 0;
    uint32_t best = 0;
    struct str choice = STR("");

    while (str_split(&accept_encoding, ',', &element)) {
        uint32_t quality;
        struct str coding = coding_of(element, &quality);

        any_quality = str_equal(coding, STR("*")) ? quality : any_quality;
        for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
            if (str_equal_nocase(coding, forms[i].name)) {
                forms[i].named = true;
                forms[i].quality = quality;
            }
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        uint32_t quality = forms[i].named ? forms[i].quality : any_quality;

        if (forms[i].have && quality > best) {
            best = quality;
            choice = forms[i].name;
        }
    }
    return choice;
}

/* ---- a gzip stream from pieces ---- */

struct deflater {
    z_stream stream;
};

struct deflater *deflater_new(void)
{
    struct deflater *deflater = calloc(1, sizeof(*deflater));

    if (deflater == NULL ||
        deflateInit2(&deflater->stream, FAST_LEVEL, Z_DEFLATED, RAW_WINDOW_BITS, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK ||
        deflateTune(&deflater->stream, MATCH_GOOD, MATCH_LAZY, MATCH_NICE, MATCH_CHAIN) != Z_OK) {
        free(deflater);
        return NULL;
    }
    return deflater;
}

void deflater_free(struct deflater *deflater)
{
    if (deflater != NULL) {
        (void)deflateEnd(&deflater->stream);
        free(deflater);
    }
}

bool deflater_piece(struct deflater *deflater, struct str bytes, struct buf *out, uint32_t *ret_crc)
{
    /* A reset forgets the window, so the piece refers to nothing before it; the flush ends it on a
     * byte without marking the end of the stream. */
    if (!fits_zlib(bytes) || deflateReset(&deflater->stream) != Z_OK ||
        !deflate_all(&deflater->stream, bytes, Z_SYNC_FLUSH, out)) {
        return false;
    }
    *ret_crc = (uint32_t)crc32(crc32(0, NULL, 0), (const Bytef *)bytes.data, (uInt)bytes.len);
    return true;
}

void compress_join_begin(struct compress_join *join, struct buf *out)
{
    /* Magic, deflate, no flags, no time, "fastest", unknown system (RFC 1952, 2.3). */
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255};

    *join = (struct compress_join){.out = out};
    buf_append(out, head, sizeof(head));
}

void compress_join_piece(struct compress_join *join, struct str deflated, uint32_t crc,
                         size_t plain_bytes)
{
    buf_append_str(join->out, deflated);
    join->crc = (uint32_t)crc32_combine(join->crc, crc, (z_off_t)plain_bytes);
    join->plain_bytes += (uint32_t)plain_bytes;
}

void compress_join_byte(struct compress_join *join, char byte)
{
    /* A stored block of one byte (RFC 1951, 3.2.4): type 0, length, its complement. */
    const unsigned char block[] = {0, 1, 0, 0xfe, 0xff, (unsigned char)byte};

    buf_append(join->out, block, sizeof(block));
    join->crc = (uint32_t)crc32(join->crc, (const Bytef *)&byte, 1);
    join->plain_bytes++;
}

static void append_le32(struct buf *out, uint32_t value)
{
    for (int shift = 0; shift < 32; shift += 8) {
        buf_append_char(out, (char)(value >> shift & 0xff));
    }
}

void compress_join_end(struct compress_join *join)
{
    /* A last, empty block with fixed codes: what the pieces left open. */
    static const unsigned char last_block[] = {3, 0};

    buf_append(join->out, last_block, sizeof(last_block));
    append_le32(join->out, join->crc);
    append_le32(join->out, join->plain_bytes);
}
