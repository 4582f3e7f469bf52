/* Services that are down in regions that are well: who serves instead, and what is said. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/parts.h"
#include "routerd/vantage.h"
#include "tests/unit/router_fixture.h"
#include "tests/unit/suite.h"

#define INTERVAL (500 * MS)

static void service_down(uint32_t region, const char *service)
{
    world->regions[region].service_down = service;
    world_run(world, 2 * INTERVAL);
}

static const struct seen_answer *read_from(const char *geo)
{
    uint64_t id = world_get(world, geo, KEY);
    world_run(world, SECOND_US);
    return world_answer(world, id);
}

static const struct seen_answer *write_from(const char *geo)
{
    uint64_t id = world_put(world, geo, KEY);
    world_run(world, SECOND_US);
    return world_answer(world, id);
}

static const struct seen_answer *log_in_from(const char *geo)
{
    struct http_request http = {.method = HTTP_POST,
                                .path = slice_of("/v1/tokens"),
                                .geo = slice_of(geo),
                                .body = slice_of("{}")};
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    return world_answer(world, id);
}

/* As a region answers whose service is away or has failed. */
static void refuses(uint32_t region)
{
    world->regions[region].verdict = MEC__VERDICT__NOT_SERVING;
    world->regions[region].status = 503;
    world->regions[region].problem = "service-unavailable";
}

START_TEST(reads_go_to_the_next_region_and_say_why)
{
    service_down(US_WEST, "metadata");
    ck_assert_str_eq(read_from("us-west")->route,
                     "us-east: nearest healthy region (us-west metadata is down)");
    ck_assert(world_logged(world, "vantage us-west: us-west metadata is down"));
    world->regions[US_WEST].service_down = NULL;
    world_run(world, 2 * INTERVAL);
    ck_assert_str_eq(read_from("us-west")->route, "us-west: nearest healthy region");
    ck_assert(world_logged(world, "vantage us-west: us-west metadata is back"));
}
END_TEST

/* The text of one must not be told to the other. */
START_TEST(a_route_is_worded_for_the_service_that_was_asked_for)
{
    service_down(US_WEST, "auth");
    ck_assert_str_eq(read_from("us-west")->route, "us-west: nearest healthy region");
    uint64_t id = world_get(world, "us-west", "/v1/whoami");
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->route,
                     "us-east: nearest healthy region (us-west auth is down)");
    world->regions[US_WEST].service_down_too = "metadata";
    world_run(world, 2 * INTERVAL);
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(read_from("us-west")->route,
                         "us-east: nearest healthy region (us-west metadata is down)");
        id = world_get(world, "us-west", "/v1/whoami");
        world_run(world, SECOND_US);
        ck_assert_str_eq(world_answer(world, id)->route,
                         "us-east: nearest healthy region (us-west auth is down)");
    }
}
END_TEST

START_TEST(writes_wait_in_a_queue_while_the_service_of_their_home_is_down)
{
    service_down(US_EAST, "metadata");
    const struct seen_answer *answer = write_from("us-west");
    ck_assert_int_eq(answer->status, 202);
    ck_assert_str_eq(answer->route,
                     "us-west: home's service away: queued (us-east metadata is down)");
    ck_assert(!world_last_call(world)->maybe_written);
}
END_TEST

START_TEST(no_region_queues_whose_service_is_down)
{
    world->regions[US_WEST].service_down = "metadata";
    service_down(US_EAST, "metadata");
    const struct seen_answer *answer = write_from("us-west");
    ck_assert_int_eq(answer->status, 202);
    ck_assert_str_ne(answer->region, "us-west");
    ck_assert_str_ne(answer->region, "us-east");
}
END_TEST

START_TEST(with_the_service_down_everywhere_that_is_what_is_said)
{
    for (uint32_t region = 0; region < REGIONS; region++)
        world->regions[region].service_down = "metadata";
    world_run(world, 2 * INTERVAL);
    const struct seen_answer *answer = read_from("us-west");
    ck_assert_int_eq(answer->problem, PROBLEM_SERVICE_UNAVAILABLE);
    ck_assert_int_eq(answer->status, 503);
    ck_assert_uint_gt(answer->retry_after_s, 0);
    answer = write_from("us-west");
    ck_assert_int_eq(answer->problem, PROBLEM_SERVICE_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(answer->detail, "us-east metadata is down"));
    ck_assert_int_eq(log_in_from("us-west")->status, 200);
}
END_TEST

START_TEST(what_only_the_home_may_do_is_refused_as_its_service_is_down)
{
    struct http_request http = {.method = HTTP_GET,
                                .path = slice_of(KEY),
                                .geo = slice_of("us-west"),
                                .consistency = slice_of("strong")};
    http.authorization = slice_of(world_token("u-alice", "us-east"));
    service_down(US_EAST, "metadata");
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_SERVICE_UNAVAILABLE);
    ck_assert_str_eq(
        world_answer(world, id)->detail,
        "us-east metadata is down: a strong read needs the home, whose service is away");
    world_kill(world, US_EAST); /* the region itself is away: that is another matter */
    id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_refused(id, PROBLEM_HOME_UNAVAILABLE);
}
END_TEST

START_TEST(sign_ups_and_log_ins_go_where_auth_works)
{
    service_down(US_WEST, "auth");
    ck_assert_str_eq(log_in_from("us-west")->region, "us-east");
    struct http_request http = {.method = HTTP_POST,
                                .path = slice_of("/v1/users"),
                                .geo = slice_of("us-west"),
                                .body = slice_of("{}")};
    uint64_t id = world_send(world, &http);
    world_run(world, SECOND_US);
    ck_assert_str_eq(world_answer(world, id)->region, "us-east");
    ck_assert_str_eq(world_last_call(world)->shard, "us-east");
}
END_TEST

START_TEST(a_refusal_for_a_service_counts_as_tried_and_not_against_the_region)
{
    refuses(US_WEST);
    for (int i = 0; i < 10; i++) {
        const struct seen_answer *answer = read_from("us-west");
        ck_assert_str_eq(answer->region, "us-east");
        ck_assert_str_eq(answer->route, "us-east: nearest healthy region (us-west could not)");
    }
    ck_assert(!world_logged(world, "us-west is down"));
    world->regions[US_WEST].verdict = MEC__VERDICT__FINAL;
    world->regions[US_WEST].status = 0;
    world->regions[US_WEST].problem = NULL;
    ck_assert_str_eq(read_from("us-west")->region, "us-west");
}
END_TEST

START_TEST(a_write_that_the_home_refuses_for_its_service_is_queued)
{
    refuses(US_EAST);
    const struct seen_answer *answer = write_from("us-west");
    ck_assert_int_eq(answer->status, 202);
    ck_assert_str_eq(answer->route, "us-west: home's service away: queued (us-east could not)");
    ck_assert(!world_last_call(world)->maybe_written);
}
END_TEST

START_TEST(reads_that_fail_everywhere_are_refused_as_that)
{
    for (uint32_t region = 0; region < REGIONS; region++)
        refuses(region);
    ck_assert_int_eq(read_from("us-west")->problem, PROBLEM_SERVICE_UNAVAILABLE);
}
END_TEST

START_TEST(explain_names_the_service)
{
    service_down(US_WEST, "metadata");
    world_explain(world, "GET", KEY, "us-west", "");
    ck_assert_ptr_nonnull(strstr(world->explained, "healthy, but us-west metadata is down"));
    ck_assert_ptr_nonnull(strstr(world->explained, "=> asks us-east: nearest healthy region"));
    ck_assert_ptr_nonnull(strstr(world->explained, "\"usable\":false"));
}
END_TEST

/* Names are auth's. */
START_TEST(explain_asks_for_a_user_where_auth_works)
{
    service_down(US_WEST, "auth");
    world_explain(world, "PUT", KEY, "us-west", "alice");
    world_run(world, SECOND_US);
    ck_assert_uint_eq(world->explained_count, 1);
    ck_assert_uint_eq(world_last_call(world)->region, US_EAST);
}
END_TEST

START_TEST(services_are_in_the_status)
{
    service_down(US_WEST, "vault");
    char *text = router_status(world->router, (struct moment){.now_us = world->now_us});
    ck_assert_ptr_nonnull(strstr(text, "\"services_down\":[\"vault\"]"));
    ck_assert_ptr_nonnull(strstr(text, "\"services_down\":[]"));
    free(text);
}
END_TEST

/* ---- what needs auth as well ---- */

static struct policy_region known_for(const char *down, const struct route *route)
{
    static struct vantage_region seen[1];
    static struct vantage vantage;
    struct policy_region copy[POLICY_REGIONS_MAX];
    enum parts_service service;
    ck_assert_int_eq(parts_service_find(down, &service), 0);
    seen[0].services_down = 1u << service;
    vantage.regions = seen;
    vantage.known[0].name = "us-east";
    vantage.known[0].service_up = true;
    vantage.any_service_down = true;
    return vantage_known(&vantage, route, copy)[0];
}

START_TEST(auth_down_takes_with_it_what_is_sensitive_and_nothing_else)
{
    Mec__Operation operation;
    for (size_t index = 0; parts_operation_at(index, &operation); index++) {
        const struct route *route = routes_of(operation);
        if (route == NULL)
            continue;
        bool needs = route->class == ROUTE_SENSITIVE || strcmp(route->service, "auth") == 0 ||
                     strcmp(route->service, "vault") == 0;
        struct policy_region known = known_for("auth", route);
        ck_assert_msg(known.service_up == !needs, "%s", route->path);
        if (needs)
            ck_assert_str_eq(known.service_down, "auth");
        ck_assert(known_for("vault", route).service_up == (strcmp(route->service, "vault") != 0));
    }
}
END_TEST

START_TEST(the_vault_and_what_is_sensitive_need_auth_wherever_they_are)
{
    const struct route vault = {.service = "vault", .class = ROUTE_READ};
    const struct route secret = {.service = "metadata", .class = ROUTE_SENSITIVE};
    const struct route plain = {.service = "metadata", .class = ROUTE_READ};
    ck_assert_str_eq(known_for("auth", &vault).service_down, "auth");
    ck_assert_str_eq(known_for("vault", &vault).service_down, "vault");
    ck_assert(known_for("metadata", &vault).service_up);
    ck_assert_str_eq(known_for("auth", &secret).service_down, "auth");
    ck_assert(known_for("vault", &secret).service_up);
    ck_assert(known_for("auth", &plain).service_up);
}
END_TEST

/* ---- metrics ---- */

static const char *metrics(void)
{
    static char *text;
    free(text);
    text = router_metrics(world->router, (struct moment){.now_us = world->now_us});
    return text;
}

static size_t count(const char *text, const char *what)
{
    size_t found = 0;
    for (; (text = strstr(text, what)) != NULL; text++)
        found++;
    return found;
}

START_TEST(what_caches_do_is_in_the_metrics_once_a_family)
{
    static const char *const names[] = {"mecentral_cache_hits_total",
                                        "mecentral_cache_misses_total", "mecentral_cache_entries",
                                        "mecentral_cache_bytes"};
    world->regions[US_WEST].cache_hits = 41;
    world->regions[EU_WEST].cache_hits = 5;
    world_run(world, 2 * INTERVAL);
    const char *text = metrics();
    ck_assert_ptr_nonnull(
        strstr(text, "\nmecentral_cache_hits_total{region=\"us-west\",cache=\"regional\"} 41\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\nmecentral_cache_hits_total{region=\"eu-west\",cache=\"regional\"} 5\n"));
    ck_assert_uint_eq(count(text, "\nmecentral_cache_hits_total{"), 2); /* sundries are no cache */
    for (size_t index = 0; index < sizeof(names) / sizeof(names[0]); index++) {
        char head[64];
        snprintf(head, sizeof(head), "# TYPE %s ", names[index]);
        ck_assert_uint_eq(count(text, head), 1);
        snprintf(head, sizeof(head), "# HELP %s ", names[index]);
        ck_assert_uint_eq(count(text, head), 1);
    }
    world_kill(world, US_WEST);
    ck_assert_ptr_null(strstr(metrics(), "{region=\"us-west\",cache="));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reads_go_to_the_next_region_and_say_why,
        a_route_is_worded_for_the_service_that_was_asked_for,
        writes_wait_in_a_queue_while_the_service_of_their_home_is_down,
        no_region_queues_whose_service_is_down,
        with_the_service_down_everywhere_that_is_what_is_said,
        what_only_the_home_may_do_is_refused_as_its_service_is_down,
        sign_ups_and_log_ins_go_where_auth_works,
        a_refusal_for_a_service_counts_as_tried_and_not_against_the_region,
        a_write_that_the_home_refuses_for_its_service_is_queued,
        reads_that_fail_everywhere_are_refused_as_that,
        explain_names_the_service,
        explain_asks_for_a_user_where_auth_works,
        services_are_in_the_status,
        auth_down_takes_with_it_what_is_sensitive_and_nothing_else,
        the_vault_and_what_is_sensitive_need_auth_wherever_they_are,
        what_caches_do_is_in_the_metrics_once_a_family,
    };
    return suite_run(&(struct suite){
        .name = "router_services", .set_up = fresh, .tear_down = gone, SUITE_TESTS(tests)});
}
