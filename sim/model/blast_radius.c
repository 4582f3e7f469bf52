#include "sim/model/blast_radius.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sim/model/traffic_state.h"

enum {
    PARAM_DEPLOYMENT = 0,
    PARAM_MIX = PARAM_DEPLOYMENT + DEPLOYMENT_PARAM_COUNT,
    PARAM_QUEUE = PARAM_MIX + TRAFFIC_OPERATION_COUNT,
    PARAM_SINCE,
    PARAM_CELLS,
    PARAM_CELLS_OF_USER,
    PARAM_REGION_FAILURES,
    PARAM_SERVICE_FAILURES,
    PARAM_LINK_FAILURES,
    PARAM_CONTROL_FAILURES,
    PARAM_MEDIAN,
    PARAM_SIGMA,
    PARAM_AGAINST_FAILURES,
    PARAM_COUNT
};

#define OUTAGES "outages of one large cloud provider, 2022-05 to 2024-12"

static const struct params_spec specs[] = {
    DEPLOYMENT_PARAMS,
    TRAFFIC_MIX_PARAMS TRAFFIC_STATE_QUEUE_PARAM,
    {"since", PARAMS_DURATION, "1m", 0, 31536e9, NULL, /* a year */
     "how long ago it broke: vault reads at followers end with the `revocation_bound` of the "
     "topology, and tokens run out",
     NULL},
    {"cells", PARAMS_COUNT, "4", 1, 1000, NULL, "cells of a region, where regions have cells",
     NULL},
    {"cells_of_user", PARAMS_COUNT, "2", 1, 1000, NULL,
     "cells of their region that may serve a user, where cells are shuffled; at most `cells`",
     NULL},
    {"region_failures_per_year", PARAMS_NUMBER, "0.12", 0, 1000, NULL,
     "failures of a whole region in a year, of each region",
     OUTAGES ": 0.12 per region-year with ten or more products hit"},
    {"service_failures_per_year", PARAMS_NUMBER, "0.10", 0, 1000, NULL,
     "failures of one service of a region in a year, of each of its three",
     OUTAGES
     ": 0.42 per region-year in all; the 0.30 with fewer products hit, over three services"},
    {"link_failures_per_year", PARAMS_NUMBER, "0.1", 0, 1000, NULL,
     "failures of the link between two regions in a year, of each link", NULL},
    {"control_failures_per_year", PARAMS_NUMBER, "1", 0, 1000, NULL,
     "failures of the control plane in a year", NULL},
    {"failure_median", PARAMS_DURATION, "212m", 0, 0, NULL, "how long half of the failures last",
     OUTAGES ": median 212 minutes"},
    {"failure_sigma", PARAMS_NUMBER, "1.06", 0, 5, NULL,
     "how much that varies: sigma of a log-normal distribution",
     OUTAGES ": 90 % within 798 minutes"},
    {"against_failures", PARAMS_TEXT, "", 0, 0, NULL,
     "with --against live: only these failures: `us-east,eu-west/vault`; empty: each region and "
     "each service of each",
     NULL},
};

static_assert(sizeof specs / sizeof specs[0] == PARAM_COUNT, "each parameter has its number");

static int read_numbers(const struct params *params, struct blast_radius_input *input,
                        char **ret_error)
{
    input->since_us = (uint64_t)params_value(params, PARAM_SINCE);
    input->cells = (size_t)params_value(params, PARAM_CELLS);
    input->cells_of_user = (size_t)params_value(params, PARAM_CELLS_OF_USER);
    if (input->cells_of_user > input->cells)
        return params_error(params, PARAM_CELLS_OF_USER, ret_error,
                            "a user cannot have more cells than the %zu of a region", input->cells);
    input->per_year[BLAST_REGIONS] = params_value(params, PARAM_REGION_FAILURES);
    input->per_year[BLAST_SERVICES] = params_value(params, PARAM_SERVICE_FAILURES);
    input->per_year[BLAST_LINKS] = params_value(params, PARAM_LINK_FAILURES);
    input->per_year[BLAST_CONTROL] = params_value(params, PARAM_CONTROL_FAILURES);
    input->outage = (struct outage){.median_us = params_value(params, PARAM_MEDIAN),
                                    .sigma = params_value(params, PARAM_SIGMA)};
    return traffic_mix(params, PARAM_MIX, input->mix, ret_error);
}

static void run(const struct blast_radius_input *input, struct result *result)
{
    char text[RESULT_NUMBER_SIZE];

    deployment_tell(input->deployment, result);
    traffic_tell(input->traffic, result);
    result_assume(result, "Unless a table says otherwise, what is broken has been so for %s.",
                  result_show(RESULT_US, (double)input->since_us, text));
    result_assume(result, "Failures last log-normally long, and happen independently of each other "
                          "and one at a time; a year's minutes add up over all of them.");
    blast_radius_tables(input, result);
    blast_radius_phases(input, result);
    blast_radius_year(input, result);
    blast_radius_isolation(input, result);
}

static int read_failures(const struct params *params, struct blast_radius_input *input,
                         char **ret_error)
{
    char *why;
    int error =
        measure_plan_failures(input->deployment, params_text(params, PARAM_AGAINST_FAILURES),
                              &input->failures, &input->failure_count, &why);

    if (error != 0) {
        params_error(params, PARAM_AGAINST_FAILURES, ret_error, "%s", why);
        free(why);
    }
    return error;
}

int blast_radius_input(const struct params *params, struct blast_radius_input *ret_input,
                       char **ret_error)
{
    struct blast_radius_input input = {.since_us = 0};

    if (read_numbers(params, &input, ret_error) != 0 ||
        deployment_create(params, PARAM_DEPLOYMENT, &input.deployment, ret_error) != 0)
        return -EINVAL;
    if (read_failures(params, &input, ret_error) != 0) {
        deployment_free(input.deployment);
        return -EINVAL;
    }
    input.traffic = traffic_create(input.deployment);
    traffic_state_take_queue(params, PARAM_QUEUE, input.traffic);
    *ret_input = input;
    return 0;
}

void blast_radius_input_free(struct blast_radius_input *input)
{
    free(input->failures);
    traffic_free(input->traffic);
    deployment_free(input->deployment);
}

static int blast_radius_run(const struct params *params, struct result *result, char **ret_error)
{
    struct blast_radius_input input;
    int error = blast_radius_input(params, &input, ret_error);

    if (error != 0)
        return error;
    run(&input, result);
    blast_radius_input_free(&input);
    return 0;
}

const struct model blast_radius_model = {
    .name = "blast-radius",
    .title = "How far failures reach",
    .summary = "each region's, service's and link's failure: which users lose what, and how often",
    .text =
        "For the failure of every region, of every service of a region, of every link between two "
        "regions, of every pair of regions, of every replicator and disk, and of the control "
        "plane: the share of users, reads, writes and sensitive calls that are hit, by what "
        "becomes of them: slower, stale, queued, refused as read-only, failed. The router's own "
        "policy decides.\n\n"
        "Then: how that changes as the failure lasts; what it comes to in a year, from how often "
        "things fail and how long that lasts; and how the same users are hit when they are "
        "divided among one pool, regions, or cells.",
    .examples = "mecentral model blast-radius  # five regions\n"
                "mecentral model blast-radius --regions us-east,eu-west --users '{us-east: 3M, "
                "Paris: 1M}'\n"
                "mecentral model blast-radius --since 1h  # tokens have run out\n"
                "mecentral model blast-radius --queue-writes read-only\n"
                "mecentral model blast-radius --region-failures-per-year 0.42 --html blast.html",
    .specs = specs,
    .spec_count = PARAM_COUNT,
    .run = blast_radius_run,
};
