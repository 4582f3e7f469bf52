#include "sim/model/scale_tally.h"

#include <assert.h>
#include <string.h>

#include "common/memory.h"

struct scale_tally *scale_tally_create(size_t place_count, size_t region_count)
{
    size_t size = sizeof(struct scale_tally) + place_count * sizeof(struct scale_tally_part);
    struct scale_tally *tally = memory_alloc(size);

    tally->size = size;
    tally->place_count = place_count;
    tally->region_count = region_count;
    return tally;
}

static void add(uint64_t *into, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++)
        into[i] += from[i];
}

/* Of equal extremes the earlier one. */
static void take_most(double *most, uint64_t *slice, double other, uint64_t other_slice)
{
    if (other < *most || (other == *most && other_slice >= *slice))
        return;
    *most = other;
    *slice = other_slice;
}

static void merge_time(struct scale_tally_time *into, const struct scale_tally_time *from)
{
    add(&into->kinds[0][0], &from->kinds[0][0], SCALE_CLASS_COUNT * SCALE_KIND_COUNT);
    add(into->work, from->work, TOPOLOGY_REGIONS_MAX);
    scale_histogram_merge(&into->latencies, &from->latencies);
}

static void merge_region(struct scale_tally_region *into, const struct scale_tally_region *from)
{
    take_most(&into->busiest, &into->busiest_slice, from->busiest, from->busiest_slice);
    take_most(&into->queued_most, &into->queued_most_slice, from->queued_most,
              from->queued_most_slice);
    into->shed += from->shed;
    for (size_t class = 0; class < SCALE_CLASS_COUNT; class ++)
        scale_histogram_merge(&into->latencies[class], &from->latencies[class]);
}

void scale_tally_add(struct scale_tally_part *into, const struct scale_tally_part *from)
{
    add(into->kinds, from->kinds, SCALE_KIND_COUNT);
    scale_histogram_merge(&into->latencies, &from->latencies);
}

void scale_tally_merge(struct scale_tally *into, const struct scale_tally *from)
{
    assert(into->size == from->size);
    assert(into->place_count == from->place_count);
    into->hung += from->hung;
    into->hung_us += from->hung_us;
    take_most(&into->peak_per_s, &into->peak_slice, from->peak_per_s, from->peak_slice);
    for (size_t i = 0; i < SCALE_TALLY_TIMES; i++)
        merge_time(&into->times[i], &from->times[i]);
    for (size_t i = 0; i < SCALE_FAULTS_MAX; i++) {
        scale_tally_add(&into->faults[i].meanwhile, &from->faults[i].meanwhile);
        scale_tally_add(&into->faults[i].before, &from->faults[i].before);
    }
    for (size_t i = 0; i < into->region_count; i++)
        merge_region(&into->regions[i], &from->regions[i]);
    for (size_t i = 0; i < into->place_count; i++)
        scale_tally_add(&into->places[i], &from->places[i]);
}

uint64_t scale_tally_time_us(const struct scale_world *world)
{
    uint64_t slices = (world->slice_count + SCALE_TALLY_TIMES - 1) / SCALE_TALLY_TIMES;

    return slices * world->slice_us;
}

size_t scale_tally_time_count(const struct scale_world *world)
{
    uint64_t time_us = scale_tally_time_us(world);

    return (size_t)((world->duration_us + time_us - 1) / time_us);
}

void scale_tally_kinds(const struct scale_tally *tally, uint64_t ret_kinds[SCALE_KIND_COUNT])
{
    memset(ret_kinds, 0, SCALE_KIND_COUNT * sizeof *ret_kinds);
    for (size_t i = 0; i < tally->place_count; i++)
        add(ret_kinds, tally->places[i].kinds, SCALE_KIND_COUNT);
}

uint64_t scale_tally_requests(const uint64_t kinds[SCALE_KIND_COUNT])
{
    uint64_t requests = 0;

    for (size_t kind = 0; kind < SCALE_KIND_COUNT; kind++)
        requests += kinds[kind];
    return requests;
}

void scale_tally_latencies(const struct scale_tally *tally, struct scale_histogram *ret_latencies)
{
    memset(ret_latencies, 0, sizeof *ret_latencies);
    for (size_t i = 0; i < tally->place_count; i++)
        scale_histogram_merge(ret_latencies, &tally->places[i].latencies);
}
