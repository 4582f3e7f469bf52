/* measure_world: what a running world says of itself, as far as measuring needs it: is it the world
 * that the model speaks of, is all well in it, has its router noticed what is not, and what have
 * its caches counted. Reads `mecentral --json status`. */

#ifndef MEC_MEASURE_WORLD_H
#define MEC_MEASURE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "common/parts.h"
#include "sim/model/deployment.h"

/* Are regions, links and rules of @deployment those of @config, by which a world runs?
 * Errors: -EINVAL, with a new *@ret_error: what differs, and what to do. */
int measure_world_is_same(const struct deployment *deployment, const Mec__Config *config,
                          char **ret_error);

/* Names of the regions of a world, in its order: "us-east,eu-west". A new string. */
char *measure_world_regions(const Mec__Config *config);

/* Every process serves, the router finds everything well from everywhere, no write waits, and every
 * copy hears its home. Otherwise *@ret_why, if not NULL, is a new string: what is not so. */
bool measure_world_is_well(const json_t *status, char **ret_why);

/* Has the router noticed, from every place, that @region is away; that @service of it is? */
bool measure_world_noticed_region(const json_t *status, const char *region);
bool measure_world_noticed_service(const json_t *status, const char *region,
                                   enum parts_service service);

struct measure_counters {
    uint64_t hits; /* of the regional cache */
    uint64_t misses;
    uint64_t tokens_checked; /* signatures, for the edge cache did not know them */
};

/* Errors: -ENOENT, it says nothing of that region. */
int measure_world_counters(const json_t *status, const char *region,
                           struct measure_counters *ret_counters);

#endif
