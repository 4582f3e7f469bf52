/* deployment: regions, the places where users are, how many, and the round trips between them all:
 * what routing, blast radius, cost and the large simulation have in common.
 *
 * It is made of the same topology that `mecentral up -f` takes, and its links are computed by the
 * same code as those of a running world. Add DEPLOYMENT_PARAMS to a model's table, and give the
 * number of the first of them. */

#ifndef MEC_DEPLOYMENT_H
#define MEC_DEPLOYMENT_H

#include "common/link.h"
#include "control/topology.h"
#include "sim/model/params.h"
#include "sim/model/result.h"

#define DEPLOYMENT_GEOS_MAX 128

/* In the order of enum deployment_param. */
#define DEPLOYMENT_PARAMS                                                                          \
    {"topology",                                                                                   \
     PARAMS_FILE,                                                                                  \
     "",                                                                                           \
     0,                                                                                            \
     0,                                                                                            \
     NULL,                                                                                         \
     "a topology file, as `mecentral up -f` takes it: regions, links, residency, settings",        \
     NULL},                                                                                        \
        {"regions",                                                                                \
         PARAMS_TEXT,                                                                              \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "so many built-in regions, or these by name: `3`, `us-east,eu-west`; empty: those of "    \
         "the "                                                                                    \
         "topology, or the first five",                                                            \
         NULL},                                                                                    \
        {"users",                                                                                  \
         PARAMS_TREE,                                                                              \
         "{}",                                                                                     \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "users by place (region, city or `lat,lon`): `{us-east: 5M, Paris: 2M}`; empty: "         \
         "`users_total`, alike at each region",                                                    \
         NULL},                                                                                    \
        {"users_total",                                                                            \
         PARAMS_COUNT,                                                                             \
         "1M",                                                                                     \
         1,                                                                                        \
         1e12,                                                                                     \
         NULL,                                                                                     \
         "users in all where `users` says nothing",                                                \
         NULL},                                                                                    \
    {                                                                                              \
        "roaming", PARAMS_SHARE, "2%", 0, 1, NULL,                                                 \
            "share of users whose home is not the region nearest to where they are, alike at "     \
            "each other",                                                                          \
            NULL                                                                                   \
    }

enum deployment_param {
    DEPLOYMENT_TOPOLOGY,
    DEPLOYMENT_REGIONS,
    DEPLOYMENT_USERS,
    DEPLOYMENT_USERS_TOTAL,
    DEPLOYMENT_ROAMING,
    DEPLOYMENT_PARAM_COUNT
};

struct deployment_geo {
    struct geo_place place;
    double users;
    uint32_t nearest; /* region by round trip, all being well; the first of equals */
    double home_share[TOPOLOGY_REGIONS_MAX];      /* of its users, by region; sums to 1 */
    uint64_t round_trip_us[TOPOLOGY_REGIONS_MAX]; /* of the links, without jitter and loss */
};

struct network_plan;

struct deployment {
    struct topology *topology;
    struct network_plan *links; /* for places that are not among the geos */
    Mec__Config *config;        /* what its processes would run by, without faults */
    size_t region_count;
    const char *region[TOPOLOGY_REGIONS_MAX]; /* names */
    struct geo_place place[TOPOLOGY_REGIONS_MAX];
    struct link_profile between[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX]; /* [from][to] */
    struct deployment_geo *geos;
    struct link_profile (*from_client)[TOPOLOGY_REGIONS_MAX]; /* [geo][region] */
    struct link_profile (*to_client)[TOPOLOGY_REGIONS_MAX];   /* [geo][region] */
    size_t geo_count;
    double users; /* of all geos */
};

/* Errors: -EINVAL, with a new *@ret_error that says where. The caller owns the result. */
int deployment_create(const struct params *params, size_t first, struct deployment **ret_deployment,
                      char **ret_error);

/* Only regions and the links between them, of the first two of DEPLOYMENT_PARAMS: no places of
 * users. Errors: as above. */
int deployment_create_regions(const struct params *params, size_t first,
                              struct deployment **ret_deployment, char **ret_error);

/* Of the users of all places, those at home in each region: @ret_shares[region_count], sums to 1.
 */
void deployment_homes(const struct deployment *deployment, double ret_shares[]);

/* Which region is @name? Errors: -ENOENT. */
int deployment_region(const struct deployment *deployment, const char *name, uint32_t *ret_region);

/* The links between a client anywhere and a region. Errors: -EINVAL, not a place that is known. */
int deployment_client_links(const struct deployment *deployment, const char *geo, uint32_t region,
                            struct link_profile *ret_out, struct link_profile *ret_back);

void deployment_free(struct deployment *deployment);

/* Its assumptions and its regions, for a result. */
void deployment_tell(const struct deployment *deployment, struct result *result);

#endif
