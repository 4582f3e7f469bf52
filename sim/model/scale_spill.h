/* scale_spill: what regions turn away goes to others, and makes those busier: how busy all of them
 * are in the end.
 *
 * Whoever is turned away is asked for at the next region, by the router's own policy, and may be
 * turned away there, too; and that region's own requests may come back to the first. So shares that
 * are turned away follow from each other. They are found by going round: from none turned away they
 * only rise, and cannot pass 1. */

#ifndef MEC_SCALE_SPILL_H
#define MEC_SCALE_SPILL_H

#include "sim/model/scale_cells.h"
#include "sim/model/scale_wait.h"

struct scale_spill {
    size_t region_count;
    double most_us; /* the bound on waits */
    double capacity[TOPOLOGY_REGIONS_MAX];
    double workers[TOPOLOGY_REGIONS_MAX];

    /* Of a slice: requests that a region has work with if the first, or the first and the second
     * region have turned them away; [first][.. second][region]. */
    double once[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX];
    double twice[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX];
};

/* Nothing is to be spilled yet. */
void scale_spill_clear(struct scale_spill *spill);

/* @requests of @cell, one of the items of @cells, come. */
void scale_spill_add(struct scale_spill *spill, const struct scale_cells *cells,
                     const struct scale_cell *cell, double requests);

/* @own_per_s: what regions are asked for before anything is turned away. The slice takes @slice_s.
 */
void scale_spill_settle(const struct scale_spill *spill,
                        const double own_per_s[TOPOLOGY_REGIONS_MAX], double slice_s,
                        double ret_per_s[TOPOLOGY_REGIONS_MAX],
                        struct scale_wait ret_waits[TOPOLOGY_REGIONS_MAX]);

#endif
