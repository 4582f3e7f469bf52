#include <errno.h>
#include <stdlib.h>

#include "common/memory.h"
#include "sim/model/cost_params.h"
#include "sim/model/cost_prices.h"
#include "sim/model/cost_tables.h"

static void assume_work(const struct cost_asked *asked, struct result *result)
{
    const struct cost_input *input = &asked->input;
    char users[RESULT_NUMBER_SIZE];

    result_assume(result, "A month is a twelfth of 365 days; a GB is 10^9 bytes.");
    result_assume(result,
                  "With other numbers of users than %s they are at the same places in the "
                  "same parts. With fewer regions, each has its home at the nearest of them.",
                  result_show(RESULT_COUNT, asked->deployment->users, users));
    result_assume(result,
                  "Reads go to the nearest copy, all else to the home; each user's data "
                  "lies in %s of a service's regions.",
                  input->copies == 0 ? "all" : "the home and the nearest");
    result_assume(result,
                  "All regions have their busiest time with %.3g times their mean load, and "
                  "their load is spread alike over their services. Instances count in "
                  "fractions.",
                  input->compute.peak_factor);
    result_assume(result, "%s",
                  input->compute.failover
                      ? "Each region has cores for what comes to it when the worst "
                        "other one dies: reads, and those whose home it becomes."
                      : "No region has cores for what comes to it when another dies.");
    result_assume(result, "Left out: sign-ups, heartbeats, probes, what a region outside a "
                          "residency is told of a change there, discounts, taxes, free tiers, and "
                          "what is sold in steps.");
}

static void assume_value(const struct cost_asked *asked, struct result *result)
{
    const struct cost_value *value = &asked->input.value;
    char shown[3][RESULT_NUMBER_SIZE];

    result_assume(result,
                  "Waiting loses %.3g%% of revenue for each 100 ms, %.3g round trips with "
                  "each request; the mean user brings in %s %s a month.",
                  value->revenue_per_ms * 1e4, value->round_trips,
                  result_show(RESULT_COST, value->user_revenue, shown[0]),
                  asked->input.prices.unit);
    result_assume(result,
                  "A region fails %.3g times a year, half of the times for at most %s (log-normal, "
                  "sigma %.3g); a million minutes of users are worth %s. Only one region fails at "
                  "a time, and what breaks all of them at once is no reason to have more or fewer.",
                  value->outages_per_year,
                  result_show(RESULT_US, value->outage.median_us, shown[0]), value->outage.sigma,
                  result_show(RESULT_COST, value->user_minute * 1e6, shown[1]));
    result_assume(
        result,
        "In one region an outage loses all of it. With copies elsewhere, at first what is "
        "sensitive fails, then, as tokens run out (half a token's life in the mean) and "
        "only the home renews them, all does, until another region is made home after "
        "%s. What is queued is not lost.",
        result_show(RESULT_US, value->promote_us, shown[2]));
    result_assume(result,
                  "Phases: early is while one region is the least of cost and losses "
                  "together; growth, while 2 to %zu are; global, from %zu on.",
                  asked->global_regions - 1, asked->global_regions);
}

static int cost_run(const struct params *params, struct result *result, char **ret_error)
{
    struct cost_asked asked;

    if (cost_params_read(params, &asked, ret_error) != 0)
        return -EINVAL;
    struct cost_growth *growth = memory_alloc(sizeof *growth);
    cost_growth_make(&asked.input, asked.order, asked.users[asked.user_count - 1], growth);
    deployment_tell(asked.deployment, result);
    assume_work(&asked, result);
    assume_value(&asked, result);
    cost_tables_bill(&asked, growth, result);
    cost_tables_growth(&asked, growth, result);
    cost_tables_sweep(&asked, growth, result);
    cost_prices_tell(params, asked.deployment, &asked.input.prices, result);
    free(growth);
    cost_params_free(&asked);
    return 0;
}

const struct model cost_model = {
    .name = "cost",
    .title = "What growth costs",
    .summary = "what users and regions cost a month, and when the next region pays for itself",
    .text =
        "For 10 thousand to 100 million users (`users_list`): requests, cores, bytes kept, sent "
        "between regions and to clients, people, and what all of that costs a month.\n\n"
        "Then, region by region in the order in which they pay: what the next one costs, what it "
        "saves in latency and in outages, and from how many users on that is more; so whether to "
        "have one region, a few, or many. Last, each number of users in each number of "
        "regions.\n\n"
        "Costs are in units, one of them a core for a month, or in USD with `prices`, whose lists "
        "name their dates and sources and are nowhere completed in silence.",
    .examples = "mecentral model cost  # five regions, users alike at each\n"
                "mecentral model cost --regions 12 --users '{us-east: 6M, Paris: 3M, Tokyo: 1M}'\n"
                "mecentral model cost --prices aws --engineer-price 15000\n"
                "mecentral model cost --user-revenue 0 --value-of-ms '0.001 cores'  # latency "
                "without revenue\n"
                "mecentral model cost --copies 3 --failover=off\n"
                "mecentral model cost --regions 12 --html cost.html",
    .specs = cost_params_specs,
    .spec_count = COST_PARAM_COUNT,
    .run = cost_run,
};
