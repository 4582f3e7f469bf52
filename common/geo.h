/* geo: places, and what the way between them costs.
 *
 * Twelve regions with measured round trips between them are built in (Microsoft, "Azure network
 * round-trip latency statistics", 30-day P50 ending 2026-07-30, Microsoft Learn, CC BY 4.0), and a
 * table of cities. Where nothing is measured, a round trip is the fibre floor of the great circle
 * (2 * km / 204.19 ms) times 1.66, the median ratio seen between the measured regions; at least
 * 1 ms. */

#ifndef MEC_GEO_H
#define MEC_GEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEO_NAME_SIZE 40

struct geo_place {
    char name[GEO_NAME_SIZE]; /* canonical tag: a region, a city in lower-case-with-dashes, or
                                 "12.34,-56.78" */
    double latitude;
    double longitude;
};

struct geo_region {
    const char *name;
    const char *city;
    double latitude;
    double longitude;
};

/* The built-in regions, in the order in which `--regions N` takes them: us-east, eu-west,
 * ap-northeast, us-west, ap-southeast, then the others. */
size_t geo_region_count(void);
const struct geo_region *geo_region_at(size_t index);
const struct geo_region *geo_region_find(const char *name); /* NULL: not built in */

/* Resolve what a person wrote: a built-in region's name, a city ("Paris", "new york"), or
 * `lat,lon` in degrees ("48.86,2.35": plain decimals without spaces). Names in any case, a space
 * for a dash. Coordinates are rounded to 0.01 degrees.
 *
 * Errors: -EINVAL, not a place that is known; *@ret_place is untouched. */
int geo_resolve(const char *text, struct geo_place *ret_place);

/* Round trip in microseconds between two places: measured when both are built-in regions, 1 ms
 * within one region, computed otherwise. A place with a built-in name but other coordinates is
 * not that region. */
uint64_t geo_round_trip_us(const struct geo_place *a, const struct geo_place *b);

double geo_distance_km(const struct geo_place *a, const struct geo_place *b);

#endif
