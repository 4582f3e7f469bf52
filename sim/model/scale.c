#include "sim/model/scale.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/memory.h"
#include "routerd/policy.h"
#include "sim/model/scale_draw.h"
#include "sim/model/scale_queues.h"
#include "sim/model/scale_scenes.h"
#include "sim/model/scale_spill.h"

#define SECOND_US_F 1e6
#define DAY_US_F    86400e6
#define LEAST_PER_S 1000.0 /* of a region that nobody is nearest to, where work takes no time */

enum stream { STREAM_COUNTS, STREAM_LUCK, STREAMS };

struct scale {
    const struct scale_world *world;
    size_t region_count;
    size_t geo_count;
    struct scale_luck luck;
    struct scale_luck_link (*to_region)[TOPOLOGY_REGIONS_MAX]; /* [geo][region] */
    struct scale_luck_link (*to_client)[TOPOLOGY_REGIONS_MAX];
    struct scale_luck_link (*between)[TOPOLOGY_REGIONS_MAX];
    struct scale_spill spill;   /* with all capacities */
    struct scale_scenes *ahead; /* gone through to know how busy regions get */
    struct scale_scenes *drawn; /* and again, behind that, to draw requests */
    struct scale_queues queues;
    struct scale_tally *tally;
    struct scale_tally_part place; /* one in one slice, or a part of that */
    uint64_t slice;                /* the next one */

    /* Of the slice. */
    uint64_t from_us;
    uint64_t until_us;
    uint64_t work[TOPOLOGY_REGIONS_MAX];
    uint64_t requests;
    struct scale_wait waits[TOPOLOGY_REGIONS_MAX];
};

/* A place's way through the slice, from span to span. The same way has the same luck: so whoever
 * comes is counted first, and drawn later, and is remembered by nobody in between. */
struct passage {
    struct scale_scenes *scenes;
    uint32_t geo;
    struct random counts;

    /* The span, as far as it lies in the slice. */
    const struct scale_span *span;
    uint64_t from_us;
    uint64_t until_us;
    double requests; /* that are expected */
};

/* ---- what a place asks for ---- */

static double expected(const struct scale_world *world, uint32_t geo, uint64_t from_us,
                       uint64_t until_us)
{
    const struct deployment_geo *place = &world->deployment->geos[geo];

    return place->users * world->requests_per_user * (double)(until_us - from_us) / DAY_US_F *
           scale_sun_activity(&world->sun, place->place.longitude, from_us, until_us);
}

/* ---- capacities ---- */

/* What regions are asked for in each slice of a day, at their peaks, all being well. */
static void find_peaks(const struct scale *scale, double ret_per_s[TOPOLOGY_REGIONS_MAX])
{
    static const struct scale_scene all_well;
    const struct scale_world *world = scale->world;
    double(*work)[TOPOLOGY_REGIONS_MAX] = memory_alloc(scale->geo_count * sizeof *work);

    for (uint32_t geo = 0; geo < scale->geo_count; geo++) {
        struct scale_cells *cells = scale_cells_create(world, geo, &all_well);
        for (size_t i = 0; i < cells->count; i++)
            for (uint32_t region = 0; region < scale->region_count; region++)
                if ((cells->items[i].asked >> region & 1u) != 0)
                    work[geo][region] += cells->items[i].share;
        scale_cells_free(cells);
    }
    for (uint64_t from_us = 0; from_us < (uint64_t)DAY_US_F; from_us += world->slice_us) {
        double per_s[TOPOLOGY_REGIONS_MAX] = {0};
        for (uint32_t geo = 0; geo < scale->geo_count; geo++) {
            double requests = expected(world, geo, from_us, from_us + world->slice_us);
            for (size_t region = 0; region < scale->region_count; region++)
                per_s[region] +=
                    requests * work[geo][region] / ((double)world->slice_us / SECOND_US_F);
        }
        for (size_t region = 0; region < scale->region_count; region++)
            ret_per_s[region] = fmax(ret_per_s[region], per_s[region]);
    }
    free(work);
}

static void take_capacities(struct scale *scale)
{
    const struct scale_world *world = scale->world;
    double peaks[TOPOLOGY_REGIONS_MAX] = {0};
    double service_s = world->service_us / SECOND_US_F;

    find_peaks(scale, peaks);
    for (size_t region = 0; region < scale->region_count; region++) {
        double given = world->given_capacity[region];
        double least = service_s > 0 ? 1 / service_s : LEAST_PER_S;
        scale->spill.capacity[region] =
            given > 0 ? given : fmax(world->headroom * peaks[region], least);
        /* Whole workers, who are together as fast as the region is said to be. */
        scale->spill.workers[region] = fmax(1, round(scale->spill.capacity[region] * service_s));
    }
}

/* ---- links ---- */

static void take_links(struct scale *scale)
{
    const struct deployment *deployment = scale->world->deployment;

    scale->to_region = memory_alloc(scale->geo_count * sizeof *scale->to_region);
    scale->to_client = memory_alloc(scale->geo_count * sizeof *scale->to_client);
    scale->between = memory_alloc(scale->region_count * sizeof *scale->between);
    for (size_t region = 0; region < scale->region_count; region++) {
        for (size_t geo = 0; geo < scale->geo_count; geo++) {
            scale->to_region[geo][region] =
                scale_luck_link_of(&scale->luck, &deployment->from_client[geo][region]);
            scale->to_client[geo][region] =
                scale_luck_link_of(&scale->luck, &deployment->to_client[geo][region]);
        }
        for (size_t other = 0; other < scale->region_count; other++)
            scale->between[region][other] =
                scale_luck_link_of(&scale->luck, &deployment->between[region][other]);
    }
}

struct scale *scale_create(const struct scale_world *world)
{
    struct scale *scale = memory_alloc(sizeof *scale);

    scale->world = world;
    scale->region_count = world->deployment->region_count;
    scale->geo_count = world->deployment->geo_count;
    scale_luck_init(&scale->luck);
    take_links(scale);
    scale->spill.region_count = scale->region_count;
    scale->spill.most_us = (double)world->wait_most_us;
    take_capacities(scale);
    scale->ahead = scale_scenes_create(world);
    scale->drawn = scale_scenes_create(world);
    scale_queues_init(&scale->queues, world);
    scale->tally = scale_tally_create(scale->geo_count, scale->region_count);
    return scale;
}

void scale_free(struct scale *scale)
{
    if (!scale)
        return;
    scale_scenes_free(scale->ahead);
    scale_scenes_free(scale->drawn);
    free(scale->to_region);
    free(scale->to_client);
    free(scale->between);
    free(scale->tally);
    free(scale);
}

uint64_t scale_done(const struct scale *scale)
{
    return scale->slice;
}

const struct scale_tally *scale_tally(const struct scale *scale)
{
    return scale->tally;
}

double scale_capacity(const struct scale *scale, size_t region)
{
    return scale->spill.capacity[region];
}

double scale_workers(const struct scale *scale, size_t region)
{
    return scale->spill.workers[region];
}

/* ---- who comes ---- */

static struct passage enter(const struct scale *scale, struct scale_scenes *scenes, uint32_t geo)
{
    struct passage passage = {.scenes = scenes, .geo = geo, .until_us = scale->from_us};

    scale_luck_seed(&passage.counts, scale->world->seed, scale->slice, (uint64_t)geo * STREAMS);
    return passage;
}

/* Returns false when the slice is over. */
static bool next_span(const struct scale *scale, struct passage *passage)
{
    if (passage->until_us == scale->until_us)
        return false;
    passage->from_us = passage->until_us;
    passage->span = scale_scenes_look(passage->scenes, passage->geo, passage->from_us);
    passage->until_us =
        passage->span->until_us < scale->until_us ? passage->span->until_us : scale->until_us;
    passage->requests = expected(scale->world, passage->geo, passage->from_us, passage->until_us);
    return true;
}

/* How many come of a cell of the span, as luck has it. To be asked once for each, in their order.
 */
static uint64_t come(struct passage *passage, const struct scale_cell *cell)
{
    return scale_luck_count(&passage->counts, passage->requests * cell->share);
}

/* ---- how busy that makes regions ---- */

static void load_span(struct scale *scale, struct passage *passage)
{
    const struct scale_cells *cells = passage->span->cells;

    for (size_t i = 0; i < cells->count; i++) {
        uint64_t count = come(passage, &cells->items[i]);
        scale->requests += count;
        for (uint32_t asked = cells->items[i].asked; asked != 0; asked &= asked - 1)
            scale->work[__builtin_ctz(asked)] += count;
        scale_spill_add(&scale->spill, cells, &cells->items[i], (double)count);
    }
}

/* What will wait in queues is what is expected, so that everybody knows it. */
static void queue_span(struct scale *scale, const struct passage *passage)
{
    const struct scale_cells *cells = passage->span->cells;

    for (size_t i = 0; cells->queue && i < cells->count; i++) {
        const struct scale_cell *cell = &cells->items[i];
        if (cell->kind == SCALE_QUEUED)
            scale->queues.coming[cell->region][cell->home] += passage->requests * cell->share;
    }
}

static void load_place(struct scale *scale, uint32_t geo, bool mine)
{
    struct passage passage = enter(scale, scale->ahead, geo);

    while (next_span(scale, &passage)) {
        if (mine)
            load_span(scale, &passage);
        queue_span(scale, &passage);
    }
}

static void take_most(double *most, uint64_t *slice, double now, uint64_t now_slice)
{
    if (now <= *most)
        return;
    *most = now;
    *slice = now_slice;
}

static void get_busy(struct scale *scale, struct scale_tally_time *time)
{
    double slice_s = (double)(scale->until_us - scale->from_us) / SECOND_US_F;
    double own_per_s[TOPOLOGY_REGIONS_MAX], per_s[TOPOLOGY_REGIONS_MAX];

    for (size_t region = 0; region < scale->region_count; region++) {
        own_per_s[region] =
            (double)scale->work[region] / slice_s + scale->queues.work_per_s[region];
        time->work[region] += scale->work[region];
    }
    scale_spill_settle(&scale->spill, own_per_s, slice_s, per_s, scale->waits);
    for (size_t region = 0; region < scale->region_count; region++) {
        struct scale_tally_region *seen = &scale->tally->regions[region];
        take_most(&seen->busiest, &seen->busiest_slice,
                  per_s[region] / scale->spill.capacity[region], scale->slice);
    }
}

/* ---- what becomes of them ---- */

static void clear_place(struct scale_tally_part *place)
{
    struct scale_histogram *latencies = &place->latencies;

    if (latencies->count > 0) {
        uint32_t first = scale_histogram_bucket(latencies->least_us);
        uint32_t last = scale_histogram_bucket(latencies->most_us);
        memset(&latencies->buckets[first], 0, (last - first + 1) * sizeof latencies->buckets[0]);
    }
    memset(place->kinds, 0, sizeof place->kinds);
    latencies->count = latencies->sum_us = latencies->least_us = latencies->most_us = 0;
}

/* What has been counted belongs to its place, its time, and to faults. */
static void take_place(struct scale *scale, uint32_t geo, uint32_t faults, uint32_t ahead,
                       struct scale_tally_time *time)
{
    struct scale_tally *tally = scale->tally;

    scale_tally_add(&tally->places[geo], &scale->place);
    scale_histogram_merge(&time->latencies, &scale->place.latencies);
    for (; faults != 0; faults &= faults - 1)
        scale_tally_add(&tally->faults[__builtin_ctz(faults)].meanwhile, &scale->place);
    for (; ahead != 0; ahead &= ahead - 1)
        scale_tally_add(&tally->faults[__builtin_ctz(ahead)].before, &scale->place);
    clear_place(&scale->place);
}

static void draw_span(struct scale_draw_place *place, struct passage *passage)
{
    const struct scale_cells *cells = passage->span->cells;
    struct scale_draw draw = {
        .cells = cells, .from_us = passage->from_us, .until_us = passage->until_us};

    for (size_t i = 0; i < cells->count; i++) {
        draw.cell = &cells->items[i];
        draw.count = come(passage, draw.cell);
        if (draw.count == 0)
            continue;
        if (draw.cell->hung != POLICY_NONE)
            draw.hang = scale_scenes_hang(passage->scenes, passage->geo, draw.cell->hung);
        scale_draw_requests(place, &draw);
    }
}

static void draw_place(struct scale *scale, uint32_t geo, struct scale_tally_time *time)
{
    struct passage passage = enter(scale, scale->drawn, geo);
    struct scale_draw_place place = {
        .luck = &scale->luck,
        .to_region = scale->to_region[geo],
        .to_client = scale->to_client[geo],
        .between = (const struct scale_luck_link(*)[TOPOLOGY_REGIONS_MAX])scale->between,
        .waits = scale->waits,
        .admitted = scale->queues.admitted,
        .service_us = scale->world->service_us,
        .service_varies = scale->world->service_varies,
        .tally = scale->tally,
        .place = &scale->place,
        .time = time,
    };
    uint32_t faults = 0;
    uint32_t ahead = 0;

    scale_luck_seed(&place.random, scale->world->seed, scale->slice,
                    (uint64_t)geo * STREAMS + STREAM_LUCK);
    while (next_span(scale, &passage)) {
        if (passage.span->faults != faults || passage.span->ahead != ahead)
            take_place(scale, geo, faults, ahead, time);
        faults = passage.span->faults;
        ahead = passage.span->ahead;
        draw_span(&place, &passage);
    }
    take_place(scale, geo, faults, ahead, time);
}

static void draw_all(struct scale *scale)
{
    struct scale_tally *tally = scale->tally;
    uint64_t time = scale->from_us / scale_tally_time_us(scale->world);
    double slice_s = (double)(scale->until_us - scale->from_us) / SECOND_US_F;

    assert(time < SCALE_TALLY_TIMES);
    take_most(&tally->peak_per_s, &tally->peak_slice, (double)scale->requests / slice_s,
              scale->slice);
    get_busy(scale, &tally->times[time]);
    for (uint32_t geo = 0; geo < scale->geo_count; geo++)
        draw_place(scale, geo, &tally->times[time]);
}

static void work_queues(struct scale *scale)
{
    uint64_t since_us[TOPOLOGY_REGIONS_MAX];
    struct traffic_state state;

    scale_faults_state(&scale->world->faults, scale->from_us, &state, since_us);
    scale_queues_work(&scale->queues, &state,
                      (double)(scale->until_us - scale->from_us) / SECOND_US_F);
    for (size_t region = 0; region < scale->region_count; region++) {
        struct scale_tally_region *seen = &scale->tally->regions[region];
        take_most(&seen->queued_most, &seen->queued_most_slice,
                  scale_queues_waiting(&scale->queues, region), scale->slice);
    }
}

void scale_step(struct scale *scale, bool mine)
{
    const struct scale_world *world = scale->world;

    assert(scale->slice < world->slice_count);
    scale->from_us = scale->slice * world->slice_us;
    scale->until_us = scale->from_us + world->slice_us < world->duration_us
                          ? scale->from_us + world->slice_us
                          : world->duration_us;
    scale->requests = 0;
    memset(scale->work, 0, sizeof scale->work);
    scale_spill_clear(&scale->spill);
    for (uint32_t geo = 0; geo < scale->geo_count; geo++)
        load_place(scale, geo, mine);
    work_queues(scale);
    if (mine)
        draw_all(scale);
    scale->slice++;
}
