/* scale_queues: writes that wait for their home at other regions, how full their queues are, and
 * what they add to a home's work once it is back.
 *
 * Numbers are the expected ones, not drawn: so whoever follows a day knows them without having
 * drawn its requests. The bounds are the topology's queue_max_entries and queue_drain_per_s. */

#ifndef MEC_SCALE_QUEUES_H
#define MEC_SCALE_QUEUES_H

#include "sim/model/scale_world.h"

struct scale_queues {
    size_t region_count;
    double entries_max;
    double drain_per_s;
    double waiting[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX]; /* [queue][home] */

    /* Of the slice. */
    double coming[TOPOLOGY_REGIONS_MAX][TOPOLOGY_REGIONS_MAX];
    double admitted[TOPOLOGY_REGIONS_MAX];   /* share of what comes that finds room, by queue */
    double work_per_s[TOPOLOGY_REGIONS_MAX]; /* what homes are sent */
};

void scale_queues_init(struct scale_queues *queues, const struct scale_world *world);

/* Is any write waiting? */
bool scale_queues_is_empty(const struct scale_queues *queues);

/* What comes in a slice is counted into coming, which starts at 0; then the slice is worked off:
 * @state is how things stood when it began. */
void scale_queues_work(struct scale_queues *queues, const struct traffic_state *state,
                       double slice_s);

double scale_queues_waiting(const struct scale_queues *queues, size_t region);

#endif
