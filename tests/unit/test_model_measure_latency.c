/* How the four ways of a read are measured, what shows that it was that way, and the bar. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/moment.h"
#include "sim/model/measure_latency.h"
#include "tests/unit/model_fixture.h"
#include "tests/unit/suite.h"

static struct measure_latency_plan plan;

static void make(const char *const *settings)
{
    struct params *params = params_create(latency_model.specs, latency_model.spec_count);
    char *error = NULL;

    model_fixture_set(params, settings);
    ck_assert_msg(measure_latency_plan(params, &plan, &error) == 0, "%s", error);
    params_free(params);
}

/* Without spread and work, so that a median is a sum. */
static void set_up(void)
{
    static const char *const settings[] = {"regions=us-east,eu-west,ap-northeast",
                                           "samples=20",
                                           "spread=0",
                                           "router_work=100us",
                                           "against_samples=50",
                                           NULL};

    make(settings);
}

static void tear_down(void)
{
    measure_latency_plan_free(&plan);
}

static void make_again(const char *const *settings)
{
    tear_down();
    make(settings);
}

/* ---- the plan ---- */

START_TEST(each_way_has_its_user_and_who_answers)
{
    static const uint32_t homes[] = {0, 0, 1, 1}, answerers[] = {0, 0, 1, 0};

    ck_assert_uint_eq(plan.count, 4);
    ck_assert_uint_eq(plan.samples, 50);
    for (size_t i = 0; i < plan.count; i++) {
        ck_assert_uint_eq(plan.items[i].way, i);
        ck_assert_str_eq(plan.items[i].client, "us-east");
        ck_assert_uint_eq(plan.items[i].home, homes[i]);
        ck_assert_uint_eq(plan.items[i].answerer, answerers[i]);
    }
}
END_TEST

/* 100 us in the router, 1 ms to the region near by or 72 ms to the far one, and the defaults:
 * edge 1 or 41, gateway 10, service 10, cache 1, storage 4 us. */
START_TEST(medians_are_the_models)
{
    static const double us[] = {1122, 1126, 72122, 1166};

    for (size_t i = 0; i < plan.count; i++)
        ck_assert_msg(fabs(plan.items[i].modelled_us - us[i]) < 1e-6, "%zu: %f", i,
                      plan.items[i].modelled_us);
}
END_TEST

START_TEST(regions_and_client_are_those_that_are_told)
{
    static const char *const settings[] = {"regions=us-east,eu-west,ap-northeast",
                                           "region=eu-west",
                                           "far=ap-northeast",
                                           "client=Paris",
                                           "samples=20",
                                           NULL};

    make_again(settings);
    ck_assert_str_eq(plan.items[MEASURE_LATENCY_HIT].client, "Paris");
    ck_assert_uint_eq(plan.items[MEASURE_LATENCY_HIT].answerer, 1);
    /* What goes to a far home starts at the region, as the chain of stages has it. */
    ck_assert_str_eq(plan.items[MEASURE_LATENCY_FAR].client, "eu-west");
    ck_assert_uint_eq(plan.items[MEASURE_LATENCY_FAR].answerer, 2);
    ck_assert_uint_eq(plan.items[MEASURE_LATENCY_EDGE].home, 2);
    ck_assert_uint_eq(plan.items[MEASURE_LATENCY_EDGE].answerer, 1);
}
END_TEST

START_TEST(what_cannot_be_measured_is_left_out)
{
    static const char *const some[] = {
        "regions=2", "samples=20",
        "scenarios={checkout: {stages: [dns, tcp]}, local-cache-hit: {stages: [client]}}", NULL};

    make_again(some);
    ck_assert_uint_eq(plan.count, 1);
    ck_assert_uint_eq(plan.items[0].way, MEASURE_LATENCY_HIT);
    ck_assert(plan.items[0].modelled_us == 1000);
}
END_TEST

START_TEST(nothing_to_measure_is_an_error)
{
    static const char *const none[] = {"regions=2", "samples=20",
                                       "scenarios={checkout: {stages: [dns, tcp]}}", NULL};
    struct params *params = params_create(latency_model.specs, latency_model.spec_count);
    struct measure_latency_plan unused;
    char *error = NULL;

    model_fixture_set(params, none);
    ck_assert_int_eq(measure_latency_plan(params, &unused, &error), -EINVAL);
    ck_assert_ptr_nonnull(strstr(error, "--scenarios: none of them is of a name"));
    free(error);
    params_free(params);
}
END_TEST

/* ---- was it that way ---- */

static void wanted(enum measure_latency_way way, int status, const char *region, const char *served,
                   const char *why)
{
    struct measure_answer answer = {.status = status};
    char *error = NULL;

    strcpy(answer.region, region);
    strcpy(answer.served, served);
    bool fine = measure_latency_is_wanted(&plan, &plan.items[way], &answer, &error);
    ck_assert_int_eq(fine, why == NULL);
    if (why)
        ck_assert_msg(strstr(error, why) != NULL, "%s", error);
    free(error);
}

START_TEST(answers_say_which_way_they_went)
{
    wanted(MEASURE_LATENCY_HIT, 200, "us-east", "cache", NULL);
    wanted(MEASURE_LATENCY_HIT, 200, "us-east", "home", "answered as home, and not as cache");
    wanted(MEASURE_LATENCY_MISS, 200, "us-east", "home", NULL);
    wanted(MEASURE_LATENCY_MISS, 200, "us-east", "cache", "answered as cache, and not as home");
    wanted(MEASURE_LATENCY_FAR, 200, "eu-west", "cache", NULL);
    wanted(MEASURE_LATENCY_FAR, 200, "us-east", "cache", "answered by us-east, and not by eu-west");
    wanted(MEASURE_LATENCY_EDGE, 200, "us-east", "replica", NULL);
    wanted(MEASURE_LATENCY_EDGE, 200, "us-east", "home", "answered as home, and not as replica");
    wanted(MEASURE_LATENCY_EDGE, 404, "us-east", "replica", "answered 404");
    wanted(MEASURE_LATENCY_EDGE, 0, "", "", "answered 0");
}
END_TEST

static void counted(enum measure_latency_way way, uint64_t hits, uint64_t checked, const char *why)
{
    const struct measure_counters before = {.hits = 1000, .misses = 7, .tokens_checked = 500};
    const struct measure_counters after = {
        .hits = 1000 + hits, .misses = 7, .tokens_checked = 500 + checked};
    char *error = NULL;
    bool fine = measure_latency_was_real(&plan.items[way], &before, &after, 50, &error);

    ck_assert_int_eq(fine, why == NULL);
    if (why)
        ck_assert_msg(strstr(error, why) != NULL, "%s", error);
    free(error);
}

START_TEST(counters_show_which_stages_were_gone_through)
{
    counted(MEASURE_LATENCY_HIT, 50, 0, NULL);
    counted(MEASURE_LATENCY_HIT, 60, 9, NULL); /* others read, too */
    counted(MEASURE_LATENCY_HIT, 49, 0, "of 50 reads only 49 were found");
    counted(MEASURE_LATENCY_FAR, 50, 0, NULL);
    counted(MEASURE_LATENCY_FAR, 0, 0, "of 50 reads only 0 were found");
    counted(MEASURE_LATENCY_MISS, 0, 0, NULL);
    counted(MEASURE_LATENCY_MISS, 1, 0, "disabled has had 1 hits");
    counted(MEASURE_LATENCY_EDGE, 0, 50, NULL);
    counted(MEASURE_LATENCY_EDGE, 0, 49, "of 50 reads only 49 had their token's signature");
    counted(MEASURE_LATENCY_EDGE, 3, 50, "disabled has had 3 hits");
}
END_TEST

/* ---- the bar ---- */

START_TEST(the_bar_is_five_percent_or_a_millisecond)
{
    ck_assert(measure_latency_is_within(1100, 2100));
    ck_assert(!measure_latency_is_within(1100, 2101));
    ck_assert(measure_latency_is_within(1100, 100));
    ck_assert(!measure_latency_is_within(1100, 99));
    ck_assert(measure_latency_is_within(100000, 105000));
    ck_assert(!measure_latency_is_within(100000, 105001));
    ck_assert(measure_latency_is_within(100000, 95000));
    ck_assert(!measure_latency_is_within(100000, 94999));
}
END_TEST

static json_t *compared(double far_us, bool *ret_failed)
{
    /* The median of three is the one in the middle, and p95 the last one. */
    double hit[] = {1000, 1100, 9000}, far[] = {1, far_us, 1e6};
    const struct measure_latency_samples samples[] = {{hit, 3}, {hit, 3}, {far, 3}, {hit, 3}};
    struct result *result = result_create("latency", "test");

    measure_latency_compare(&plan, samples, result);
    *ret_failed = result_failed(result);
    json_t *json = result_as_json(result, NULL);
    result_free(result);
    return json;
}

START_TEST(medians_within_the_bar_pass)
{
    bool failed;
    json_t *json = compared(72122 * 1.049, &failed);
    json_t *row = model_fixture_row(json, "against", "scenario", "local-cache-hit");

    ck_assert(!failed);
    ck_assert(fabs(model_fixture_number(row, "modelled_us") - 1122) < 1e-6);
    ck_assert(model_fixture_number(row, "measured_us") == 1100);
    ck_assert(fabs(model_fixture_number(row, "difference_us") + 22) < 1e-6);
    ck_assert(model_fixture_number(row, "measured_p95_us") == 9000);
    ck_assert(model_fixture_number(row, "samples") == 3);
    ck_assert_str_eq(json_string_value(json_object_get(row, "within")), "yes");
    json_decref(json);
}
END_TEST

START_TEST(a_median_out_of_the_bar_fails)
{
    bool failed;
    json_t *json = compared(72122 * 1.051, &failed);
    json_t *row = model_fixture_row(json, "against", "scenario", "cross-region");
    const char *why = json_string_value(json_array_get(json_object_get(json, "failed"), 0));

    ck_assert(failed);
    ck_assert_str_eq(json_string_value(json_object_get(row, "within")), "no");
    ck_assert_ptr_nonnull(strstr(why, "In 1 of 4 scenarios"));
    json_decref(json);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_way_has_its_user_and_who_answers,
        medians_are_the_models,
        regions_and_client_are_those_that_are_told,
        what_cannot_be_measured_is_left_out,
        nothing_to_measure_is_an_error,
        answers_say_which_way_they_went,
        counters_show_which_stages_were_gone_through,
        the_bar_is_five_percent_or_a_millisecond,
        medians_within_the_bar_pass,
        a_median_out_of_the_bar_fails,
    };

    return suite_run(&(struct suite){
        .name = "measure_latency", .set_up = set_up, .tear_down = tear_down, SUITE_TESTS(tests)});
}
