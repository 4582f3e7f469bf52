#include "sim/model/scale_world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "control/text.h"
#include "sim/model/quantity.h"
#include "sim/model/quote.h"

#define PPM    1000000.0
#define DAY_US 86400e6

static const char *const scale_world_spreads[] = {"constant", "exponential", NULL};
static const char *const scale_world_jitters[] = {"uniform", "normal", "pareto", NULL};

static_assert((int)LINK_JITTER_UNIFORM == 0 && (int)LINK_JITTER_NORMAL == 1 &&
                  (int)LINK_JITTER_PARETO == 2,
              "the choices are in the order of the link's kinds");

const struct params_spec scale_world_specs[SCALE_WORLD_PARAM_COUNT] = {DEPLOYMENT_PARAMS,
                                                                       TRAFFIC_MIX_PARAMS
#define X(identifier, key, kind, initial, least, most, choices, help)                              \
    {key, PARAMS_##kind, initial, least, most, choices, help, NULL},
                                                                           SCALE_WORLD_OWN(X)
#undef X
};

/* ---- capacities ---- */

static int take_capacity(struct scale_world *world, const struct yaml_tree *pair, char **ret_error)
{
    uint32_t region;
    double per_s;

    if (deployment_region(world->deployment, pair->key, &region) != 0)
        return yaml_tree_error(pair, ret_error, "there is no such region");
    if (pair->kind == YAML_TREE_SCALAR &&
        quantity_parse(QUANTITY_NUMBER, pair->text, &per_s) == 0 && per_s > 0) {
        world->given_capacity[region] = per_s;
        return 0;
    }
    char *quoted = quote_text(pair->text ? pair->text : "");
    yaml_tree_error(pair, ret_error, "%s is not requests a second, more than 0, such as 2000",
                    quoted);
    free(quoted);
    return -EINVAL;
}

static int take_capacities(struct scale_world *world, const struct params *params, char **ret_error)
{
    const struct yaml_tree *tree = params_tree(params, SCALE_WORLD_CAPACITY);
    int error = 0;

    if (tree->kind != YAML_TREE_MAP)
        return yaml_tree_error(tree, ret_error,
                               "regions and requests a second are wanted: {us-east: 2000}");
    for (size_t i = 0; error == 0 && i < tree->count; i++)
        error = take_capacity(world, &tree->children[i], ret_error);
    world->headroom = params_value(params, SCALE_WORLD_HEADROOM);
    return error;
}

/* ---- clients' links ---- */

static void shake(const struct params *params, struct link_profile *profile)
{
    if (profile->jitter_us == 0) {
        profile->jitter_us = (uint64_t)(params_value(params, SCALE_WORLD_CLIENT_JITTER) + 0.5);
        profile->jitter_kind =
            (enum link_jitter)params_choice(params, SCALE_WORLD_CLIENT_JITTER_KIND);
    }
    if (profile->loss_ppm == 0)
        profile->loss_ppm = (uint32_t)(params_value(params, SCALE_WORLD_CLIENT_LOSS) * PPM + 0.5);
}

static void take_links(struct scale_world *world, const struct params *params)
{
    struct deployment *deployment = world->deployment;

    for (size_t geo = 0; geo < deployment->geo_count; geo++) {
        for (size_t region = 0; region < deployment->region_count; region++) {
            shake(params, &deployment->from_client[geo][region]);
            shake(params, &deployment->to_client[geo][region]);
        }
    }
}

/* ---- all of it ---- */

static void take_numbers(struct scale_world *world, const struct params *params)
{
    world->duration_us = (uint64_t)params_value(params, SCALE_WORLD_DURATION);
    world->slice_us = (uint64_t)params_value(params, SCALE_WORLD_SLICE);
    if (world->slice_us > world->duration_us)
        world->slice_us = world->duration_us;
    world->slice_count = (world->duration_us + world->slice_us - 1) / world->slice_us;
    world->requests_per_user = params_value(params, SCALE_WORLD_REQUESTS);
    world->sun = scale_sun_of(params_value(params, SCALE_WORLD_PEAK_TO_TROUGH),
                              params_value(params, SCALE_WORLD_PEAK_HOUR),
                              params_value(params, SCALE_WORLD_BEGINS));
    world->service_us = params_value(params, SCALE_WORLD_SERVICE_TIME);
    world->service_varies = params_choice(params, SCALE_WORLD_SERVICE_SPREAD) == 1;
    world->wait_most_us = (uint64_t)params_value(params, SCALE_WORLD_WAIT_MOST);
    world->seed = (uint64_t)params_value(params, SCALE_WORLD_SEED);
}

/* A billion is a minute's work, and numbers add up without loss far beyond that. */
static int check_requests(const struct scale_world *world, const struct params *params,
                          char **ret_error)
{
    double requests =
        world->deployment->users * world->requests_per_user * (double)world->duration_us / DAY_US;

    if (requests <= SCALE_WORLD_REQUESTS_MAX)
        return 0;
    return params_error(params, SCALE_WORLD_REQUESTS, ret_error,
                        "that would be %.3g requests in all, more than %.0g: what fewer users or a "
                        "shorter time show holds for more",
                        requests, SCALE_WORLD_REQUESTS_MAX);
}

static int fill(struct scale_world *world, const struct params *params, char **ret_error)
{
    take_numbers(world, params);
    if (traffic_mix(params, SCALE_WORLD_MIX, world->mix, ret_error) != 0 ||
        deployment_create(params, 0, &world->deployment, ret_error) != 0)
        return -EINVAL;
    world->traffic = traffic_create(world->deployment);
    take_links(world, params);
    if (check_requests(world, params, ret_error) != 0 ||
        take_capacities(world, params, ret_error) != 0)
        return -EINVAL;
    return scale_faults_read(&world->faults, world->deployment,
                             params_tree(params, SCALE_WORLD_FAULTS), world->duration_us,
                             ret_error);
}

int scale_world_create(const struct params *params, struct scale_world **ret_world,
                       char **ret_error)
{
    struct scale_world *world = memory_alloc(sizeof *world);
    int error = fill(world, params, ret_error);

    if (error != 0)
        scale_world_free(world);
    else
        *ret_world = world;
    return error;
}

void scale_world_free(struct scale_world *world)
{
    if (!world)
        return;
    scale_faults_clear(&world->faults);
    traffic_free(world->traffic);
    deployment_free(world->deployment);
    free(world);
}
