#include "sim/model/scale_histogram.h"

#include <math.h>

void scale_histogram_add(struct scale_histogram *histogram, uint64_t us)
{
    if (histogram->count == 0 || us < histogram->least_us)
        histogram->least_us = us;
    if (us > histogram->most_us)
        histogram->most_us = us;
    histogram->count++;
    histogram->sum_us += us;
    histogram->buckets[scale_histogram_bucket(us)]++;
}

void scale_histogram_merge(struct scale_histogram *into, const struct scale_histogram *from)
{
    if (from->count == 0)
        return;
    if (into->count == 0 || from->least_us < into->least_us)
        into->least_us = from->least_us;
    if (from->most_us > into->most_us)
        into->most_us = from->most_us;
    into->count += from->count;
    into->sum_us += from->sum_us;
    /* Most of what is merged is narrow. */
    uint32_t last = scale_histogram_bucket(from->most_us);
    for (uint32_t i = scale_histogram_bucket(from->least_us); i <= last; i++)
        into->buckets[i] += from->buckets[i];
}

static double middle_us(uint32_t bucket)
{
    if (bucket < SCALE_HISTOGRAM_EXACT)
        return bucket;
    uint32_t shift = (bucket >> SCALE_HISTOGRAM_BITS) - 1;
    double width = (double)(UINT64_C(1) << shift);
    double low =
        (double)((bucket & ((1u << SCALE_HISTOGRAM_BITS) - 1)) + (1u << SCALE_HISTOGRAM_BITS)) *
        width;
    return low + (width - 1) / 2;
}

double scale_histogram_quantile(const struct scale_histogram *histogram, double quantile)
{
    double rank = fmax(1, ceil(quantile * (double)histogram->count));
    uint64_t seen = 0;

    if (histogram->count == 0)
        return 0;
    for (uint32_t i = 0; i < SCALE_HISTOGRAM_BUCKETS; i++) {
        seen += histogram->buckets[i];
        if ((double)seen >= rank)
            return fmin(fmax(middle_us(i), (double)histogram->least_us),
                        (double)histogram->most_us);
    }
    return (double)histogram->most_us;
}

double scale_histogram_mean(const struct scale_histogram *histogram)
{
    return histogram->count == 0 ? 0 : (double)histogram->sum_us / (double)histogram->count;
}
