#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/moment.h"
#include "replicator/stream.h"
#include "tests/unit/suite.h"

#define BEAT_US (250 * MILLISECOND_US)

static struct stream stream;
static uint64_t last_id;

static void set_up(void)
{
    stream_init(&stream);
    last_id = 0;
}

static uint64_t send(uint64_t now_us, uint64_t after_seq, uint64_t count, size_t size_bytes)
{
    struct stream_flight flight = {.id = ++last_id,
                                   .after_seq = after_seq,
                                   .last_seq = after_seq + count,
                                   .size_bytes = size_bytes,
                                   .sent_us = now_us,
                                   .deadline_us = now_us + 5 * SECOND_US};

    stream_sent(&stream, &flight, BEAT_US);
    return flight.id;
}

static enum stream_news applied(uint64_t id, uint64_t cursor_seq, uint64_t now_us)
{
    return stream_take(&stream, id, MEC__APPLY_OUTCOME__APPLIED, cursor_seq, now_us);
}

/* Bring the stream to STREAMING at @cursor_seq; the question takes 100 ms. */
static void start_at(uint64_t cursor_seq, uint64_t now_us)
{
    uint64_t id;

    stream_open(&stream, now_us);
    id = send(now_us, 0, 0, 0);
    ck_assert_int_eq(applied(id, cursor_seq, now_us + 100000), STREAM_NEWS_STARTED);
}

START_TEST(a_stream_asks_before_it_ships)
{
    ck_assert_int_eq(stream.state, STREAM_CLOSED);
    ck_assert(!stream_should_ask(&stream, 0));
    stream_open(&stream, 10);
    ck_assert_int_eq(stream.state, STREAM_ASKING);
    ck_assert(stream_should_ask(&stream, 10));
    ck_assert(!stream_has_room(&stream));
    send(10, 0, 0, 0);
    ck_assert(!stream_should_ask(&stream, 1000000));
    ck_assert_int_eq(applied(last_id, 42, 20), STREAM_NEWS_STARTED);
    ck_assert_int_eq(stream.state, STREAM_STREAMING);
    ck_assert_uint_eq(stream.sent_seq, 42);
    ck_assert(stream_has_room(&stream));
}
END_TEST

START_TEST(the_window_holds_so_many_batches)
{
    start_at(0, 0);
    for (uint64_t i = 0; i < STREAM_BATCHES_MAX; i++) {
        ck_assert(stream_has_room(&stream));
        send(200000, i, 1, 100);
    }
    ck_assert(!stream_has_room(&stream));
    ck_assert_uint_eq(stream.bytes_in_flight, STREAM_BATCHES_MAX * 100);
    ck_assert_int_eq(applied(last_id - STREAM_BATCHES_MAX + 1, 1, 300000), STREAM_NEWS_NONE);
    ck_assert(stream_has_room(&stream));
    ck_assert_uint_eq(stream.cursor_seq, 1);
}
END_TEST

START_TEST(the_window_holds_so_many_bytes_but_always_one_batch)
{
    stream_limit(&stream, 1000);
    start_at(0, 0);
    ck_assert(stream_has_room(&stream));
    send(200000, 0, 1, 5000);
    ck_assert(!stream_has_room(&stream));
    applied(last_id, 1, 300000);
    ck_assert(stream_has_room(&stream));
}
END_TEST

START_TEST(a_gap_asks_at_once_and_then_with_patience)
{
    start_at(0, 0);
    send(200000, 0, 1, 10);
    ck_assert_int_eq(applied(last_id, 1, 300000), STREAM_NEWS_NONE);
    send(300000, 1, 1, 10);
    send(300000, 2, 1, 10);
    ck_assert_int_eq(stream_take(&stream, last_id, MEC__APPLY_OUTCOME__GAP, 1, 400000),
                     STREAM_NEWS_ASKS);
    ck_assert_int_eq(stream.state, STREAM_ASKING);
    ck_assert_uint_eq(stream.flight_count, 0);
    ck_assert(stream_should_ask(&stream, 400000));

    send(400000, 0, 0, 0);
    applied(last_id, 1, 500000);
    send(500000, 1, 1, 10);
    stream_take(&stream, last_id, MEC__APPLY_OUTCOME__GAP, 1, 600000);
    ck_assert(!stream_should_ask(&stream, 600000));
    ck_assert(stream_should_ask(&stream, 600000 + STREAM_RETRY_US));
}
END_TEST

START_TEST(a_gap_in_answer_to_a_heartbeat_is_only_the_cursor)
{
    stream_open(&stream, 0);
    send(0, 0, 0, 0);
    ck_assert_int_eq(stream_take(&stream, last_id, MEC__APPLY_OUTCOME__GAP, 9, 1000),
                     STREAM_NEWS_STARTED);
    ck_assert_uint_eq(stream.cursor_seq, 9);
}
END_TEST

START_TEST(an_answer_that_nothing_waits_for_is_ignored)
{
    start_at(5, 0);
    ck_assert_int_eq(applied(999, 77, 200000), STREAM_NEWS_NONE);
    ck_assert_uint_eq(stream.cursor_seq, 5);
    ck_assert(!stream_waits_for(&stream, 999));
    ck_assert_int_eq(stream_take(&stream, 999, MEC__APPLY_OUTCOME__DIVERGED, 0, 200000),
                     STREAM_NEWS_NONE);
    ck_assert_int_eq(stream.state, STREAM_STREAMING);
}
END_TEST

START_TEST(a_stopped_stream_stays_stopped_until_it_is_closed)
{
    start_at(5, 0);
    send(200000, 5, 1, 10);
    ck_assert_int_eq(stream_take(&stream, last_id, MEC__APPLY_OUTCOME__DIVERGED, 5, 300000),
                     STREAM_NEWS_DIVERGED);
    stream_open(&stream, 400000);
    stream_ask_again(&stream, 400000);
    ck_assert_int_eq(stream.state, STREAM_DIVERGED);
    ck_assert(!stream_has_room(&stream));
    ck_assert_uint_eq(stream_wake_us(&stream), NEVER_US);
    stream_close(&stream);
    stream_open(&stream, 500000);
    ck_assert_int_eq(stream.state, STREAM_ASKING);
}
END_TEST

START_TEST(a_newer_epoch_fences_the_stream)
{
    stream_open(&stream, 0);
    send(0, 0, 0, 0);
    ck_assert_int_eq(stream_take(&stream, last_id, MEC__APPLY_OUTCOME__STALE_EPOCH, 5, 1000),
                     STREAM_NEWS_FENCED);
    ck_assert_int_eq(stream.state, STREAM_FENCED);
}
END_TEST

START_TEST(a_busy_follower_is_given_time_and_a_smaller_window)
{
    start_at(0, 0);
    for (uint64_t i = 0; i < 40; i++)
        send(200000, i, 1, 10);
    ck_assert_int_eq(stream_take(&stream, last_id - 39, MEC__APPLY_OUTCOME__BUSY, 0, 300000),
                     STREAM_NEWS_BUSY);
    ck_assert(!stream_should_ask(&stream, 399999));
    ck_assert(stream_should_ask(&stream, 400000));
    send(400000, 0, 0, 0);
    applied(last_id, 0, 500000);
    ck_assert_uint_lt(stream.batches_max, 40);
    ck_assert_uint_ge(stream.batches_max, 1);
    for (uint64_t i = 0; i < 100; i++) {
        ck_assert(stream_has_room(&stream));
        send(500000, i, 1, 10);
        applied(last_id, i + 1, 500000);
    }
    ck_assert_uint_eq(stream.batches_max, STREAM_BATCHES_MAX);
}
END_TEST

START_TEST(a_follower_that_lost_its_disk_is_asked_again)
{
    start_at(500, 0);
    send(200000, 500, 0, 0);
    ck_assert_int_eq(applied(last_id, 0, 300000), STREAM_NEWS_ASKS);
    ck_assert_int_eq(stream.state, STREAM_ASKING);
}
END_TEST

START_TEST(applied_without_the_cursor_there_is_not_believed)
{
    start_at(0, 0);
    send(200000, 0, 10, 100);
    ck_assert_int_eq(applied(last_id, 4, 300000), STREAM_NEWS_ASKS);
}
END_TEST

START_TEST(an_unanswered_batch_becomes_overdue_unless_postponed)
{
    start_at(0, 0);
    send(1000000, 0, 1, 10);
    ck_assert(!stream_overdue(&stream, 5999999));
    ck_assert(stream_overdue(&stream, 6000000));
    stream_postpone(&stream, 9000000);
    ck_assert(!stream_overdue(&stream, 8999999));
    ck_assert(stream_overdue(&stream, 9000000));
    stream_answer_seen(&stream, last_id, 12000000);
    ck_assert(!stream_overdue(&stream, 9000000));
}
END_TEST

START_TEST(heartbeats_stop_piling_up)
{
    start_at(0, 0);
    for (unsigned i = 0; i < STREAM_BEATS_MAX; i++) {
        ck_assert(stream_should_beat(&stream, NEVER_US - 1));
        send(SECOND_US, 0, 0, 0);
    }
    ck_assert(!stream_should_beat(&stream, NEVER_US - 1));
    ck_assert(stream_has_room(&stream));
    /* and the stream does not ask to be woken for one */
    ck_assert_uint_eq(stream_wake_us(&stream), SECOND_US + 5 * SECOND_US);
}
END_TEST

START_TEST(the_round_trip_is_measured_by_heartbeats_and_smoothed)
{
    start_at(0, 0);
    ck_assert_uint_eq(stream.rtt_us, 100000);
    send(1000000, 0, 0, 0);
    applied(last_id, 0, 1180000);
    ck_assert_uint_eq(stream.rtt_us, 110000);
    send(2000000, 0, 0, 0);
    applied(last_id, 0, 2030000);
    ck_assert_uint_eq(stream.rtt_us, 100000);
    send(3000000, 0, 1, 10); /* a batch waits for a disk, too */
    applied(last_id, 1, 3900000);
    ck_assert_uint_eq(stream.rtt_us, 100000);
}
END_TEST

START_TEST(an_unknown_outcome_is_asked_again_later)
{
    start_at(0, 0);
    send(200000, 0, 1, 10);
    ck_assert_int_eq(stream_take(&stream, last_id, (Mec__ApplyOutcome)77, 0, 300000),
                     STREAM_NEWS_INVALID);
    ck_assert(!stream_should_ask(&stream, 300000));
    ck_assert(stream_should_ask(&stream, 300000 + STREAM_RETRY_US));
}
END_TEST

START_TEST(every_state_has_a_name_of_its_own)
{
    for (int a = 0; a < STREAM_STATE_COUNT; a++)
        for (int b = 0; b < a; b++)
            ck_assert_str_ne(stream_state_name((enum stream_state)a),
                             stream_state_name((enum stream_state)b));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_stream_asks_before_it_ships,
        the_window_holds_so_many_batches,
        the_window_holds_so_many_bytes_but_always_one_batch,
        a_gap_asks_at_once_and_then_with_patience,
        a_gap_in_answer_to_a_heartbeat_is_only_the_cursor,
        an_answer_that_nothing_waits_for_is_ignored,
        a_stopped_stream_stays_stopped_until_it_is_closed,
        a_newer_epoch_fences_the_stream,
        a_busy_follower_is_given_time_and_a_smaller_window,
        a_follower_that_lost_its_disk_is_asked_again,
        applied_without_the_cursor_there_is_not_believed,
        an_unanswered_batch_becomes_overdue_unless_postponed,
        heartbeats_stop_piling_up,
        the_round_trip_is_measured_by_heartbeats_and_smoothed,
        an_unknown_outcome_is_asked_again_later,
        every_state_has_a_name_of_its_own,
    };
    return suite_run(&(struct suite){.name = "stream", .set_up = set_up, SUITE_TESTS(tests)});
}
