/* The world as a router sees it for clients of one place: routerd/vantage.c, once nothing changes
 * any more. */

#include <string.h>

#include "common/problem.h"
#include "sim/model/traffic_internal.h"

void traffic_view_init(struct traffic_view *view, const struct traffic *traffic,
                       const struct traffic_state *state, uint32_t geo)
{
    view->traffic = traffic;
    view->state = state;
    view->geo = geo;
    memset(view->seen, 0, sizeof view->seen);
    memset(view->renewal, 0, sizeof view->renewal);
}

/* Is a service down at @region that @operation needs there? */
static bool lacks(const struct traffic_view *view, enum traffic_operation operation,
                  uint32_t region)
{
    enum parts_service service = view->traffic->services[operation];
    uint32_t down = view->state->services_down[region];

    if ((down >> service & 1u) != 0)
        return true;
    return (down >> PARTS_AUTH & 1u) != 0 &&
           parts_needs_auth(service, view->traffic->routes[operation]->class);
}

static void look(struct traffic_view *view, enum traffic_operation operation)
{
    const struct traffic *traffic = view->traffic;
    const struct traffic_state *state = view->state;
    uint32_t away = state->down | state->isolated | state->client_cut[view->geo];

    for (uint32_t region = 0; region < traffic->region_count; region++) {
        bool outside = (traffic->outside[region] >> traffic->services[operation] & 1u) != 0;

        view->known[operation][region] = (struct policy_region){
            .name = traffic->deployment->region[region],
            .round_trip_us = traffic->nearness_us[view->geo][region],
            .healthy = (away >> region & 1u) == 0,
            .writable = (state->full >> region & 1u) == 0,
            .service_up = !outside && !lacks(view, operation, region),
            .outside = outside,
        };
    }
}

const struct policy_region *traffic_view_known(struct traffic_view *view,
                                               enum traffic_operation operation)
{
    if (!view->seen[operation]) {
        look(view, operation);
        view->seen[operation] = true;
    }
    return view->known[operation];
}

uint32_t traffic_usable(const struct traffic *traffic, const struct traffic_state *state,
                        enum traffic_operation operation, uint32_t geo)
{
    const struct policy_region *known;
    struct traffic_view view;
    uint32_t usable = 0;

    traffic_view_init(&view, traffic, state, geo);
    known = traffic_view_known(&view, operation);
    for (uint32_t region = 0; region < traffic->region_count; region++) {
        if (known[region].healthy && known[region].service_up)
            usable |= 1u << region;
    }
    return usable;
}
