/* Where requests go when a service's data may not lie everywhere. */

#include <stdio.h>
#include <string.h>

#include <check.h>

#include "tests/unit/pin_fixture.h"
#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

#define INTERVAL (500 * MS)
#define ITEM     "/v1/vault/note"

static const char *const inside[] = {"us-east", "eu-west"};

static void begin(void)
{
    fresh();
    pin(&world->config, "vault", inside, 2);
    world_configure(world);
}

static const struct seen_answer *ask(enum http_method method, const char *geo, const char *path,
                                     const char *shard)
{
    struct http_request http = {.method = method,
                                .path = slice_of(path),
                                .geo = slice_of(geo),
                                .authorization = slice_of(world_token("u", shard)),
                                .body = slice_of(method == HTTP_PUT ? "x" : "")};
    uint64_t id = world_send(world, &http);

    world_run(world, SECOND_US);
    return world_answer(world, id);
}

START_TEST(reads_go_to_the_nearest_region_that_may_hold_it)
{
    const struct seen_answer *answer = ask(HTTP_GET, "us-west", ITEM, "us-east");

    ck_assert_int_eq(answer->status, 200);
    ck_assert_str_eq(answer->route, "us-east: nearest healthy region (us-west may not hold vault)");
    ck_assert_str_eq(ask(HTTP_GET, "eu-west", ITEM, "us-east")->region, "eu-west");
    ck_assert_uint_eq(world->regions[US_WEST].calls, 0);
    /* Of other services anything nearer serves. */
    ck_assert_str_eq(ask(HTTP_GET, "us-west", KEY, "us-east")->region, "us-west");
}
END_TEST

START_TEST(when_the_nearest_is_down_another_one_inside_serves)
{
    world_kill(world, US_EAST);
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(ask(HTTP_GET, "us-west", ITEM, "us-east")->region, "eu-west");
    world_kill(world, EU_WEST);
    world_run(world, 2 * INTERVAL);
    ck_assert_int_eq(ask(HTTP_GET, "us-west", ITEM, "us-east")->status, 503);
    ck_assert_uint_eq(world->regions[US_WEST].calls, 0);
}
END_TEST

START_TEST(who_is_at_home_outside_is_told_why)
{
    const struct seen_answer *answer = ask(HTTP_PUT, "us-west", ITEM, "us-west");

    ck_assert_int_eq(answer->status, 403);
    ck_assert_int_eq(answer->problem, PROBLEM_RESIDENCY);
    ck_assert_str_eq(answer->detail, "The data of vault may not lie in us-west, the user's home.");
    ck_assert_int_eq(ask(HTTP_GET, "us-east", ITEM, "us-west")->problem, PROBLEM_RESIDENCY);
    for (uint32_t i = 0; i < REGIONS; i++)
        ck_assert_uint_eq(world->regions[i].calls, 0);
    ck_assert_int_eq(ask(HTTP_GET, "us-west", KEY, "us-west")->status, 200);
}
END_TEST

START_TEST(a_region_outside_cannot_be_forced_to_it)
{
    struct http_request http = {.method = HTTP_GET,
                                .path = slice_of(ITEM),
                                .geo = slice_of("us-west"),
                                .authorization = slice_of(world_token("u", "us-east")),
                                .force_region = slice_of("us-west")};
    uint64_t id = world_send(world, &http);

    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_FORCED_REGION);
    ck_assert_uint_eq(world->regions[US_WEST].calls, 0);
}
END_TEST

START_TEST(writes_are_never_queued_outside)
{
    pin(&world->config, "metadata", inside, 2);
    world_configure(world);
    world_kill(world, US_EAST);
    world_run(world, 2 * INTERVAL);
    const struct seen_answer *answer = ask(HTTP_PUT, "us-west", KEY, "us-east");
    ck_assert_msg(answer->status == 202, "%d %s", answer->status, answer->detail);
    ck_assert_str_eq(answer->region, "eu-west"); /* us-west is nearer, and well */
    world_kill(world, EU_WEST);
    world_run(world, 2 * INTERVAL);
    ck_assert_int_eq(ask(HTTP_PUT, "us-west", KEY, "us-east")->status, 503);
    for (uint32_t i = US_WEST; i < REGIONS; i++)
        ck_assert_uint_eq(world->regions[i].calls, 0);
}
END_TEST

START_TEST(explain_says_who_may_not_hold_it)
{
    world_explain(world, "GET", ITEM, "us-west", "");
    ck_assert_msg(strstr(world->explained, "us-west, ") != NULL, "%s", world->explained);
    ck_assert_ptr_nonnull(strstr(world->explained, "healthy, but may not hold the data of vault"));
    ck_assert_ptr_nonnull(strstr(world->explained, "asks us-east: nearest healthy region"));
}
END_TEST

/* Neither a Pong nor a new connection makes a region one that may. */
START_TEST(what_a_region_says_of_itself_changes_nothing)
{
    world->regions[US_WEST].service_down = "metadata";
    world_run(world, 2 * INTERVAL);
    world->regions[US_WEST].service_down = NULL;
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(ask(HTTP_GET, "us-west", ITEM, "us-east")->region, "us-east");
    world_kill(world, US_WEST);
    world_up(world, US_WEST);
    world_run(world, 4 * INTERVAL);
    ck_assert_str_eq(ask(HTTP_GET, "us-west", ITEM, "us-east")->region, "us-east");
    ck_assert_uint_eq(world->regions[US_WEST].calls, 0);
    unpin(&world->config);
    world_configure(world);
    ck_assert_str_eq(ask(HTTP_GET, "us-west", ITEM, "us-east")->region, "us-west");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reads_go_to_the_nearest_region_that_may_hold_it,
        when_the_nearest_is_down_another_one_inside_serves,
        who_is_at_home_outside_is_told_why,
        a_region_outside_cannot_be_forced_to_it,
        writes_are_never_queued_outside,
        explain_says_who_may_not_hold_it,
        what_a_region_says_of_itself_changes_nothing,
    };

    return suite_run(&(struct suite){
        .name = "router_residency", .set_up = begin, .tear_down = gone, SUITE_TESTS(tests)});
}
