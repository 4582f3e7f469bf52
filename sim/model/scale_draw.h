/* scale_draw: so many requests of one cell, each with its own luck. What takes most of the time of
 * a simulated day happens here. */

#ifndef MEC_SCALE_DRAW_H
#define MEC_SCALE_DRAW_H

#include "sim/model/scale_luck.h"
#include "sim/model/scale_scenes.h"
#include "sim/model/scale_tally.h"
#include "sim/model/scale_wait.h"

/* Requests of one cell that come in one span. */
struct scale_draw {
    const struct scale_cells *cells;
    const struct scale_cell *cell; /* one of its items */
    uint64_t count;
    uint64_t from_us;
    uint64_t until_us;
    struct scale_hang hang; /* of those that hang */
};

/* What holds for all requests of a place in a slice. */
struct scale_draw_place {
    const struct scale_luck *luck;
    const struct scale_luck_link *to_region; /* [region] */
    const struct scale_luck_link *to_client; /* [region] */
    const struct scale_luck_link (*between)[TOPOLOGY_REGIONS_MAX];
    const struct scale_wait *waits; /* [region], of the slice */
    const double *admitted;         /* [region], of its queue */
    double service_us;
    bool service_varies;
    struct random random;
    struct scale_tally *tally;
    struct scale_tally_part *place; /* of the slice, or a part of it, alone */
    struct scale_tally_time *time;
};

void scale_draw_requests(struct scale_draw_place *place, const struct scale_draw *draw);

#endif
