/* scale_scenes: how the world looks from each place as the day goes by, a span at a time: within a
 * span nothing changes there, so its cells hold for all of its requests.
 *
 * Places see the same cut at different moments, as their probes tell them at different moments.
 * What links that flap bring back is remembered: the cells of some scenes are kept by place. */

#ifndef MEC_SCALE_SCENES_H
#define MEC_SCALE_SCENES_H

#include "sim/model/scale_cells.h"

struct scale_scenes;

struct scale_span {
    uint64_t until_us;
    const struct scale_cells *cells; /* until the place is looked at again */
    uint32_t faults;                 /* that are in force, as a bit set */
    uint32_t ahead;                  /* that will be soon */
};

/* Begins at 0. @world is borrowed. */
struct scale_scenes *scale_scenes_create(const struct scale_world *world);
void scale_scenes_free(struct scale_scenes *scenes);

/* What holds at @geo from @now_us on; not back. Valid until the next call for @geo. */
const struct scale_span *scale_scenes_look(struct scale_scenes *scenes, uint32_t geo,
                                           uint64_t now_us);

/* How long requests hang that are sent to a region which is cut off unnoticed. */
struct scale_hang {
    uint64_t release_us;  /* by then that is noticed, or mended */
    uint64_t patience_us; /* and if not, so long after it was sent each is given up */
};

struct scale_hang scale_scenes_hang(const struct scale_scenes *scenes, uint32_t geo,
                                    uint32_t region);

#endif
