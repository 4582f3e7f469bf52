/* A replicator in virtual time, when links and histories go wrong. Each test is the log of a small
 * cluster: us-east is the home, eu-west and ap-northeast follow. */

#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/unit/replicator_fixture.h"
#include "tests/unit/suite.h"

/* ---- what goes wrong on the way ---- */

START_TEST(a_lost_answer_makes_the_stream_ask_and_ship_nothing_twice)
{
    run_ms(510);
    driver->followers[EU].lose_answers = 1;
    driver_commit(driver, 10, 100);
    run_ms(200);
    ck_assert(driver_is_equal(driver, EU));
    /* Heartbeats tell the cursor, yet the batch itself stays unanswered for its time. */
    run_ms(6000);
    ck_assert_uint_eq(driver_logged(driver, "no answer, asks again"), 1);
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
    driver_commit(driver, 10, 100);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_double_eq(driver_status_number(driver, EU, "in_flight_batches"), 0);
}
END_TEST

START_TEST(a_lost_batch_leaves_a_gap_that_is_filled)
{
    run_ms(500);
    driver->followers[EU].lose_applies = 1;
    driver_commit(driver, 10, 100);
    run_ms(10);
    driver_commit(driver, 10, 100);
    run_ms(1000);
    ck_assert_uint_eq(driver->followers[EU].gaps, 1);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver_logged(driver, "has a gap, asks again"), 1);
}
END_TEST

START_TEST(duplicate_batches_have_no_effect)
{
    run_ms(500);
    /* The way back is reset while answers are on it: what was applied is not known to be. */
    driver_commit(driver, 600, 100);
    run_ms(45);
    driver_link(driver, EU, HOME)->cut = MEC__CUT_KIND__CUT_RESET;
    driver_configure(driver);
    driver_commit(driver, 10, 100);
    run_ms(300);
    driver_link(driver, EU, HOME)->cut = MEC__CUT_KIND__CUT_NONE;
    driver_configure(driver);
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver->followers[EU].gaps, 0);
}
END_TEST

START_TEST(an_unreadable_batch_is_sent_again)
{
    run_ms(500);
    driver->followers[EU].invalid = 2;
    driver_commit(driver, 10, 100);
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver_logged(driver, "cannot read what came"), 2);
}
END_TEST

START_TEST(a_busy_follower_is_asked_every_100_ms_until_it_is_not)
{
    run_ms(500);
    driver->followers[EU].busy = 14; /* four batches, and then one question in 100 + 80 ms */
    driver_commit(driver, 1000, 100);
    run_ms(1700);
    ck_assert(!driver_is_equal(driver, EU));
    ck_assert(driver_is_equal(driver, AP));
    run_ms(600);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(a_follower_with_a_full_disk_catches_up_and_the_log_stays_short)
{
    run_ms(500);
    unsigned told = driver_logged(driver, "ships");
    driver->followers[EU].full = true;
    for (unsigned i = 0; i < 20; i++) {
        driver_commit(driver, 10, 100);
        run_ms(500);
    }
    ck_assert(driver_is_equal(driver, AP));
    ck_assert(!driver_is_equal(driver, EU));
    driver->followers[EU].full = false;
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver_logged(driver, "ships"), told);
}
END_TEST

START_TEST(loss_jitter_and_a_narrow_line_delay_and_reorder_nothing)
{
    for (uint32_t peer = EU; peer <= AP; peer++) {
        driver_link(driver, HOME, peer)->loss_ppm = 50000;
        driver_link(driver, peer, HOME)->loss_ppm = 50000;
        driver_link(driver, HOME, peer)->jitter_us = 20 * MILLISECOND_US;
        driver_link(driver, HOME, peer)->rate_bytes_per_s = 1000000;
    }
    driver_configure(driver);
    for (unsigned i = 0; i < 500; i++) {
        driver_commit(driver, 1 + i % 7, 100);
        run_ms(7);
    }
    run_ms(10000);
    for (uint32_t peer = EU; peer <= AP; peer++) {
        ck_assert(driver_is_equal(driver, peer));
        ck_assert_uint_eq(driver->followers[peer].gaps, 0);
        ck_assert_uint_eq(driver->followers[peer].duplicates, 0);
    }
}
END_TEST

/* ---- cuts ---- */

START_TEST(a_cut_holds_and_healing_loses_nothing)
{
    run_ms(500);
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_HOLD);
    for (unsigned i = 0; i < 200; i++) {
        driver_commit(driver, 20, 100);
        run_ms(100);
        ck_assert_double_le(driver_status_number(driver, EU, "in_flight_batches"), 64);
    }
    ck_assert_uint_eq(driver->followers[EU].cursor_seq, 0);
    ck_assert(driver_is_equal(driver, AP));
    ck_assert_uint_eq(driver_logged(driver, "no answer"), 0);

    driver_cut(driver, EU, MEC__CUT_KIND__CUT_NONE);
    run_ms(300);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
    run_ms(7000);
    ck_assert_uint_eq(driver_logged(driver, "no answer"), 0);
}
END_TEST

START_TEST(a_cut_of_the_way_back_alone_loses_nothing_either)
{
    run_ms(500);
    driver_link(driver, EU, HOME)->cut = MEC__CUT_KIND__CUT_HOLD;
    driver_configure(driver);
    driver_commit(driver, 20, 100);
    run_ms(20000);
    ck_assert(driver_is_equal(driver, EU)); /* it applied them, and nobody knows */
    ck_assert_double_eq(driver_status_number(driver, EU, "cursor"), 0);
    driver_link(driver, EU, HOME)->cut = MEC__CUT_KIND__CUT_NONE;
    driver_configure(driver);
    run_ms(300);
    ck_assert_double_eq(driver_status_number(driver, EU, "cursor"), 20);
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
}
END_TEST

START_TEST(a_reset_link_is_tried_until_it_is_whole)
{
    run_ms(500);
    driver_commit(driver, 20, 100);
    run_ms(20);
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_RESET);
    driver_commit(driver, 20, 100);
    run_ms(5000);
    ck_assert_uint_eq(driver->followers[EU].cursor_seq, 0);
    ck_assert(driver_state_is(driver, EU, "asking"));
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_NONE);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(the_window_bounds_what_a_cut_holds)
{
    run_ms(500);
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_HOLD);
    for (unsigned i = 0; i < 30; i++) {
        driver_commit(driver, 20, 60000);
        run_ms(10);
    }
    ck_assert_double_eq(driver_status_number(driver, EU, "in_flight_batches"), 64);
    ck_assert_double_le(driver_status_number(driver, EU, "in_flight_bytes"), 16.3 * 1024 * 1024);
    /* Past the window and the ring, one stretch is fetched ahead, and then no more is asked. */
    run_ms(10000);
    ck_assert_uint_le(driver->home.fetch_asks, 2);
    driver_cut(driver, EU, MEC__CUT_KIND__CUT_NONE);
    run_ms(2000);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

/* ---- far behind, and far away ---- */

START_TEST(a_follower_behind_the_ring_is_served_from_the_homes_log)
{
    run_ms(500);
    driver_follower_stops(driver, EU);
    for (unsigned i = 0; i < 160; i++) {
        driver_commit(driver, 500, 10);
        run_ms(10);
    }
    run_ms(200);
    ck_assert(driver_is_equal(driver, AP)); /* 80,000: the ring holds 65,536 */
    ck_assert_uint_eq(driver->home.fetch_asks, 0);
    driver_follower_starts(driver, EU);
    run_ms(5000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver->followers[EU].gaps, 0);
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
    /* 14,464 changes, 512 at a time, and no stretch twice */
    ck_assert_uint_ge(driver->home.fetch_asks, 28);
    ck_assert_uint_le(driver->home.fetch_asks, 31);
}
END_TEST

START_TEST(a_fetch_that_the_home_leaves_unanswered_is_asked_again)
{
    driver_home_stops(driver);
    driver_commit(driver, 5000, 100);
    driver_home_starts(driver);
    run_ms(20);
    driver->home.mute = true;
    run_ms(300);
    unsigned asks = driver->home.fetch_asks;
    driver_follower_stops(driver, EU);
    driver_follower_stops(driver, AP);
    driver_follower_starts(driver, EU);
    driver_follower_starts(driver, AP);
    run_ms(3000);
    ck_assert_uint_le(driver->home.fetch_asks, asks + 2);
    driver->home.mute = false;
    run_ms(14000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(driver_is_equal(driver, AP));
}
END_TEST

START_TEST(a_slow_link_carries_as_much_as_a_fast_one)
{
    driver_link(driver, HOME, EU)->latency_us = 1 * MILLISECOND_US;
    driver_link(driver, EU, HOME)->latency_us = 1 * MILLISECOND_US;
    driver_link(driver, HOME, AP)->latency_us = 150 * MILLISECOND_US;
    driver_link(driver, AP, HOME)->latency_us = 150 * MILLISECOND_US;
    driver_configure(driver);
    run_ms(1000);
    for (unsigned i = 0; i < 400; i++) { /* 20,000 changes a second, for two */
        driver_commit(driver, 100, 100);
        run_ms(5);
    }
    run_ms(10);
    ck_assert(driver_is_equal(driver, EU));
    /* 150 ms of changes are on the way, and as many may wait for a place in the window. */
    ck_assert_uint_ge(driver->followers[AP].cursor_seq, 40000 - 2 * 3000);
    run_ms(300);
    ck_assert(driver_is_equal(driver, AP));
}
END_TEST

START_TEST(a_narrow_link_is_kept_busy_and_short_of_a_queue)
{
    driver_link(driver, HOME, EU)->rate_bytes_per_s = 100000;
    driver_configure(driver);
    run_ms(500);
    driver_commit(driver, 2000, 1000);
    run_ms(10000);
    /* 2 MB at 100 kB a second: half of it is there, and the window holds about 60 kB. */
    ck_assert_uint_ge(driver->followers[EU].cursor_seq, 700);
    ck_assert_uint_le(driver->followers[EU].cursor_seq, 1000);
    ck_assert_double_le(driver_status_number(driver, EU, "in_flight_bytes"), 400000);
    run_ms(20000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver_logged(driver, "no answer"), 0);
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
}
END_TEST

/* ---- histories and epochs ---- */

START_TEST(a_diverged_follower_stops_its_stream_with_an_alarm)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver->followers[EU].cursor_digest[0] ^= 1;
    driver_commit(driver, 1, 100);
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "stopped_diverged"));
    ck_assert_uint_eq(driver_logged(driver, "ALARM"), 1);
    ck_assert_uint_eq(driver_logged(driver, "follower=eu-west cursor=us-east:1.10"), 1);

    unsigned heartbeats = driver->followers[EU].heartbeats;
    driver_commit(driver, 10, 100);
    run_ms(5000);
    ck_assert_uint_eq(driver->followers[EU].heartbeats, heartbeats);
    ck_assert_uint_eq(driver->followers[EU].cursor_seq, 10);
    ck_assert(driver_is_equal(driver, AP));
}
END_TEST

START_TEST(a_follower_with_another_last_change_is_noticed_before_the_next_one)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver->followers[EU].cursor_digest[0] ^= 1;
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "stopped_diverged"));
}
END_TEST

START_TEST(a_follower_with_more_than_the_home_has_diverged)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver->followers[EU].cursor_seq = 11;
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "stopped_diverged"));
    ck_assert(driver_state_is(driver, AP, "streaming"));
}
END_TEST

START_TEST(a_rebuilt_follower_is_served_again)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver->followers[EU].cursor_digest[0] ^= 1;
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "stopped_diverged"));
    driver_follower_stops(driver, EU);
    driver->followers[EU] = (struct driver_follower){0};
    driver_follower_starts(driver, EU);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(a_fenced_home_stops_until_it_has_a_new_epoch)
{
    run_ms(500);
    driver->followers[EU].epoch_seen = 5;
    driver_commit(driver, 1, 100);
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "stopped_fenced"));
    ck_assert_uint_eq(driver_logged(driver, "ALARM"), 1);
    ck_assert(driver_is_equal(driver, AP));

    driver_cut(driver, AP, MEC__CUT_KIND__CUT_NONE); /* a config that says nothing new of it */
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "stopped_fenced"));

    driver->home.epoch = 6;
    driver->shard.epoch = 6;
    driver_configure(driver);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(driver_state_is(driver, EU, "streaming"));
}
END_TEST

START_TEST(a_shard_whose_home_moves_away_is_shipped_no_more)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(10);
    driver->shard.home = (char *)"eu-west";
    driver->shard.epoch = 2;
    driver_configure(driver);
    ck_assert_double_eq(driver_status_number(driver, EU, "lag"), -1); /* there is no such stream */
    unsigned heartbeats = driver->followers[EU].heartbeats;
    run_ms(30); /* what was under way still arrives, and its answers find nobody */
    run_ms(2000);
    ck_assert_uint_le(driver->followers[EU].heartbeats, heartbeats + 1);

    driver->shard.home = (char *)"us-east";
    driver->shard.epoch = 3;
    driver->home.epoch = 3;
    driver_configure(driver);
    driver_commit(driver, 10, 100);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_double_eq(driver_status_number(driver, EU, "epoch"), 3);
}
END_TEST

START_TEST(a_regiond_that_is_not_home_yet_is_asked_again)
{
    run_ms(500);
    driver_commit(driver, 5, 100);
    run_ms(500);
    driver_home_stops(driver);
    driver->home.is_home = false;
    driver_home_starts(driver);
    run_ms(10000);
    ck_assert_uint_eq(driver_logged(driver, "is not home"), 1);
    ck_assert(driver_state_is(driver, EU, "closed"));
    ck_assert_uint_le(driver->home.tail_asks, 25);
    driver->home.is_home = true;
    driver_commit(driver, 5, 100);
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(a_home_with_another_log_makes_the_ring_start_anew)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver_home_stops(driver);
    driver->home.log[9].digest[0] ^= 1; /* the 11th now follows another 10th */
    driver_commit(driver, 1, 100);
    driver_home_starts(driver);
    run_ms(1000);
    ck_assert_uint_eq(driver_logged(driver, "not the one read before"), 1);
    ck_assert(
        driver_state_is(driver, EU, "stopped_diverged")); /* and it is the follower who says */
}
END_TEST

START_TEST(a_home_that_lost_changes_stops_its_followers)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver_home_stops(driver);
    free(driver->home.log[9].bytes);
    driver->home.count = 9;
    driver_home_starts(driver);
    run_ms(1000);
    ck_assert(driver_state_is(driver, EU, "stopped_diverged"));
    ck_assert(driver_state_is(driver, AP, "stopped_diverged"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_lost_answer_makes_the_stream_ask_and_ship_nothing_twice,
        a_lost_batch_leaves_a_gap_that_is_filled,
        duplicate_batches_have_no_effect,
        an_unreadable_batch_is_sent_again,
        a_busy_follower_is_asked_every_100_ms_until_it_is_not,
        a_follower_with_a_full_disk_catches_up_and_the_log_stays_short,
        loss_jitter_and_a_narrow_line_delay_and_reorder_nothing,
        a_cut_holds_and_healing_loses_nothing,
        a_cut_of_the_way_back_alone_loses_nothing_either,
        a_reset_link_is_tried_until_it_is_whole,
        the_window_bounds_what_a_cut_holds,
        a_follower_behind_the_ring_is_served_from_the_homes_log,
        a_fetch_that_the_home_leaves_unanswered_is_asked_again,
        a_slow_link_carries_as_much_as_a_fast_one,
        a_narrow_link_is_kept_busy_and_short_of_a_queue,
        a_diverged_follower_stops_its_stream_with_an_alarm,
        a_follower_with_another_last_change_is_noticed_before_the_next_one,
        a_follower_with_more_than_the_home_has_diverged,
        a_rebuilt_follower_is_served_again,
        a_fenced_home_stops_until_it_has_a_new_epoch,
        a_shard_whose_home_moves_away_is_shipped_no_more,
        a_regiond_that_is_not_home_yet_is_asked_again,
        a_home_with_another_log_makes_the_ring_start_anew,
        a_home_that_lost_changes_stops_its_followers,
    };
    return suite_run(&(struct suite){.name = "replicator_faults",
                                     .set_up = set_up,
                                     .tear_down = tear_down,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
