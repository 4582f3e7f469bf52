#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "replication.pb-c.h"
#include "replicator/ring.h"
#include "tests/unit/suite.h"

/* A history in which the digest of change n is 32 times the byte n + shift. */
static int append(struct ring *ring, uint64_t seq, uint8_t shift, size_t value_size)
{
    static uint8_t value[4096], bytes[8192];
    Mec__Change change = MEC__CHANGE__INIT;
    uint8_t digest[RING_DIGEST_SIZE], previous[RING_DIGEST_SIZE];

    memset(digest, (int)(uint8_t)(seq + shift), sizeof digest);
    memset(previous, (int)(uint8_t)(seq - 1 + shift), sizeof previous);
    change.seq = seq;
    change.value = (ProtobufCBinaryData){value_size, value};
    if (seq > 1)
        change.previous_digest = (ProtobufCBinaryData){sizeof previous, previous};
    return ring_append(ring, seq, bytes, mec__change__pack(&change, bytes), digest, sizeof digest);
}

static void append_all(struct ring *ring, uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq <= to; seq++)
        ck_assert_int_eq(append(ring, seq, 0, 10), 0);
}

START_TEST(a_new_ring_waits_for_the_first_change)
{
    struct ring *ring = ring_create(10, 10000);
    struct ring_change change;

    ck_assert_uint_eq(ring_last_seq(ring), 0);
    ck_assert(!ring_get(ring, 0, &change));
    ck_assert(!ring_get(ring, 1, &change));
    ck_assert_int_eq(append(ring, 2, 0, 10), -ERANGE);
    ck_assert_int_eq(append(ring, 1, 0, 10), 0);
    ck_assert_uint_eq(ring_last_seq(ring), 1);
    ring_free(ring);
}
END_TEST

START_TEST(changes_come_back_as_they_were_put_in)
{
    struct ring *ring = ring_create(1000, 1000000);
    struct ring_change change;

    append_all(ring, 1, 700); /* grows on the way */
    for (uint64_t seq = 1; seq <= 700; seq++) {
        Mec__Change *read;

        ck_assert(ring_get(ring, seq, &change));
        ck_assert_uint_eq(change.seq, seq);
        ck_assert_uint_eq(change.digest[31], (uint8_t)seq);
        read = mec__change__unpack(NULL, change.size, change.bytes);
        ck_assert_uint_eq(read->seq, seq);
        mec__change__free_unpacked(read, NULL);
    }
    ck_assert(!ring_get(ring, 701, &change));
    ring_free(ring);
}
END_TEST

START_TEST(the_oldest_leave_when_there_are_too_many)
{
    struct ring *ring = ring_create(300, 1000000);
    struct ring_change change;

    append_all(ring, 1, 1000);
    ck_assert_uint_eq(ring_count(ring), 300);
    ck_assert_uint_eq(ring_after_seq(ring), 700);
    ck_assert(!ring_get(ring, 700, &change));
    ck_assert(ring_get(ring, 701, &change));
    ck_assert_uint_eq(change.digest[0], (uint8_t)701);
    ring_free(ring);
}
END_TEST

START_TEST(the_oldest_leave_when_they_are_too_large)
{
    struct ring *ring = ring_create(1000, 10000);

    for (uint64_t seq = 1; seq <= 100; seq++) {
        ck_assert_int_eq(append(ring, seq, 0, 1000), 0);
        ck_assert_uint_le(ring_bytes(ring), 10000);
    }
    ck_assert_uint_ge(ring_count(ring), 8);
    ck_assert_uint_eq(ring_last_seq(ring), 100);
    ring_free(ring);
}
END_TEST

START_TEST(one_change_over_all_bounds_is_kept_alone)
{
    struct ring *ring = ring_create(10, 100);
    struct ring_change change;

    append_all(ring, 1, 1);
    ck_assert_int_eq(append(ring, 2, 0, 4000), 0);
    ck_assert_uint_eq(ring_count(ring), 1);
    ck_assert(ring_get(ring, 2, &change));
    ring_free(ring);
}
END_TEST

START_TEST(a_change_of_another_history_is_refused)
{
    struct ring *ring = ring_create(10, 10000);
    struct ring_change change;

    append_all(ring, 1, 3);
    ck_assert_int_eq(append(ring, 4, 1, 10), -EILSEQ);
    ck_assert_uint_eq(ring_last_seq(ring), 3);
    ck_assert(ring_get(ring, 3, &change));
    ck_assert_int_eq(append(ring, 4, 0, 10), 0);
    ring_free(ring);
}
END_TEST

START_TEST(a_dropped_history_is_still_followed)
{
    struct ring *ring = ring_create(10, 10000);

    append_all(ring, 1, 3);
    ring_drop_through(ring, 3);
    ck_assert_uint_eq(ring_count(ring), 0);
    ck_assert_uint_eq(ring_bytes(ring), 0);
    ck_assert_int_eq(append(ring, 4, 1, 10), -EILSEQ);
    ck_assert_int_eq(append(ring, 4, 0, 10), 0);
    ring_free(ring);
}
END_TEST

START_TEST(after_a_reset_any_history_may_begin)
{
    struct ring *ring = ring_create(10, 10000);

    append_all(ring, 1, 3);
    ring_reset(ring, 50);
    ck_assert_uint_eq(ring_after_seq(ring), 50);
    ck_assert_uint_eq(ring_last_seq(ring), 50);
    ck_assert_int_eq(append(ring, 4, 0, 10), -ERANGE);
    ck_assert_int_eq(append(ring, 51, 9, 10), 0);
    ring_free(ring);
}
END_TEST

START_TEST(dropping_more_than_there_is_empties_the_ring)
{
    struct ring *ring = ring_create(10, 10000);

    append_all(ring, 1, 5);
    ring_drop_through(ring, 2);
    ck_assert_uint_eq(ring_after_seq(ring), 2);
    ring_drop_through(ring, 1);
    ck_assert_uint_eq(ring_after_seq(ring), 2);
    ring_drop_through(ring, 99);
    ck_assert_uint_eq(ring_count(ring), 0);
    ck_assert_uint_eq(ring_last_seq(ring), 5);
    ring_free(ring);
}
END_TEST

START_TEST(what_is_no_change_is_refused)
{
    struct ring *ring = ring_create(10, 10000);
    Mec__Change change = MEC__CHANGE__INIT;
    uint8_t digest[RING_DIGEST_SIZE] = {0}, bytes[64];
    size_t size;

    change.seq = 7; /* says another seq than it is sent as */
    size = mec__change__pack(&change, bytes);
    ck_assert_int_eq(ring_append(ring, 1, bytes, size, digest, sizeof digest), -EBADMSG);
    ck_assert_int_eq(ring_append(ring, 1, (const uint8_t *)"\xff\xff", 2, digest, sizeof digest),
                     -EBADMSG);
    change.seq = 1;
    size = mec__change__pack(&change, bytes);
    ck_assert_int_eq(ring_append(ring, 1, bytes, size, digest, 31), -EBADMSG);
    ck_assert_int_eq(ring_append(ring, 0, bytes, size, digest, sizeof digest), -ERANGE);
    ck_assert_uint_eq(ring_count(ring), 0);
    ring_free(ring);
    ring_free(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_new_ring_waits_for_the_first_change,        changes_come_back_as_they_were_put_in,
        the_oldest_leave_when_there_are_too_many,     the_oldest_leave_when_they_are_too_large,
        one_change_over_all_bounds_is_kept_alone,     a_change_of_another_history_is_refused,
        a_dropped_history_is_still_followed,          after_a_reset_any_history_may_begin,
        dropping_more_than_there_is_empties_the_ring, what_is_no_change_is_refused,
    };
    return suite_run(&(struct suite){.name = "ring", SUITE_TESTS(tests)});
}
