/* SPDX-License-Identifier: MIT */
/* wire_test.c - what is a message between processes, and what costs its sender the connection. */
#include "test/unit/shm/fixture.h"

#include "shm/wire.h"

static const size_t sizes[WIRE_TYPES] = {
    [WIRE_HELLO] = sizeof(struct wire_hello), [WIRE_SUBMIT] = sizeof(struct wire_submit),
    [WIRE_GUESS] = sizeof(struct wire_guess), [WIRE_HINT] = sizeof(struct wire_hint),
    [WIRE_NAME] = sizeof(struct wire_name),   [WIRE_REVOKE] = sizeof(struct wire_revoke),
    [WIRE_RESET] = sizeof(struct wire_reset), [WIRE_RESULT] = sizeof(struct wire_result),
    [WIRE_POKE] = sizeof(struct wire_poke),
};

/* A whole message of a type, its body all zero. */
static void make(enum wire_type type, char bytes[WIRE_MESSAGE_BYTES_MAX])
{
    struct wire_head head = wire_head_make(type, 0xabcdef);

    memset(bytes, 0, WIRE_MESSAGE_BYTES_MAX);
    memcpy(bytes, &head, sizeof(head));
}

static enum wire_verdict judge(const void *bytes, size_t len)
{
    struct wire_head head;

    return wire_check(bytes, len, &head);
}

static void every_type_is_whole_at_its_own_size_and_incomplete_before(void **state)
{
    (void)state;
    for (int type = WIRE_HELLO; type < WIRE_TYPES; type++) {
        char bytes[WIRE_MESSAGE_BYTES_MAX];
        struct wire_head head;

        make((enum wire_type)type, bytes);
        for (size_t len = 0; len < sizes[type]; len++) {
            assert_int_equal(judge(bytes, len), WIRE_INCOMPLETE);
        }
        assert_int_equal(wire_check(bytes, sizes[type], &head), WIRE_WHOLE);
        assert_int_equal(head.type, type);
        assert_int_equal(head.size_bytes, sizes[type]);
        assert_int_equal(head.request_id, 0xabcdef);
        /* What follows is the next message's business. */
        assert_int_equal(judge(bytes, WIRE_MESSAGE_BYTES_MAX), WIRE_WHOLE);
    }
}

/* A buffer holds older bytes behind those that have come: they are no part of a head. */
static void a_head_is_judged_when_all_of_it_has_come(void **state)
{
    (void)state;
    char bytes[WIRE_MESSAGE_BYTES_MAX];

    memset(bytes, 0xff, sizeof(bytes));
    for (size_t len = 0; len < sizeof(struct wire_head); len++) {
        assert_int_equal(judge(bytes, len), WIRE_INCOMPLETE);
    }
    assert_int_equal(judge(bytes, sizeof(struct wire_head)), WIRE_BAD);
}

static void a_message_may_begin_anywhere(void **state)
{
    (void)state;
    char bytes[WIRE_MESSAGE_BYTES_MAX];
    char shifted[WIRE_MESSAGE_BYTES_MAX + 8];

    make(WIRE_SUBMIT, bytes);
    for (size_t shift = 0; shift < 8; shift++) {
        memcpy(shifted + shift, bytes, sizeof(bytes));
        assert_int_equal(judge(shifted + shift, sizes[WIRE_SUBMIT]), WIRE_WHOLE);
    }
}

static void a_wrong_head_is_bad(void **state)
{
    (void)state;
    for (int type = 0; type < 70000; type += type < WIRE_TYPES + 3 ? 1 : 977) {
        char bytes[WIRE_MESSAGE_BYTES_MAX];
        struct wire_head head = {.size_bytes = 16, .type = (uint16_t)type, .version = WIRE_VERSION};

        if (head.type > 0 && head.type < WIRE_TYPES) {
            continue;
        }
        memset(bytes, 0, sizeof(bytes));
        memcpy(bytes, &head, sizeof(head));
        assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_BAD);
    }
    for (int type = WIRE_HELLO; type < WIRE_TYPES; type++) {
        char bytes[WIRE_MESSAGE_BYTES_MAX];
        const uint32_t wrong_sizes[] = {
            0,           1,         15, (uint32_t)sizes[type] - 1, (uint32_t)sizes[type] + 1,
            0x80000000u, UINT32_MAX};

        for (size_t i = 0; i < ARRAY_LEN(wrong_sizes); i++) {
            make((enum wire_type)type, bytes);
            memcpy(bytes, &wrong_sizes[i], sizeof(wrong_sizes[i]));
            assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_BAD);
        }
        make((enum wire_type)type, bytes);
        bytes[offsetof(struct wire_head, version)] ^= 2;
        assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_BAD);
    }
}

static void put_u32(char *bytes, size_t offset, uint32_t value)
{
    memcpy(bytes + offset, &value, sizeof(value));
}

static void a_body_out_of_bounds_is_bad(void **state)
{
    (void)state;
    char bytes[WIRE_MESSAGE_BYTES_MAX];
    const struct {
        enum wire_type type;
        size_t offset;
        uint32_t most;
    } fields[] = {
        {WIRE_SUBMIT, offsetof(struct wire_submit, flags), 1},
        {WIRE_GUESS, offsetof(struct wire_guess, guess_bytes), WIRE_GUESS_BYTES_MAX},
        {WIRE_RESULT, offsetof(struct wire_result, status), WIRE_STATUSES - 1},
        {WIRE_POKE, offsetof(struct wire_poke, news), 31},
    };

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        make(fields[i].type, bytes);
        put_u32(bytes, fields[i].offset, fields[i].most);
        assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_WHOLE);
        put_u32(bytes, fields[i].offset, fields[i].most + 1);
        assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_BAD);
        put_u32(bytes, fields[i].offset, UINT32_MAX);
        assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_BAD);
    }
    make(WIRE_NAME, bytes);
    memset(bytes + offsetof(struct wire_name, name), 'a', WIRE_NAME_BYTES);
    assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_BAD);
    bytes[offsetof(struct wire_name, name) + WIRE_NAME_BYTES - 1] = '\0';
    assert_int_equal(judge(bytes, sizeof(bytes)), WIRE_WHOLE);
}

static void noise_is_never_a_message_of_another_size(void **state)
{
    (void)state;
    uint64_t dice = 31337;
    uint32_t verdicts[3] = {0};

    for (int round = 0; round < 200000; round++) {
        char bytes[WIRE_MESSAGE_BYTES_MAX];
        size_t len = fixture_roll(&dice, WIRE_MESSAGE_BYTES_MAX + 1);
        struct wire_head head = {0};

        make((enum wire_type)(1 + fixture_roll(&dice, WIRE_TYPES - 1)), bytes);
        for (uint32_t flips = fixture_roll(&dice, 4); flips > 0; flips--) {
            bytes[fixture_roll(&dice, 48)] ^= (char)(1u << fixture_roll(&dice, 8));
        }
        enum wire_verdict verdict = wire_check(bytes, len, &head);
        verdicts[verdict]++;
        if (verdict == WIRE_WHOLE) {
            assert_true(head.type > 0 && head.type < WIRE_TYPES);
            assert_int_equal(head.size_bytes, sizes[head.type]);
            assert_true(head.size_bytes <= len);
        }
    }
    assert_true(verdicts[WIRE_WHOLE] > 0 && verdicts[WIRE_BAD] > 0 &&
                verdicts[WIRE_INCOMPLETE] > 0);
}

static void types_and_statuses_have_names(void **state)
{
    (void)state;
    assert_string_equal(wire_type_name(WIRE_SUBMIT), "submit");
    assert_string_equal(wire_type_name(0), "unknown");
    assert_string_equal(wire_type_name(UINT16_MAX), "unknown");
    for (uint32_t status = 0; status < WIRE_STATUSES; status++) {
        assert_non_null(wire_status_name(status));
    }
    assert_non_null(wire_status_name(UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_whole_at_its_own_size_and_incomplete_before),
        cmocka_unit_test(a_head_is_judged_when_all_of_it_has_come),
        cmocka_unit_test(a_message_may_begin_anywhere),
        cmocka_unit_test(a_wrong_head_is_bad),
        cmocka_unit_test(a_body_out_of_bounds_is_bad),
        cmocka_unit_test(noise_is_never_a_message_of_another_size),
        cmocka_unit_test(types_and_statuses_have_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
