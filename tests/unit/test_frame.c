#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "call.pb-c.h"
#include "common/frame.h"
#include "common/memory.h"
#include "common/random.h"
#include "health.pb-c.h"
#include "tests/unit/suite.h"

static uint8_t *pack_ping(uint64_t id, uint64_t nonce, size_t *ret_size)
{
    Mec__Ping ping = MEC__PING__INIT;

    ping.nonce = nonce;
    return frame_pack_new(FRAME_PING, id, &ping.base, ret_size);
}

/* Decode from memory of exactly @size bytes, so that a sanitizer sees any read past it. */
static int decode_exactly(const uint8_t *bytes, size_t size, struct frame *ret_frame,
                          size_t *ret_used_size)
{
    uint8_t *copy = memory_copy(bytes, size);
    int rc = frame_decode(copy, size, ret_frame, ret_used_size);

    free(copy);
    return rc;
}

START_TEST(a_frame_is_laid_out_as_documented)
{
    static const uint8_t expected[] = {0, 0, 0, 11, 3, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 0x05};
    size_t size;
    uint8_t *bytes = pack_ping(UINT64_C(0x0102030405060708), 5, &size);

    ck_assert_uint_eq(size, sizeof(expected));
    ck_assert_mem_eq(bytes, expected, sizeof(expected));
    free(bytes);
}
END_TEST

START_TEST(a_packed_frame_decodes_to_itself)
{
    Mec__Call call = MEC__CALL__INIT, *again;
    uint8_t body[3000];
    struct frame frame;
    size_t size, used;
    uint8_t *bytes;

    memset(body, 'x', sizeof(body));
    call.shard = "eu-west";
    call.body = (ProtobufCBinaryData){sizeof(body), body};
    size = frame_packed_size(&call.base);
    bytes = memory_alloc(size);
    frame_pack(FRAME_CALL, UINT64_MAX, &call.base, bytes);

    ck_assert_int_eq(frame_decode(bytes, size, &frame, &used), 1);
    ck_assert_uint_eq(used, size);
    ck_assert_int_eq(frame.kind, FRAME_CALL);
    ck_assert_uint_eq(frame.id, UINT64_MAX);
    again = mec__call__unpack(NULL, frame.body_size, frame.body);
    ck_assert_ptr_nonnull(again);
    ck_assert_str_eq(again->shard, "eu-west");
    ck_assert_uint_eq(again->body.len, sizeof(body));
    mec__call__free_unpacked(again, NULL);
    free(bytes);
}
END_TEST

START_TEST(an_empty_message_makes_a_frame_too)
{
    struct frame frame;
    size_t size, used;
    uint8_t *bytes = pack_ping(1, 0, &size);

    ck_assert_uint_eq(size, FRAME_HEADER_SIZE);
    ck_assert_int_eq(frame_decode(bytes, size, &frame, &used), 1);
    ck_assert_uint_eq(frame.body_size, 0);
    free(bytes);
}
END_TEST

START_TEST(any_beginning_of_a_frame_asks_for_more)
{
    struct frame frame;
    size_t size, used;
    uint8_t *bytes = pack_ping(7, 1234567, &size);

    for (size_t part = 0; part < size; part++)
        ck_assert_int_eq(decode_exactly(bytes, part, &frame, &used), 0);
    ck_assert_int_eq(decode_exactly(bytes, size, &frame, &used), 1);
    free(bytes);
}
END_TEST

START_TEST(what_follows_a_frame_is_left_alone)
{
    struct frame frame;
    size_t size, used;
    uint8_t *bytes = pack_ping(7, 1, &size);

    bytes = memory_grow(bytes, size + 3);
    memset(bytes + size, 0xff, 3);
    ck_assert_int_eq(frame_decode(bytes, size + 3, &frame, &used), 1);
    ck_assert_uint_eq(used, size);
    free(bytes);
}
END_TEST

START_TEST(a_bad_length_is_refused_as_soon_as_it_is_there)
{
    static const uint32_t bad[] = {0, 1, 8, FRAME_SIZE_MAX + 1, UINT32_MAX};
    struct frame frame;
    size_t used;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t bytes[4] = {(uint8_t)(bad[i] >> 24), (uint8_t)(bad[i] >> 16),
                            (uint8_t)(bad[i] >> 8), (uint8_t)bad[i]};

        ck_assert_int_eq(decode_exactly(bytes, sizeof(bytes), &frame, &used), -EBADMSG);
    }
}
END_TEST

START_TEST(the_largest_length_is_taken)
{
    size_t size = 4 + FRAME_SIZE_MAX;
    uint8_t *bytes = memory_alloc(size);
    struct frame frame;
    size_t used;

    frame_header(FRAME_APPLY, 1, FRAME_BODY_SIZE_MAX, bytes);
    ck_assert_int_eq(frame_decode(bytes, size - 1, &frame, &used), 0);
    ck_assert_int_eq(frame_decode(bytes, size, &frame, &used), 1);
    ck_assert_uint_eq(used, size);
    ck_assert_uint_eq(frame.body_size, FRAME_BODY_SIZE_MAX);
    free(bytes);
}
END_TEST

START_TEST(an_unknown_kind_is_refused_before_the_rest_has_come)
{
    struct frame frame;
    size_t used;

    for (unsigned kind = 0; kind < 256; kind++) {
        uint8_t bytes[] = {0, 0, 0, 9, (uint8_t)kind};
        bool known = strcmp(frame_kind_name((enum frame_kind)kind), "?") != 0;

        ck_assert_int_eq(decode_exactly(bytes, sizeof(bytes), &frame, &used), known ? 0 : -EBADMSG);
    }
}
END_TEST

START_TEST(kinds_have_the_names_of_their_messages)
{
    ck_assert_str_eq(frame_kind_name(FRAME_CALL), "Call");
    ck_assert_str_eq(frame_kind_name(FRAME_CONTROL_REPLY), "ControlReply");
    ck_assert_str_eq(frame_kind_name((enum frame_kind)12), "?");
}
END_TEST

START_TEST(noise_never_makes_the_decoder_read_past_its_end)
{
    struct random random;

    random_seed(&random, 20261123);
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[40];
        size_t size = random_up_to(&random, sizeof(bytes));
        struct frame frame;
        size_t used;

        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)random_up_to(&random, 255);
        memset(bytes, 0, size < 3 ? size : 3); /* else nearly every length is refused at once */
        if (decode_exactly(bytes, size, &frame, &used) == 1) {
            ck_assert_uint_le(used, size);
            ck_assert_uint_eq(used, FRAME_HEADER_SIZE + frame.body_size);
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_frame_is_laid_out_as_documented,
        a_packed_frame_decodes_to_itself,
        an_empty_message_makes_a_frame_too,
        any_beginning_of_a_frame_asks_for_more,
        what_follows_a_frame_is_left_alone,
        a_bad_length_is_refused_as_soon_as_it_is_there,
        the_largest_length_is_taken,
        an_unknown_kind_is_refused_before_the_rest_has_come,
        kinds_have_the_names_of_their_messages,
        noise_never_makes_the_decoder_read_past_its_end,
    };
    return suite_run(&(struct suite){.name = "frame", SUITE_TESTS(tests)});
}
