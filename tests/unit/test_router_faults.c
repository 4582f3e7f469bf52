/* Regions that are killed, cut off, paused, slow or unsteady, and what clients notice of it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

#define INTERVAL (500 * MS)
#define SLACK    (100 * MS)

static void ck_served_by(uint64_t id, const char *region)
{
    const struct seen_answer *answer = world_answer(world, id);
    ck_assert_msg(answer->status < 300, "status %d: %s", answer->status, answer->detail);
    ck_assert_str_eq(answer->region, region);
}

/* Who serves a read from @geo now, within a second? */
static const char *reader(const char *geo)
{
    uint64_t id = world_get(world, geo, KEY);
    world_run(world, SECOND_US);
    return world_answer(world, id)->region;
}

/* How long until reads from us-west are sent to us-east in the first place. One is sent every 10 ms
 * for three seconds; those that were sent before had to fail over. */
static uint64_t time_until_moved(void)
{
    enum { READS = 300 };
    uint64_t ids[READS];
    for (size_t read = 0; read < READS; read++) {
        ids[read] = world_get(world, "us-west", KEY);
        world_run(world, 10 * MS);
    }
    uint64_t end_us = world->now_us;
    world_run(world, 5 * SECOND_US);
    for (size_t read = 0; read < READS; read++) {
        uint64_t asked_us = end_us - (READS - read) * 10 * MS;
        ck_served_by(ids[read], "us-east");
        if (world_answer(world, ids[read])->at_us - asked_us ==
            world_round_trip_us("us-west", US_EAST))
            return read * 10 * MS;
    }
    return NEVER_US;
}

START_TEST(killed_reads_move_in_the_same_step)
{
    world_kill(world, US_WEST);
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_served_by(id, "us-east");
    ck_assert_str_eq(world_answer(world, id)->route,
                     "us-east: nearest healthy region (us-west is down)");
}
END_TEST

START_TEST(killed_reads_under_way_are_asked_elsewhere_in_the_same_step)
{
    world->regions[US_WEST].mute = true;
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, 10 * MS);
    uint64_t start_us = world->now_us;
    world_kill(world, US_WEST);
    world_run(world, SECOND_US);
    ck_served_by(id, "us-east");
    ck_assert_uint_eq(world_answer(world, id)->at_us - start_us,
                      world_round_trip_us("us-west", US_EAST));
}
END_TEST

START_TEST(killed_the_log_says_it_once)
{
    world_kill(world, US_WEST);
    ck_assert(world_logged(world, "us-west: the connection is gone"));
}
END_TEST

START_TEST(all_killed_is_503_and_nothing_hangs)
{
    for (uint32_t region = 0; region < REGIONS; region++)
        world_kill(world, region);
    uint64_t read = world_get(world, "us-west", KEY);
    uint64_t write = world_put(world, "us-west", KEY);
    ck_assert_int_eq(world_answer(world, read)->problem, PROBLEM_NO_REGION);
    ck_assert_int_eq(world_answer(world, write)->problem, PROBLEM_NO_REGION);
    ck_assert_uint_eq(world_answer(world, read)->retry_after_s, 1);
}
END_TEST

START_TEST(reconnected_a_region_is_back_after_its_probes)
{
    world_kill(world, US_WEST);
    world_run(world, 5 * SECOND_US);
    world_up(world, US_WEST);
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, 10 * MS);
    ck_assert(!world_answered(world, id)); /* on its way to us-east */
    world_run(world, INTERVAL);
    ck_assert_str_eq(reader("us-west"), "us-west");
    ck_assert(world_logged(world, "vantage us-west: us-west is back after 5."));
}
END_TEST

START_TEST(cut_reads_move_within_two_probe_intervals_and_the_slack)
{
    world_cut(world, "us-west", US_WEST, MEC__CUT_KIND__CUT_HOLD);
    uint64_t moved_us = time_until_moved();
    ck_assert_uint_le(moved_us, 2 * INTERVAL + SLACK + 10 * MS);
    ck_assert_uint_gt(moved_us, INTERVAL / 2); /* it detects, it does not know */
    ck_assert(world_logged(world, "vantage us-west: us-west is down: probes have not come back"));
}
END_TEST

START_TEST(cut_requests_in_flight_do_not_wait_for_their_own_deadline)
{
    uint64_t start_us = world->now_us;
    world_cut(world, "us-west", US_WEST, MEC__CUT_KIND__CUT_HOLD);
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, 2 * INTERVAL + SLACK + SECOND_US);
    ck_served_by(id, "us-east");
    ck_assert_uint_lt(world_answer(world, id)->at_us - start_us,
                      world->settings.request_timeout_us);
}
END_TEST

START_TEST(cut_one_vantage_the_others_see_no_fault)
{
    world_cut(world, "us-west", US_EAST, MEC__CUT_KIND__CUT_HOLD);
    world_run(world, 3 * SECOND_US);
    ck_assert_str_eq(reader("us-east"), "us-east");
    uint64_t id = world_put(world, "eu-west", KEY);
    world_run(world, SECOND_US);
    ck_served_by(id, "us-east");
    id = world_put(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->status, 202);
    ck_served_by(id, "us-west");
}
END_TEST

START_TEST(cut_and_healed_before_anybody_noticed_only_delays)
{
    uint64_t id = world_put(world, "us-west", KEY);
    world_cut(world, "us-west", US_EAST, MEC__CUT_KIND__CUT_HOLD);
    world_run(world, 200 * MS);
    ck_assert(!world_answered(world, id));
    world_cut(world, "us-west", US_EAST, MEC__CUT_KIND__CUT_NONE);
    world_run(world, SECOND_US);
    ck_served_by(id, "us-east");
    ck_assert_uint_eq(world->regions[US_EAST].calls, 1);
}
END_TEST

START_TEST(what_a_cut_held_too_long_is_not_delivered_after_all)
{
    world_cut(world, "us-west", US_EAST, MEC__CUT_KIND__CUT_HOLD);
    uint64_t id = world_put(world, "us-west", KEY);
    world_run(world, 3 * SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->status, 202);
    uint32_t calls = world->regions[US_EAST].calls;
    world_cut(world, "us-west", US_EAST, MEC__CUT_KIND__CUT_NONE);
    world_run(world, 3 * SECOND_US);
    ck_assert_uint_eq(world->regions[US_EAST].calls, calls);
}
END_TEST

START_TEST(reset_calls_in_flight_fail_over_at_once)
{
    uint64_t start_us = world->now_us;
    uint64_t id = world_put(world, "us-west", KEY);
    world_cut(world, "us-west", US_EAST, MEC__CUT_KIND__CUT_RESET);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->status, 202);
    ck_assert_uint_lt(world_answer(world, id)->at_us - start_us, 10 * MS);
}
END_TEST

START_TEST(reset_new_calls_go_elsewhere_at_once)
{
    world_cut(world, "us-west", US_WEST, MEC__CUT_KIND__CUT_RESET);
    uint64_t start_us = world->now_us;
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_served_by(id, "us-east");
    ck_assert_uint_eq(world_answer(world, id)->at_us - start_us,
                      world_round_trip_us("us-west", US_EAST));
    ck_assert(world_logged(world, "its link was reset"));
}
END_TEST

START_TEST(reset_everywhere_is_answered_at_once)
{
    for (uint32_t region = 0; region < REGIONS; region++)
        world_cut(world, "us-west", region, MEC__CUT_KIND__CUT_RESET);
    uint64_t id = world_get(world, "us-west", KEY);
    ck_assert_int_eq(world_answer(world, id)->problem, PROBLEM_NO_REGION);
}
END_TEST

START_TEST(healed_reads_return)
{
    world_cut(world, "us-west", US_WEST, MEC__CUT_KIND__CUT_HOLD);
    world_run(world, 3 * SECOND_US);
    ck_assert_str_eq(reader("us-west"), "us-east");
    world_cut(world, "us-west", US_WEST, MEC__CUT_KIND__CUT_NONE);
    world_run(world, 2 * INTERVAL + SLACK);
    ck_assert_str_eq(reader("us-west"), "us-west");
}
END_TEST

START_TEST(paused_is_noticed_like_a_cut)
{
    world->regions[US_WEST].silent = true;
    ck_assert_uint_le(time_until_moved(), 2 * INTERVAL + SLACK + 10 * MS);
    world->regions[US_WEST].silent = false;
    world_run(world, 3 * INTERVAL);
    ck_assert_str_eq(reader("us-west"), "us-west");
}
END_TEST

START_TEST(a_hiccup_shorter_than_two_probes_is_no_outage)
{
    world->regions[US_WEST].silent = true;
    world_run(world, INTERVAL);
    world->regions[US_WEST].silent = false;
    world_run(world, 5 * SECOND_US);
    ck_assert(!world_logged(world, "is down"));
}
END_TEST

START_TEST(a_flapping_region_is_let_back_slowly)
{
    uint64_t last_us = 0;
    for (int outage = 0; outage < 4; outage++) {
        world_kill(world, US_WEST);
        world_run(world, SECOND_US);
        world_up(world, US_WEST);
        uint64_t up_us = world->now_us;
        uint64_t id;
        do {
            id = world_get(world, "us-west", KEY);
            world_run(world, 100 * MS);
            ck_assert_uint_lt(world->now_us - up_us, 60 * SECOND_US);
        } while (strcmp(world_answer(world, id)->region, "us-west") != 0);
        uint64_t back_us = world->now_us - up_us;
        ck_assert_uint_gt(back_us, last_us + last_us / 2);
        last_us = back_us;
    }
    ck_assert_uint_gt(last_us, 5 * SECOND_US);
}
END_TEST

START_TEST(a_request_that_times_out_is_asked_elsewhere)
{
    world->regions[US_WEST].mute = true;
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, 4 * SECOND_US);
    ck_served_by(id, "us-east");
    ck_assert_ptr_nonnull(strstr(world_answer(world, id)->route, "us-west could not"));
}
END_TEST

/* It waits for the home of whoever logs in, which is away; it serves all else as ever. */
START_TEST(a_log_in_that_times_out_is_not_held_against_the_region)
{
    struct http_request http = {.method = HTTP_POST,
                                .path = slice_of("/v1/tokens"),
                                .content_type = slice_of("application/json"),
                                .geo = slice_of("us-west"),
                                .body = slice_of("{\"name\":\"ada\",\"password\":\"x\"}")};
    world->settings.probe_fail_threshold = 1;
    world_configure(world);
    world->regions[US_WEST].mute = true;
    world_send(world, &http);
    world_run(world, 4 * SECOND_US);
    world->regions[US_WEST].mute = false;
    ck_assert_str_eq(reader("us-west"), "us-west");
    ck_assert(!world_logged(world, "us-west is down"));
}
END_TEST

START_TEST(a_region_that_says_it_does_not_serve_is_left_alone)
{
    world->regions[US_WEST].not_serving = true;
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(reader("us-west"), "us-east");
    world->regions[US_WEST].not_serving = false;
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(reader("us-west"), "us-west");
}
END_TEST

START_TEST(a_service_that_is_down_leaves_the_others_there)
{
    world->regions[US_WEST].service_down = "metadata";
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(reader("us-west"), "us-east");
    uint64_t id = world_get(world, "us-west", "/.well-known/jwks.json");
    world_run(world, SECOND_US);
    ck_served_by(id, "us-west");
    world->regions[US_WEST].service_down = NULL;
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(reader("us-west"), "us-west");
}
END_TEST

START_TEST(a_slower_link_is_nearest_no_more)
{
    Mec__LinkConfig *row = &world->link_rows[0];
    mec__link_config__init(row);
    row->from = (char *)"client:us-west";
    row->to = (char *)"us-west";
    row->latency_us = 400 * MS;
    world->link_list[0] = row;
    world->config.n_links = 1;
    world_configure(world);
    ck_assert_str_eq(reader("us-west"), "us-east");
    world_run(world, 5 * SECOND_US);
    ck_assert(!world_logged(world, "is down")); /* slow, as configured, is not sick */
}
END_TEST

START_TEST(a_link_slower_than_the_probe_interval_is_still_watched)
{
    Mec__LinkConfig *row = &world->link_rows[0];
    mec__link_config__init(row);
    row->from = (char *)"client:us-west";
    row->to = (char *)"us-west";
    row->latency_us = 2 * SECOND_US;
    world->link_list[0] = row;
    world->config.n_links = 1;
    world_configure(world);
    world_run(world, 10 * SECOND_US);
    ck_assert(!world_logged(world, "is down"));
    uint64_t start_us = world->now_us;
    world->regions[US_WEST].silent = true;
    while (!world_logged(world, "vantage us-west: us-west is down"))
        world_run(world, 10 * MS);
    ck_assert_uint_le(world->now_us - start_us, 2 * SECOND_US + 2 * INTERVAL + SLACK + 10 * MS);
}
END_TEST

START_TEST(a_new_place_learns_of_a_dead_region_by_its_connection)
{
    world_kill(world, EU_WEST);
    uint64_t id = world_get(world, "paris", KEY);
    world_run(world, SECOND_US);
    ck_assert_str_ne(world_answer(world, id)->region, "eu-west");
    ck_assert_uint_eq(world->regions[EU_WEST].calls, 0);
}
END_TEST

START_TEST(ready_once_every_region_has_been_connected_and_listed)
{
    struct world *other = world_prepare();
    world_start(other);
    for (uint32_t region = 0; region < REGIONS; region++) {
        ck_assert(!other->ready);
        world_up(other, region);
    }
    ck_assert(other->ready);
    ck_assert_uint_eq(other->ready_us, other->now_us);
    world_free(other);
}
END_TEST

START_TEST(ready_without_a_missing_region_after_three_seconds)
{
    struct world *other = world_prepare();
    world_start(other);
    for (uint32_t region = 0; region < REGIONS - 1; region++)
        world_up(other, region);
    world_run(other, 2900 * MS);
    ck_assert(!other->ready);
    world_run(other, 200 * MS);
    ck_assert(other->ready);
    ck_assert(world_logged(other, "ap-southeast: not connected yet"));
    world_up(other, REGIONS - 1);
    uint64_t id = world_get(other, "ap-southeast", KEY);
    world_run(other, SECOND_US);
    ck_assert_str_eq(world_answer(other, id)->region, "ap-southeast");
    world_free(other);
}
END_TEST

START_TEST(probes_are_spread_over_the_interval)
{
    /* 15 links; nowhere in the interval do more than a few fall together. */
    uint64_t wakes = 0;
    for (uint64_t slice = 0; slice < 10; slice++) {
        uint64_t end_us = world->now_us + INTERVAL / 10;
        uint64_t next_us = router_wake_us(world->router);
        wakes += next_us <= end_us;
        world_run(world, INTERVAL / 10);
    }
    ck_assert_uint_ge(wakes, 9);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        killed_reads_move_in_the_same_step,
        killed_reads_under_way_are_asked_elsewhere_in_the_same_step,
        killed_the_log_says_it_once,
        all_killed_is_503_and_nothing_hangs,
        reconnected_a_region_is_back_after_its_probes,
        cut_reads_move_within_two_probe_intervals_and_the_slack,
        cut_requests_in_flight_do_not_wait_for_their_own_deadline,
        cut_one_vantage_the_others_see_no_fault,
        cut_and_healed_before_anybody_noticed_only_delays,
        what_a_cut_held_too_long_is_not_delivered_after_all,
        reset_calls_in_flight_fail_over_at_once,
        reset_new_calls_go_elsewhere_at_once,
        reset_everywhere_is_answered_at_once,
        healed_reads_return,
        paused_is_noticed_like_a_cut,
        a_hiccup_shorter_than_two_probes_is_no_outage,
        a_flapping_region_is_let_back_slowly,
        a_request_that_times_out_is_asked_elsewhere,
        a_log_in_that_times_out_is_not_held_against_the_region,
        a_region_that_says_it_does_not_serve_is_left_alone,
        a_service_that_is_down_leaves_the_others_there,
        a_slower_link_is_nearest_no_more,
        a_link_slower_than_the_probe_interval_is_still_watched,
        a_new_place_learns_of_a_dead_region_by_its_connection,
        ready_once_every_region_has_been_connected_and_listed,
        ready_without_a_missing_region_after_three_seconds,
        probes_are_spread_over_the_interval,
    };
    return suite_run(&(struct suite){.name = "router_faults",
                                     .set_up = fresh,
                                     .tear_down = gone,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
