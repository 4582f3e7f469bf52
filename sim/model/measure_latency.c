#include "sim/model/measure_latency.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/moment.h"
#include "control/text.h"
#include "sim/model/latency_params.h"

#define BAR_SHARE 0.05
#define BAR_US    1000.0

const struct measure_latency_row *measure_latency_row(enum measure_latency_way way)
{
    static const struct measure_latency_row rows[MEASURE_LATENCY_COUNT] = {
        [MEASURE_LATENCY_HIT] = {.name = "local-cache-hit"},
        [MEASURE_LATENCY_MISS] = {.name = "local-cache-miss", .regional_disabled = true},
        [MEASURE_LATENCY_FAR] = {.name = "cross-region", .user_is_far = true, .strong = true},
        /* With its edge cache off a region meets each token for the first time. */
        [MEASURE_LATENCY_EDGE] = {.name = "edge-validation",
                                  .user_is_far = true,
                                  .regional_disabled = true,
                                  .edge_disabled = true},
    };

    assert(way < MEASURE_LATENCY_COUNT);
    return &rows[way];
}

/* ---- the plan ---- */

static double median_of(const struct params *params, const struct latency_scenario *scenario)
{
    const struct latency_options options = {.samples =
                                                (size_t)params_value(params, LATENCY_SAMPLES),
                                            .seed = (uint64_t)params_value(params, LATENCY_SEED),
                                            .spread = params_value(params, LATENCY_SPREAD),
                                            .scaled = SIZE_MAX};
    double *total_us = memory_alloc(options.samples * sizeof *total_us);

    latency_draw(scenario, &options, total_us, NULL);
    double median_us = latency_percentile(total_us, options.samples, 50);
    free(total_us);
    return median_us;
}

static void add_item(const struct params *params, const struct latency_scenario *scenario,
                     enum measure_latency_way way, struct measure_latency_plan *plan)
{
    const struct measure_latency_row *row = measure_latency_row(way);
    /* What goes to the far home starts at the near region, as the chain of stages has it. */
    const char *client =
        row->strong ? plan->deployment->region[scenario->region] : scenario->client;

    plan->items[plan->count++] = (struct measure_latency_item){
        .way = way,
        .client = client,
        .region = scenario->region,
        .far = scenario->far,
        .home = row->user_is_far ? scenario->far : scenario->region,
        .answerer = row->strong ? scenario->far : scenario->region,
        .modelled_us = median_of(params, scenario),
    };
}

static const struct latency_scenario *find(const struct measure_latency_plan *plan,
                                           const char *name)
{
    for (size_t i = 0; i < plan->scenario_count; i++)
        if (strcmp(plan->scenarios[i].name, name) == 0)
            return &plan->scenarios[i];
    return NULL;
}

/* Where the far region is none of the world's, nothing that needs one is measured. */
static void add_items(const struct params *params, struct measure_latency_plan *plan)
{
    for (unsigned way = 0; way < MEASURE_LATENCY_COUNT; way++) {
        const struct measure_latency_row *row = measure_latency_row((enum measure_latency_way)way);
        const struct latency_scenario *scenario = find(plan, row->name);

        if (scenario && (!row->user_is_far || (scenario->far < plan->deployment->region_count &&
                                               scenario->far != scenario->region)))
            add_item(params, scenario, (enum measure_latency_way)way, plan);
    }
}

int measure_latency_plan(const struct params *params, struct measure_latency_plan *ret_plan,
                         char **ret_error)
{
    struct measure_latency_plan plan = {.samples =
                                            (size_t)params_value(params, LATENCY_AGAINST_SAMPLES)};
    int error = deployment_create_regions(params, LATENCY_TOPOLOGY, &plan.deployment, ret_error);

    if (error == 0)
        error = latency_params_scenarios(params, plan.deployment, &plan.scenarios,
                                         &plan.scenario_count, ret_error);
    if (error == 0)
        add_items(params, &plan);
    if (error == 0 && plan.count == 0)
        error = params_error(params, LATENCY_SCENARIOS, ret_error,
                             "none of them is of a name that can be measured: local-cache-hit, "
                             "local-cache-miss, cross-region, edge-validation");
    if (error != 0) {
        measure_latency_plan_free(&plan);
        return error;
    }
    *ret_plan = plan;
    return 0;
}

void measure_latency_plan_free(struct measure_latency_plan *plan)
{
    for (size_t i = 0; i < plan->scenario_count; i++)
        latency_scenario_free(&plan->scenarios[i]);
    free(plan->scenarios);
    deployment_free(plan->deployment);
    *plan = (struct measure_latency_plan){0};
}

/* ---- was it that way ---- */

bool measure_latency_is_wanted(const struct measure_latency_plan *plan,
                               const struct measure_latency_item *item,
                               const struct measure_answer *answer, char **ret_why)
{
    const char *region = plan->deployment->region[item->answerer];
    const char *served = !measure_latency_row(item->way)->regional_disabled ? "cache"
                         : item->home == item->answerer                     ? "home"
                                                                            : "replica";

    if (answer->status != 200)
        *ret_why = text_format("the world has answered %d%s%s", answer->status,
                               *answer->problem ? ": " : "", answer->problem);
    else if (strcmp(answer->region, region) != 0)
        *ret_why = text_format("a client at %s is answered by %s, and not by %s; give a --region "
                               "and a --client that belong together",
                               item->client, answer->region, region);
    else if (strcmp(answer->served, served) != 0)
        *ret_why =
            text_format("%s has answered as %s, and not as %s", region, answer->served, served);
    else
        return true;
    return false;
}

/* Others may use the world at the same time, so more may have been counted, and not less. */
bool measure_latency_was_real(const struct measure_latency_item *item,
                              const struct measure_counters *before,
                              const struct measure_counters *after, size_t samples, char **ret_why)
{
    const struct measure_latency_row *row = measure_latency_row(item->way);
    uint64_t hits = after->hits - before->hits;
    uint64_t checked = after->tokens_checked - before->tokens_checked;

    if (row->regional_disabled && hits != 0)
        *ret_why = text_format("a regional cache that is disabled has had %llu hits",
                               (unsigned long long)hits);
    else if (!row->regional_disabled && hits < samples)
        *ret_why = text_format("of %zu reads only %llu were found in the regional cache", samples,
                               (unsigned long long)hits);
    else if (row->edge_disabled && checked < samples)
        *ret_why = text_format("of %zu reads only %llu had their token's signature checked",
                               samples, (unsigned long long)checked);
    else
        return true;
    return false;
}

/* ---- the comparison ---- */

bool measure_latency_is_within(double modelled_us, double measured_us)
{
    double apart_us = fabs(measured_us - modelled_us);

    return apart_us <= BAR_US || apart_us <= BAR_SHARE * modelled_us;
}

static void tell_item(const struct measure_latency_item *item,
                      const struct measure_latency_samples *samples, struct result_table *table)
{
    double median_us = latency_percentile(samples->us, samples->count, 50);

    result_text(table, "%s", measure_latency_row(item->way)->name);
    result_number(table, item->modelled_us);
    result_number(table, median_us);
    result_number(table, median_us - item->modelled_us);
    result_text(table, "%s",
                measure_latency_is_within(item->modelled_us, median_us) ? "yes" : "no");
    result_number(table, latency_percentile(samples->us, samples->count, 95));
    result_number(table, (double)samples->count);
}

void measure_latency_compare(const struct measure_latency_plan *plan,
                             const struct measure_latency_samples *samples, struct result *result)
{
    static const struct result_column columns[] = {{"scenario", "Scenario", RESULT_TEXT},
                                                   {"modelled_us", "p50, modelled", RESULT_US},
                                                   {"measured_us", "p50, measured", RESULT_US},
                                                   {"difference_us", "Difference", RESULT_US},
                                                   {"within", "Within 5 % or 1 ms", RESULT_TEXT},
                                                   {"measured_p95_us", "p95, measured", RESULT_US},
                                                   {"samples", "Requests", RESULT_COUNT}};
    struct result_table *table = result_table(result, "against", "Against the running world",
                                              columns, sizeof columns / sizeof columns[0]);
    size_t missed = 0;

    for (size_t i = 0; i < plan->count; i++) {
        double median_us = latency_percentile(samples[i].us, samples[i].count, 50);

        tell_item(&plan->items[i], &samples[i], table);
        missed += !measure_latency_is_within(plan->items[i].modelled_us, median_us);
    }
    if (missed > 0)
        result_fail(result,
                    "In %zu of %zu scenarios the running world's median is more than 5 %% and 1 ms "
                    "from the model's.",
                    missed, plan->count);
    else
        result_find(result,
                    "In all %zu scenarios that were measured on the running world the median is "
                    "within 5 %% or 1 ms of the model's.",
                    plan->count);
}
