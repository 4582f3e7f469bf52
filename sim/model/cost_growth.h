/* cost_growth: in which order to add regions, from how many users on each one pays for itself, and
 * so how many to have.
 *
 * The burden of a fleet is its bill and what slowness and outages lose. A region pays for itself
 * when the burden is smaller with it. The burden is a line of the number of users with a bend for
 * each region, where its load outgrows the instances that are there anyway; so the number from
 * which on a region pays is solved for, and not searched. */

#ifndef MEC_COST_GROWTH_H
#define MEC_COST_GROWTH_H

#include "sim/model/cost.h"

#define COST_GROWTH_USERS_MAX 1e12

enum cost_order { COST_ORDER_PAYING, COST_ORDER_GIVEN };
enum cost_phase { COST_PHASE_EARLY, COST_PHASE_GROWTH, COST_PHASE_GLOBAL };

struct cost_step {
    struct cost_fleet fleet; /* of this region and all before it */
    double pays_from;        /* users; INFINITY: never. Of the first: 0 */
};

struct cost_growth {
    struct cost_step steps[TOPOLOGY_REGIONS_MAX];
    size_t count;
};

/* The fewest users from which on, whatever comes, @after is no more of a burden than @before;
 * INFINITY: there is no such number. */
double cost_growth_pays_from(const struct cost_input *input, const struct cost_fleet *before,
                             const struct cost_fleet *after);

/* All regions of the deployment, one after the other. With COST_ORDER_PAYING first the one that is
 * the smallest burden at @users alone, then whichever pays from the fewest users on, or if none
 * ever does is the smallest burden at @users. While there are pinned services without a
 * region that may hold them, only what gives most of them one comes into question. */
void cost_growth_make(const struct cost_input *input, enum cost_order order, double users,
                      struct cost_growth *ret_growth);

/* So many regions, in that order, are the smallest burden; the fewest of equals. */
size_t cost_growth_best(const struct cost_input *input, const struct cost_growth *growth,
                        double users);

/* The fewest users for which so many regions, or more, are the smallest burden; INFINITY: nobody
 * up to COST_GROWTH_USERS_MAX has use for them. */
double cost_growth_worth_from(const struct cost_input *input, const struct cost_growth *growth,
                              size_t regions);

enum cost_phase cost_growth_phase(size_t regions, size_t global_regions);

#endif
