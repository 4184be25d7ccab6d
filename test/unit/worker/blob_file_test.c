/* SPDX-License-Identifier: MIT */
/* blob_file_test.c - what is sent from a file of memory, and what becomes of it when the next one comes. */
#include "worker/blob_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "shm/base/check.h"
#include "worker/blob.h"
#include "worker/out.h"

#define BYTES (BLOB_FILE_BYTES_MIN + 1000) /* the last page is not full */

static struct blob *blob_of(char letter, size_t len)
{
    char *room;
    struct blob *blob = blob_with_room(len, &room);

    CHECK(blob != NULL);
    memset(room, letter, len);
    return blob;
}

struct client {
    int server_fd;
    int fd;
};

static struct client client_make(void)
{
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    return (struct client){pair[0], pair[1]};
}

static void client_close(struct client client)
{
    (void)close(client.server_fd);
    (void)close(client.fd);
}

static void assert_reads(struct client client, char letter, size_t len)
{
    char *bytes = malloc(len);

    CHECK(bytes != NULL);
    for (size_t got = 0; got < len;) {
        ssize_t some = read(client.fd, bytes + got, len - got);

        assert_true(some > 0);
        got += (size_t)some;
    }
    for (size_t i = 0; i < len; i++) {
        assert_int_equal(bytes[i], letter);
    }
    free(bytes);
}

static void a_head_and_the_bytes_are_sent(void **state)
{
    struct client client = client_make();
    struct blob_file file;
    struct blob *blob = blob_of('a', BYTES);
    char head[4];

    (void)state;
    blob_file_open(&file);
    blob_file_fill(&file, blob);
    assert_ptr_equal(blob->file, &file);
    assert_int_equal(blob_file_send(&file, client.server_fd, STR("head"), 10, BYTES - 10),
                     4 + BYTES - 10);
    assert_int_equal(read(client.fd, head, 4), 4);
    assert_memory_equal(head, "head", 4);
    assert_reads(client, 'a', BYTES - 10);
    blob_unref(blob);
    client_close(client);
    (void)close(file.fd);
}

static void what_a_client_has_not_read_stays_as_it_was(void **state)
{
    struct client slow = client_make();
    struct client next = client_make();
    struct blob_file file;
    struct blob *old = blob_of('a', BYTES);
    struct blob *new = blob_of('b', BYTES);

    (void)state;
    blob_file_open(&file);
    blob_file_fill(&file, old);
    assert_int_equal(blob_file_send(&file, slow.server_fd, STR(""), 0, BYTES), BYTES);
    blob_file_fill(&file, new);
    assert_null(old->file); /* who still sends it goes on from memory */
    assert_int_equal(blob_file_send(&file, next.server_fd, STR(""), 0, BYTES), BYTES);
    assert_reads(slow, 'a', BYTES);
    assert_reads(next, 'b', BYTES);
    blob_unref(old);
    blob_unref(new);
    client_close(slow);
    client_close(next);
    (void)close(file.fd);
}

static void nothing_is_sent_to_who_takes_nothing(void **state)
{
    struct client client = client_make();
    struct blob_file file;
    struct blob *blob = blob_of('a', BYTES);

    (void)state;
    blob_file_open(&file);
    blob_file_fill(&file, blob);
    while (blob_file_send(&file, client.server_fd, STR("h"), 0, BYTES) > 0) {
    }
    assert_int_equal(blob_file_send(&file, client.server_fd, STR(""), 0, BYTES), 0);
    assert_int_equal(blob_file_send(&file, -1, STR("h"), 0, BYTES), 0);
    blob_unref(blob);
    client_close(client);
    (void)close(file.fd);
}

static void small_ones_and_refused_ones_go_without(void **state)
{
    struct blob_file file;
    struct blob_file none = {.fd = -1};
    struct blob *small = blob_of('a', BLOB_FILE_BYTES_MIN - 1);
    struct blob *large = blob_of('a', BYTES);

    (void)state;
    blob_file_open(&file);
    blob_file_fill(&file, small);
    assert_null(small->file);
    blob_file_fill(&none, large);
    assert_null(large->file);
    (void)close(file.fd);
    int read_only[2];
    assert_int_equal(pipe(read_only), 0);
    file.fd = read_only[0]; /* no file: cannot be cut */
    blob_file_fill(&file, large);
    assert_null(large->file);
    assert_int_equal(file.fd, -1);
    (void)close(read_only[1]);
    blob_unref(small);
    blob_unref(large);
}

static void a_blob_that_is_gone_leaves_the_file(void **state)
{
    struct blob_file file;
    struct blob *blob = blob_of('a', BYTES);

    (void)state;
    blob_file_open(&file);
    blob_file_fill(&file, blob);
    blob_unref(blob);
    assert_null(file.blob);
    blob = blob_of('b', BYTES);
    blob_file_fill(&file, blob);
    assert_ptr_equal(file.blob, blob);
    blob_unref(blob);
    (void)close(file.fd);
}

static void the_queue_says_when_a_file_is_next(void **state)
{
    struct blob_file file;
    struct blob *large = blob_of('a', BYTES);
    struct blob *other = blob_of('b', BYTES);
    struct conn_out *out = out_new();
    struct out_file next;

    (void)state;
    blob_file_open(&file);
    blob_file_fill(&file, large);
    assert_true(out_put(out, STR("head")) && out_put_blob(out, large, 0, BYTES));
    assert_true(out_file_is_next(out, &next));
    assert_ptr_equal(next.file, &file);
    assert_int_equal(next.head.len, 4);
    assert_int_equal(next.from, 0);
    assert_int_equal(next.len, BYTES);
    out_consume(out, 4 + 100); /* the client took so much */
    assert_true(out_file_is_next(out, &next));
    assert_int_equal(next.head.len, 0);
    assert_int_equal(next.from, 100);
    assert_int_equal(next.len, BYTES - 100);
    blob_file_fill(&file, other);
    assert_false(out_file_is_next(out, &next)); /* what is left goes from memory */
    out_consume(out, BYTES - 100);
    assert_true(out_put_blob(out, blob_ref(large), 0, BYTES) && out_put(out, STR("head")) &&
                out_put_blob(out, other, 0, BYTES));
    blob_unref(large);
    assert_false(out_file_is_next(out, &next)); /* not yet: two pieces are before it */
    out_free(out);
    blob_unref(large);
    blob_unref(other);
    (void)close(file.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_and_the_bytes_are_sent),
        cmocka_unit_test(what_a_client_has_not_read_stays_as_it_was),
        cmocka_unit_test(nothing_is_sent_to_who_takes_nothing),
        cmocka_unit_test(small_ones_and_refused_ones_go_without),
        cmocka_unit_test(a_blob_that_is_gone_leaves_the_file),
        cmocka_unit_test(the_queue_says_when_a_file_is_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
