/* Requests on their way through the router: five regions, virtual time. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "routerd/pending.h"
#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

static struct http_request request_to(enum http_method method, const char *path)
{
    static char token[1200];
    snprintf(token, sizeof(token), "%s", world_token("u-alice", "us-east"));
    return (struct http_request){
        .method = method, .path = slice_of(path), .authorization = slice_of(token)};
}

START_TEST(a_read_goes_to_the_nearest_region_and_takes_the_links_round_trip)
{
    uint64_t start_us = world->now_us;
    uint64_t id = world_get(world, "us-west", KEY);
    ck_assert(!world_answered(world, id));
    world_run(world, SECOND_US);
    const struct seen_answer *answer = world_answer(world, id);
    ck_assert_int_eq(answer->status, 200);
    ck_assert_str_eq(answer->region, "us-west");
    ck_assert_str_eq(answer->home, "us-east");
    ck_assert_str_eq(answer->body, "us-west");
    ck_assert_str_eq(answer->route, "us-west: nearest healthy region");
    ck_assert_uint_eq(answer->at_us - start_us, 1 * MS);
    ck_assert_uint_eq(answer->wan_us, 1 * MS);
}
END_TEST

START_TEST(a_write_goes_home_across_the_world)
{
    uint64_t start_us = world->now_us;
    uint64_t id = world_put(world, "eu-west", KEY);
    world_run(world, SECOND_US);
    const struct seen_answer *answer = world_answer(world, id);
    ck_assert_str_eq(answer->region, "us-east");
    ck_assert_int_eq(answer->served, MEC__SERVED__SERVED_HOME);
    ck_assert_str_eq(answer->route, "us-east: home: write");
    ck_assert_uint_gt(answer->at_us - start_us, 50 * MS);
    ck_assert_uint_eq(answer->wan_us, answer->at_us - start_us);
    ck_assert_str_eq(world_last_call(world)->geo, "eu-west");
    ck_assert_str_eq(world_last_call(world)->shard, "us-east");
}
END_TEST

START_TEST(time_in_the_region_counts_and_lateness_of_processes_hides_in_the_link)
{
    uint8_t body[64];
    Mec__Answer answer = MEC__ANSWER__INIT;
    world->regions[US_EAST].mute = true;
    uint64_t start_us = world->now_us;
    uint64_t id = world_put(world, "eu-west", KEY);
    uint64_t round_trip_us = world_round_trip_us("eu-west", US_EAST);
    world_run(world, round_trip_us / 2 + 45 * MS);
    answer.status = 200;
    answer.service_us = 40 * MS; /* and 5 ms for wake-ups, which no network has */
    size_t size = mec__answer__pack(&answer, body);
    world_frame(world, US_EAST, FRAME_ANSWER, world_last_call(world)->call_id, body, size);
    world_run(world, SECOND_US);
    ck_assert_uint_eq(world_answer(world, id)->at_us - start_us, round_trip_us + 40 * MS);
    ck_assert_uint_eq(world_answer(world, id)->wan_us, round_trip_us);
}
END_TEST

START_TEST(a_slow_link_carries_many_at_once)
{
    uint64_t ids[500];
    uint64_t start_us = world->now_us;
    for (size_t index = 0; index < 500; index++)
        ids[index] = world_put(world, "eu-west", KEY);
    world_run(world, SECOND_US);
    uint64_t first_us = world_answer(world, ids[0])->at_us - start_us;
    for (size_t index = 0; index < 500; index++)
        ck_assert_uint_eq(world_answer(world, ids[index])->at_us - start_us, first_us);
}
END_TEST

START_TEST(cities_and_coordinates_are_vantages_too)
{
    uint64_t paris = world_get(world, "Paris", KEY);
    uint64_t tokyo = world_get(world, "35.68,139.69", KEY);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, paris)->region, "eu-west");
    ck_assert_str_eq(world_answer(world, tokyo)->region, "ap-northeast");
}
END_TEST

START_TEST(without_a_geo_tag_a_client_is_at_the_default_place)
{
    world->settings.default_geo_index = AP_SOUTHEAST;
    world_configure(world);
    uint64_t id = world_get(world, NULL, KEY);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "ap-southeast");
}
END_TEST

START_TEST(a_place_that_is_not_known_is_400)
{
    ck_refused(world_get(world, "atlantis", KEY), PROBLEM_BAD_GEO);
    ck_refused(world_get(world, "91,0", KEY), PROBLEM_BAD_GEO);
}
END_TEST

START_TEST(more_places_than_are_kept_take_turns)
{
    for (int place = 0; place < 200; place++) {
        char geo[32];
        snprintf(geo, sizeof(geo), "%d.5,%d.5", place % 80, place - 100);
        uint64_t id = world_get(world, geo, KEY);
        world_run(world, 700 * MS);
        ck_assert_int_eq(world_answer(world, id)->status, 200);
    }
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "us-west");
}
END_TEST

START_TEST(too_many_places_at_once_are_refused)
{
    uint64_t id = 0;
    for (int place = 0; place < 65; place++) {
        char geo[32];
        snprintf(geo, sizeof(geo), "%d.5,100.5", place);
        id = world_get(world, geo, KEY);
    }
    ck_refused(id, PROBLEM_OVERLOADED);
}
END_TEST

START_TEST(too_many_requests_in_flight_are_refused)
{
    uint64_t id = 0;
    world->regions[US_WEST].mute = true;
    for (int request = 0; request < (int)PENDING_MAX; request++)
        id = world_get(world, "us-west", KEY);
    ck_assert(!world_answered(world, id));
    id = world_get(world, "us-west", KEY);
    ck_refused(id, PROBLEM_OVERLOADED);
    ck_assert_uint_eq(world_answer(world, id)->retry_after_s, 1);
}
END_TEST

START_TEST(a_missing_token_is_401_without_asking_anyone)
{
    struct http_request http = {.method = HTTP_GET, .path = slice_of(KEY)};
    uint32_t calls = (uint32_t)world->call_count;
    ck_refused(world_send(world, &http), PROBLEM_UNAUTHENTICATED);
    ck_assert_uint_eq(world->call_count, calls);
}
END_TEST

START_TEST(an_unreadable_token_is_judged_by_the_nearest_region)
{
    struct http_request http = request_to(HTTP_PUT, KEY);
    http.authorization = slice_of("Bearer nonsense");
    http.geo = slice_of("eu-west");
    world->regions[EU_WEST].problem = "unauthenticated";
    world->regions[EU_WEST].status = 401;
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_UNAUTHENTICATED);
    ck_assert_str_eq(world_last_call(world)->shard, "");
    ck_assert_uint_eq(world_last_call(world)->region, EU_WEST);
}
END_TEST

START_TEST(a_sign_up_makes_its_home_near_the_client)
{
    struct http_request http = {
        .method = HTTP_POST, .path = slice_of("/v1/users"), .geo = slice_of("eu-west")};
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->status, 200);
    ck_assert_uint_eq(world_last_call(world)->region, EU_WEST);
    ck_assert_str_eq(world_last_call(world)->shard, "eu-west");
    world_kill(world, EU_WEST);
    id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_last_call(world)->shard, "us-east");
    ck_assert_str_eq(world_answer(world, id)->region, "us-east");
}
END_TEST

START_TEST(a_log_in_goes_to_the_nearest_region)
{
    struct http_request http = {
        .method = HTTP_POST, .path = slice_of("/v1/tokens"), .geo = slice_of("eu-west")};
    world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_uint_eq(world_last_call(world)->region, EU_WEST);
    ck_assert_str_eq(world_last_call(world)->shard, "");
}
END_TEST

START_TEST(a_receipt_is_asked_for_where_it_was_given)
{
    uint64_t id = world_get(world, "us-west", "/v1/receipts/ap-northeast.12ab");
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "ap-northeast");
    ck_refused(world_get(world, "us-west", "/v1/receipts/mars.12ab"), PROBLEM_NOT_FOUND);
    world_kill(world, AP_NORTHEAST);
    ck_refused(world_get(world, "us-west", "/v1/receipts/ap-northeast.12ab"), PROBLEM_NO_REGION);
}
END_TEST

START_TEST(a_forced_region_serves_or_nobody_does)
{
    struct http_request http = request_to(HTTP_GET, KEY);
    http.force_region = slice_of("ap-southeast");
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "ap-southeast");
    world_kill(world, AP_SOUTHEAST);
    ck_refused(world_send(world, &http), PROBLEM_FORCED_REGION);
    http.force_region = slice_of("mars");
    ck_refused(world_send(world, &http), PROBLEM_BAD_REQUEST);
}
END_TEST

START_TEST(strong_reads_go_home)
{
    struct http_request http = request_to(HTTP_GET, KEY);
    http.geo = slice_of("us-west");
    http.consistency = slice_of("strong");
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "us-east");
    world_kill(world, US_EAST);
    ck_refused(world_send(world, &http), PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

START_TEST(the_bookmark_advances_by_what_was_seen)
{
    struct http_request http = request_to(HTTP_GET, KEY);
    http.geo = slice_of("us-west");
    http.bookmark = slice_of("eu-west:1.5;us-east:1.7");
    http.cookie = slice_of("theme=dark");
    world->regions[US_WEST].seq = 9;
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->bookmark, "eu-west:1.5;us-east:1.9");
    ck_assert(world_answer(world, id)->set_cookie);
    ck_assert_uint_eq(world_last_call(world)->bookmark_count, 2);
    ck_assert_uint_eq(world_last_call(world)->wait_us, 150 * MS);

    world->regions[US_WEST].seq = 3; /* never backwards */
    http.cookie = (struct slice){NULL, 0};
    http.bookmark = slice_of("us-east:1.7");
    id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->bookmark, "us-east:1.7");
    ck_assert(!world_answer(world, id)->set_cookie);
}
END_TEST

START_TEST(a_first_bookmark_is_what_the_answer_says)
{
    world->regions[US_WEST].seq = 9;
    for (int round = 0; round < 3; round++) {
        uint64_t id = world_get(world, "us-west", KEY);
        world_run(world, SECOND_US);
        char expected[40];
        snprintf(expected, sizeof(expected), "us-east:1.%d", 9 + round);
        ck_assert_str_eq(world_answer(world, id)->bookmark, expected);
        ck_assert_uint_eq(world_last_call(world)->wait_us, 0);
        world->regions[US_WEST].seq++;
    }
}
END_TEST

START_TEST(a_copy_that_is_behind_sends_the_read_home)
{
    struct http_request http = request_to(HTTP_GET, KEY);
    http.geo = slice_of("us-west");
    http.bookmark = slice_of("us-east:1.7");
    world->regions[US_WEST].verdict = MEC__VERDICT__BEHIND;
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "us-east");
    ck_assert_ptr_nonnull(strstr(world_answer(world, id)->route, "us-west could not"));
    ck_assert_int_eq(world_last_call(world)->consistency, MEC__CONSISTENCY__SESSION);
}
END_TEST

START_TEST(behind_and_no_home_is_503)
{
    struct http_request http = request_to(HTTP_GET, KEY);
    http.geo = slice_of("us-west");
    http.bookmark = slice_of("us-east:1.7");
    world_kill(world, US_EAST);
    world->regions[US_WEST].verdict = MEC__VERDICT__BEHIND;
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_BEHIND);
    ck_assert_str_eq(world_answer(world, id)->bookmark, "us-east:1.7");
}
END_TEST

START_TEST(a_region_that_is_not_serving_is_passed_by)
{
    world->regions[US_WEST].verdict = MEC__VERDICT__NOT_SERVING;
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->status, 200);
    ck_assert_str_ne(world_answer(world, id)->region, "us-west");
}
END_TEST

START_TEST(a_read_is_tried_at_three_regions_at_most)
{
    for (uint32_t region = 0; region < REGIONS; region++)
        world->regions[region].verdict = MEC__VERDICT__NOT_SERVING;
    size_t calls = world->call_count;
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, 2 * SECOND_US);
    ck_refused(id, PROBLEM_NO_REGION);
    ck_assert_uint_eq(world->call_count - calls, 3);
}
END_TEST

START_TEST(reads_that_nobody_answers_end_as_504)
{
    for (uint32_t region = 0; region < REGIONS; region++)
        world->regions[region].mute = true;
    uint64_t id = world_get(world, "us-west", KEY);
    world_run(world, 10 * SECOND_US);
    ck_refused(id, PROBLEM_READ_TIMEOUT);
}
END_TEST

START_TEST(a_region_that_is_not_the_home_any_more_sends_the_write_to_the_new_one)
{
    uint64_t id = world_put(world, "eu-west", KEY);
    /* The home moves while the write is under way. */
    world->shard_rows[US_EAST].home = (char *)"us-west";
    world->regions[US_EAST].verdict = MEC__VERDICT__NOT_HOME;
    world_configure(world);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "us-west");
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__SERVE);
}
END_TEST

START_TEST(a_home_that_nobody_knows_is_503)
{
    world->regions[US_EAST].verdict = MEC__VERDICT__NOT_HOME;
    uint64_t id = world_put(world, "us-east", KEY);
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

START_TEST(two_regions_that_both_deny_being_home_are_not_asked_for_ever)
{
    uint64_t id = world_put(world, "us-east", KEY);
    world->shard_rows[US_EAST].home = (char *)"us-west";
    world->regions[US_EAST].verdict = MEC__VERDICT__NOT_HOME;
    world->regions[US_WEST].verdict = MEC__VERDICT__NOT_HOME;
    world_configure(world);
    size_t calls = world->call_count;
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_HOME_UNAVAILABLE);
    ck_assert_uint_le(world->call_count - calls, 2);
}
END_TEST

START_TEST(a_read_whose_client_is_gone_is_forgotten)
{
    world->regions[US_WEST].mute = true;
    uint64_t id = world_get(world, "us-west", KEY);
    world_client_gone(world, id);
    size_t calls = world->call_count;
    world_run(world, 10 * SECOND_US);
    ck_assert(!world_answered(world, id));
    ck_assert_uint_le(world->call_count - calls, 1);
}
END_TEST

START_TEST(a_write_whose_client_is_gone_still_ends)
{
    uint64_t id = world_put(world, "eu-west", KEY);
    world_client_gone(world, id);
    world_kill(world, US_EAST);
    world_run(world, 2 * SECOND_US);
    ck_assert(!world_answered(world, id));
    ck_assert_int_eq(world_last_call(world)->mode, MEC__CALL_MODE__ENQUEUE);
    world_client_gone(world, id);
}
END_TEST

START_TEST(a_problem_of_the_region_reaches_the_client)
{
    world->regions[US_EAST].problem = "precondition-failed";
    world->regions[US_EAST].status = 412;
    uint64_t id = world_put(world, "us-east", KEY);
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_PRECONDITION_FAILED);
    ck_assert_str_eq(world_answer(world, id)->region, "us-east");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_read_goes_to_the_nearest_region_and_takes_the_links_round_trip,
        a_write_goes_home_across_the_world,
        time_in_the_region_counts_and_lateness_of_processes_hides_in_the_link,
        a_slow_link_carries_many_at_once,
        cities_and_coordinates_are_vantages_too,
        without_a_geo_tag_a_client_is_at_the_default_place,
        a_place_that_is_not_known_is_400,
        more_places_than_are_kept_take_turns,
        too_many_places_at_once_are_refused,
        too_many_requests_in_flight_are_refused,
        a_missing_token_is_401_without_asking_anyone,
        an_unreadable_token_is_judged_by_the_nearest_region,
        a_sign_up_makes_its_home_near_the_client,
        a_log_in_goes_to_the_nearest_region,
        a_receipt_is_asked_for_where_it_was_given,
        a_forced_region_serves_or_nobody_does,
        strong_reads_go_home,
        the_bookmark_advances_by_what_was_seen,
        a_first_bookmark_is_what_the_answer_says,
        a_copy_that_is_behind_sends_the_read_home,
        behind_and_no_home_is_503,
        a_region_that_is_not_serving_is_passed_by,
        a_read_is_tried_at_three_regions_at_most,
        reads_that_nobody_answers_end_as_504,
        a_region_that_is_not_the_home_any_more_sends_the_write_to_the_new_one,
        a_home_that_nobody_knows_is_503,
        two_regions_that_both_deny_being_home_are_not_asked_for_ever,
        a_read_whose_client_is_gone_is_forgotten,
        a_write_whose_client_is_gone_still_ends,
        a_problem_of_the_region_reaches_the_client,
    };
    return suite_run(&(struct suite){
        .name = "router", .set_up = fresh, .tear_down = gone, .timeout_s = 30, SUITE_TESTS(tests)});
}
