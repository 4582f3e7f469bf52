#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "common/geo.h"
#include "common/geo_data.h"
#include "tests/unit/suite.h"

static struct geo_place place_of(const char *text)
{
    struct geo_place place;
    ck_assert_msg(geo_resolve(text, &place) == 0, "%s", text);
    return place;
}

static uint64_t round_trip_us(const char *a, const char *b)
{
    struct geo_place place_a = place_of(a), place_b = place_of(b);
    uint64_t forth_us = geo_round_trip_us(&place_a, &place_b);
    ck_assert_uint_eq(forth_us, geo_round_trip_us(&place_b, &place_a));
    return forth_us;
}

static double distance_km(const char *a, const char *b)
{
    struct geo_place place_a = place_of(a), place_b = place_of(b);
    return geo_distance_km(&place_a, &place_b);
}

/* ---- regions ---- */

START_TEST(the_first_five_regions_are_spread_over_the_world)
{
    static const char *const first[] = {"us-east", "eu-west", "ap-northeast", "us-west",
                                        "ap-southeast"};
    ck_assert_uint_eq(geo_region_count(), 12);
    for (size_t i = 0; i < 5; i++)
        ck_assert_str_eq(geo_region_at(i)->name, first[i]);
}
END_TEST

START_TEST(every_region_is_found_by_its_name_alone)
{
    for (size_t i = 0; i < geo_region_count(); i++) {
        const struct geo_region *region = geo_region_at(i);
        ck_assert_ptr_eq(geo_region_find(region->name), region);
        struct geo_place place = place_of(region->name);
        ck_assert_str_eq(place.name, region->name);
        ck_assert_double_eq(place.latitude, region->latitude);
        ck_assert_double_eq(place.longitude, region->longitude);
    }
    ck_assert_ptr_null(geo_region_find("us-north"));
    ck_assert_ptr_null(geo_region_find(""));
    ck_assert_ptr_null(geo_region_find("paris"));
}
END_TEST

/* ---- round trips ---- */

struct measured {
    const char *a, *b;
    uint64_t us;
};

/* The upper half of the published matrix, row by row. */
static const struct measured measured[] = {
    {"us-east", "us-west", 72000},          {"us-east", "ca-central", 18000},
    {"us-east", "sa-east", 117500},         {"us-east", "eu-west", 72000},
    {"us-east", "eu-central", 94000},       {"us-east", "me-central", 154000},
    {"us-east", "af-south", 202500},        {"us-east", "ap-south", 199500},
    {"us-east", "ap-southeast", 224000},    {"us-east", "ap-northeast", 162000},
    {"us-east", "au-east", 201500},         {"us-west", "eu-west", 129500},
    {"us-west", "ap-northeast", 100500},    {"us-west", "au-east", 160500},
    {"ca-central", "sa-east", 129000},      {"ca-central", "af-south", 213500},
    {"sa-east", "ap-southeast", 330500},    {"sa-east", "au-east", 295000},
    {"eu-west", "eu-central", 26500},       {"eu-west", "ap-northeast", 226000},
    {"eu-west", "au-east", 263000},         {"eu-central", "me-central", 88000},
    {"eu-central", "ap-northeast", 235500}, {"me-central", "ap-south", 42500},
    {"me-central", "au-east", 180500},      {"af-south", "au-east", 328000},
    {"af-south", "ap-south", 146500},       {"ap-south", "ap-southeast", 53000},
    {"ap-south", "ap-northeast", 122000},   {"ap-southeast", "ap-northeast", 72000},
    {"ap-southeast", "au-east", 95000},     {"ap-northeast", "au-east", 103500},
};

START_TEST(measured_round_trips_are_as_published)
{
    ck_assert_uint_eq(round_trip_us(measured[_i].a, measured[_i].b), measured[_i].us);
}
END_TEST

START_TEST(the_matrix_is_symmetric_and_1_ms_on_its_diagonal)
{
    uint64_t sum_us = 0;
    for (size_t a = 0; a < GEO_DATA_REGIONS; a++) {
        ck_assert_uint_eq(geo_data_round_trip_us(a, a), 1000);
        for (size_t b = 0; b < GEO_DATA_REGIONS; b++) {
            ck_assert_uint_eq(geo_data_round_trip_us(a, b), geo_data_round_trip_us(b, a));
            if (a < b)
                sum_us += geo_data_round_trip_us(a, b);
        }
    }
    ck_assert_uint_eq(sum_us, 10991000); /* of all 66 pairs: a mistyped one would show */
}
END_TEST

START_TEST(nothing_measured_is_faster_than_light_in_fibre)
{
    for (size_t a = 0; a < GEO_DATA_REGIONS; a++)
        for (size_t b = 0; b < a; b++) {
            double km = distance_km(geo_data_region(a)->name, geo_data_region(b)->name);
            ck_assert_double_gt((double)geo_data_round_trip_us(a, b), 2 * km / 204.19 * 1000);
        }
}
END_TEST

START_TEST(what_is_not_measured_is_computed_from_the_distance)
{
    /* Paris to Dublin: 780 km, so 7.6 ms at least, times 1.66. */
    ck_assert_double_eq_tol(distance_km("paris", "eu-west"), 780, 10);
    ck_assert_double_eq_tol((double)round_trip_us("paris", "eu-west"), 12700, 200);
    ck_assert_double_eq_tol((double)round_trip_us("new york", "london"), 90600, 1000);
    ck_assert_uint_lt(round_trip_us("paris", "eu-west"), round_trip_us("paris", "us-east"));
    ck_assert_uint_lt(round_trip_us("osaka", "ap-northeast"), round_trip_us("osaka", "us-west"));
}
END_TEST

START_TEST(no_round_trip_is_shorter_than_1_ms)
{
    ck_assert_uint_eq(round_trip_us("paris", "paris"), 1000);
    ck_assert_uint_eq(round_trip_us("dublin", "eu-west"), 1000);
    ck_assert_uint_eq(round_trip_us("eu-west", "eu-west"), 1000);
}
END_TEST

START_TEST(a_built_in_name_elsewhere_is_not_that_region)
{
    struct geo_place eu_west = place_of("eu-west"), us_east = place_of("us-east");
    struct geo_place north = us_east, east = us_east, near = us_east;
    north.latitude = eu_west.latitude;
    east.longitude = eu_west.longitude;
    near.longitude += 0.3; /* coordinates that were rounded are no other place */
    ck_assert_uint_eq(geo_round_trip_us(&eu_west, &near), 72000);
    ck_assert_uint_ne(geo_round_trip_us(&eu_west, &north), 72000);
    ck_assert_double_eq_tol((double)geo_round_trip_us(&eu_west, &east),
                            geo_distance_km(&eu_west, &east) * 2 / 204.19 * 1.66 * 1000, 1);
}
END_TEST

START_TEST(distances_are_those_of_the_globe)
{
    ck_assert_double_eq_tol(distance_km("0,0", "0,180"), 20015, 2);
    ck_assert_double_eq_tol(distance_km("90,0", "-90,77"), 20015, 2);
    ck_assert_double_eq_tol(distance_km("0,179.5", "0,-179.5"), 111.2, 0.1);
    ck_assert_double_eq_tol(distance_km("london", "new-york"), 5570, 10);
    ck_assert_double_eq_tol(distance_km("sydney", "tokyo"), 7823, 10);
    ck_assert_double_eq(distance_km("rome", "rome"), 0);
}
END_TEST

/* ---- places ---- */

START_TEST(cities_are_sorted_and_each_is_found_under_its_own_name)
{
    ck_assert_uint_ge(geo_data_city_count(), 80);
    for (size_t i = 0; i < geo_data_city_count(); i++) {
        const struct geo_data_city *city = geo_data_city(i);
        if (i > 0)
            ck_assert_str_lt(geo_data_city(i - 1)->name, city->name);
        ck_assert_ptr_null(geo_region_find(city->name));
        struct geo_place place = place_of(city->name);
        ck_assert_str_eq(place.name, city->name);
        ck_assert_double_eq(place.latitude, city->latitude);
        ck_assert_double_eq(place.longitude, city->longitude);
    }
}
END_TEST

struct near {
    const char *a, *b;
    double km;
};

/* Distances that an atlas gives; a mistyped sign or digit would show. */
static const struct near atlas[] = {
    {"paris", "london", 344},
    {"paris", "berlin", 878},
    {"madrid", "lisbon", 503},
    {"new-york", "los-angeles", 3936},
    {"chicago", "toronto", 702},
    {"miami", "bogota", 2430},
    {"lima", "santiago", 2460},
    {"buenos-aires", "sao-paulo", 1676},
    {"cairo", "nairobi", 3530},
    {"lagos", "accra", 401},
    {"johannesburg", "cape-town", 1262},
    {"dubai", "mumbai", 1930},
    {"new-delhi", "bangalore", 1740},
    {"singapore", "jakarta", 890},
    {"hong-kong", "taipei", 808},
    {"seoul", "tokyo", 1150},
    {"sydney", "melbourne", 714},
    {"auckland", "sydney", 2156},
    {"perth", "melbourne", 2721},
    {"stockholm", "helsinki", 396},
    {"moscow", "kyiv", 756},
    {"istanbul", "athens", 562},
    {"honolulu", "san-francisco", 3855},
    {"vancouver", "seattle", 193},
    {"mexico-city", "houston", 1205},
    {"rio-de-janeiro", "sao-paulo", 360},
};

START_TEST(cities_lie_where_an_atlas_puts_them)
{
    ck_assert_double_eq_tol(distance_km(atlas[_i].a, atlas[_i].b), atlas[_i].km,
                            15 + atlas[_i].km / 100);
}
END_TEST

START_TEST(names_are_taken_in_any_case_with_spaces_or_dashes)
{
    ck_assert_str_eq(place_of("New York").name, "new-york");
    ck_assert_str_eq(place_of("NEW-YORK").name, "new-york");
    ck_assert_str_eq(place_of("Rio de Janeiro").name, "rio-de-janeiro");
    ck_assert_str_eq(place_of("US East").name, "us-east");
    ck_assert_str_eq(place_of("Paris").name, "paris");
}
END_TEST

START_TEST(coordinates_are_rounded_to_hundredths_and_printed_alike)
{
    static const char *const texts[][2] = {
        {"48.8566,2.3522", "48.86,2.35"},    {"+48.86,+2.35", "48.86,2.35"},
        {"-33.87,151.2", "-33.87,151.20"},   {"90,-180", "90.00,-180.00"},
        {"-0.001,-0.004", "0.00,0.00"},      {"-0.5,0.05", "-0.50,0.05"},
        {"007.100000000001,1", "7.10,1.00"},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct geo_place place = place_of(texts[i][0]);
        ck_assert_str_eq(place.name, texts[i][1]);
        struct geo_place again = place_of(place.name); /* a canonical tag stands for itself */
        ck_assert_mem_eq(&again, &place, sizeof(place));
    }
    ck_assert_double_eq_tol(place_of("-33.875,151.2").latitude, -33.88, 1e-9);
    ck_assert_double_eq_tol(place_of("48.8566,2.3522").longitude, 2.35, 1e-9);
}
END_TEST

static const char *const nowhere[] = {
    "",
    "atlantis",
    "us-east ",
    "us_east",
    "paris,france",
    "48.86",
    "48.86,",
    ",2.35",
    "48.86,2.35,0",
    "48.86, 2.35",
    " 48.86,2.35",
    "48.86,2.35 ",
    "48.86;2.35",
    "48.,2.35",
    ".5,2.35",
    "4e1,2",
    "0x10,2",
    "nan,2",
    "inf,2",
    "--1,2",
    "1,+-2",
    "90.01,0",
    "-90.001,0",
    "0,180.5",
    "0,-999999999999999999999999999",
    "1.00000000000000000000,2.000000000000000000000",
    "a-name-that-is-longer-than-any-place-could-be",
};

START_TEST(what_is_no_place_is_refused_and_touches_nothing)
{
    struct geo_place place = {.name = "untouched"};
    ck_assert_int_eq(geo_resolve(nowhere[_i], &place), -EINVAL);
    ck_assert_str_eq(place.name, "untouched");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

int main(void)
{
    const TTest *const tests[] = {
        the_first_five_regions_are_spread_over_the_world,
        every_region_is_found_by_its_name_alone,
        the_matrix_is_symmetric_and_1_ms_on_its_diagonal,
        nothing_measured_is_faster_than_light_in_fibre,
        what_is_not_measured_is_computed_from_the_distance,
        no_round_trip_is_shorter_than_1_ms,
        a_built_in_name_elsewhere_is_not_that_region,
        distances_are_those_of_the_globe,
        cities_are_sorted_and_each_is_found_under_its_own_name,
        names_are_taken_in_any_case_with_spaces_or_dashes,
        coordinates_are_rounded_to_hundredths_and_printed_alike,
    };
    const struct suite_loop loops[] = {
        {measured_round_trips_are_as_published, COUNT(measured)},
        {cities_lie_where_an_atlas_puts_them, COUNT(atlas)},
        {what_is_no_place_is_refused_and_touches_nothing, COUNT(nowhere)},
    };
    return suite_run(&(struct suite){.name = "geo", SUITE_TESTS(tests), SUITE_LOOPS(loops)});
}
