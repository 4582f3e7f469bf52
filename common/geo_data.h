/* geo_data: the figures behind geo: built-in regions, round trips measured between them, cities. */

#ifndef MEC_GEO_DATA_H
#define MEC_GEO_DATA_H

#include <stddef.h>

#include "common/geo.h"

#define GEO_DATA_REGIONS 12

struct geo_data_city {
    const char *name; /* lower case with dashes */
    double latitude;
    double longitude;
};

const struct geo_region *geo_data_region(size_t index);

/* Measured between two built-in regions, either way the same; 1 ms for one and the same. */
uint64_t geo_data_round_trip_us(size_t a, size_t b);

size_t geo_data_city_count(void);
const struct geo_data_city *geo_data_city(size_t index);          /* sorted by name */
const struct geo_data_city *geo_data_city_find(const char *name); /* NULL: not known */

#endif
