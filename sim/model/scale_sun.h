/* scale_sun: how busy people are by their own time of day.
 *
 * Activity is a wave around 1 with a period of 24 h that is highest at the peak hour and lowest 12
 * h later; people's time is that of the sun, so it follows from their longitude. What is asked for
 * is always the mean over a span, in closed form: over any 24 h it is 1, so that requests a day are
 * exactly what was said, however a day is cut into slices. */

#ifndef MEC_SCALE_SUN_H
#define MEC_SCALE_SUN_H

#include <stdint.h>

struct scale_sun {
    double swing;         /* 0: always alike; towards 1: nobody is awake 12 h before the peak */
    double peak_hour;     /* of the sun's time, 0 to 24 */
    double begins_us_utc; /* what time of day it is in Greenwich when a run begins */
};

/* @peak_to_trough: how many times as much is asked at the peak as 12 h later; at least 1. */
struct scale_sun scale_sun_of(double peak_to_trough, double peak_hour, double begins_us_utc);

/* Mean activity at @longitude (degrees, east is positive) from @from_us to @until_us of the run. */
double scale_sun_activity(const struct scale_sun *sun, double longitude, uint64_t from_us,
                          uint64_t until_us);

#endif
