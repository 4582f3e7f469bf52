/* scale_histogram: latencies counted in buckets whose width grows with what they hold, so that any
 * number of them takes the same 14 kB. Below 128 us each microsecond has a bucket, above that each
 * doubling has 64: a quantile is off by less than 0.8 % of itself. Count, sum, least and most are
 * exact, and no quantile lies outside of the latter two. */

#ifndef MEC_SCALE_HISTOGRAM_H
#define MEC_SCALE_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#define SCALE_HISTOGRAM_BITS  6 /* 64 buckets for each doubling */
#define SCALE_HISTOGRAM_EXACT (2u << SCALE_HISTOGRAM_BITS)
#define SCALE_HISTOGRAM_LAST  31 /* the highest bit of what is told apart: 71 minutes */
#define SCALE_HISTOGRAM_BUCKETS                                                                    \
    (SCALE_HISTOGRAM_EXACT +                                                                       \
     ((SCALE_HISTOGRAM_LAST - SCALE_HISTOGRAM_BITS) << SCALE_HISTOGRAM_BITS))

/* All zero: nothing yet. */
struct scale_histogram {
    uint64_t count;
    uint64_t sum_us;
    uint64_t least_us; /* when there is any */
    uint64_t most_us;
    uint64_t buckets[SCALE_HISTOGRAM_BUCKETS];
};

/* Here since it is asked a billion times. What is longer than can be told apart is in the last. */
static inline uint32_t scale_histogram_bucket(uint64_t us)
{
    if (us < SCALE_HISTOGRAM_EXACT)
        return (uint32_t)us;
    uint32_t top = 63u - (uint32_t)__builtin_clzll(us);
    if (top > SCALE_HISTOGRAM_LAST)
        return SCALE_HISTOGRAM_BUCKETS - 1;
    uint32_t shift = top - SCALE_HISTOGRAM_BITS;
    return (shift << SCALE_HISTOGRAM_BITS) + (uint32_t)(us >> shift);
}

void scale_histogram_add(struct scale_histogram *histogram, uint64_t us);

/* Add @count latencies of which only the buckets are known, and what is exact of them. */
void scale_histogram_merge(struct scale_histogram *into, const struct scale_histogram *from);

/* The latency that a share @quantile of all does not exceed; 0 when there is none. */
double scale_histogram_quantile(const struct scale_histogram *histogram, double quantile);
double scale_histogram_mean(const struct scale_histogram *histogram);

#endif
