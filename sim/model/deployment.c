#include "sim/model/deployment.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "common/network_plan.h"
#include "control/compile.h"
#include "control/faults.h"
#include "control/text.h"
#include "control/units.h"
#include "sim/model/quantity.h"
#include "sim/model/quote.h"

/* ---- regions ---- */

static int check_name(const struct params *params, size_t first, const struct topology *topology,
                      struct slice name, char **ret_error)
{
    char *wanted = memory_text_of(name);
    int error = 0;

    if (!topology_region(topology, wanted)) {
        char *quoted = quote_text(wanted);
        error = params_error(params, first + DEPLOYMENT_REGIONS, ret_error, "%s is no region of %s",
                             quoted, params_text(params, first + DEPLOYMENT_TOPOLOGY));
        free(quoted);
    }
    free(wanted);
    return error;
}

/* topology_parse() takes those of the wanted regions that it knows; here each must be there. */
static int check_wanted(const struct params *params, size_t first, const struct topology *topology,
                        char **ret_error)
{
    const char *at = params_text(params, first + DEPLOYMENT_REGIONS);
    size_t names = 0;
    uint64_t count;

    if (*at == '\0' || units_parse_count(at, &count) == 0)
        return 0;
    for (bool more = true; more; names++) {
        size_t size = strcspn(at, ",");
        if (check_name(params, first, topology, (struct slice){at, size}, ret_error) != 0)
            return -EINVAL;
        more = at[size] == ',';
        at += size + 1;
    }
    if (names == topology->region_count)
        return 0;
    return params_error(params, first + DEPLOYMENT_REGIONS, ret_error, "a region is there twice");
}

/* A file that is fine but for the regions that are wanted of it is not what is wrong. */
static void blame_regions(const struct params *params, size_t first, char **error)
{
    const char *file = params_text(params, first + DEPLOYMENT_TOPOLOGY);
    struct topology *topology;
    char *why;
    size_t size;
    const char *content = params_content(params, first + DEPLOYMENT_TOPOLOGY, &size);

    if (topology_parse(file, content, size, NULL, &topology, &why) != 0) {
        free(why);
        return;
    }
    topology_free(topology);
    why = *error;
    params_error(params, first + DEPLOYMENT_REGIONS, error, "%s", why);
    free(why);
}

static int read_file(const struct params *params, size_t first, const char *wanted,
                     struct topology **ret_topology, char **ret_error)
{
    const char *file = params_text(params, first + DEPLOYMENT_TOPOLOGY);
    struct topology *topology;
    size_t size;
    const char *content = params_content(params, first + DEPLOYMENT_TOPOLOGY, &size);

    if (!content)
        return params_error(params, first + DEPLOYMENT_TOPOLOGY, ret_error, "%s was not read",
                            file);
    if (topology_parse(file, content, size, wanted, &topology, ret_error) != 0) {
        if (wanted)
            blame_regions(params, first, ret_error);
        return -EINVAL;
    }
    if (check_wanted(params, first, topology, ret_error) != 0) {
        topology_free(topology);
        return -EINVAL;
    }
    *ret_topology = topology;
    return 0;
}

static int read_topology(const struct params *params, size_t first, struct topology **ret_topology,
                         char **ret_error)
{
    const char *regions = params_text(params, first + DEPLOYMENT_REGIONS);
    const char *wanted = *regions ? regions : NULL;
    char *why;

    if (*params_text(params, first + DEPLOYMENT_TOPOLOGY))
        return read_file(params, first, wanted, ret_topology, ret_error);
    if (topology_built_in(wanted, ret_topology, &why) == 0)
        return 0;
    params_error(params, first + DEPLOYMENT_REGIONS, ret_error, "%s", why);
    free(why);
    return -EINVAL;
}

static void take_regions(struct deployment *deployment)
{
    const struct topology *topology = deployment->topology;

    deployment->region_count = topology->region_count;
    for (size_t i = 0; i < topology->region_count; i++) {
        const struct topology_region *region = &topology->regions[i];
        struct geo_place *place = &deployment->place[i];
        deployment->region[i] = region->name;
        memcpy(place->name, region->name, sizeof place->name);
        place->latitude = region->latitude;
        place->longitude = region->longitude;
    }
}

/* Whose links a Config computes it says itself; where its processes are and what they sign with is
 * of no matter here. */
static Mec__Config *make_config(const struct topology *topology)
{
    struct faults faults = {0};
    struct key_ring *rings = memory_alloc(topology->region_count * sizeof *rings);
    Mec__Config *config = compile_config(&(struct compile_input){.version = 1,
                                                                 .world = "model",
                                                                 .runtime_directory = "",
                                                                 .topology = topology,
                                                                 .faults = &faults,
                                                                 .rings = rings});

    free(rings);
    return config;
}

/* ---- users ---- */

static struct deployment_geo *add_geo(struct deployment *deployment, const struct geo_place *place,
                                      double users)
{
    deployment->geos =
        memory_grow(deployment->geos, (deployment->geo_count + 1) * sizeof *deployment->geos);
    struct deployment_geo *geo = &deployment->geos[deployment->geo_count++];
    *geo = (struct deployment_geo){.place = *place, .users = users};
    deployment->users += users;
    return geo;
}

static bool knows_geo(const struct deployment *deployment, const char *name)
{
    for (size_t i = 0; i < deployment->geo_count; i++)
        if (strcmp(deployment->geos[i].place.name, name) == 0)
            return true;
    return false;
}

static int take_geo(struct deployment *deployment, const struct yaml_tree *pair, char **ret_error)
{
    struct geo_place place;
    double users;

    if (network_plan_resolve(deployment->links, pair->key, &place) != 0)
        return yaml_tree_error(pair, ret_error, "neither a region nor a place that is known");
    if (knows_geo(deployment, place.name))
        return yaml_tree_error(pair, ret_error, "the place is there twice, as \"%s\"", place.name);
    if (deployment->geo_count == DEPLOYMENT_GEOS_MAX)
        return yaml_tree_error(pair, ret_error, "more than %d places", DEPLOYMENT_GEOS_MAX);
    if (pair->kind == YAML_TREE_EMPTY)
        return yaml_tree_error(pair, ret_error, "it has no value");
    if (pair->kind != YAML_TREE_SCALAR)
        return yaml_tree_error(pair, ret_error, "a number of users is wanted here: 12000 or 5M");
    int error = quantity_parse(QUANTITY_COUNT, pair->text, &users);
    if (error != 0) {
        char *why = quantity_refusal(QUANTITY_COUNT, pair->text, error);
        yaml_tree_error(pair, ret_error, "%s", why);
        free(why);
        return -EINVAL;
    }
    add_geo(deployment, &place, users);
    return 0;
}

static int take_users(struct deployment *deployment, const struct params *params, size_t first,
                      char **ret_error)
{
    const struct yaml_tree *users = params_tree(params, first + DEPLOYMENT_USERS);
    double total = params_value(params, first + DEPLOYMENT_USERS_TOTAL);
    int error = 0;

    if (users->kind != YAML_TREE_MAP)
        return yaml_tree_error(users, ret_error,
                               "places and numbers are wanted: {us-east: 5M, Paris: 2M}");
    for (size_t i = 0; error == 0 && i < users->count; i++)
        error = take_geo(deployment, &users->children[i], ret_error);
    if (error != 0)
        return error;
    for (size_t i = 0; users->count == 0 && i < deployment->region_count; i++)
        add_geo(deployment, &deployment->place[i], total / (double)deployment->region_count);
    if (deployment->users <= 0)
        return yaml_tree_error(users, ret_error, "there are no users");
    return 0;
}

/* ---- links ---- */

static void take_links(struct deployment *deployment)
{
    for (size_t from = 0; from < deployment->region_count; from++) {
        for (size_t to = 0; to < deployment->region_count; to++) {
            struct network_ends ends = {NETWORK_BETWEEN, deployment->region[from],
                                        deployment->region[to]};
            deployment->between[from][to] = network_plan_profile(
                deployment->links, &ends, &deployment->place[from], &deployment->place[to]);
        }
    }
}

static void client_links(const struct deployment *deployment, const struct geo_place *place,
                         size_t region, struct link_profile *ret_out, struct link_profile *ret_back)
{
    const char *name = deployment->region[region];
    struct network_ends out = {NETWORK_FROM_CLIENT, place->name, name};
    struct network_ends back = {NETWORK_TO_CLIENT, name, place->name};

    *ret_out = network_plan_profile(deployment->links, &out, place, &deployment->place[region]);
    *ret_back = network_plan_profile(deployment->links, &back, &deployment->place[region], place);
}

static void take_client_links(struct deployment *deployment, size_t index)
{
    struct deployment_geo *geo = &deployment->geos[index];

    for (size_t i = 0; i < deployment->region_count; i++) {
        struct link_profile *out = &deployment->from_client[index][i];
        struct link_profile *back = &deployment->to_client[index][i];
        client_links(deployment, &geo->place, i, out, back);
        geo->round_trip_us[i] = out->latency_us + back->latency_us;
        if (geo->round_trip_us[i] < geo->round_trip_us[geo->nearest])
            geo->nearest = (uint32_t)i;
    }
}

/* Who signs up gets the nearest region as home; who travels has it elsewhere. */
static void take_homes(struct deployment *deployment, double roaming)
{
    size_t others = deployment->region_count - 1;

    for (size_t g = 0; g < deployment->geo_count; g++) {
        struct deployment_geo *geo = &deployment->geos[g];
        double away = others > 0 ? roaming : 0;
        for (size_t i = 0; i < deployment->region_count; i++)
            geo->home_share[i] = i == geo->nearest ? 1 - away : away / (double)others;
    }
}

static void take_users_links(struct deployment *deployment)
{
    size_t row = sizeof *deployment->from_client;

    deployment->from_client = memory_alloc(deployment->geo_count * row);
    deployment->to_client = memory_alloc(deployment->geo_count * row);
    for (size_t g = 0; g < deployment->geo_count; g++)
        take_client_links(deployment, g);
}

int deployment_create_regions(const struct params *params, size_t first,
                              struct deployment **ret_deployment, char **ret_error)
{
    struct topology *topology;

    if (read_topology(params, first, &topology, ret_error) != 0)
        return -EINVAL;
    struct deployment *deployment = memory_alloc(sizeof *deployment);
    deployment->topology = topology;
    take_regions(deployment);
    deployment->config = make_config(topology);
    int error = network_plan_create(deployment->config, &deployment->links);
    assert(error == 0 && "a compiled topology has links that are in range");
    take_links(deployment);
    *ret_deployment = deployment;
    return 0;
}

int deployment_create(const struct params *params, size_t first, struct deployment **ret_deployment,
                      char **ret_error)
{
    struct deployment *deployment;

    if (deployment_create_regions(params, first, &deployment, ret_error) != 0)
        return -EINVAL;
    if (take_users(deployment, params, first, ret_error) != 0) {
        deployment_free(deployment);
        return -EINVAL;
    }
    take_users_links(deployment);
    take_homes(deployment, params_value(params, first + DEPLOYMENT_ROAMING));
    *ret_deployment = deployment;
    return 0;
}

void deployment_homes(const struct deployment *deployment, double ret_shares[])
{
    for (size_t region = 0; region < deployment->region_count; region++) {
        ret_shares[region] = 0;
        for (size_t geo = 0; geo < deployment->geo_count; geo++)
            ret_shares[region] += deployment->geos[geo].users / deployment->users *
                                  deployment->geos[geo].home_share[region];
    }
}

int deployment_region(const struct deployment *deployment, const char *name, uint32_t *ret_region)
{
    for (uint32_t i = 0; i < deployment->region_count; i++) {
        if (strcmp(deployment->region[i], name) == 0) {
            *ret_region = i;
            return 0;
        }
    }
    return -ENOENT;
}

int deployment_client_links(const struct deployment *deployment, const char *geo, uint32_t region,
                            struct link_profile *ret_out, struct link_profile *ret_back)
{
    struct geo_place place;

    if (network_plan_resolve(deployment->links, geo, &place) != 0)
        return -EINVAL;
    client_links(deployment, &place, region, ret_out, ret_back);
    return 0;
}

void deployment_free(struct deployment *deployment)
{
    if (!deployment)
        return;
    mec__config__free_unpacked(deployment->config, NULL);
    network_plan_free(deployment->links);
    topology_free(deployment->topology);
    free(deployment->geos);
    free(deployment->from_client);
    free(deployment->to_client);
    free(deployment);
}
