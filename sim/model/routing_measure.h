/* routing_measure: where the requests of each place go, and what becomes of them there. */

#ifndef MEC_ROUTING_MEASURE_H
#define MEC_ROUTING_MEASURE_H

#include "sim/model/traffic.h"

/* Of one place and operation; shares are of its requests. */
struct routing_row {
    double weight;                        /* share of all requests */
    double kinds[TRAFFIC_KIND_COUNT];     /* shares */
    double regions[TOPOLOGY_REGIONS_MAX]; /* shares, by the region that answers or queues */
    double answered;                      /* share; the rest is refused */
    double round_trip_us, usual_us;       /* means of those answered */
};

/* @ret_rows: [geo][operation]; rows of the same order as the deployment's geos. */
void routing_measure(const struct traffic *traffic, const struct traffic_state *state,
                     const double mix[TRAFFIC_OPERATION_COUNT],
                     struct routing_row (*ret_rows)[TRAFFIC_OPERATION_COUNT]);

/* The region that most of @row's requests go to; POLICY_NONE: all are refused. */
uint32_t routing_measure_main(const struct routing_row *row);

/* Where a place's reads go, and where the map would send them. */
struct routing_nearest {
    uint32_t by_policy, by_map; /* POLICY_NONE: no region is usable */
    double distance_km;         /* of the one by the map */
    uint64_t policy_us, map_us; /* round trips */
};

void routing_measure_nearest(const struct traffic *traffic, const struct traffic_state *state,
                             uint32_t geo, struct routing_nearest *ret_nearest);

#endif
