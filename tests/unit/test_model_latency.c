#include <check.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model/latency_params.h"
#include "tests/unit/suite.h"

#define SAMPLES 2000

/* One scenario out of YAML, with other parameters as `key`, `value` pairs up to a NULL. */
static int read_with(const char *scenarios, const char *const *more,
                     struct latency_scenario **ret_scenarios, size_t *ret_count, char **ret_error)
{
    struct params *params = params_create(latency_specs, LATENCY_PARAM_COUNT);
    struct deployment *deployment;
    size_t index;

    for (; more && *more; more += 2) {
        ck_assert_int_eq(params_find(params, more[0], &index), 0);
        ck_assert_int_eq(params_set(params, index, more[1], ret_error), 0);
    }
    ck_assert_int_eq(params_set(params, LATENCY_SCENARIOS, scenarios, ret_error), 0);
    int error = deployment_create_regions(params, LATENCY_TOPOLOGY, &deployment, ret_error);
    ck_assert_int_eq(error, 0);
    error = latency_params_scenarios(params, deployment, ret_scenarios, ret_count, ret_error);
    deployment_free(deployment);
    params_free(params);
    return error;
}

static struct latency_scenario *read_one(const char *scenarios, const char *const *more)
{
    struct latency_scenario *all;
    size_t count;
    char *error = NULL;

    int wrong = read_with(scenarios, more, &all, &count, &error);
    ck_assert_msg(wrong == 0, "%s", error);
    ck_assert_uint_eq(count, 1);
    return all;
}

static void release(struct latency_scenario *scenario)
{
    latency_scenario_free(scenario);
    free(scenario);
}

/* What every request takes, when all of them take the same. */
static double exact_us(const char *scenarios, const char *const *more)
{
    struct latency_scenario *scenario = read_one(scenarios, more);
    struct latency_options options = {.samples = SAMPLES, .seed = 7, .scaled = SIZE_MAX};
    double *total_us = calloc(SAMPLES, sizeof *total_us);
    double *stage_us = calloc(scenario->stage_count, sizeof *stage_us);
    double sum_us = 0;

    latency_draw(scenario, &options, total_us, stage_us);
    double us = total_us[0];
    ck_assert_double_eq(total_us[SAMPLES - 1], us);
    for (size_t i = 0; i < scenario->stage_count; i++)
        sum_us += stage_us[i];
    ck_assert_double_le(fabs(sum_us - us), us * 1e-9);
    free(stage_us);
    free(total_us);
    release(scenario);
    return us;
}

START_TEST(without_luck_a_chain_is_the_sum_of_its_stages)
{
    /* us-east to eu-west and back: 72 ms, as measured; within a region 1 ms. */
    ck_assert_double_eq(exact_us("{a: {stages: [{stage: work, time: 3ms}]}}", NULL), 3000);
    ck_assert_double_eq(exact_us("{a: {stages: [client]}}", NULL), 1000);
    ck_assert_double_eq(exact_us("{a: {stages: [cross-region]}}", NULL), 72000);
    ck_assert_double_eq(exact_us("{a: {stages: [{stage: cross-region, to: us-west}]}}", NULL),
                        72000);
    ck_assert_double_eq(exact_us("{a: {client: eu-west, stages: [client]}}", NULL), 72000);
    ck_assert_double_eq(
        exact_us("{a: {stages: [router, client, edge, gateway, service, cache, storage]}}", NULL),
        110 + 1000 + 1 + 10 + 10 + 1 + 4);
    ck_assert_double_eq(
        exact_us("{a: {stages: [{stage: cross-region, from: eu-west, to: eu-central}]}}",
                 (const char *const[]){"regions", "us-east,eu-west,eu-central", NULL}),
        26500);
}
END_TEST

START_TEST(handshakes_take_as_many_round_trips_as_their_standards_say)
{
    const char *const paris[] = {"client", "eu-west", NULL};

    ck_assert_double_eq(exact_us("{a: {stages: [tcp]}}", paris), 72000);
    ck_assert_double_eq(exact_us("{a: {stages: [tls1.2]}}", paris), 144000);
    ck_assert_double_eq(exact_us("{a: {stages: [tls1.3]}}", paris), 72000);
    ck_assert_double_eq(exact_us("{a: {stages: [tls-resumed]}}", paris), 0);
    ck_assert_double_eq(exact_us("{a: {stages: [tcp, tls1.3, client]}}", paris), 3 * 72000);
    ck_assert_double_eq(exact_us("{a: {stages: [{stage: tcp, times: 5}]}}", paris), 5 * 72000);
}
END_TEST

START_TEST(of_parallel_branches_the_slowest_counts)
{
    ck_assert_double_eq(
        exact_us("{a: {stages: [{parallel: [[{stage: work, time: 3ms}],"
                 " [{stage: work, time: 1ms}, {stage: work, time: 5ms}]]}, client]}}",
                 NULL),
        7000);
    ck_assert_double_eq(
        exact_us("{a: {stages: [{parallel: [[{parallel: [[cross-region], [client]]}, client],"
                 " [{stage: cross-region, to: ap-northeast}]]}]}}",
                 NULL),
        162000);
}
END_TEST

START_TEST(replication_is_one_way)
{
    ck_assert_double_eq(
        exact_us("{a: {stages: [replication]}}", (const char *const[]){"apply_work", "0", NULL}),
        36000);
    ck_assert_double_eq(exact_us("{a: {stages: [commit, replication]}}", NULL), 36000 + 160 + 100);
}
END_TEST

START_TEST(a_resolver_hits_by_rate_and_life)
{
    ck_assert_double_eq(latency_dns_hits(0.5, 60e6), 1 - 1.0 / 30);
    ck_assert_double_eq(latency_dns_hits(1, 1e6), 0);
    ck_assert_double_eq(latency_dns_hits(0, 60e6), 0);
    ck_assert_double_eq(latency_dns_hits(2, 1e6), 0.5);
    ck_assert_double_eq(
        exact_us("{a: {stages: [dns]}}", (const char *const[]){"dns_ttl", "0", NULL}), 40000);
}
END_TEST

/* Mean and percentiles of one scenario. */
struct seen {
    double mean_us, p50_us, p99_us;
};

static struct seen draw(const char *scenarios, const char *const *more,
                        const struct latency_options *options)
{
    struct latency_scenario *scenario = read_one(scenarios, more);
    double *total_us = calloc(options->samples, sizeof *total_us);
    struct seen seen = {0};

    latency_draw(scenario, options, total_us, NULL);
    for (size_t i = 0; i < options->samples; i++)
        seen.mean_us += total_us[i] / (double)options->samples;
    seen.p50_us = latency_percentile(total_us, options->samples, 50);
    seen.p99_us = latency_percentile(total_us, options->samples, 99);
    free(total_us);
    release(scenario);
    return seen;
}

START_TEST(work_spreads_as_a_log_normal)
{
    struct latency_options options = {
        .samples = 200000, .seed = 3, .scaled = SIZE_MAX, .spread = 0.5};
    struct seen seen = draw("{a: {stages: [{stage: work, time: 1ms}]}}", NULL, &options);

    ck_assert_double_eq_tol(seen.p50_us, 1000, 10);
    ck_assert_double_eq_tol(seen.mean_us, 1000 * exp(0.125), 10);
    ck_assert_double_eq_tol(seen.p99_us, 1000 * exp(0.5 * 2.3263), 60);
}
END_TEST

START_TEST(a_share_of_requests_has_a_stage)
{
    struct latency_options options = {.samples = 100000, .seed = 3, .scaled = SIZE_MAX};
    struct seen seen =
        draw("{a: {stages: [{stage: work, time: 1ms, share: 25%}]}}", NULL, &options);

    ck_assert_double_eq_tol(seen.mean_us, 250, 10);
    ck_assert_double_eq(seen.p50_us, 0);
    ck_assert_double_eq(seen.p99_us, 1000);
    seen = draw("{a: {stages: [{parallel: [[{stage: work, time: 1ms}]], share: 25%}]}}", NULL,
                &options);
    ck_assert_double_eq_tol(seen.mean_us, 250, 10);
}
END_TEST

START_TEST(a_stage_that_is_scaled_moves_nothing_else)
{
    struct latency_options options = {
        .samples = 5000, .seed = 3, .scaled = SIZE_MAX, .spread = 0.5};
    struct latency_scenario *scenario = read_one(
        "{a: {stages: [{stage: work, time: 1ms}, {stage: work, time: 7ms, share: 30%}]}}", NULL);
    double *whole_us = calloc(options.samples, sizeof *whole_us);
    double *half_us = calloc(options.samples, sizeof *half_us);
    double stage_us[2], halved_us[2];

    latency_draw(scenario, &options, whole_us, stage_us);
    options.scaled = 1;
    options.factor = 0.5;
    latency_draw(scenario, &options, half_us, halved_us);
    ck_assert_double_eq(halved_us[0], stage_us[0]);
    ck_assert_double_eq_tol(halved_us[1], stage_us[1] / 2, 1e-9);
    options.factor = 0;
    latency_draw(scenario, &options, half_us, halved_us);
    ck_assert_double_eq(halved_us[0], stage_us[0]);
    ck_assert_double_eq(halved_us[1], 0);
    free(whole_us);
    free(half_us);
    release(scenario);
}
END_TEST

START_TEST(what_stages_add_sums_to_the_mean)
{
    struct latency_options options = {
        .samples = 5000, .seed = 9, .scaled = SIZE_MAX, .spread = 0.5};
    struct latency_scenario *scenario = read_one(
        "{a: {stages: [router, {parallel: [[{stage: work, time: 1ms}], [{stage: work, time: 1ms}, "
        "storage]], share: 30%}, {parallel: [[{stage: work, time: 1ms}], [{stage: work, time: "
        "1ms}]]}, {stage: work, time: 3ms, share: 50%, times: 2}]}}",
        NULL);
    double *total_us = calloc(options.samples, sizeof *total_us);
    double *stage_us = calloc(scenario->stage_count, sizeof *stage_us);
    double mean_us = 0, sum_us = 0;

    latency_draw(scenario, &options, total_us, stage_us);
    for (size_t i = 0; i < options.samples; i++)
        mean_us += total_us[i] / (double)options.samples;
    for (size_t i = 0; i < scenario->stage_count; i++)
        sum_us += stage_us[i];
    ck_assert_double_eq_tol(sum_us, mean_us, 1e-6 * mean_us);
    /* Of two branches alike each is the slower one half of the time. */
    ck_assert_double_eq_tol(stage_us[6], stage_us[7], 0.05 * stage_us[6]);
    free(total_us);
    free(stage_us);
    release(scenario);
}
END_TEST

/* Draw the only scenario @scenarios in the world of @topology. */
static void draw_in(const char *topology, const char *scenarios, double *ret_total_us,
                    size_t samples)
{
    struct params *params = params_create(latency_specs, LATENCY_PARAM_COUNT);
    struct latency_options options = {.samples = samples, .seed = 3, .scaled = SIZE_MAX};
    struct deployment *deployment;
    struct latency_scenario *all;
    size_t count;
    char *error;

    ck_assert_int_eq(params_set(params, LATENCY_TOPOLOGY, "t.yaml", &error), 0);
    params_attach(params, LATENCY_TOPOLOGY, topology, strlen(topology));
    ck_assert_int_eq(params_set(params, LATENCY_REQUEST_BYTES, "1kB", &error), 0);
    ck_assert_int_eq(params_set(params, LATENCY_RESPONSE_BYTES, "3kB", &error), 0);
    ck_assert_int_eq(params_set(params, LATENCY_SCENARIOS, scenarios, &error), 0);
    ck_assert_int_eq(deployment_create_regions(params, LATENCY_TOPOLOGY, &deployment, &error), 0);
    ck_assert_int_eq(latency_params_scenarios(params, deployment, &all, &count, &error), 0);
    latency_draw(&all[0], &options, ret_total_us, NULL);
    release(all);
    deployment_free(deployment);
    params_free(params);
}

START_TEST(links_have_the_jitter_and_losses_of_the_topology)
{
    enum { COUNT = 50000 };
    double *total_us = calloc(COUNT, sizeof *total_us);

    draw_in("regions: [{name: us-east}, {name: eu-west}]\n"
            "links: [{between: [us-east, eu-west], rtt: 100ms, jitter: 10ms}]\n",
            "{a: {stages: [cross-region]}}", total_us, COUNT);
    /* Two draws from 0 to 10 ms each: their sum is a triangle from 100 to 120. */
    ck_assert_double_ge(total_us[0], 100000);
    ck_assert_double_le(total_us[COUNT - 1], 120000);
    ck_assert_double_eq_tol(latency_percentile(total_us, COUNT, 50), 110000, 200);
    ck_assert_double_eq_tol(latency_percentile(total_us, COUNT, 12.5), 105000, 200);
    /* One in ten is lost on each way, and sent again after a round trip. */
    draw_in("regions: [{name: us-east}, {name: eu-west}]\n"
            "links: [{between: [us-east, eu-west], rtt: 100ms, loss: 10%}]\n",
            "{a: {stages: [cross-region]}}", total_us, COUNT);
    ck_assert_double_eq(latency_percentile(total_us, COUNT, 80), 100000);
    ck_assert_double_eq(latency_percentile(total_us, COUNT, 82), 200000);
    free(total_us);
}
END_TEST

START_TEST(a_link_with_a_rate_takes_its_time_for_each_byte)
{
    static const char topology[] =
        "regions: [{name: us-east}, {name: eu-west}]\n"
        "links: [{between: [us-east, eu-west], rtt: 100ms, rate: 8mbit}]\n";
    double us[2];

    draw_in(topology, "{a: {stages: [cross-region]}}", us, 2);
    ck_assert_double_eq(us[0], 104000);
    ck_assert_double_eq(us[1], 104000);
    draw_in(topology, "{a: {stages: [{stage: replication, time: 0}]}}", us, 2);
    ck_assert_double_eq(us[1], 51000);
    draw_in(topology, "{a: {client: eu-west, stages: [tcp]}}", us, 2);
    ck_assert_double_eq(us[1], 72000);
}
END_TEST

START_TEST(percentiles_are_nearest_ranks)
{
    const double sorted[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

    ck_assert_double_eq(latency_percentile(sorted, 10, 0), 1);
    ck_assert_double_eq(latency_percentile(sorted, 10, 10), 1);
    ck_assert_double_eq(latency_percentile(sorted, 10, 11), 2);
    ck_assert_double_eq(latency_percentile(sorted, 10, 50), 5);
    ck_assert_double_eq(latency_percentile(sorted, 10, 95), 10);
    ck_assert_double_eq(latency_percentile(sorted, 10, 100), 10);
    ck_assert_double_eq(latency_percentile(sorted, 1, 50), 1);
}
END_TEST

START_TEST(what_is_wrong_with_a_scenario_is_told_with_its_place)
{
    static const struct {
        const char *scenarios, *error;
    } rows[] = {
        {"[]", "--scenarios:1: scenarios by name are wanted here"},
        {"{}", "--scenarios:1: scenarios by name are wanted here"},
        {"{a: 1}", "--scenarios:1: a: keys and values are wanted here"},
        {"{a: {}}", "--scenarios:1: a: `stages` is missing"},
        {"{a: {stages: []}}", "--scenarios:1: a.stages: a list of stages is wanted here"},
        {"{a: {stages: tcp}}", "--scenarios:1: a.stages: a list of stages is wanted here"},
        {"{a: {stage: [tcp]}}", "--scenarios:1: a.stage: unknown key; did you mean \"stages\"?"},
        {"{a:\n {stages: [tcp,\n  storag]}}",
         "--scenarios:3: a.stages[1]: there is no stage \"storag\"; did you mean \"storage\"?"},
        {"{a: {stages: [[tcp]]}}", "--scenarios:1: a.stages[0]: a stage is wanted here"},
        {"{a: {stages: [{time: 1ms}]}}",
         "--scenarios:1: a.stages[0]: neither `stage` nor `parallel` is given"},
        {"{a: {stages: [{stage: work}]}}",
         "--scenarios:1: a.stages[0]: how long does it take? `time` is missing"},
        {"{a: {stages: [work]}}",
         "--scenarios:1: a.stages[0]: how long does it take? `time` is missing"},
        {"{a: {stages: [{stage: work, time: -3ms}]}}",
         "--scenarios:1: a.stages[0].time: \"-3ms\" is negative"},
        {"{a: {stages: [{stage: work, time: nan}]}}",
         "--scenarios:1: a.stages[0].time: \"nan\" is not a duration such as 50us, 1.5ms or 2h"},
        {"{a: {stages: [{stage: work, time: 3}]}}",
         "--scenarios:1: a.stages[0].time: \"3\" is not a duration such as 50us, 1.5ms or 2h"},
        {"{a: {stages: [{stage: tcp, share: 120%}]}}",
         "--scenarios:1: a.stages[0].share: \"120%\" is not from 0 to 100%"},
        {"{a: {stages: [{stage: tcp, times: 0}]}}",
         "--scenarios:1: a.stages[0].times: \"0\" is not from 1 to 1k"},
        {"{a: {stages: [{stage: tcp, times: 1.5}]}}",
         "--scenarios:1: a.stages[0].times: \"1.5\" is not a whole number such as 12 or 50M"},
        {"{a: {stages: [{stage: tcp, to: eu-west}]}}",
         "--scenarios:1: a.stages[0].to: unknown key"},
        {"{a: {stages: [{stage: cross-region, to: eu-vest}]}}",
         "--scenarios:1: a.stages[0].to: there is no region \"eu-vest\"; did you mean "
         "\"eu-west\"?"},
        {"{a: {region: mars, stages: [tcp]}}",
         "--scenarios:1: a.region: there is no region \"mars\""},
        {"{a: {client: Atlantis, stages: [tcp]}}",
         "--scenarios:1: a.stages[0]: \"Atlantis\", where clients are, is not a place that is "
         "known"},
        {"{a: {objective: soon, stages: [tcp]}}",
         "--scenarios:1: a.objective: \"soon\" is not a duration such as 50us, 1.5ms or 2h"},
        {"{a: {stages: [{parallel: tcp}]}}", "--scenarios:1: a.stages[0].parallel: a list of "
                                             "branches is wanted, each a list of stages"},
        {"{a: {stages: [{parallel: [tcp]}]}}",
         "--scenarios:1: a.stages[0].parallel[0]: a list of stages is wanted here"},
        {"{a: {stages: [{parallel: [[tcp]], times: 2}]}}",
         "--scenarios:1: a.stages[0].times: unknown key"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct latency_scenario *scenarios;
        size_t count;
        char *error = NULL;
        int wrong = read_with(rows[i].scenarios, NULL, &scenarios, &count, &error);
        ck_assert_msg(wrong == -EINVAL, "%s", rows[i].scenarios);
        ck_assert_str_eq(error, rows[i].error);
        free(error);
    }
}
END_TEST

START_TEST(one_region_has_no_far_one)
{
    struct latency_scenario *scenarios;
    size_t count;
    char *error = NULL;

    ck_assert_int_eq(read_with("{a: {stages: [cross-region]}}",
                               (const char *const[]){"regions", "1", NULL}, &scenarios, &count,
                               &error),
                     -EINVAL);
    ck_assert_str_eq(error, "--scenarios:1: a.stages[0]: there is only one region: where to?");
    free(error);
}
END_TEST

START_TEST(stages_of_one_name_are_told_apart)
{
    struct latency_scenario *scenario =
        read_one("{a: {stages: [client, {parallel: [[client], [{stage: work, name: client, time: "
                 "1s}]]}]}}",
                 NULL);

    ck_assert_uint_eq(scenario->stage_count, 4);
    ck_assert_str_eq(scenario->chain.stages[0].name, "client");
    ck_assert_str_eq(scenario->chain.stages[1].name, "parallel");
    ck_assert_str_eq(scenario->chain.stages[1].branches[0].stages[0].name, "client-2");
    ck_assert_str_eq(scenario->chain.stages[1].branches[1].stages[0].name, "client-3");
    release(scenario);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        without_luck_a_chain_is_the_sum_of_its_stages,
        handshakes_take_as_many_round_trips_as_their_standards_say,
        of_parallel_branches_the_slowest_counts,
        replication_is_one_way,
        a_resolver_hits_by_rate_and_life,
        work_spreads_as_a_log_normal,
        a_share_of_requests_has_a_stage,
        a_stage_that_is_scaled_moves_nothing_else,
        what_stages_add_sums_to_the_mean,
        links_have_the_jitter_and_losses_of_the_topology,
        a_link_with_a_rate_takes_its_time_for_each_byte,
        percentiles_are_nearest_ranks,
        what_is_wrong_with_a_scenario_is_told_with_its_place,
        one_region_has_no_far_one,
        stages_of_one_name_are_told_apart,
    };
    return suite_run(&(struct suite){.name = "model_latency", SUITE_TESTS(tests)});
}
