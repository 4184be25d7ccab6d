/* SPDX-License-Identifier: MIT */
/* page.c - the table of static files: built once a game, looked up by exact path. */
#include "worker/page.h"

#include <stdlib.h>
#include <string.h>

#include "conf/game.h"
#include "shm/base/hash.h"
#include "worker/blob.h"
#include "worker/compress.h"
#include "worker/context.h"
#include "worker/etag.h"
#include "worker/page_data.h"
#include "worker/page_path.h"
#include "worker/response.h"
#include "worker/route.h"

/* Below it a compressed form saves less than its headers cost. */
#define COMPRESS_BYTES_MIN 256
/* Of a page's text, in the order of its files, what is compressed as well as can be: that takes two
 * seconds a megabyte, and a reload has ten (RELOAD_ANSWER_US).  The rest is compressed fast. */
#define BEST_BYTES_MAX (1u << 20)
#define INDEX_PATH "/index.html"

/* One file as it is served.  Blobs with a NULL are forms there are none of. */
struct page_file {
    struct str path; /* borrowed: of the program or of the game */
    struct str type;
    struct blob *plain;
    struct blob *br;
    struct blob *gz;
    uint64_t hash; /* of the plain bytes: every form's ETag */
    enum compress_effort effort;
    bool was_compressed; /* when the page was built */
    bool hashed_name;
    bool is_html;
};

struct page {
    uint32_t file_count;
    uint32_t bucket_mask;
    struct page_file *files;
    uint32_t *buckets; /* index + 1 of a file; 0: free */
    bool own_page;
    bool developer_mode;
    struct str own_csp;
};

/* ---- what a file is ---- */

/* clang-format off */
static const struct content_type {
    const char *ending;
    const char *type;
    bool is_text;
} content_types[] = {
    {".html",  "text/html; charset=utf-8",       true},
    {".htm",   "text/html; charset=utf-8",       true},
    {".css",   "text/css; charset=utf-8",        true},
    {".js",    "text/javascript; charset=utf-8", true},
    {".mjs",   "text/javascript; charset=utf-8", true},
    {".json",  "application/json",               true},
    {".map",   "application/json",               true},
    {".webmanifest", "application/manifest+json", true},
    {".txt",   "text/plain; charset=utf-8",      true},
    {".md",    "text/plain; charset=utf-8",      true},
    {".svg",   "image/svg+xml",                  true},
    {".xml",   "application/xml",                true},
    {".wasm",  "application/wasm",               true},
    {".png",   "image/png",                      false},
    {".jpg",   "image/jpeg",                     false},
    {".jpeg",  "image/jpeg",                     false},
    {".gif",   "image/gif",                      false},
    {".webp",  "image/webp",                     false},
    {".avif",  "image/avif",                     false},
    {".ico",   "image/x-icon",                   false},
    {".woff",  "font/woff",                      false},
    {".woff2", "font/woff2",                     false},
    {".ttf",   "font/ttf",                       false},
    {".otf",   "font/otf",                       false},
    {".mp3",   "audio/mpeg",                     false},
    {".mp4",   "video/mp4",                      false},
    {".pdf",   "application/pdf",                false},
};
/* clang-format on */

static const struct content_type unknown_type = {"", "application/octet-stream", false};

static bool ends_with(struct str s, struct str ending)
{
    return s.len >= ending.len &&
           str_equal_nocase((struct str){s.data + s.len - ending.len, ending.len}, ending);
}

static const struct content_type *content_type_of(struct str path)
{
    for (size_t i = 0; i < ARRAY_LEN(content_types); i++) {
        if (ends_with(path, str_from(content_types[i].ending))) {
            return &content_types[i];
        }
    }
    return &unknown_type;
}

/* ---- building ---- */

/* Makes one compressed form, if it is worth it; NULL is a good answer too. */
static struct blob *compressed(struct str bytes, enum compress_effort effort,
                               bool (*compress)(struct str, enum compress_effort, struct buf *))
{
    struct buf out = BUF_INIT(bytes.len + bytes.len / 8 + 1024);
    struct blob *blob = NULL;

    if (compress(bytes, effort, &out) && out.len < bytes.len) {
        blob = blob_from_buf(&out);
    }
    buf_free(&out);
    return blob;
}

/* The file with these bytes, compressed with that effort, whatever its name was. */
static const struct page_file *find_same(const struct page *last, uint32_t hint,
                                         const struct page_file *file)
{
    for (uint32_t i = 0; last != NULL && i < last->file_count; i++) {
        const struct page_file *other = &last->files[(hint + i) % last->file_count];

        if (other->hash == file->hash && other->plain->len == file->plain->len &&
            other->effort == file->effort && other->was_compressed) {
            return other;
        }
    }
    return NULL;
}

static struct blob *copied(const struct blob *blob)
{
    return blob == NULL ? NULL : blob_copy((struct str){blob->bytes, blob->len});
}

/* A copy, not a reference: counts of references belong to one thread. */
static void compress_file(struct page_file *file, struct str bytes, const struct page_file *same)
{
    file->was_compressed = true;
    if (same != NULL) {
        file->br = copied(same->br);
        file->gz = copied(same->gz);
    } else {
        file->br = compressed(bytes, file->effort, compress_brotli);
        file->gz = compressed(bytes, file->effort, compress_gzip);
    }
}

static struct blob *borrowed(const unsigned char *bytes, size_t len)
{
    return bytes == NULL ? NULL : blob_borrow((struct str){(const char *)bytes, len});
}

static bool add_builtin(struct page_file *file, const struct page_data_file *data)
{
    *file = (struct page_file){
        .path = str_from(data->path),
        .type = str_from(data->type),
        .plain = blob_borrow((struct str){(const char *)data->bytes, data->len}),
        .br = borrowed(data->br, data->br_len),
        .gz = borrowed(data->gz, data->gz_len),
        .hash = hash_bytes(data->bytes, data->len, 0),
        .hashed_name = data->hashed,
        .is_html = ends_with(str_from(data->path), STR(".html")),
    };
    return file->plain != NULL;
}

static bool is_compressible(const struct game_page_file *data)
{
    return content_type_of(data->path)->is_text && data->bytes.len >= COMPRESS_BYTES_MIN;
}

static bool add_game_file(struct page_file *file, const struct game_page_file *data,
                          enum compress_effort effort)
{
    const struct content_type *type = content_type_of(data->path);

    *file = (struct page_file){
        .path = data->path,
        .type = str_from(type->type),
        .plain = blob_borrow(data->bytes),
        .hash = hash_str(data->bytes, 0),
        .effort = effort,
        .hashed_name = page_path_has_hash(data->path),
        .is_html = ends_with(data->path, STR(".html")) || ends_with(data->path, STR(".htm")),
    };
    return file->plain != NULL;
}

static struct page_file *find(const struct page *page, struct str path)
{
    uint32_t at = (uint32_t)hash_str(path, 0) & page->bucket_mask;

    while (page->buckets[at] != 0) {
        struct page_file *file = &page->files[page->buckets[at] - 1];

        if (str_equal(file->path, path)) {
            return file;
        }
        at = (at + 1) & page->bucket_mask;
    }
    return NULL;
}

/* The first of two files with one path wins: the game's images before the built-in ones. */
static void index_file(struct page *page, uint32_t index)
{
    uint32_t at = (uint32_t)hash_str(page->files[index].path, 0) & page->bucket_mask;

    if (find(page, page->files[index].path) != NULL) {
        return;
    }
    while (page->buckets[at] != 0) {
        at = (at + 1) & page->bucket_mask;
    }
    page->buckets[at] = index + 1;
}

static bool is_served(const struct game *game, const struct game_page_file *file)
{
    return game->own_page || str_starts_with(file->path, STR("/images/"));
}

static bool fill(struct page *page, const struct game *game, const struct page *last)
{
    size_t best_bytes = game->settings.developer_mode ? 0 : BEST_BYTES_MAX;

    for (uint32_t i = 0; i < game->page_file_count; i++) {
        const struct game_page_file *data = &game->page_files[i];
        struct page_file *file = &page->files[page->file_count];

        if (!is_served(game, data)) {
            continue;
        }
        page->file_count++;
        bool compress = is_compressible(data);
        bool best = compress && data->bytes.len <= best_bytes;

        best_bytes -= best ? data->bytes.len : 0;
        if (!add_game_file(file, data, best ? COMPRESS_BEST : COMPRESS_FAST)) {
            return false;
        }
        if (compress) {
            compress_file(file, data->bytes, find_same(last, page->file_count - 1, file));
        }
        index_file(page, page->file_count - 1);
    }
    for (size_t i = 0; i < page_data_count && !game->own_page; i++) {
        if (!add_builtin(&page->files[page->file_count++], &page_data_files[i])) {
            return false;
        }
        index_file(page, page->file_count - 1);
    }
    return true;
}

struct page *page_build(const struct game *game, const struct page *last)
{
    struct page *page = calloc(1, sizeof(*page));
    size_t files_max = game->page_file_count + page_data_count + 1;
    size_t buckets = 16;

    if (page == NULL) {
        return NULL;
    }
    while (buckets < files_max * 2) {
        buckets *= 2;
    }
    page->own_page = game->own_page;
    page->developer_mode = game->settings.developer_mode;
    page->own_csp = game->settings.own_page_csp;
    page->bucket_mask = (uint32_t)(buckets - 1);
    page->files = calloc(files_max, sizeof(*page->files));
    page->buckets = calloc(buckets, sizeof(*page->buckets));
    if (page->files == NULL || page->buckets == NULL || !fill(page, game, last)) {
        page_free(page);
        return NULL;
    }
    return page;
}

void page_free(struct page *page)
{
    if (page == NULL) {
        return;
    }
    for (uint32_t i = 0; page->files != NULL && i < page->file_count; i++) {
        blob_unref(page->files[i].plain);
        blob_unref(page->files[i].br);
        blob_unref(page->files[i].gz);
    }
    free(page->files);
    free(page->buckets);
    free(page);
}

static bool is_shared(const struct blob *blob)
{
    return blob != NULL && blob->refs > 1;
}

bool page_is_in_use(const struct page *page)
{
    for (uint32_t i = 0; i < page->file_count; i++) {
        const struct page_file *file = &page->files[i];

        if (is_shared(file->plain) || is_shared(file->br) || is_shared(file->gz)) {
            return true;
        }
    }
    return false;
}

/* ---- answering ---- */

/* Scripts, styles and pictures from here only; Markdown may show the game's own images. */
#define BUILTIN_CSP                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "font-src 'self'; connect-src 'self' ws: wss:; form-action 'self'; base-uri 'none'; "          \
    "frame-ancestors 'none'"

static struct str csp_of(const struct page *page, const struct page_file *file)
{
    if (!file->is_html) {
        return (struct str){0};
    }
    return page->own_page ? page->own_csp : STR(BUILTIN_CSP);
}

static struct str cache_control_of(const struct page *page, const struct page_file *file)
{
    if (page->developer_mode) {
        return STR("no-store");
    }
    return file->hashed_name ? STR("public, max-age=31536000, immutable") : STR("no-cache");
}

static struct blob *form_of(const struct page_file *file, struct str encoding)
{
    if (str_equal(encoding, STR("br"))) {
        return file->br;
    }
    return str_equal(encoding, STR("gzip")) ? file->gz : file->plain;
}

static void answer(struct exchange *exchange, const struct page *page, const struct page_file *file)
{
    const struct request *request = exchange->request;
    struct str encoding =
        compress_choose(request->accept_encoding, file->br != NULL, file->gz != NULL);
    struct etag etag = etag_make(file->hash, encoding);
    struct response_extra extra = {
        .content_type = file->type,
        .content_encoding = encoding,
        .cache_control = cache_control_of(page, file),
        .etag = etag_str(&etag),
        .content_security_policy = csp_of(page, file),
        .vary_encoding = file->br != NULL || file->gz != NULL,
    };

    if (etag_matches(request->if_none_match, extra.etag)) {
        response_empty(exchange->conn, 304, &extra);
    } else {
        response_blob(exchange->conn, 200, form_of(file, encoding), &extra);
    }
}

void page_respond(struct exchange *exchange)
{
    const struct page *page = exchange->worker->page;
    const struct page_file *file = NULL;
    char decoded[PAGE_PATH_BYTES_MAX];
    struct str path;

    if (page_path_decode(exchange->request->path, decoded, &path)) {
        file = find(page, str_equal(path, STR("/")) ? STR(INDEX_PATH) : path);
        if (file == NULL && !page->own_page && page_path_is_view(path)) {
            file = find(page, STR(INDEX_PATH));
        }
    }
    if (file == NULL) {
        response_error(exchange->conn, 404, "not_found");
    } else if (exchange->request->method != METHOD_GET &&
               exchange->request->method != METHOD_HEAD) {
        response_method_not_allowed(exchange->conn, STR("GET, HEAD"));
    } else {
        answer(exchange, page, file);
    }
}
