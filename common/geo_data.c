#include "common/geo_data.h"

#include <assert.h>

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct geo_region regions[GEO_DATA_REGIONS] = {
    {"us-east", "Virginia, US", 38.95, -77.45},
    {"eu-west", "Dublin, IE", 53.35, -6.26},
    {"ap-northeast", "Tokyo, JP", 35.68, 139.65},
    {"us-west", "Washington State, US", 47.23, -119.85},
    {"ap-southeast", "Singapore, SG", 1.35, 103.82},
    {"ca-central", "Toronto, CA", 43.65, -79.38},
    {"sa-east", "Sao Paulo, BR", -23.55, -46.63},
    {"eu-central", "Frankfurt, DE", 50.11, 8.68},
    {"me-central", "Doha, QA", 25.29, 51.53},
    {"af-south", "Cape Town, ZA", -33.92, 18.42},
    {"ap-south", "Pune, IN", 18.52, 73.86},
    {"au-east", "Sydney, AU", -33.87, 151.21},
};

/* Microsoft, "Azure network round-trip latency statistics", 30-day P50 ending 2026-07-30, Microsoft
 * Learn, CC BY 4.0; mean of the two directions, in ms. Measured between the Azure regions named in
 * the first column. Real paths break the triangle inequality: they stay as they are. No figure is
 * published for the diagonal; 1 ms is a fair round trip within a region. */
/* clang-format off */
static const double round_trip_ms[GEO_DATA_REGIONS][GEO_DATA_REGIONS] = {
    /* East US              */ {  1.0,  72.0, 162.0,  72.0, 224.0,  18.0, 117.5,  94.0, 154.0, 202.5, 199.5, 201.5},
    /* North Europe         */ { 72.0,   1.0, 226.0, 129.5, 176.0,  76.5, 172.0,  26.5,  97.5, 155.0, 146.5, 263.0},
    /* Japan East           */ {162.0, 226.0,   1.0, 100.5,  72.0, 160.0, 262.0, 235.5, 162.0, 266.0, 122.0, 103.5},
    /* West US 2            */ { 72.0, 129.5, 100.5,   1.0, 162.0,  64.0, 177.0, 154.5, 215.0, 262.5, 210.5, 160.5},
    /* Southeast Asia       */ {224.0, 176.0,  72.0, 162.0,   1.0, 222.0, 330.5, 166.0,  92.0, 195.0,  53.0,  95.0},
    /* Canada Central       */ { 18.0,  76.5, 160.0,  64.0, 222.0,   1.0, 129.0,  97.0, 154.0, 213.5, 201.0, 202.0},
    /* Brazil South         */ {117.5, 172.0, 262.0, 177.0, 330.5, 129.0,   1.0, 197.0, 253.0, 304.0, 303.5, 295.0},
    /* Germany West Central */ { 94.0,  26.5, 235.5, 154.5, 166.0,  97.0, 197.0,   1.0,  88.0, 148.5, 139.5, 266.5},
    /* Qatar Central        */ {154.0,  97.5, 162.0, 215.0,  92.0, 154.0, 253.0,  88.0,   1.0, 129.0,  42.5, 180.5},
    /* South Africa West    */ {202.5, 155.0, 266.0, 262.5, 195.0, 213.5, 304.0, 148.5, 129.0,   1.0, 146.5, 328.0},
    /* Central India        */ {199.5, 146.5, 122.0, 210.5,  53.0, 201.0, 303.5, 139.5,  42.5, 146.5,   1.0, 144.5},
    /* Australia East       */ {201.5, 263.0, 103.5, 160.5,  95.0, 202.0, 295.0, 266.5, 180.5, 328.0, 144.5,   1.0},
};
/* clang-format on */

/* By name, for a binary search. Coordinates are those of the centre. */
static const struct geo_data_city cities[] = {
    {"accra", 5.56, -0.20},
    {"addis-ababa", 9.03, 38.74},
    {"amsterdam", 52.37, 4.90},
    {"athens", 37.98, 23.73},
    {"atlanta", 33.75, -84.39},
    {"auckland", -36.85, 174.76},
    {"baghdad", 33.31, 44.37},
    {"bangalore", 12.97, 77.59},
    {"bangkok", 13.76, 100.50},
    {"barcelona", 41.39, 2.17},
    {"beijing", 39.90, 116.41},
    {"berlin", 52.52, 13.41},
    {"bogota", 4.71, -74.07},
    {"boston", 42.36, -71.06},
    {"brisbane", -27.47, 153.03},
    {"brussels", 50.85, 4.35},
    {"bucharest", 44.43, 26.10},
    {"budapest", 47.50, 19.04},
    {"buenos-aires", -34.60, -58.38},
    {"cairo", 30.04, 31.24},
    {"cape-town", -33.92, 18.42},
    {"caracas", 10.48, -66.90},
    {"casablanca", 33.57, -7.59},
    {"chennai", 13.08, 80.27},
    {"chicago", 41.88, -87.63},
    {"copenhagen", 55.68, 12.57},
    {"dakar", 14.69, -17.45},
    {"dallas", 32.78, -96.80},
    {"dar-es-salaam", -6.79, 39.21},
    {"denver", 39.74, -104.99},
    {"dhaka", 23.81, 90.41},
    {"doha", 25.29, 51.53},
    {"dubai", 25.20, 55.27},
    {"dublin", 53.35, -6.26},
    {"frankfurt", 50.11, 8.68},
    {"geneva", 46.20, 6.14},
    {"hanoi", 21.03, 105.85},
    {"helsinki", 60.17, 24.94},
    {"ho-chi-minh-city", 10.78, 106.70},
    {"hong-kong", 22.32, 114.17},
    {"honolulu", 21.31, -157.86},
    {"houston", 29.76, -95.37},
    {"istanbul", 41.01, 28.98},
    {"jakarta", -6.21, 106.85},
    {"johannesburg", -26.20, 28.05},
    {"karachi", 24.86, 67.00},
    {"kinshasa", -4.44, 15.27},
    {"kuala-lumpur", 3.14, 101.69},
    {"kyiv", 50.45, 30.52},
    {"lagos", 6.52, 3.38},
    {"lima", -12.05, -77.04},
    {"lisbon", 38.72, -9.14},
    {"london", 51.51, -0.13},
    {"los-angeles", 34.05, -118.24},
    {"madrid", 40.42, -3.70},
    {"manila", 14.60, 120.98},
    {"marseille", 43.30, 5.37},
    {"melbourne", -37.81, 144.96},
    {"mexico-city", 19.43, -99.13},
    {"miami", 25.76, -80.19},
    {"milan", 45.46, 9.19},
    {"montreal", 45.50, -73.57},
    {"moscow", 55.76, 37.62},
    {"mumbai", 19.08, 72.88},
    {"munich", 48.14, 11.58},
    {"nairobi", -1.29, 36.82},
    {"new-delhi", 28.61, 77.21},
    {"new-york", 40.71, -74.01},
    {"osaka", 34.69, 135.50},
    {"oslo", 59.91, 10.75},
    {"panama-city", 8.98, -79.52},
    {"paris", 48.86, 2.35},
    {"perth", -31.95, 115.86},
    {"phoenix", 33.45, -112.07},
    {"prague", 50.08, 14.44},
    {"pune", 18.52, 73.86},
    {"quito", -0.18, -78.47},
    {"reykjavik", 64.15, -21.94},
    {"rio-de-janeiro", -22.91, -43.17},
    {"riyadh", 24.71, 46.68},
    {"rome", 41.90, 12.50},
    {"san-francisco", 37.77, -122.42},
    {"santiago", -33.45, -70.67},
    {"sao-paulo", -23.55, -46.63},
    {"seattle", 47.61, -122.33},
    {"seoul", 37.57, 126.98},
    {"shanghai", 31.23, 121.47},
    {"singapore", 1.35, 103.82},
    {"sofia", 42.70, 23.32},
    {"stockholm", 59.33, 18.07},
    {"sydney", -33.87, 151.21},
    {"taipei", 25.03, 121.57},
    {"tehran", 35.69, 51.39},
    {"tel-aviv", 32.09, 34.78},
    {"tokyo", 35.68, 139.65},
    {"toronto", 43.65, -79.38},
    {"vancouver", 49.28, -123.12},
    {"vienna", 48.21, 16.37},
    {"warsaw", 52.23, 21.01},
    {"washington", 38.91, -77.04},
    {"zurich", 47.37, 8.54},
};

#define CITY_COUNT (sizeof(cities) / sizeof(cities[0]))

const struct geo_region *geo_data_region(size_t index)
{
    assert(index < GEO_DATA_REGIONS);
    return &regions[index];
}

uint64_t geo_data_round_trip_us(size_t a, size_t b)
{
    assert(a < GEO_DATA_REGIONS);
    assert(b < GEO_DATA_REGIONS);
    return (uint64_t)lround(round_trip_ms[a][b] * 1000.0);
}

size_t geo_data_city_count(void)
{
    return CITY_COUNT;
}

const struct geo_data_city *geo_data_city(size_t index)
{
    assert(index < CITY_COUNT);
    return &cities[index];
}

static int compare_name(const void *name, const void *city)
{
    return strcmp(name, ((const struct geo_data_city *)city)->name);
}

const struct geo_data_city *geo_data_city_find(const char *name)
{
    return bsearch(name, cities, CITY_COUNT, sizeof(cities[0]), compare_name);
}
