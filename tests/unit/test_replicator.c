/* A replicator in virtual time. Each test is the log of a small cluster: us-east is the home,
 * eu-west and ap-northeast follow. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "replication.pb-c.h"
#include "tests/unit/replicator_fixture.h"
#include "tests/unit/suite.h"

#define ROUND_TRIP 80.0 /* ms */

/* ---- the usual ---- */

START_TEST(what_is_committed_reaches_every_follower_after_the_links_latency)
{
    run_ms(1000);
    driver_commit(driver, 3, 100);
    uint64_t committed_us = driver->now_us;
    run_ms(500);
    for (uint32_t peer = EU; peer <= AP; peer++) {
        ck_assert(driver_is_equal(driver, peer));
        ck_assert_uint_eq(driver->followers[peer].last_apply_us, committed_us + LATENCY_US);
        ck_assert(driver_state_is(driver, peer, "streaming"));
        ck_assert_double_eq(driver_status_number(driver, peer, "lag"), 0);
    }
}
END_TEST

START_TEST(a_log_that_was_there_before_is_shipped_too)
{
    driver_home_stops(driver);
    driver_commit(driver, 5000, 100); /* more than one answer to a TAIL_ASK carries */
    driver_home_starts(driver);
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(driver_is_equal(driver, AP));
    ck_assert_uint_gt(driver->home.fetch_asks, 0);
}
END_TEST

START_TEST(a_replicator_with_little_memory_reads_again_what_is_missed)
{
    replicator_set_memory(driver->replicator, 2);
    driver_home_stops(driver);
    driver_commit(driver, 50, 100);
    driver_home_starts(driver);
    run_ms(2000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(driver_is_equal(driver, AP));
    ck_assert_uint_ge(driver->home.fetch_asks, 48 / 2);

    /* Of what the home tells live, the last two are kept for who was away. */
    driver_follower_stops(driver, EU);
    driver_commit(driver, 20, 100);
    run_ms(500);
    unsigned asks = driver->home.fetch_asks;
    driver_follower_starts(driver, EU);
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_ge(driver->home.fetch_asks, asks + 18 / 2);
}
END_TEST

START_TEST(an_empty_log_is_fine)
{
    run_ms(2000);
    ck_assert(driver_state_is(driver, EU, "streaming"));
    ck_assert_uint_eq(driver->followers[EU].batches, 0);
    ck_assert_uint_gt(driver->followers[EU].heartbeats, 5);
}
END_TEST

static void home_tells_head(uint64_t n)
{
    Mec__AuditHead head = MEC__AUDIT_HEAD__INIT, *heads[] = {&head};
    Mec__Tail tail = MEC__TAIL__INIT;

    head.region = "us-east";
    head.chain = "queue";
    head.n = n;
    head.signature = (ProtobufCBinaryData){3, (uint8_t *)"sig"};
    tail.shard = (char *)DRIVER_SHARD;
    tail.epoch = driver->home.epoch;
    tail.last_seq = tail.after_seq = driver->home.count;
    tail.wall_us = DRIVER_WALL_US + driver->now_us;
    tail.audit_heads = heads;
    tail.n_audit_heads = n > 0 ? 1 : 0;
    driver_say(driver, HOME, FRAME_TAIL, driver->home.tail_id, &tail.base);
}

/* Also to a follower that comes later, and with heartbeats for which the home says nothing new. */
START_TEST(heads_of_audit_chains_are_passed_on)
{
    run_ms(1000);
    ck_assert_uint_eq(driver->followers[EU].audit_n, 0);
    home_tells_head(3);
    run_ms(500);
    ck_assert_uint_eq(driver->followers[EU].audit_n, 3);
    ck_assert_uint_eq(driver->followers[AP].audit_n, 3);
    driver_follower_stops(driver, EU);
    home_tells_head(5);
    run_ms(500);
    driver_follower_starts(driver, EU);
    run_ms(1000);
    ck_assert_uint_eq(driver->followers[EU].audit_n, 5);
}
END_TEST

START_TEST(batches_are_bounded_in_changes_and_in_bytes)
{
    run_ms(500);
    driver_commit(driver, 2000, 10);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver->followers[EU].changes_in_largest_batch, 256);
    driver->followers[EU].changes_in_largest_batch = 0;
    driver_commit(driver, 40, 60000);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_le(driver->followers[EU].changes_in_largest_batch, 4);
}
END_TEST

/* ---- stops and starts ---- */

START_TEST(a_follower_that_comes_back_goes_on_where_it_was)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(500);
    driver_follower_stops(driver, EU);
    ck_assert(driver_state_is(driver, EU, "closed"));
    driver_commit(driver, 20, 100);
    run_ms(500);
    ck_assert_uint_eq(driver->followers[EU].cursor_seq, 10);
    ck_assert(driver_is_equal(driver, AP));

    driver_follower_starts(driver, EU);
    run_ms(3 * 40 + 10); /* there with the question, back with the cursor, there with the rest */
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
    ck_assert_uint_eq(driver->home.fetch_asks, 0);
}
END_TEST

START_TEST(a_follower_that_stops_with_batches_on_their_way_loses_nothing)
{
    run_ms(500);
    driver_commit(driver, 10, 100);
    run_ms(20);
    driver_follower_stops(driver, EU);
    run_ms(500);
    ck_assert_uint_eq(driver->followers[EU].cursor_seq, 0);
    driver_follower_starts(driver, EU);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(a_follower_with_a_blank_disk_gets_everything)
{
    run_ms(500);
    driver_commit(driver, 3000, 100);
    run_ms(500);
    driver_follower_stops(driver, EU);
    driver->followers[EU] = (struct driver_follower){0};
    driver_follower_starts(driver, EU);
    run_ms(1000);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(a_restarted_replicator_asks_for_the_cursors)
{
    run_ms(500);
    driver_commit(driver, 100, 100);
    run_ms(500);
    driver_restart_replicator(driver);
    driver_commit(driver, 1, 100);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert(driver_is_equal(driver, AP));
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
}
END_TEST

START_TEST(while_the_home_is_gone_the_rest_of_the_ring_still_flows)
{
    run_ms(500);
    driver_follower_stops(driver, EU);
    driver_commit(driver, 50, 100);
    run_ms(500);
    driver_home_stops(driver);
    driver_follower_starts(driver, EU);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(a_home_that_comes_back_is_asked_for_what_is_new_only)
{
    run_ms(500);
    driver_commit(driver, 50, 100);
    run_ms(500);
    driver_home_stops(driver);
    run_ms(500);
    driver_commit(driver, 5, 100); /* committed before the replicator was back */
    driver_home_starts(driver);
    run_ms(500);
    ck_assert_uint_eq(driver->home.last_tail_ask_after_seq, 50);
    ck_assert_uint_eq(driver->home.fetch_asks, 0);
    ck_assert(driver_is_equal(driver, EU));
    ck_assert_uint_eq(driver->followers[EU].duplicates, 0);
}
END_TEST

START_TEST(a_silent_home_is_asked_again_and_not_all_the_time)
{
    run_ms(500);
    driver->home.mute = true;
    run_ms(20000);
    ck_assert_uint_ge(driver->home.tail_asks, 3);
    ck_assert_uint_le(driver->home.tail_asks, 5);
    driver->home.mute = false;
    run_ms(7000);
    driver_commit(driver, 5, 100);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

/* ---- staleness ---- */

START_TEST(heartbeats_keep_an_idle_follower_fresh)
{
    run_ms(2000);
    for (unsigned i = 0; i < 100; i++) {
        run_ms(33);
        ck_assert_uint_ge(driver_staleness_us(driver, EU), LATENCY_US);
        ck_assert_uint_le(driver_staleness_us(driver, EU), LATENCY_US + DRIVER_BEAT_US);
    }
}
END_TEST

START_TEST(staleness_grows_while_the_home_is_gone)
{
    run_ms(2000);
    driver_home_stops(driver);
    run_ms(10000);
    ck_assert_uint_ge(driver_staleness_us(driver, EU), 10 * SECOND_US);
    driver_home_starts(driver);
    run_ms(1000);
    ck_assert_uint_le(driver_staleness_us(driver, EU), LATENCY_US + DRIVER_BEAT_US);
}
END_TEST

START_TEST(staleness_grows_while_the_home_is_silent)
{
    run_ms(2000);
    driver->home.mute = true;
    run_ms(4000);
    ck_assert_uint_ge(driver_staleness_us(driver, EU), 4 * SECOND_US);
}
END_TEST

START_TEST(heartbeats_go_on_while_changes_flow)
{
    run_ms(1000);
    driver->home.beat_at_us = UINT64_MAX; /* this home sends none of its own */
    unsigned before = driver->followers[EU].heartbeats;
    for (unsigned i = 0; i < 400; i++) {
        driver_commit(driver, 1, 100);
        run_ms(10);
        if (i >= 10) /* the first ones are there */
            ck_assert_uint_le(driver_staleness_us(driver, EU), LATENCY_US + 20 * MILLISECOND_US);
    }
    ck_assert_uint_ge(driver->followers[EU].heartbeats - before, 12);
}
END_TEST

START_TEST(the_round_trip_is_measured)
{
    run_ms(5000);
    ck_assert_double_eq_tol(driver_status_number(driver, EU, "rtt_configured_ms"), ROUND_TRIP,
                            1e-9);
    ck_assert_double_eq_tol(driver_status_number(driver, EU, "rtt_measured_ms"), ROUND_TRIP, 1e-9);
    driver_link(driver, HOME, EU)->latency_us = 3 * LATENCY_US;
    driver_configure(driver);
    run_ms(15000);
    ck_assert_double_eq_tol(driver_status_number(driver, EU, "rtt_configured_ms"), 160.0, 1e-9);
    ck_assert_double_eq_tol(driver_status_number(driver, EU, "rtt_measured_ms"), 160.0, 2.0);
}
END_TEST

/* ---- what breaks the protocol ---- */

START_TEST(frames_that_nobody_may_send_close_their_connection)
{
    run_ms(500);
    driver_inject(driver, EU, FRAME_TAIL, 1, NULL, 0);
    driver_inject(driver, EU, FRAME_CALL, 1, NULL, 0);
    ck_assert_uint_eq(driver->closes[EU], 2);
    driver_inject(driver, HOME, FRAME_APPLIED, 1, NULL, 0);
    driver_inject(driver, HOME, FRAME_PING, 1, NULL, 0);
    ck_assert_uint_eq(driver->closes[HOME], 2);
    ck_assert_uint_eq(driver_logged(driver, "unexpected"), 4);
}
END_TEST

START_TEST(bodies_that_do_not_unpack_close_their_connection)
{
    run_ms(500);
    driver_inject(driver, EU, FRAME_APPLIED, 1, "\xff\xff\xff", 3);
    driver_inject(driver, HOME, FRAME_TAIL, 1, "\x0a\x50zz", 4);
    ck_assert_uint_eq(driver->closes[EU], 1);
    ck_assert_uint_eq(driver->closes[HOME], 1);
    ck_assert_uint_eq(driver_logged(driver, "bad"), 2);
}
END_TEST

START_TEST(a_tail_that_contradicts_itself_closes_the_connection)
{
    Mec__Tail tail = MEC__TAIL__INIT;
    Mec__StoredChange change = MEC__STORED_CHANGE__INIT;
    Mec__StoredChange *list[] = {&change};
    uint8_t body[256];

    run_ms(500);
    driver_commit(driver, 5, 100);
    run_ms(500);
    change.seq = 6;
    change.digest = (ProtobufCBinaryData){32, (uint8_t[32]){0}};
    tail.shard = (char *)"us-east";
    tail.epoch = 1;
    tail.last_seq = 5; /* yet it brings the sixth */
    tail.after_seq = 5;
    tail.changes = list;
    tail.n_changes = 1;
    driver_inject(driver, HOME, FRAME_TAIL, driver->home.tail_id, body,
                  mec__tail__pack(&tail, body));
    ck_assert_uint_eq(driver->closes[HOME], 1);
    ck_assert_uint_eq(driver->followers[EU].cursor_seq, 5);
}
END_TEST

START_TEST(answers_to_forgotten_questions_are_ignored)
{
    Mec__Applied applied = MEC__APPLIED__INIT;
    Mec__Tail tail = MEC__TAIL__INIT;
    uint8_t body[256];

    run_ms(500);
    applied.shard = (char *)"us-east";
    applied.outcome = MEC__APPLY_OUTCOME__DIVERGED;
    driver_inject(driver, EU, FRAME_APPLIED, 999999, body, mec__applied__pack(&applied, body));
    applied.shard = (char *)"nowhere";
    driver_inject(driver, EU, FRAME_APPLIED, 999999, body, mec__applied__pack(&applied, body));
    tail.shard = (char *)"us-east";
    tail.not_home = true;
    driver_inject(driver, HOME, FRAME_TAIL, 999999, body, mec__tail__pack(&tail, body));
    run_ms(500);
    ck_assert(driver_state_is(driver, EU, "streaming"));
    ck_assert_uint_eq(driver->closes[EU] + driver->closes[HOME], 0);
}
END_TEST

START_TEST(an_answer_without_a_cursor_is_one_of_nothing)
{
    Mec__Applied applied = MEC__APPLIED__INIT;
    uint8_t body[256];

    driver_follower_stops(driver, EU);
    driver->followers[EU].lose_answers = 1;
    driver_follower_starts(driver, EU);
    run_ms(100);
    applied.shard = (char *)"us-east";
    for (uint64_t id = 1; id < 50; id++) /* one of these is the question's */
        driver_inject(driver, EU, FRAME_APPLIED, id, body, mec__applied__pack(&applied, body));
    run_ms(100);
    ck_assert(driver_state_is(driver, EU, "streaming"));
    ck_assert_double_eq(driver_status_number(driver, EU, "cursor"), 0);
}
END_TEST

/* ---- configuration ---- */

START_TEST(a_config_without_the_region_is_refused)
{
    struct replicator *other = NULL;
    struct moment at = {0, 0};

    ck_assert_int_eq(replicator_create("mars", &driver->config, 1, at, &other), -EINVAL);
    driver->links[0].loss_ppm = 2000000;
    ck_assert_int_eq(replicator_create("us-east", &driver->config, 1, at, &other), -EINVAL);
    driver->links[0].loss_ppm = 0;
    ck_assert_ptr_null(other);
    replicator_free(NULL);
}
END_TEST

START_TEST(a_config_with_other_regions_is_left_aside)
{
    run_ms(500);
    driver->regions[AP].name = (char *)"mars";
    driver->config.n_links = 0;
    driver_configure(driver);
    ck_assert_uint_eq(driver_logged(driver, "has other regions"), 1);
    driver_commit(driver, 5, 100);
    run_ms(500);
    ck_assert(driver_is_equal(driver, AP));
}
END_TEST

START_TEST(links_out_of_range_leave_the_old_ones)
{
    run_ms(500);
    driver_link(driver, HOME, EU)->loss_ppm = 2000000;
    driver_configure(driver);
    ck_assert_uint_eq(driver_logged(driver, "cannot take over the links"), 1);
    driver_commit(driver, 5, 100);
    run_ms(500);
    ck_assert(driver_is_equal(driver, EU));
}
END_TEST

START_TEST(before_anything_is_known_the_status_says_so)
{
    driver_home_stops(driver);
    driver->home.tail_id = 0;
    driver_restart_replicator(driver);
    ck_assert(driver_state_is(driver, EU, "closed"));
    ck_assert_double_eq(driver_status_number(driver, EU, "lag"), -1);
    ck_assert_double_eq(driver_status_number(driver, EU, "cursor"), -1);
    ck_assert_double_eq(driver_status_number(driver, EU, "rtt_measured_ms"), -1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_committed_reaches_every_follower_after_the_links_latency,
        a_log_that_was_there_before_is_shipped_too,
        a_replicator_with_little_memory_reads_again_what_is_missed,
        an_empty_log_is_fine,
        heads_of_audit_chains_are_passed_on,
        batches_are_bounded_in_changes_and_in_bytes,
        heartbeats_keep_an_idle_follower_fresh,
        staleness_grows_while_the_home_is_gone,
        staleness_grows_while_the_home_is_silent,
        heartbeats_go_on_while_changes_flow,
        the_round_trip_is_measured,
        a_follower_that_comes_back_goes_on_where_it_was,
        a_follower_that_stops_with_batches_on_their_way_loses_nothing,
        a_follower_with_a_blank_disk_gets_everything,
        a_restarted_replicator_asks_for_the_cursors,
        while_the_home_is_gone_the_rest_of_the_ring_still_flows,
        a_home_that_comes_back_is_asked_for_what_is_new_only,
        a_silent_home_is_asked_again_and_not_all_the_time,
        frames_that_nobody_may_send_close_their_connection,
        bodies_that_do_not_unpack_close_their_connection,
        a_tail_that_contradicts_itself_closes_the_connection,
        answers_to_forgotten_questions_are_ignored,
        an_answer_without_a_cursor_is_one_of_nothing,
        a_config_without_the_region_is_refused,
        a_config_with_other_regions_is_left_aside,
        links_out_of_range_leave_the_old_ones,
        before_anything_is_known_the_status_says_so,
    };
    return suite_run(&(struct suite){
        .name = "replicator", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
