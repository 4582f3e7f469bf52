/* network_plan: what one Config says about links: regions, rows, and how each link should behave.
 *
 * It holds no link and never changes once made, so that network can make a new one, look it over,
 * and only then let go of the old. */

#ifndef MEC_NETWORK_PLAN_H
#define MEC_NETWORK_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/geo.h"
#include "common/link.h"
#include "control.pb-c.h"

enum network_way { NETWORK_BETWEEN, NETWORK_FROM_CLIENT, NETWORK_TO_CLIENT };

/* The ends of a link: region names, and a canonical geo tag for the client's end. */
struct network_ends {
    enum network_way way;
    const char *from;
    const char *to;
};

/* Both ends as bytes to look up by: way, from, NUL, to. */
struct network_key {
    size_t size;
    char text[1 + GEO_NAME_SIZE + GEO_NAME_SIZE];
};

/* False when a name is too long to be one. */
bool network_key_make(struct network_key *key, const struct network_ends *ends);

struct network_plan;

/* Errors: -EINVAL, as network_configure(). */
int network_plan_create(const Mec__Config *config, struct network_plan **ret_plan);
void network_plan_free(struct network_plan *plan);

/* NULL: no such region. Lives as long as @plan. */
const struct geo_place *network_plan_region(const struct network_plan *plan, const char *name);

/* A region's name, or what geo_resolve() knows.
 * Errors: -EINVAL; *@ret_place is untouched. */
int network_plan_resolve(const struct network_plan *plan, const char *geo,
                         struct geo_place *ret_place);

/* Has @geo, a canonical tag, a listener or link rows of its own? */
bool network_plan_names_geo(const struct network_plan *plan, const char *geo);

/* How the link with @ends, whose places are @from and @to, should behave; always in range. */
struct link_profile network_plan_profile(const struct network_plan *plan,
                                         const struct network_ends *ends,
                                         const struct geo_place *from, const struct geo_place *to);

#endif
