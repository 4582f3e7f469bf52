#include "sim/model/scale_queues.h"

#include <math.h>
#include <string.h>

#define A_WRITE 0.5 /* expected numbers thin out and never end; less than half a write is none */

void scale_queues_init(struct scale_queues *queues, const struct scale_world *world)
{
    const Mec__Settings *settings = world->deployment->config->settings;

    *queues = (struct scale_queues){.region_count = world->deployment->region_count,
                                    .entries_max = settings->queue_max_entries,
                                    .drain_per_s = settings->queue_drain_per_s};
}

double scale_queues_waiting(const struct scale_queues *queues, size_t region)
{
    double waiting = 0;

    for (size_t home = 0; home < queues->region_count; home++)
        waiting += queues->waiting[region][home];
    return waiting;
}

bool scale_queues_is_empty(const struct scale_queues *queues)
{
    for (size_t region = 0; region < queues->region_count; region++)
        if (scale_queues_waiting(queues, region) > 0)
            return false;
    return true;
}

static bool reaches(const struct traffic_state *state, size_t queue, size_t home)
{
    uint32_t away = state->down | state->isolated | state->full;

    if ((away >> home & 1u) != 0 || ((state->down | state->isolated) >> queue & 1u) != 0)
        return false;
    if ((state->services_down[home] >> PARTS_METADATA & 1u) != 0)
        return false;
    return ((state->cut[queue] >> home | state->cut[home] >> queue) & 1u) == 0;
}

/* What leaves one queue, for each home in the proportion of what waits. */
static void drain(struct scale_queues *queues, const struct traffic_state *state, size_t queue,
                  double slice_s)
{
    double *waiting = queues->waiting[queue];
    double ready = 0;

    for (size_t home = 0; home < queues->region_count; home++)
        if (reaches(state, queue, home))
            ready += waiting[home];
    if (ready <= 0)
        return;
    double share = fmin(1, queues->drain_per_s * slice_s / ready);
    for (size_t home = 0; home < queues->region_count; home++) {
        if (!reaches(state, queue, home))
            continue;
        double leaving = waiting[home] * share;
        waiting[home] -= leaving;
        queues->work_per_s[home] += leaving / slice_s;
        if (waiting[home] < A_WRITE)
            waiting[home] = 0;
    }
}

static void take_in(struct scale_queues *queues, size_t queue)
{
    double room = fmax(0, queues->entries_max - scale_queues_waiting(queues, queue));
    double coming = 0;

    for (size_t home = 0; home < queues->region_count; home++)
        coming += queues->coming[queue][home];
    double admitted = coming > room ? room / coming : 1;
    queues->admitted[queue] = admitted;
    for (size_t home = 0; home < queues->region_count; home++)
        queues->waiting[queue][home] += queues->coming[queue][home] * admitted;
}

void scale_queues_work(struct scale_queues *queues, const struct traffic_state *state,
                       double slice_s)
{
    memset(queues->work_per_s, 0, sizeof queues->work_per_s);
    for (size_t queue = 0; queue < queues->region_count; queue++) {
        drain(queues, state, queue, slice_s);
        take_in(queues, queue);
    }
    memset(queues->coming, 0, sizeof queues->coming);
}
