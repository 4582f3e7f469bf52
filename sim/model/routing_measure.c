#include "sim/model/routing_measure.h"

#include <string.h>

#include "common/geo.h"
#include "routerd/policy.h"

static void add(void *context, const struct traffic_question *question, double weight, double users,
                const struct traffic_outcome *outcome)
{
    struct routing_row(*rows)[TRAFFIC_OPERATION_COUNT] = context;
    struct routing_row *row = &rows[question->geo][question->operation];
    bool answered = outcome->kind < TRAFFIC_READ_ONLY;

    row->weight += weight;
    row->kinds[outcome->kind] += users;
    if (!answered)
        return;
    row->answered += users;
    row->regions[outcome->region] += users;
    row->round_trip_us += users * (double)outcome->round_trip_us;
    /* What is answered now has been answered before, too. */
    row->usual_us += users * (double)outcome->usual_us;
}

/* From shares of all users to shares of the row's. */
static void normalise(struct routing_row *row, double users)
{
    if (users <= 0)
        return;
    if (row->answered > 0) {
        row->round_trip_us /= row->answered;
        row->usual_us /= row->answered;
    }
    row->answered /= users;
    for (size_t kind = 0; kind < TRAFFIC_KIND_COUNT; kind++)
        row->kinds[kind] /= users;
    for (size_t region = 0; region < TOPOLOGY_REGIONS_MAX; region++)
        row->regions[region] /= users;
}

void routing_measure(const struct traffic *traffic, const struct traffic_state *state,
                     const double mix[TRAFFIC_OPERATION_COUNT],
                     struct routing_row (*ret_rows)[TRAFFIC_OPERATION_COUNT])
{
    const struct deployment *deployment = traffic_deployment(traffic);

    memset(ret_rows, 0, deployment->geo_count * sizeof *ret_rows);
    traffic_walk(traffic, state, mix, add, ret_rows);
    for (size_t geo = 0; geo < deployment->geo_count; geo++) {
        for (size_t each = 0; each < TRAFFIC_OPERATION_COUNT; each++)
            normalise(&ret_rows[geo][each], deployment->geos[geo].users / deployment->users);
    }
}

uint32_t routing_measure_main(const struct routing_row *row)
{
    uint32_t best = POLICY_NONE;

    for (uint32_t region = 0; region < TOPOLOGY_REGIONS_MAX; region++) {
        if (row->regions[region] > (best == POLICY_NONE ? 0 : row->regions[best]))
            best = region;
    }
    return best;
}

void routing_measure_nearest(const struct traffic *traffic, const struct traffic_state *state,
                             uint32_t geo, struct routing_nearest *ret_nearest)
{
    const struct deployment *deployment = traffic_deployment(traffic);
    const struct deployment_geo *from = &deployment->geos[geo];
    struct traffic_question question = {
        .operation = TRAFFIC_METADATA_READ, .geo = geo, .home = from->nearest};
    uint32_t usable = traffic_usable(traffic, state, question.operation, geo);
    struct routing_nearest nearest = {.by_policy = POLICY_NONE, .by_map = POLICY_NONE};
    struct traffic_state at_once = *state; /* whose token has run out is not asked here */
    struct traffic_outcome outcome;

    for (uint32_t region = 0; region < deployment->region_count; region++) {
        double distance_km = geo_distance_km(&from->place, &deployment->place[region]);

        if ((usable >> region & 1u) == 0 ||
            (nearest.by_map != POLICY_NONE && distance_km >= nearest.distance_km))
            continue;
        nearest.by_map = region;
        nearest.distance_km = distance_km;
        nearest.map_us = from->round_trip_us[region];
    }
    at_once.since_us = 0;
    traffic_decide(traffic, &at_once, &question, &outcome);
    if (outcome.kind < TRAFFIC_READ_ONLY) {
        nearest.by_policy = outcome.region;
        nearest.policy_us = from->round_trip_us[outcome.region];
    }
    *ret_nearest = nearest;
}
