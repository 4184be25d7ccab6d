/* SPDX-License-Identifier: MIT */
/* blob_test.c - shared bytes: who frees them, and when. */
#include "worker/blob.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "worker/out.h"

static void a_copy_is_its_own(void **state)
{
    char text[] = "text";
    struct blob *blob = blob_copy((struct str){text, 4});

    (void)state;
    assert_non_null(blob);
    text[0] = 'x';
    assert_memory_equal(blob->bytes, "text", 4);
    assert_int_equal(blob->len, 4);
    blob_unref(blob);
}

static void a_buffer_hands_its_memory_over(void **state)
{
    struct buf buf = BUF_INIT(100);

    (void)state;
    buf_append_str(&buf, STR("abc"));
    struct blob *blob = blob_from_buf(&buf);
    assert_non_null(blob);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    assert_memory_equal(blob_ref(blob)->bytes, "abc", 3);
    blob_unref(blob);
    assert_memory_equal(blob->bytes, "abc", 3);
    blob_unref(blob);
    blob_unref(NULL);
}

static void a_failed_buffer_makes_no_blob(void **state)
{
    struct buf buf = BUF_INIT(2);

    (void)state;
    buf_append_str(&buf, STR("abc"));
    assert_null(blob_from_buf(&buf));
    buf_free(&buf);
}

static void nothing_is_a_blob_too(void **state)
{
    struct blob *blob = blob_copy((struct str){0});

    (void)state;
    assert_non_null(blob);
    assert_int_equal(blob->len, 0);
    blob_unref(blob);
    blob = blob_borrow(STR("for ever"));
    assert_non_null(blob);
    blob_unref(blob);
}

/* What the queue would write, in one piece. */
static struct buf all_of(const struct conn_out *out)
{
    struct buf all = BUF_INIT(1 << 20);
    uv_buf_t pieces[1024];
    unsigned count = out_gather(out, pieces, 1024);

    for (unsigned i = 0; i < count; i++) {
        buf_append(&all, pieces[i].base, pieces[i].len);
    }
    return all;
}

static void a_queue_gives_back_what_was_put_in_whatever_is_taken(void **state)
{
    struct buf expected = BUF_INIT(1 << 20);
    struct conn_out *out = out_new();
    char *room;
    struct blob *blob = blob_with_room(2000, &room); /* long enough to stay where it is */
    size_t taken = 0;

    (void)state;
    assert_non_null(out);
    assert_non_null(blob);
    for (unsigned i = 0; i < 2000; i++) {
        room[i] = (char)('A' + i % 26);
    }
    for (unsigned i = 0; i < 2000; i++) {
        char text[40];
        size_t len = i * 7 % sizeof(text);

        memset(text, 'a' + (int)(i % 26), sizeof(text));
        assert_true(out_put(out, (struct str){text, len}));
        buf_append(&expected, text, len);
        if (i % 5 == 0) {
            assert_true(out_put_blob(out, blob, i % 9, blob->len - i % 9));
            buf_append(&expected, blob->bytes + i % 9, blob->len - i % 9);
        }
        if (i % 3 == 0) {
            size_t take = i * 31 % (out_bytes(out) + 1);

            out_consume(out, take);
            taken += take;
        }
        assert_int_equal(out_bytes(out), expected.len - taken);
    }
    struct buf rest = all_of(out);
    assert_int_equal(rest.len, expected.len - taken);
    assert_memory_equal(rest.data, expected.data + taken, rest.len);
    out_free(out);
    assert_int_equal(blob->refs, 1);
    blob_unref(blob);
    buf_free(&rest);
    buf_free(&expected);
}

static void large_blobs_are_shared_and_small_pieces_join(void **state)
{
    char *room;
    struct blob *large = blob_with_room(100000, &room);
    struct conn_out *out = out_new();
    uv_buf_t pieces[8];

    (void)state;
    assert_non_null(out);
    memset(room, 'x', 100000);
    assert_true(out_put(out, STR("a")));
    assert_true(out_put(out, STR("b")));
    assert_true(out_put_blob(out, large, 0, 100000));
    assert_true(out_put(out, STR("c")));
    assert_int_equal(out_gather(out, pieces, 8), 3);
    assert_int_equal(pieces[0].len, 2);
    assert_ptr_equal(pieces[1].base, large->bytes);
    assert_int_equal(large->refs, 2);
    out_consume(out, 100002);
    assert_int_equal(large->refs, 1);
    out_free(out);
    blob_unref(large);
}

/* Copied bytes behind a shared blob lie in the room of those in front of it. */
static void bytes_behind_a_blob_outlive_those_in_front_of_it(void **state)
{
    struct conn_out *out = out_new();
    char *room;
    struct blob *blob = blob_with_room(2000, &room);
    char text[8000];

    (void)state;
    assert_non_null(out);
    assert_non_null(blob);
    memset(room, 'b', 2000);
    memset(text, 't', sizeof(text));
    assert_true(out_put(out, (struct str){text, sizeof(text)}));
    assert_true(out_put(out, (struct str){text, 3000})); /* more than there is room for */
    assert_true(out_put_blob(out, blob, 0, 2000));
    assert_true(out_put(out, (struct str){text, 40}));
    out_consume(out, sizeof(text) + 3000);
    assert_true(out_put(out, (struct str){text, 40})); /* not into what has gone */
    assert_int_equal(out_bytes(out), 2080);
    struct buf rest = all_of(out);

    for (size_t i = 0; i < rest.len; i++) {
        assert_int_equal(rest.data[i], i < 2000 ? 'b' : 't');
    }
    buf_free(&rest);
    blob_unref(blob);
    out_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(a_buffer_hands_its_memory_over),
        cmocka_unit_test(a_failed_buffer_makes_no_blob),
        cmocka_unit_test(nothing_is_a_blob_too),
        cmocka_unit_test(a_queue_gives_back_what_was_put_in_whatever_is_taken),
        cmocka_unit_test(bytes_behind_a_blob_outlive_those_in_front_of_it),
        cmocka_unit_test(large_blobs_are_shared_and_small_pieces_join),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
