#include "sim/model/scale_spill.h"

#include <math.h>
#include <string.h>

#define ROUNDS_MAX 200
#define CLOSE      1e-9 /* of a region's capacity */

static_assert(SCALE_CELLS_TRIES == 3, "once and twice turned away is all there is");

void scale_spill_clear(struct scale_spill *spill)
{
    memset(spill->once, 0, sizeof spill->once);
    memset(spill->twice, 0, sizeof spill->twice);
}

static void add(double *regions, uint32_t asked, double requests)
{
    for (; asked != 0; asked &= asked - 1)
        regions[__builtin_ctz(asked)] += requests;
}

void scale_spill_add(struct scale_spill *spill, const struct scale_cells *cells,
                     const struct scale_cell *cell, double requests)
{
    const struct scale_cell *second, *third;

    if (cell->next == SCALE_CELLS_NONE)
        return;
    second = &cells->others[cell->next];
    add(spill->once[cell->region], second->asked & ~cell->asked, requests);
    if (second->next == SCALE_CELLS_NONE)
        return;
    third = &cells->others[second->next];
    add(spill->twice[cell->region][second->region], third->asked & ~second->asked & ~cell->asked,
        requests);
}

static void spill_over(const struct scale_spill *spill, const struct scale_wait *waits,
                       double slice_s, double *per_s)
{
    size_t count = spill->region_count;

    for (size_t first = 0; first < count; first++) {
        double once = waits[first].shed / slice_s;
        if (once <= 0)
            continue;
        for (size_t region = 0; region < count; region++)
            per_s[region] += once * spill->once[first][region];
        for (size_t second = 0; second < count; second++) {
            double twice = once * waits[second].shed;
            for (size_t region = 0; twice > 0 && region < count; region++)
                per_s[region] += twice * spill->twice[first][second][region];
        }
    }
}

void scale_spill_settle(const struct scale_spill *spill,
                        const double own_per_s[TOPOLOGY_REGIONS_MAX], double slice_s,
                        double ret_per_s[TOPOLOGY_REGIONS_MAX],
                        struct scale_wait ret_waits[TOPOLOGY_REGIONS_MAX])
{
    double next_per_s[TOPOLOGY_REGIONS_MAX];
    size_t count = spill->region_count;
    bool settled = false;

    memcpy(next_per_s, own_per_s, count * sizeof *own_per_s);
    for (unsigned round = 0; !settled && round < ROUNDS_MAX; round++) {
        memcpy(ret_per_s, next_per_s, count * sizeof *ret_per_s);
        for (size_t region = 0; region < count; region++)
            ret_waits[region] = scale_wait_of(ret_per_s[region], spill->capacity[region],
                                              spill->workers[region], spill->most_us);
        memcpy(next_per_s, own_per_s, count * sizeof *own_per_s);
        spill_over(spill, ret_waits, slice_s, next_per_s);
        settled = true;
        for (size_t region = 0; region < count; region++)
            if (fabs(next_per_s[region] - ret_per_s[region]) > CLOSE * spill->capacity[region])
                settled = false;
    }
}
