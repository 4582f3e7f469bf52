#include "sim/model/routing.h"

#include <assert.h>
#include <errno.h>

#include "sim/model/traffic_state.h"

#define DAY_S (24 * 60 * 60)

enum {
    PARAM_DEPLOYMENT = 0,
    PARAM_MIX = PARAM_DEPLOYMENT + DEPLOYMENT_PARAM_COUNT,
    PARAM_STATE = PARAM_MIX + TRAFFIC_OPERATION_COUNT,
    PARAM_QUEUE = PARAM_STATE + TRAFFIC_STATE_PARAM_COUNT,
    PARAM_REQUESTS,
    PARAM_PEAK,
    PARAM_HEADROOM,
    PARAM_LEAST,
    PARAM_COUNT
};

static const struct params_spec specs[] = {
    DEPLOYMENT_PARAMS,
    TRAFFIC_MIX_PARAMS TRAFFIC_STATE_PARAMS,
    TRAFFIC_STATE_QUEUE_PARAM,
    {"requests_per_user_day", PARAMS_NUMBER, "100", 0, 1e9, NULL,
     "requests of one user in a day, of all operations", NULL},
    {"peak_factor", PARAMS_NUMBER, "2.5", 1, 1000, NULL,
     "requests a second at the peak, against the day's mean; everybody's peak is at once", NULL},
    {"headroom", PARAMS_SHARE, "50%", 0, 100, NULL,
     "what a region can do besides what it does when all is well, as a share of that", NULL},
    {"capacity_least", PARAMS_NUMBER, "0", 0, 1e15, NULL,
     "requests a second that a region can do in any case; for one that only stands by", NULL},
};

static_assert(sizeof specs / sizeof specs[0] == PARAM_COUNT, "each parameter has its number");

static void assume(const struct routing_input *input, struct result *result)
{
    char text[RESULT_NUMBER_SIZE];

    deployment_tell(input->deployment, result);
    traffic_tell(input->traffic, result);
    result_assume(result, "What is broken has been so for %s.",
                  result_show(RESULT_US, (double)input->state.since_us, text));
    result_assume(result, "A request is the same work for each region that is asked about it. "
                          "Everybody's peak is at once. Who is refused does not try again.");
}

static void run(const struct routing_input *input, struct result *result)
{
    assume(input, result);
    routing_tables(input, result);
    routing_load_tables(input, result);
}

static int routing_run(const struct params *params, struct result *result, char **ret_error)
{
    struct routing_input input = {
        .per_s = params_value(params, PARAM_REQUESTS) * params_value(params, PARAM_PEAK) / DAY_S,
        .capacity = {.headroom = params_value(params, PARAM_HEADROOM),
                     .least_per_s = params_value(params, PARAM_LEAST)},
    };
    int error;

    if (deployment_create(params, PARAM_DEPLOYMENT, &input.deployment, ret_error) != 0)
        return -EINVAL;
    error = traffic_mix(params, PARAM_MIX, input.mix, ret_error);
    if (error == 0)
        error = traffic_state_read(params, PARAM_STATE, input.deployment, &input.state, ret_error);
    if (error == 0) {
        input.per_s *= input.deployment->users;
        input.traffic = traffic_create(input.deployment);
        traffic_state_take_queue(params, PARAM_QUEUE, input.traffic);
        run(&input, result);
    }
    traffic_free(input.traffic);
    deployment_free(input.deployment);
    return error;
}

const struct model routing_model = {
    .name = "routing",
    .title = "Where requests go",
    .summary = "who serves what, healthy and failing, and what regions must spare for each other",
    .text =
        "For every place where users are and every operation: the region that answers, at what "
        "round trip, and how much is queued or refused, when all is well or with regions, links "
        "and services down. The router's own policy decides.\n\n"
        "Then: who is sent elsewhere than to the region that is nearest by the map, and what that "
        "saves; how much more each region gets when another one dies; and which regions fall one "
        "after the other when they have less to spare than that.",
    .examples =
        "mecentral model routing  # five regions, all well\n"
        "mecentral model routing --down us-east  # where its users go\n"
        "mecentral model routing --users '{Paris: 2M, Chicago: 5M}' --regions us-east,eu-west\n"
        "mecentral model routing --cut us-east/eu-west --service-down ap-northeast/vault\n"
        "mecentral model routing --headroom 25%  # do regions fall one after the other?",
    .specs = specs,
    .spec_count = PARAM_COUNT,
    .run = routing_run,
};
