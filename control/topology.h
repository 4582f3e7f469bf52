/* topology: what a world is made of: regions, client geos, links and settings, as resolved from a
 * YAML file or from nothing at all. docs/topology.md is its manual.
 *
 * A topology that exists is valid: every name in it is known and every number within bounds. It
 * knows nothing of ports, processes, faults or slow motion's effect. */

#ifndef MEC_TOPOLOGY_H
#define MEC_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/geo.h"
#include "common/parts.h"
#include "control.pb-c.h"

#define TOPOLOGY_REGIONS_MAX   32
#define TOPOLOGY_GEOS_MAX      64
#define TOPOLOGY_LINKS_MAX     4096
#define TOPOLOGY_FILE_SIZE_MAX (1024u * 1024u)
#define TOPOLOGY_CITY_SIZE     64
#define TOPOLOGY_END_SIZE      (GEO_NAME_SIZE + 8) /* "client:" and a geo */

struct topology_region {
    char name[GEO_NAME_SIZE];
    char city[TOPOLOGY_CITY_SIZE];
    double latitude;
    double longitude;
};

/* What the file says of the path between two ends, in both directions. */
struct topology_link {
    char ends[2][TOPOLOGY_END_SIZE]; /* a region's name or `client:GEO` */
    bool has_rtt;
    uint64_t rtt_us;
    uint64_t jitter_us;
    Mec__JitterKind jitter_kind;
    uint32_t loss_ppm;
    uint64_t rate_bytes_per_s; /* 0 = unlimited */
};

struct topology {
    struct topology_region regions[TOPOLOGY_REGIONS_MAX];
    size_t region_count;
    struct geo_place geos[TOPOLOGY_GEOS_MAX]; /* clients; the regions' own come first */
    size_t geo_count;
    struct topology_link *links;
    size_t link_count;
    Mec__Settings settings; /* not yet stretched */
    bool has_port;
    uint16_t port;
    bool has_seed;
    uint64_t seed;
    double slow_motion;
    /* Bit set of the regions that may hold a service's data; 0: all of them. */
    uint32_t residency[PARTS_SERVICE_COUNT];
};

/* Which regions: NULL for all of the file (or the first five built in), a number for the first so
 * many, or names `a,b,c`. *@ret_error of each is a new string for people that the caller frees. */

/* A world of built-in regions. The caller owns the result. Errors: -EINVAL. */
int topology_built_in(const char *regions, struct topology **ret_topology, char **ret_error);

/* Read YAML. @file is for messages only: "FILE:LINE: KEY: what is wrong". Errors: -EINVAL. */
int topology_parse(const char *file, const char *text, size_t size, const char *regions,
                   struct topology **ret_topology, char **ret_error);

void topology_free(struct topology *topology);

const struct topology_region *topology_region(const struct topology *topology, const char *name);

/* The place of the link end @end: a region or `client:GEO`.
 * Errors: -EINVAL, neither (or `client:*`, which is no place). */
int topology_place(const struct topology *topology, const char *end, struct geo_place *ret_place);

/* The file's word on the path between two ends, or NULL. */
const struct topology_link *topology_link(const struct topology *topology, const char *a,
                                          const char *b);

/* May the data of @service lie in @region? */
bool topology_may_hold(const struct topology *topology, enum parts_service service,
                       const char *region);

/* Add an empty topology's parts, with the checks that every source shares; for this module's own
 * files and for state.c. Each returns 0 or -EINVAL with a new *@ret_error that does not yet say
 * where. */
struct topology *topology_create(void);
int topology_add_region(struct topology *topology, const char *name, const char *place,
                        char **ret_error);
int topology_add_built_in(struct topology *topology, const char *regions, char **ret_error);
int topology_add_geo(struct topology *topology, const char *text, char **ret_error);
int topology_add_link(struct topology *topology, const struct topology_link *link,
                      char **ret_error);

/* Pin the data of @service to @regions, of which there are @count. */
int topology_pin(struct topology *topology, enum parts_service service, char *const *regions,
                 size_t count, char **ret_error);

#endif
