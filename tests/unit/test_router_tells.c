/* What the router tells people: its own paths, status, explanations; and what it takes from others:
 * configs, and nonsense. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <jansson.h>

#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

START_TEST(the_routers_own_paths_answer)
{
    struct http_request http = {.method = HTTP_GET, .path = slice_of("/healthz")};
    ck_assert_int_eq(world_answer(world, world_send(world, &http))->status, 200);
    http.path = slice_of("/readyz");
    ck_assert_int_eq(world_answer(world, world_send(world, &http))->status, 200);
    http.path = slice_of("/metrics");
    const struct seen_answer *answer = world_answer(world, world_send(world, &http));
    ck_assert_int_eq(answer->status, 200);
    ck_assert_ptr_nonnull(strstr(answer->body, "# HELP mecentral_router_requests_total"));
    http.method = HTTP_HEAD;
    ck_assert(world_answer(world, world_send(world, &http))->head);
    http.method = HTTP_POST;
    ck_refused(world_send(world, &http), PROBLEM_METHOD_NOT_ALLOWED);
    http.path = slice_of("/healthzz");
    ck_refused(world_send(world, &http), PROBLEM_NOT_FOUND);
}
END_TEST

START_TEST(status_is_json_and_adds_up)
{
    world_get(world, "us-west", KEY);
    world_get(world, "atlantis", KEY);
    world_run(world, SECOND_US);
    char *text = router_status(world->router, (struct moment){world->now_us, world->now_us});
    json_t *status = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(status);
    json_t *requests = json_object_get(status, "requests");
    ck_assert_int_eq(json_integer_value(json_object_get(requests, "total")), 2);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(requests, "by_status"), "2xx")), 1);
    ck_assert_int_eq(
        json_integer_value(json_object_get(json_object_get(requests, "by_problem"), "bad-geo")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(status, "in_flight")), 0);
    json_t *vantages = json_object_get(status, "vantages");
    ck_assert_uint_eq(json_array_size(vantages), 3);
    json_t *first = json_array_get(json_object_get(json_array_get(vantages, 0), "regions"), 0);
    ck_assert_double_eq(json_real_value(json_object_get(first, "rtt_measured_ms")),
                        json_real_value(json_object_get(first, "rtt_configured_ms")));
    json_decref(status);
    free(text);
}
END_TEST

START_TEST(explain_says_where_and_why)
{
    world_explain(world, "GET", KEY, "us-west", "");
    ck_assert_uint_eq(world->explained_count, 1);
    ck_assert_ptr_nonnull(strstr(world->explained, "\"region\":\"us-west\""));
    ck_assert_ptr_nonnull(strstr(world->explained, "nearest healthy region"));
}
END_TEST

START_TEST(explain_looks_up_the_home_of_a_user)
{
    world_kill(world, US_EAST);
    world_explain(world, "PUT", KEY, "us-west", "alice");
    ck_assert_uint_eq(world->explained_count, 1);
    ck_assert_int_eq(world_last_call(world)->operation, MEC__OPERATION__NAME_LOOKUP);
    ck_assert_ptr_nonnull(strstr(world->explained, "\"mode\":\"queue\""));
    ck_assert_ptr_nonnull(strstr(world->explained, "\"home\":\"us-east\""));
}
END_TEST

START_TEST(explain_says_what_is_wrong_with_the_question)
{
    static const char *const bad[][3] = {
        {"BREW", KEY, "us-west"}, {"GET", "/nothing", "us-west"}, {"GET", KEY, "atlantis"}};
    for (uint32_t index = 0; index < 3; index++) {
        world_explain(world, bad[index][0], bad[index][1], bad[index][2], "");
        ck_assert_uint_eq(world->explained_count, index + 1);
        ck_assert_ptr_nonnull(strstr(world->explained, "\"error\""));
    }
}
END_TEST

START_TEST(explain_does_not_wait_for_ever_for_a_look_up)
{
    world->regions[US_WEST].mute = true;
    world_explain(world, "GET", KEY, "us-west", "alice");
    ck_assert_uint_eq(world->explained_count, 0);
    world_run(world, 3 * SECOND_US);
    ck_assert_uint_eq(world->explained_count, 1);
    ck_assert_ptr_nonnull(strstr(world->explained, "\"error\""));
    world_explain(world, "GET", KEY, "us-west", "alice");
    world_kill(world, US_WEST);
    ck_assert_uint_eq(world->explained_count, 2);
}
END_TEST

START_TEST(a_config_that_cannot_be_used_is_refused)
{
    static const uint8_t seed[32] = {1};
    struct world *other = world_prepare();
    struct router *router = NULL;
    struct moment at = {1, 1};
    other->settings.probe_interval_us = 0;
    ck_assert_int_eq(router_create(&other->config, seed, at, &router), -EINVAL);
    other->settings.probe_interval_us = 1000;
    other->config.n_regions = 0;
    ck_assert_int_eq(router_create(&other->config, seed, at, &router), -EINVAL);
    ck_assert_ptr_null(router);
    world_free(other);
}
END_TEST

START_TEST(a_config_of_another_world_changes_nothing)
{
    char *name = world->region_rows[EU_WEST].name;
    world->region_rows[EU_WEST].name = (char *)"eu-north";
    world_configure(world);
    ck_assert(world_logged(world, "cannot be used"));
    world->region_rows[EU_WEST].name = name;
    uint64_t id = world_get(world, "eu-west", KEY);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "eu-west");
}
END_TEST

START_TEST(without_wan_the_map_says_what_is_near)
{
    world->settings.no_wan = true;
    world_configure(world);
    uint64_t start_us = world->now_us;
    uint64_t id = world_get(world, "ap-northeast", KEY);
    ck_assert_str_eq(world_answer(world, id)->region, "ap-northeast");
    ck_assert_uint_eq(world_answer(world, id)->at_us, start_us);
}
END_TEST

START_TEST(nonsense_from_a_region_is_no_answer)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff};
    world_frame(world, US_EAST, FRAME_ANSWER, 77, bytes, sizeof(bytes));
    ck_assert_uint_eq(world->closes, 1);
    world_frame(world, US_EAST, FRAME_CALL, 77, bytes, 0);
    ck_assert_uint_eq(world->closes, 2);
    world_frame(world, US_EAST, FRAME_QUEUE_LIST, 77, bytes, 0);
    ck_assert_uint_eq(world->closes, 3);
    world_frame(world, US_EAST, FRAME_ANSWER, 77, bytes, 0); /* an answer to nobody: late */
    world_frame(world, US_EAST, FRAME_PONG, UINT64_MAX, bytes, 0);
    ck_assert_uint_eq(world->closes, 3);
    uint64_t id = world_get(world, "us-east", KEY);
    world_run(world, SECOND_US);
    ck_assert_int_eq(world_answer(world, id)->status, 200);
}
END_TEST

START_TEST(an_answer_by_another_region_is_not_taken)
{
    world->regions[US_EAST].mute = true;
    uint64_t id = world_put(world, "us-east", KEY);
    world_run(world, 100 * MS);
    for (uint64_t call_id = 1; call_id < 4096; call_id++)
        world_frame(world, EU_WEST, FRAME_ANSWER, call_id << 14, NULL, 0);
    world_run(world, 100 * MS);
    ck_assert(!world_answered(world, id));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        nonsense_from_a_region_is_no_answer,
        an_answer_by_another_region_is_not_taken,
        the_routers_own_paths_answer,
        status_is_json_and_adds_up,
        explain_says_where_and_why,
        explain_looks_up_the_home_of_a_user,
        explain_says_what_is_wrong_with_the_question,
        explain_does_not_wait_for_ever_for_a_look_up,
        a_config_that_cannot_be_used_is_refused,
        a_config_of_another_world_changes_nothing,
        without_wan_the_map_says_what_is_near,
    };
    return suite_run(&(struct suite){.name = "router_tells",
                                     .set_up = fresh,
                                     .tear_down = gone,
                                     .timeout_s = 30,
                                     SUITE_TESTS(tests)});
}
