/* Is a running world the one that is modelled, is all well in it, and what has been noticed. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/measure_world.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/suite.h"

/* ---- is it the same world ---- */

/* What is wrong when @ours is modelled and @theirs runs; NULL: nothing. A new string. */
static char *difference(const char *ours, const char *our_regions, const char *theirs,
                        const char *their_regions)
{
    const char *const first[] = {our_regions, NULL};
    const char *const second[] = {their_regions, NULL};
    struct deployment *modelled = model_fixture_deployment(ours, first);
    struct deployment *running = model_fixture_deployment(theirs, second);
    char *error = NULL;
    int result = measure_world_is_same(modelled, running->config, &error);

    ck_assert_int_eq(result, error ? -EINVAL : 0);
    deployment_free(modelled);
    deployment_free(running);
    return error;
}

static void differ(const char *theirs, const char *why)
{
    char *error = difference("settings: {}\n", "regions=2", theirs, "regions=2");

    ck_assert_ptr_nonnull(error);
    ck_assert_msg(strstr(error, why) != NULL, "%s", error);
    ck_assert_ptr_nonnull(strstr(error, "--topology"));
    free(error);
}

START_TEST(the_same_world_is_the_same)
{
    ck_assert_ptr_null(difference(NULL, "regions=3", NULL, "regions=3"));
    ck_assert_ptr_null(difference(NULL, "regions=2", NULL, "regions=us-east,eu-west"));
    /* How passwords are hashed does not matter to any model. */
    ck_assert_ptr_null(difference("settings: {argon2_operations: 1}\n", "regions=2",
                                  "settings: {argon2_operations: 3}\n", "regions=2"));
}
END_TEST

START_TEST(other_regions_make_another_world)
{
    char *error = difference(NULL, "regions=2", NULL, "regions=3");

    ck_assert_ptr_nonnull(
        strstr(error, "its regions are us-east,eu-west,ap-northeast, and not us-east,eu-west"));
    free(error);
    error = difference(NULL, "regions=us-east,eu-west", NULL, "regions=us-east,us-west");
    ck_assert_ptr_nonnull(strstr(error, "its regions are"));
    free(error);
}
END_TEST

START_TEST(other_rules_make_another_world)
{
    differ("settings: {queue_writes: false}\n", "its queue_writes is another");
    differ("settings: {revocation_bound: 6s}\n", "its revocation_bound is another");
    differ("settings: {bookmark_wait: 1s}\n", "its bookmark_wait is another");
    differ("settings: {token_lifetime: 60s}\n", "its token_lifetime is another");
}
END_TEST

START_TEST(other_links_make_another_world)
{
    differ("links:\n  - {between: [us-east, eu-west], rtt: 80ms}\n",
           "its link us-east to eu-west is another");
    differ("links:\n  - {between: [\"client:eu-west\", us-east], jitter: 5ms}\n",
           "its link of clients, eu-west to us-east is another");
}
END_TEST

/* ---- what status says ---- */

#define VANTAGE(geo, usable, down)                                                                 \
    "{\"geo\":\"" geo "\",\"regions\":[{\"region\":\"us-east\",\"usable\":" usable                 \
    ",\"services_down\":[" down "]},{\"region\":\"eu-west\",\"usable\":true,"                      \
    "\"services_down\":[]}]}"

/* A status in which one word is replaced by another. */
static json_t *status_with(const char *word, const char *other)
{
    static const char status[] =
        "{\"faults\":[],\"processes\":[{\"name\":\"routerd\",\"state\":\"serving\"}],"
        "\"router\":{\"vantages\":[" VANTAGE("us-east", "true", "") "," VANTAGE(
            "eu-west", "true", "") "]},"
                                   "\"regions\":[{\"name\":\"us-east\",\"answers\":true,"
                                   "\"queue\":{\"waiting\":0,\"in_flight\":0},"
                                   "\"copies\":[{\"shard\":\"us-east\",\"staleness_ms\":0},"
                                   "{\"shard\":\"eu-west\",\"staleness_ms\":155.5}],"
                                   "\"counters\":{\"tokens_checked\":7},"
                                   "\"caches\":[{\"name\":\"edge\",\"hits\":1,\"misses\":2},"
                                   "{\"name\":\"regional\",\"hits\":30,\"misses\":4}]}]}";
    char *text = calloc(1, sizeof status + 200);
    const char *at = strstr(status, word);
    json_error_t why;

    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(at);
    memcpy(text, status, (size_t)(at - status));
    strcat(text, other);
    strcat(text, at + strlen(word));
    json_t *json = json_loads(text, 0, &why);
    ck_assert_msg(json != NULL, "%s: %s", why.text, text);
    free(text);
    return json;
}

static void unwell(const char *word, const char *other, const char *wanted)
{
    json_t *status = status_with(word, other);
    char *why = NULL;

    ck_assert(!measure_world_is_well(status, &why));
    ck_assert_msg(why && strstr(why, wanted), "%s", why);
    free(why);
    ck_assert(!measure_world_is_well(status, NULL));
    json_decref(status);
}

START_TEST(all_is_well_when_everything_serves)
{
    json_t *status = status_with("155.5", "999");
    char *why = NULL;

    ck_assert(measure_world_is_well(status, &why));
    ck_assert_ptr_null(why);
    json_decref(status);
}
END_TEST

START_TEST(what_is_not_well_is_named)
{
    unwell("\"faults\":[]", "\"faults\":[{}]", "mecentral faults");
    unwell("\"serving\"", "\"killed\"", "routerd is killed");
    unwell("\"usable\":true", "\"usable\":false", "does not find us-east well, seen from us-east");
    unwell("\"services_down\":[]", "\"services_down\":[\"auth\"]", "does not find us-east well");
    unwell("\"answers\":true", "\"answers\":false", "us-east does not answer");
    unwell("\"waiting\":0", "\"waiting\":1", "writes wait in the queue of us-east");
    unwell("\"in_flight\":0", "\"in_flight\":2", "writes wait in the queue of us-east");
    unwell("155.5", "1000", "us-east has not heard lately from eu-west");
    unwell("155.5", "null", "us-east has not heard lately from eu-west");
}
END_TEST

START_TEST(a_failure_is_noticed_when_every_place_has_noticed_it)
{
    json_t *status = json_loads(
        "{\"router\":{\"vantages\":[" VANTAGE("a", "false", "\"auth\",\"vault\"") "," VANTAGE(
            "b", "true", "\"vault\"") "]}"
                                      "}",
        0, NULL);

    ck_assert_ptr_nonnull(status);
    ck_assert(!measure_world_noticed_region(status, "us-east"));
    ck_assert(!measure_world_noticed_service(status, "us-east", PARTS_AUTH));
    ck_assert(measure_world_noticed_service(status, "us-east", PARTS_VAULT));
    ck_assert(!measure_world_noticed_service(status, "eu-west", PARTS_VAULT));
    json_t *second = json_array_get(
        json_object_get(
            json_array_get(json_object_get(json_object_get(status, "router"), "vantages"), 1),
            "regions"),
        0);
    json_object_set_new(second, "usable", json_false());
    ck_assert(measure_world_noticed_region(status, "us-east"));
    ck_assert(!measure_world_noticed_region(status, "eu-west"));
    /* A region that nobody speaks of has not been found to be away. */
    ck_assert(!measure_world_noticed_region(status, "us-west"));
    json_decref(status);
}
END_TEST

START_TEST(counters_are_those_of_the_regional_cache_and_the_edge)
{
    json_t *status = status_with("155.5", "155");
    struct measure_counters counters = {0};

    ck_assert_int_eq(measure_world_counters(status, "us-east", &counters), 0);
    ck_assert_uint_eq(counters.hits, 30);
    ck_assert_uint_eq(counters.misses, 4);
    ck_assert_uint_eq(counters.tokens_checked, 7);
    ck_assert_int_eq(measure_world_counters(status, "eu-west", &counters), -ENOENT);
    json_decref(status);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        the_same_world_is_the_same,
        other_regions_make_another_world,
        other_rules_make_another_world,
        other_links_make_another_world,
        all_is_well_when_everything_serves,
        what_is_not_well_is_named,
        a_failure_is_noticed_when_every_place_has_noticed_it,
        counters_are_those_of_the_regional_cache_and_the_edge,
    };

    return suite_run(&(struct suite){.name = "measure_world", SUITE_TESTS(tests)});
}
