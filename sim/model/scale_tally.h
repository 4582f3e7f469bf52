/* scale_tally: what a simulated day comes to, in a size that depends on how many places, regions
 * and faults there are, and on nothing else.
 *
 * One piece of memory without pointers into anywhere, so that a process can hand it to another one.
 * All in it is whole numbers that add up and extremes, so it does not matter who has counted what,
 * nor in which order. */

#ifndef MEC_SCALE_TALLY_H
#define MEC_SCALE_TALLY_H

#include "sim/model/scale_cells.h"
#include "sim/model/scale_histogram.h"

#define SCALE_TALLY_TIMES 24 /* at most so many parts of the time; hours, of a day */

/* Some of all requests. */
struct scale_tally_part {
    uint64_t kinds[SCALE_KIND_COUNT];
    struct scale_histogram latencies; /* of what was answered */
};

struct scale_tally_time {
    uint64_t kinds[SCALE_CLASS_COUNT][SCALE_KIND_COUNT];
    uint64_t work[TOPOLOGY_REGIONS_MAX]; /* requests that regions had to do with */
    struct scale_histogram latencies;
};

struct scale_tally_region {
    double busiest; /* of all slices: work a second, as a share of what it can do */
    uint64_t busiest_slice;
    double queued_most; /* writes that waited there at once */
    uint64_t queued_most_slice;
    uint64_t shed; /* requests that were turned away here; others may have taken them */
    struct scale_histogram latencies[SCALE_CLASS_COUNT];
};

struct scale_tally_fault {
    struct scale_tally_part meanwhile; /* while it is in force */
    struct scale_tally_part before;    /* for as long, as far as there is any time before it */
};

struct scale_tally {
    size_t size; /* of all of it, in bytes */
    size_t place_count;
    size_t region_count;
    uint64_t hung; /* requests that were sent where nobody answered, before that was noticed */
    uint64_t hung_us;
    double peak_per_s; /* requests, of the busiest slice */
    uint64_t peak_slice;
    struct scale_tally_time times[SCALE_TALLY_TIMES];
    struct scale_tally_fault faults[SCALE_FAULTS_MAX];
    struct scale_tally_region regions[TOPOLOGY_REGIONS_MAX];
    struct scale_tally_part places[];
};

/* Nothing yet. The caller frees it with free(). */
struct scale_tally *scale_tally_create(size_t place_count, size_t region_count);

void scale_tally_add(struct scale_tally_part *into, const struct scale_tally_part *from);

/* Both are of the same day. */
void scale_tally_merge(struct scale_tally *into, const struct scale_tally *from);

/* How long one of its parts of the time is: a whole number of slices. */
uint64_t scale_tally_time_us(const struct scale_world *world);
size_t scale_tally_time_count(const struct scale_world *world);

/* Sums. */
void scale_tally_kinds(const struct scale_tally *tally, uint64_t ret_kinds[SCALE_KIND_COUNT]);
uint64_t scale_tally_requests(const uint64_t kinds[SCALE_KIND_COUNT]);
void scale_tally_latencies(const struct scale_tally *tally, struct scale_histogram *ret_latencies);

#endif
