#include "sim/model/latency.h"

#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "sim/model/latency_params.h"

#define MINOR 0.02 /* of a scenario's median: what saves less is not worth a sentence */

/* What was drawn of one scenario. */
struct drawn {
    const struct latency_scenario *scenario;
    double *total_us; /* sorted */
    double *stage_us; /* means, by number */
    double mean_us;
    double *halved_us, *removed_us; /* what that saves at the median, by number */
};

struct analysis {
    struct latency_options options;
    struct drawn *drawn;
    size_t count;
};

static double percentile(const struct analysis *analysis, const struct drawn *drawn, double percent)
{
    return latency_percentile(drawn->total_us, analysis->options.samples, percent);
}

/* ---- drawing ---- */

static double median_with(const struct analysis *analysis, const struct latency_scenario *scenario,
                          size_t stage, double factor, double *space)
{
    struct latency_options options = analysis->options;

    options.scaled = stage;
    options.factor = factor;
    latency_draw(scenario, &options, space, NULL);
    return latency_percentile(space, options.samples, 50);
}

static void draw(const struct analysis *analysis, struct drawn *drawn)
{
    const struct latency_scenario *scenario = drawn->scenario;
    size_t stages = scenario->stage_count;
    double *space = memory_alloc(analysis->options.samples * sizeof *space);

    drawn->total_us = memory_alloc(analysis->options.samples * sizeof *drawn->total_us);
    drawn->stage_us = memory_alloc(stages * sizeof *drawn->stage_us);
    drawn->halved_us = memory_alloc(stages * sizeof *drawn->halved_us);
    drawn->removed_us = memory_alloc(stages * sizeof *drawn->removed_us);
    latency_draw(scenario, &analysis->options, drawn->total_us, drawn->stage_us);
    double median_us = percentile(analysis, drawn, 50);
    for (size_t i = 0; i < stages; i++) {
        drawn->mean_us += drawn->stage_us[i];
        drawn->halved_us[i] = median_us - median_with(analysis, scenario, i, 0.5, space);
        drawn->removed_us[i] = median_us - median_with(analysis, scenario, i, 0, space);
    }
    free(space);
}

static void free_drawn(struct drawn *drawn)
{
    free(drawn->total_us);
    free(drawn->stage_us);
    free(drawn->halved_us);
    free(drawn->removed_us);
}

/* ---- tables ---- */

static void add_summary(const struct analysis *analysis, struct result *result)
{
    static const struct result_column columns[] = {
        {"scenario", "Scenario", RESULT_TEXT}, {"p50_us", "p50", RESULT_US},
        {"p95_us", "p95", RESULT_US},          {"p99_us", "p99", RESULT_US},
        {"mean_us", "mean", RESULT_US},        {"objective_us", "Objective", RESULT_US},
        {"about", "What", RESULT_TEXT}};
    struct result_table *table =
        result_table(result, "scenarios", "Latency by scenario", columns, 7);

    for (size_t i = 0; i < analysis->count; i++) {
        const struct drawn *drawn = &analysis->drawn[i];
        result_text(table, "%s", drawn->scenario->name);
        result_number(table, percentile(analysis, drawn, 50));
        result_number(table, percentile(analysis, drawn, 95));
        result_number(table, percentile(analysis, drawn, 99));
        result_number(table, drawn->mean_us);
        if (drawn->scenario->objective_us > 0)
            result_number(table, drawn->scenario->objective_us);
        else
            result_nothing(table);
        result_text(table, "%s", drawn->scenario->about);
    }
}

static void add_stages_of(const struct drawn *drawn, const struct latency_chain *chain,
                          struct result_table *table)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct latency_stage *stage = &chain->stages[i];
        double mean_us = drawn->stage_us[stage->number];
        result_text(table, "%s", drawn->scenario->name);
        result_text(table, "%s", stage->name);
        if (stage->branches) {
            result_nothing(table);
            result_nothing(table);
        } else {
            result_number(table, mean_us);
            result_number(table, drawn->mean_us > 0 ? mean_us / drawn->mean_us : 0);
        }
        result_number(table, drawn->halved_us[stage->number]);
        result_number(table, drawn->removed_us[stage->number]);
        for (size_t b = 0; b < stage->branch_count; b++)
            add_stages_of(drawn, &stage->branches[b], table);
    }
}

static void add_stages(const struct analysis *analysis, struct result *result)
{
    static const struct result_column columns[] = {
        {"scenario", "Scenario", RESULT_TEXT},
        {"stage", "Stage", RESULT_TEXT},
        {"mean_us", "mean", RESULT_US},
        {"share", "Share", RESULT_SHARE},
        {"halved_saves_us", "Halving it saves", RESULT_US},
        {"removed_saves_us", "Removing it saves", RESULT_US}};
    struct result_table *table =
        result_table(result, "stages",
                     "Where the time goes, and what a change would save at the median", columns, 6);

    for (size_t i = 0; i < analysis->count; i++)
        add_stages_of(&analysis->drawn[i], &analysis->drawn[i].scenario->chain, table);
}

/* ---- pictures: their tables have a column for each stage, or each scenario ---- */

struct names {
    const char **items;
    size_t count;
};

static void add_name(struct names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], name) == 0)
            return;
    names->items = memory_grow(names->items, (names->count + 2) * sizeof *names->items);
    names->items[names->count++] = name;
    names->items[names->count] = NULL;
}

static void add_stage_names(struct names *names, const struct latency_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++) {
        if (!chain->stages[i].branches)
            add_name(names, chain->stages[i].name);
        for (size_t b = 0; b < chain->stages[i].branch_count; b++)
            add_stage_names(names, &chain->stages[i].branches[b]);
    }
}

static const struct latency_stage *find_stage(const struct latency_chain *chain, const char *name)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct latency_stage *stage = &chain->stages[i];
        if (!stage->branches && strcmp(stage->name, name) == 0)
            return stage;
        for (size_t b = 0; b < stage->branch_count; b++) {
            const struct latency_stage *inner = find_stage(&stage->branches[b], name);
            if (inner)
                return inner;
        }
    }
    return NULL;
}

/* A table whose first column is @label, and whose others have the names @names. */
static struct result_table *wide_table(struct result *result, const char *name, const char *title,
                                       const struct result_column *label, const struct names *names,
                                       enum result_unit unit)
{
    struct result_column *columns = memory_alloc((names->count + 1) * sizeof *columns);

    columns[0] = *label;
    for (size_t i = 0; i < names->count; i++)
        columns[i + 1] = (struct result_column){names->items[i], names->items[i], unit};
    struct result_table *table = result_table(result, name, title, columns, names->count + 1);
    free(columns);
    return table;
}

static void add_breakdown(const struct analysis *analysis, struct result *result)
{
    static const struct result_column label = {"scenario", "Scenario", RESULT_TEXT};
    struct names stages = {0};

    for (size_t i = 0; i < analysis->count; i++)
        add_stage_names(&stages, &analysis->drawn[i].scenario->chain);
    if (stages.count == 0)
        return;
    struct result_table *table = wide_table(result, "breakdown", "What each stage is of the whole",
                                            &label, &stages, RESULT_SHARE);
    for (size_t i = 0; i < analysis->count; i++) {
        const struct drawn *drawn = &analysis->drawn[i];
        result_text(table, "%s", drawn->scenario->name);
        for (size_t s = 0; s < stages.count; s++) {
            const struct latency_stage *stage =
                find_stage(&drawn->scenario->chain, stages.items[s]);
            if (stage && drawn->mean_us > 0)
                result_number(table, drawn->stage_us[stage->number] / drawn->mean_us);
            else
                result_nothing(table);
        }
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_BARS,
                                               .title = "Where the time goes",
                                               .label = "scenario",
                                               .values = stages.items,
                                               .note = "Of the mean; of parallel branches "
                                                       "the slowest counts."});
    free(stages.items);
}

static void add_distribution(const struct analysis *analysis, struct result *result)
{
    static const double percents[] = {1, 5, 10, 25, 50, 75, 90, 95, 99, 99.9};
    static const struct result_column label = {"percentile", "Percentile", RESULT_NUMBER};
    struct names scenarios = {0};

    for (size_t i = 0; i < analysis->count; i++)
        add_name(&scenarios, analysis->drawn[i].scenario->name);
    struct result_table *table =
        wide_table(result, "distribution", "Distribution", &label, &scenarios, RESULT_US);
    for (size_t p = 0; p < sizeof percents / sizeof percents[0]; p++) {
        result_number(table, percents[p]);
        for (size_t i = 0; i < analysis->count; i++)
            result_number(table, percentile(analysis, &analysis->drawn[i], percents[p]));
    }
    result_chart(table, &(struct result_chart){.kind = RESULT_LINES,
                                               .title = "Latency by percentile",
                                               .label = "percentile",
                                               .values = scenarios.items,
                                               .logarithmic = true,
                                               .even_label = true});
    free(scenarios.items);
}

/* ---- words ---- */

/* The stage that saves most when it is gone; parallel ones as a whole. NULL: none saves anything.
 */
static const struct latency_stage *worst(const struct drawn *drawn,
                                         const struct latency_chain *chain)
{
    const struct latency_stage *best = NULL;

    for (size_t i = 0; i < chain->count; i++) {
        const struct latency_stage *stage = &chain->stages[i];
        double saved = drawn->removed_us[stage->number];
        if (saved > 0 && (!best || saved > drawn->removed_us[best->number]))
            best = stage;
    }
    return best;
}

static void tell_scenario(const struct analysis *analysis, const struct drawn *drawn,
                          struct result *result)
{
    const struct latency_scenario *scenario = drawn->scenario;
    const struct latency_stage *stage = worst(drawn, &scenario->chain);
    double median_us = percentile(analysis, drawn, 50);
    double at_us = percentile(analysis, drawn, scenario->objective_percentile);
    char texts[3][RESULT_NUMBER_SIZE];

    if (stage && drawn->removed_us[stage->number] > MINOR * median_us)
        result_find(result, "%s: %s at the median. Removing %s would save %s, halving it %s.",
                    scenario->name, result_show(RESULT_US, median_us, texts[0]), stage->name,
                    result_show(RESULT_US, drawn->removed_us[stage->number], texts[1]),
                    result_show(RESULT_US, drawn->halved_us[stage->number], texts[2]));
    if (scenario->objective_us > 0 && at_us > scenario->objective_us)
        result_fail(result, "%s: p%g is %s, the objective %s: %s too long.", scenario->name,
                    scenario->objective_percentile, result_show(RESULT_US, at_us, texts[0]),
                    result_show(RESULT_US, scenario->objective_us, texts[1]),
                    result_show(RESULT_US, at_us - scenario->objective_us, texts[2]));
    else if (scenario->objective_us > 0)
        result_find(result, "%s: p%g is %s, within the objective of %s.", scenario->name,
                    scenario->objective_percentile, result_show(RESULT_US, at_us, texts[0]),
                    result_show(RESULT_US, scenario->objective_us, texts[1]));
}

static void tell_assumptions(const struct analysis *analysis, const struct params *params,
                             struct result *result)
{
    double spread = analysis->options.spread;

    result_assume(result,
                  "Each scenario is drawn %zu times (seed %llu). Requests do not wait for "
                  "each other: this is the latency of a system that is not busy.",
                  analysis->options.samples, (unsigned long long)analysis->options.seed);
    result_assume(result, "Links are the emulator's own, with jitter and losses; without a "
                          "topology that says otherwise they have none.");
    if (spread > 0)
        result_assume(result, "Work has a log-normal spread around its median, sigma %g.", spread);
    result_assume(result, "A resolver's cache answers %.1f%% of look-ups: 1 - 1/(rate x TTL).",
                  100 * latency_dns_hits(params_value(params, LATENCY_DNS_RATE),
                                         params_value(params, LATENCY_DNS_TTL)));
    result_assume(result, "TCP takes one round trip, TLS 1.3 one more, TLS 1.2 two, a resumed "
                          "TLS 1.3 with early data none (RFC 8446).");
    result_assume(result, "Round trips between built-in regions are measured ones (Microsoft, "
                          "Azure network round-trip latency statistics, 30-day P50 ending "
                          "2026-07-30, CC BY 4.0).");
}

static void tell(const struct analysis *analysis, const struct params *params,
                 struct result *result)
{
    for (size_t i = 0; i < analysis->count; i++)
        tell_scenario(analysis, &analysis->drawn[i], result);
    add_summary(analysis, result);
    add_breakdown(analysis, result);
    add_stages(analysis, result);
    add_distribution(analysis, result);
    tell_assumptions(analysis, params, result);
}

static int run(const struct params *params, struct result *result, char **ret_error)
{
    struct deployment *deployment;
    struct latency_scenario *scenarios;
    struct analysis analysis = {
        .options = {.samples = (size_t)params_value(params, LATENCY_SAMPLES),
                    .seed = (uint64_t)params_value(params, LATENCY_SEED),
                    .spread = params_value(params, LATENCY_SPREAD),
                    .scaled = SIZE_MAX}};
    int error = deployment_create_regions(params, LATENCY_TOPOLOGY, &deployment, ret_error);

    if (error != 0)
        return error;
    error = latency_params_scenarios(params, deployment, &scenarios, &analysis.count, ret_error);
    deployment_free(deployment);
    if (error != 0)
        return error;
    analysis.drawn = memory_alloc(analysis.count * sizeof *analysis.drawn);
    for (size_t i = 0; i < analysis.count; i++) {
        analysis.drawn[i].scenario = &scenarios[i];
        draw(&analysis, &analysis.drawn[i]);
    }
    tell(&analysis, params, result);
    for (size_t i = 0; i < analysis.count; i++) {
        free_drawn(&analysis.drawn[i]);
        latency_scenario_free(&scenarios[i]);
    }
    free(analysis.drawn);
    free(scenarios);
    return 0;
}

const struct model latency_model = {
    .name = "latency",
    .title = "Latency: where a request's time goes",
    .summary = "where a request's time goes, and what a change would save",
    .text = "Draws requests through chains of stages (links, handshakes, work, parallel branches) "
            "and tells percentiles, each stage's share, what halving or removing it would save, "
            "and whether an objective is met. Scenarios of your own go into a file: start from "
            "--print-params.",
    .examples = "mecentral model latency  # a hit, a miss, a far home, a token's first use\n"
                "mecentral model latency --region eu-west --far ap-northeast --client Paris\n"
                "mecentral model latency --objective 100ms  # exit 1 when p95 takes longer\n"
                "mecentral model latency --print-params > mine.yaml  # then edit it\n"
                "mecentral model latency -f mine.yaml --html latency.html",
    .specs = latency_specs,
    .spec_count = LATENCY_PARAM_COUNT,
    .run = run,
};
