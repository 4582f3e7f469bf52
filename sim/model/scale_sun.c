#include "sim/model/scale_sun.h"

#include <assert.h>
#include <math.h>

#define HOUR_US          3.6e9
#define RADIANS_PER_HOUR (6.283185307179586 / 24)
#define DEGREES_PER_HOUR 15.0

struct scale_sun scale_sun_of(double peak_to_trough, double peak_hour, double begins_us_utc)
{
    assert(peak_to_trough >= 1);
    return (struct scale_sun){.swing = (peak_to_trough - 1) / (peak_to_trough + 1),
                              .peak_hour = peak_hour,
                              .begins_us_utc = begins_us_utc};
}

double scale_sun_activity(const struct scale_sun *sun, double longitude, uint64_t from_us,
                          uint64_t until_us)
{
    double middle_us = ((double)from_us + (double)until_us) / 2 + sun->begins_us_utc;
    double hour = middle_us / HOUR_US + longitude / DEGREES_PER_HOUR;
    double half = (double)(until_us - from_us) / 2 / HOUR_US * RADIANS_PER_HOUR;

    /* The mean of a cosine over a span is its value in the middle times sin(half) / half: unlike
     * the difference of two sines it loses nothing when the span is short. */
    double flattened = half > 0 ? sin(half) / half : 1;
    return 1 + sun->swing * flattened * cos((hour - sun->peak_hour) * RADIANS_PER_HOUR);
}
