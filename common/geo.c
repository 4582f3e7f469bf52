#include "common/geo.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/geo_data.h"

#define EARTH_RADIUS_KM     6371.0
#define FIBRE_KM_PER_MS     204.19 /* light in glass */
#define DETOUR              1.66   /* measured round trips over that floor, median */
#define ROUND_TRIP_US_LEAST 1000.0
#define RADIANS_PER_DEGREE  0.017453292519943295
#define SAME_PLACE_DEGREES  0.5

size_t geo_region_count(void)
{
    return GEO_DATA_REGIONS;
}

const struct geo_region *geo_region_at(size_t index)
{
    return geo_data_region(index);
}

const struct geo_region *geo_region_find(const char *name)
{
    for (size_t i = 0; i < GEO_DATA_REGIONS; i++)
        if (strcmp(geo_data_region(i)->name, name) == 0)
            return geo_data_region(i);
    return NULL;
}

/* "New York" -> "new-york". Errors: -EINVAL, too long. */
static int canonical_name(const char *text, char ret_name[GEO_NAME_SIZE])
{
    size_t size = strlen(text);
    if (size == 0 || size >= GEO_NAME_SIZE)
        return -EINVAL;
    for (size_t i = 0; i <= size; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        ret_name[i] = c == ' ' ? '-' : c;
    }
    return 0;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A plain decimal number, rounded to hundredths. strtod() would also take hexadecimal, "nan",
 * spaces, and the decimal comma of some locales.
 *
 * Errors: -EINVAL, not a number between -@most and @most. */
static int parse_hundredths(const char **cursor, int most, int *ret_hundredths)
{
    const char *c = *cursor;
    bool negative = *c == '-';
    double value = 0, scale = 1;

    if (*c == '-' || *c == '+')
        c++;
    if (!is_digit(*c))
        return -EINVAL;
    for (; is_digit(*c); c++)
        value = value * 10 + (*c - '0');
    if (*c == '.') {
        if (!is_digit(*++c))
            return -EINVAL;
        for (; is_digit(*c); c++)
            value += (*c - '0') * (scale /= 10);
    }
    if (value > most)
        return -EINVAL;
    int hundredths = (int)lround(value * 100);
    *ret_hundredths = negative ? -hundredths : hundredths;
    *cursor = c;
    return 0;
}

static int parse_coordinates(const char *text, struct geo_place *ret_place)
{
    int latitude, longitude;
    if (strlen(text) >= GEO_NAME_SIZE || parse_hundredths(&text, 90, &latitude) || *text++ != ',' ||
        parse_hundredths(&text, 180, &longitude) || *text != '\0')
        return -EINVAL;

    struct geo_place place = {.latitude = latitude / 100.0, .longitude = longitude / 100.0};
    snprintf(place.name, sizeof(place.name), "%s%d.%02d,%s%d.%02d", latitude < 0 ? "-" : "",
             abs(latitude) / 100, abs(latitude) % 100, longitude < 0 ? "-" : "",
             abs(longitude) / 100, abs(longitude) % 100);
    *ret_place = place;
    return 0;
}

static struct geo_place make_place(const char *name, double latitude, double longitude)
{
    struct geo_place place = {.latitude = latitude, .longitude = longitude};
    snprintf(place.name, sizeof(place.name), "%s", name);
    return place;
}

int geo_resolve(const char *text, struct geo_place *ret_place)
{
    char name[GEO_NAME_SIZE];
    if (canonical_name(text, name))
        return -EINVAL;

    const struct geo_region *region = geo_region_find(name);
    if (region) {
        *ret_place = make_place(name, region->latitude, region->longitude);
        return 0;
    }
    const struct geo_data_city *city = geo_data_city_find(name);
    if (city) {
        *ret_place = make_place(name, city->latitude, city->longitude);
        return 0;
    }
    return parse_coordinates(text, ret_place);
}

/* The built-in region that @place is, or GEO_DATA_REGIONS. A topology may use a built-in name for a
 * region elsewhere; what was measured says nothing about that one. */
static size_t built_in_index(const struct geo_place *place)
{
    for (size_t i = 0; i < GEO_DATA_REGIONS; i++) {
        const struct geo_region *region = geo_data_region(i);
        if (strcmp(region->name, place->name) == 0 &&
            fabs(region->latitude - place->latitude) < SAME_PLACE_DEGREES &&
            fabs(region->longitude - place->longitude) < SAME_PLACE_DEGREES)
            return i;
    }
    return GEO_DATA_REGIONS;
}

uint64_t geo_round_trip_us(const struct geo_place *a, const struct geo_place *b)
{
    size_t index_a = built_in_index(a), index_b = built_in_index(b);
    if (index_a < GEO_DATA_REGIONS && index_b < GEO_DATA_REGIONS)
        return geo_data_round_trip_us(index_a, index_b);

    double floor_ms = 2 * geo_distance_km(a, b) / FIBRE_KM_PER_MS;
    return (uint64_t)llround(fmax(ROUND_TRIP_US_LEAST, floor_ms * DETOUR * 1000));
}

/* Haversine, on a sphere: within 0.5 % of the real Earth, far below what the detour varies. */
double geo_distance_km(const struct geo_place *a, const struct geo_place *b)
{
    double latitude_a = a->latitude * RADIANS_PER_DEGREE;
    double latitude_b = b->latitude * RADIANS_PER_DEGREE;
    double sin_latitude = sin((latitude_b - latitude_a) / 2);
    double sin_longitude = sin((b->longitude - a->longitude) * RADIANS_PER_DEGREE / 2);
    double h = sin_latitude * sin_latitude +
               cos(latitude_a) * cos(latitude_b) * sin_longitude * sin_longitude;
    return 2 * EARTH_RADIUS_KM * asin(sqrt(fmin(1.0, h)));
}
